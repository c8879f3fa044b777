"""LLMFusionBench: logs of many LLMs answering the same queries, as one validated, typed dataset."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

# `schemas`, `builders` and `baselines` are beside this package in a checkout, and inside it once installed.
# With the longer path they are imported as `llmfusionbench.builders` etc. in both cases.
_root = Path(__file__).resolve().parent.parent
if (_root / "pyproject.toml").is_file() and (_root / "schemas").is_dir():
    __path__.append(str(_root))

from llmfusionbench._version import __version__  # noqa: E402
from llmfusionbench.dataset.registration import register  # noqa: E402
from llmfusionbench.lazy_names import lazy_names  # noqa: E402

if TYPE_CHECKING:
    from llmfusionbench.auditing import Audit, audit
    from llmfusionbench.errors import LLMFusionBenchError
    from llmfusionbench.evaluation import Report, check_router, evaluate
    from llmfusionbench.release import Release, open_release
    from llmfusionbench.release.routing_table import RoutingTable
    from llmfusionbench.scoring import Score, score
    from llmfusionbench.validation import Issue, validate
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "auditing": ("Audit", "audit"),
            "errors": ("LLMFusionBenchError",),
            "evaluation": ("Report", "check_router", "evaluate"),
            "release": ("Release", "open_release"),
            "release.routing_table": ("RoutingTable",),
            "scoring": ("Score", "score"),
            "validation": ("Issue", "validate"),
        },
    )

__all__ = [
    "Audit",
    "Issue",
    "LLMFusionBenchError",
    "Release",
    "Report",
    "RoutingTable",
    "Score",
    "__version__",
    "audit",
    "check_router",
    "evaluate",
    "open_release",
    "score",
    "validate",
]

register()
