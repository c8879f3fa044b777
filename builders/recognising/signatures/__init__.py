"""What the files of every source look like."""

from __future__ import annotations

from typing import Final

from llmfusionbench.builders.recognising.signature import Signature
from llmfusionbench.builders.recognising.signatures import clients, harnesses, judged, routing

SIGNATURES: Final[dict[str, tuple[Signature, ...]]] = {
    "alpaca_eval": judged.ALPACA_EVAL,
    "arena": judged.ARENA,
    "collected": clients.COLLECTED,
    "eee": harnesses.EEE,
    "embedllm": routing.EMBEDLLM,
    "fusionbench": routing.FUSIONBENCH,
    "helm": harnesses.HELM,
    "inspect": harnesses.INSPECT,
    "langfuse": clients.LANGFUSE,
    "lighteval": harnesses.LIGHTEVAL,
    "litellm": clients.LITELLM,
    "llmrouter": routing.LLMROUTER,
    "llmrouterbench": routing.LLMROUTERBENCH,
    "lm_eval": harnesses.LM_EVAL,
    "mt_bench": judged.MT_BENCH,
    "openai_batch": clients.OPENAI_BATCH,
    "opencompass": harnesses.OPENCOMPASS,
    "openrouter": clients.OPENROUTER,
    "promptfoo": harnesses.PROMPTFOO,
    "release": routing.RELEASE,
    "routellm": routing.ROUTELLM,
    "routerarena": routing.ROUTERARENA,
    "routerbench": routing.ROUTERBENCH,
    "routereval": routing.ROUTEREVAL,
    "table": routing.TABLE,
    "wildbench": routing.WILDBENCH,
    "zeroeval": routing.ZEROEVAL,
}
"""Source -> what its files look like, one signature per kind of file."""
