"""Formats of supervised fine-tuning: a prompt and the answer to learn."""

from __future__ import annotations

from functools import partial
from typing import Final

import pyarrow as pa

from llmfusionbench.baselines.exporters.corpora.formats import llama_factory
from llmfusionbench.baselines.exporters.corpora.formats.columns import ASSISTANT, FROM, USER, VALUE, alpaca, conversation, plain
from llmfusionbench.baselines.exporters.corpora.formats.format import SEPARATOR, Columns, Format
from llmfusionbench.baselines.exporters.corpora.formats.openai_rules import openai_issues


def _sharegpt(samples: Columns) -> dict[str, pa.Array]:
    return {"conversations": conversation([("human", samples["prompt"]), ("gpt", samples["response"])], FROM, VALUE)}


def _messages(samples: Columns) -> dict[str, pa.Array]:
    return {"messages": conversation([(USER, samples["prompt"]), (ASSISTANT, samples["response"])])}


def _completion(samples: Columns) -> dict[str, pa.Array]:
    return {**plain(samples), "completion": samples["response"]}


def _chat(samples: Columns) -> dict[str, pa.Array]:
    said = {"prompt": (USER, samples["prompt"]), "completion": (ASSISTANT, samples["response"])}
    return {name: conversation([turn]) for name, turn in said.items()}


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
