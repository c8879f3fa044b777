"""Everything that makes a release: sources (raw log formats), build, append, merge, re-scoring, the sample, the simulator."""

from llmfusionbench.builders.appending.append import append
from llmfusionbench.builders.build import build
from llmfusionbench.builders.merging.merge import merge
from llmfusionbench.builders.revising.recount import recount
from llmfusionbench.builders.revising.rescore import rescore
from llmfusionbench.builders.sources import SOURCES

__all__ = ["SOURCES", "append", "build", "merge", "recount", "rescore"]
