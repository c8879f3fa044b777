"""Everything that makes a release: sources (raw log formats), build, append, merge, re-scoring, the sample, the simulator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmfusionbench.builders.build import build
from llmfusionbench.lazy_names import lazy_names

if TYPE_CHECKING:
    from llmfusionbench.builders.appending.append import append
    from llmfusionbench.builders.merging.merge import merge
    from llmfusionbench.builders.revising.recount import recount
    from llmfusionbench.builders.revising.rescore import rescore
    from llmfusionbench.builders.sources import SOURCES
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "appending.append": ("append",),
            "merging.merge": ("merge",),
            "revising.recount": ("recount",),
            "revising.rescore": ("rescore",),
            "sources": ("SOURCES",),
        },
    )

__all__ = ["SOURCES", "append", "build", "merge", "recount", "rescore"]
