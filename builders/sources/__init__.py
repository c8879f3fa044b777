"""The sources by name."""

from __future__ import annotations

from typing import Final

from llmfusionbench.builders.records import Source
from llmfusionbench.builders.sources.eee import EEE
from llmfusionbench.builders.sources.embedllm import EmbedLLM
from llmfusionbench.builders.sources.fusionbench import FusionBench
from llmfusionbench.builders.sources.llmrouter import LLMRouter
from llmfusionbench.builders.sources.llmrouterbench import LLMRouterBench
from llmfusionbench.builders.sources.release import Release
from llmfusionbench.builders.sources.routellm import RouteLLM
from llmfusionbench.builders.sources.routerarena import RouterArena
from llmfusionbench.builders.sources.routerbench import RouterBench
from llmfusionbench.builders.sources.routereval import RouterEval
from llmfusionbench.builders.sources.table import Table
from llmfusionbench.builders.sources.wildbench import WildBench
from llmfusionbench.builders.sources.zeroeval import ZeroEval

SOURCES: Final[dict[str, type[Source]]] = {
    "eee": EEE,
    "embedllm": EmbedLLM,
    "fusionbench": FusionBench,
    "llmrouter": LLMRouter,
    "llmrouterbench": LLMRouterBench,
    "release": Release,
    "routellm": RouteLLM,
    "routerarena": RouterArena,
    "routerbench": RouterBench,
    "routereval": RouterEval,
    "table": Table,
    "wildbench": WildBench,
    "zeroeval": ZeroEval,
}
"""Name -> raw log format, as `llmfusionbench build NAME` takes it."""
