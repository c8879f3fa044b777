"""The sources by name."""

from __future__ import annotations

from typing import Final

from llmfusionbench.builders.records import Source
from llmfusionbench.builders.sources.alpaca_eval import AlpacaEval
from llmfusionbench.builders.sources.arena import Arena
from llmfusionbench.builders.sources.collected import Collected
from llmfusionbench.builders.sources.eee import EEE
from llmfusionbench.builders.sources.embedllm import EmbedLLM
from llmfusionbench.builders.sources.fusionbench import FusionBench
from llmfusionbench.builders.sources.helm import Helm
from llmfusionbench.builders.sources.inspect_logs import InspectLogs
from llmfusionbench.builders.sources.langfuse import Langfuse
from llmfusionbench.builders.sources.lighteval import LightEval
from llmfusionbench.builders.sources.litellm import LiteLLM
from llmfusionbench.builders.sources.llmrouter import LLMRouter
from llmfusionbench.builders.sources.llmrouterbench import LLMRouterBench
from llmfusionbench.builders.sources.lm_eval import LmEval
from llmfusionbench.builders.sources.mt_bench import MTBench
from llmfusionbench.builders.sources.openai_batch import OpenAIBatch
from llmfusionbench.builders.sources.opencompass import OpenCompass
from llmfusionbench.builders.sources.openrouter import OpenRouter
from llmfusionbench.builders.sources.promptfoo import Promptfoo
from llmfusionbench.builders.sources.release import Release
from llmfusionbench.builders.sources.routellm import RouteLLM
from llmfusionbench.builders.sources.routerarena import RouterArena
from llmfusionbench.builders.sources.routerbench import RouterBench
from llmfusionbench.builders.sources.routereval import RouterEval
from llmfusionbench.builders.sources.table import Table
from llmfusionbench.builders.sources.wildbench import WildBench
from llmfusionbench.builders.sources.zeroeval import ZeroEval

SOURCES: Final[dict[str, type[Source]]] = {
    "alpaca_eval": AlpacaEval,
    "arena": Arena,
    "collected": Collected,
    "eee": EEE,
    "embedllm": EmbedLLM,
    "fusionbench": FusionBench,
    "helm": Helm,
    "inspect": InspectLogs,
    "langfuse": Langfuse,
    "lighteval": LightEval,
    "litellm": LiteLLM,
    "llmrouter": LLMRouter,
    "llmrouterbench": LLMRouterBench,
    "lm_eval": LmEval,
    "mt_bench": MTBench,
    "openai_batch": OpenAIBatch,
    "opencompass": OpenCompass,
    "openrouter": OpenRouter,
    "promptfoo": Promptfoo,
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
