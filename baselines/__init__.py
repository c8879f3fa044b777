"""Everything that consumes a release: routers, answer-level fusion, retrieval of thought templates, corpora."""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmfusionbench.lazy_names import lazy_names

if TYPE_CHECKING:
    from llmfusionbench.baselines.exporters import EXPORTERS
    from llmfusionbench.baselines.retrievers import RETRIEVERS
    from llmfusionbench.baselines.routers import ROUTERS
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "exporters": ("EXPORTERS",),
            "retrievers": ("RETRIEVERS",),
            "routers": ("ROUTERS",),
        },
    )

__all__ = ["EXPORTERS", "RETRIEVERS", "ROUTERS"]
