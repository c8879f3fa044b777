"""The sources by name."""

from __future__ import annotations

from typing import Final

from .embedllm import EmbedLLM
from .fusionbench import FusionBench
from .llmrouter import LLMRouter
from .llmrouterbench import LLMRouterBench
from .records import Source
from .routellm import RouteLLM
from .routerbench import RouterBench
from .routereval import RouterEval
from .table import Table
from .wildbench import WildBench
from .zeroeval import ZeroEval

SOURCES: Final[dict[str, type[Source]]] = {
    "embedllm": EmbedLLM,
    "fusionbench": FusionBench,
    "llmrouter": LLMRouter,
    "llmrouterbench": LLMRouterBench,
    "routellm": RouteLLM,
    "routerbench": RouterBench,
    "routereval": RouterEval,
    "table": Table,
    "wildbench": WildBench,
    "zeroeval": ZeroEval,
}
"""Name -> raw log format, as `llmfusionbench build NAME` takes it."""
