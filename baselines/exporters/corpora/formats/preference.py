"""Formats of preference learning: a prompt, the better answer and the worse one."""

from __future__ import annotations

from functools import partial
from typing import Final

import pyarrow as pa

from llmfusionbench.baselines.exporters.corpora.formats import llama_factory
from llmfusionbench.baselines.exporters.corpora.formats.columns import (
    ASSISTANT,
    alpaca,
    chat,
    conversation,
    dialogue,
    plain,
    sharegpt,
    sharegpt_message,
)  # fmt: skip
from llmfusionbench.baselines.exporters.corpora.formats.format import SEPARATOR, Columns, Format
from llmfusionbench.baselines.exporters.corpora.formats.openai_rules import openai_issues

_SIDES: Final = ("chosen", "rejected")


def _plain(samples: Columns) -> dict[str, pa.Array]:
    return plain(samples, *_SIDES)


def _chat(samples: Columns) -> dict[str, pa.Array]:
    return chat(samples, *_SIDES)


def _sharegpt(samples: Columns) -> dict[str, pa.Array]:
    return {"conversations": sharegpt(samples), **{side: sharegpt_message(samples[side]) for side in _SIDES}}


def _openai(samples: Columns) -> dict[str, pa.Array]:
    return {
        "input": pa.StructArray.from_arrays([dialogue(samples)], names=["messages"]),
        "preferred_output": conversation([(ASSISTANT, samples["chosen"])]),
        "non_preferred_output": conversation([(ASSISTANT, samples["rejected"])]),
    }


_alpaca = partial(alpaca, chosen="chosen", rejected="rejected")

PREFERENCE: Final[dict[str, Format]] = {
    f.name: f
    for f in (
        Format("trl", "preference", ("TRL",), _plain, separator=SEPARATOR),
        Format("trl_chat", "preference", ("TRL",), _chat),
        Format("alpaca", "preference", ("LLaMA-Factory",), _alpaca, llama_factory.ALPACA_PAIR),
        Format("sharegpt", "preference", ("LLaMA-Factory",), _sharegpt, llama_factory.SHAREGPT_PAIR),
        Format("openai", "preference", ("OpenAI",), _openai,
               keeps_keys=False, issues=partial(openai_issues, method="dpo")),
        Format("parquet", "preference", ("LLaMA-Factory",), dict, llama_factory.FLAT_PAIR, container="parquet"),
    )
}  # fmt: skip
