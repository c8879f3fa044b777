"""LLMFusionBench: logs of many LLMs answering the same queries, as one validated, typed dataset."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

# `schemas`, `builders` and `baselines` are beside this package in a checkout, and inside it once installed.
# With the longer path they are imported as `llmfusionbench.builders` etc. in both cases.
_root = Path(__file__).resolve().parent.parent
if (_root / "pyproject.toml").is_file() and (_root / "schemas").is_dir():
    __path__.append(str(_root))

from llmfusionbench._version import __version__  # noqa: E402
from llmfusionbench.dataset.registration import register  # noqa: E402

if TYPE_CHECKING:
    from llmfusionbench.auditing import Audit, audit
    from llmfusionbench.errors import LLMFusionBenchError
    from llmfusionbench.evaluation import Report, check_router, evaluate
    from llmfusionbench.release import Release, open_release
    from llmfusionbench.release.routing_table import RoutingTable
    from llmfusionbench.scoring import Score, score
    from llmfusionbench.validation import Issue, validate

_HOMES = {
    "Audit": "auditing",
    "Issue": "validation",
    "LLMFusionBenchError": "errors",
    "Release": "release",
    "Report": "evaluation",
    "RoutingTable": "release.routing_table",
    "Score": "scoring",
    "audit": "auditing",
    "check_router": "evaluation",
    "evaluate": "evaluation",
    "open_release": "release",
    "score": "scoring",
    "validate": "validation",
}

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


def __getattr__(name: str) -> Any:
    """Import public names on first use, so that `import llmfusionbench` is quick."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)


register()
