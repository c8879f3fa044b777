"""The sources by name."""

from __future__ import annotations

from typing import Final

from .fusionbench import FusionBench
from .llmrouter import LLMRouter
from .records import Source
from .table import Table
from .wildbench import WildBench
from .zeroeval import ZeroEval

SOURCES: Final[dict[str, type[Source]]] = {
    "fusionbench": FusionBench,
    "llmrouter": LLMRouter,
    "table": Table,
    "wildbench": WildBench,
    "zeroeval": ZeroEval,
}
"""Name -> raw log format, as `llmfusionbench build NAME` takes it."""
