"""The formats of routing data, one file each, all listed here by name."""

from collections.abc import Callable
from typing import Final

from llmfusionbench.baselines.exporters.routing.formats.embedllm import EmbedLLM
from llmfusionbench.baselines.exporters.routing.formats.format import RoutingFormat
from llmfusionbench.baselines.exporters.routing.formats.fusionfactory import FusionFactory
from llmfusionbench.baselines.exporters.routing.formats.llmrouter import LLMRouter
from llmfusionbench.baselines.exporters.routing.formats.llmrouterbench import LLMRouterBench
from llmfusionbench.baselines.exporters.routing.formats.routellm import RouteLLM, RouteLLMBattles
from llmfusionbench.baselines.exporters.routing.formats.routerarena import RouterArena
from llmfusionbench.baselines.exporters.routing.formats.routerbench import RouterBench
from llmfusionbench.baselines.exporters.routing.formats.routerdc import RouterDC
from llmfusionbench.baselines.exporters.routing.formats.routereval import RouterEval

ROUTING_FORMATS: Final[dict[str, Callable[..., RoutingFormat]]] = {
    "embedllm": EmbedLLM,
    "fusionfactory": FusionFactory,
    "llmrouter": LLMRouter,
    "llmrouterbench": LLMRouterBench,
    "routellm": RouteLLM,
    "routellm-battles": RouteLLMBattles,
    "routerarena": RouterArena,
    "routerbench": RouterBench,
    "routerdc": RouterDC,
    "routereval": RouterEval,
}
"""Name -> routing format, as `llmfusionbench export routing --format NAME` takes it."""
