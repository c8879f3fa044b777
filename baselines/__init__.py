"""Everything that consumes a release: routers, answer-level fusion, retrieval of thought templates, corpora."""

from .exporters import EXPORTERS
from .retrievers import RETRIEVERS
from .routers import ROUTERS

__all__ = ["EXPORTERS", "RETRIEVERS", "ROUTERS"]
