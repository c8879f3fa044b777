"""Everything that consumes a release: routers, answer-level fusion, retrieval of thought templates, corpora."""

from llmfusionbench.baselines.exporters import EXPORTERS
from llmfusionbench.baselines.retrievers import RETRIEVERS
from llmfusionbench.baselines.routers import ROUTERS

__all__ = ["EXPORTERS", "RETRIEVERS", "ROUTERS"]
