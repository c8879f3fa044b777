"""Formats of supervised fine-tuning: a prompt and the answer to learn."""

from __future__ import annotations

from functools import partial
from typing import Final

import pyarrow as pa

from llmfusionbench.baselines.exporters.corpora.formats import llama_factory
from llmfusionbench.baselines.exporters.corpora.formats.columns import (
    ASSISTANT,
    alpaca,
    conversation,
    dialogue,
    plain,
    sharegpt,
)
from llmfusionbench.baselines.exporters.corpora.formats.format import SEPARATOR, Columns, Format
from llmfusionbench.baselines.exporters.corpora.formats.openai_rules import openai_issues


def _sharegpt(samples: Columns) -> dict[str, pa.Array]:
    return {"conversations": sharegpt(samples, samples["response"])}


def _messages(samples: Columns) -> dict[str, pa.Array]:
    return {"messages": dialogue(samples, (ASSISTANT, samples["response"]))}


def _completion(samples: Columns) -> dict[str, pa.Array]:
    return {**plain(samples), "completion": samples["response"]}


def _chat(samples: Columns) -> dict[str, pa.Array]:
    return {"prompt": dialogue(samples), "completion": conversation([(ASSISTANT, samples["response"])])}


_OF_MESSAGES: Final = ("TRL", "Axolotl", "LLaMA-Factory")

SFT: Final[dict[str, Format]] = {
    f.name: f
    for f in (
        Format("alpaca", "sft", ("LLaMA-Factory", "Axolotl"), partial(alpaca, output="response"), llama_factory.ALPACA),
        Format("sharegpt", "sft", ("LLaMA-Factory", "Axolotl"), _sharegpt, llama_factory.SHAREGPT),
        Format("messages", "sft", _OF_MESSAGES, _messages, llama_factory.MESSAGES),
        Format("openai", "sft", ("OpenAI", *_OF_MESSAGES), _messages, llama_factory.MESSAGES,
               keeps_keys=False, issues=openai_issues),
        Format("prompt_completion", "sft", ("TRL",), _completion, separator=SEPARATOR),
        Format("prompt_completion_chat", "sft", ("TRL",), _chat),
        Format("parquet", "sft", ("LLaMA-Factory",), dict, llama_factory.FLAT, container="parquet"),
    )
}  # fmt: skip
