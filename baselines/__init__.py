"""Everything that consumes a release: routers, answer-level fusion, retrieval of thought templates."""

from .retrievers import RETRIEVERS
from .routers import ROUTERS

__all__ = ["RETRIEVERS", "ROUTERS"]
