"""Formats of supervised fine-tuning: a prompt and the answer to learn."""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from llmfusionbench.baselines.exporters.corpora.formats import llama_factory
from llmfusionbench.baselines.exporters.corpora.formats.columns import constant, conversation, ended
from llmfusionbench.baselines.exporters.corpora.formats.format import SEPARATOR, Columns, Format
from llmfusionbench.baselines.exporters.corpora.formats.openai_rules import openai_issues


def _alpaca(samples: Columns) -> dict[str, pa.Array]:
    prompt = samples["prompt"]
    return {"instruction": prompt, "input": constant("", len(prompt)), "output": samples["response"]}


def _sharegpt(samples: Columns) -> dict[str, pa.Array]:
    turns = [("human", samples["prompt"]), ("gpt", samples["response"])]
    return {"conversations": conversation(turns, role="from", text="value")}


def _messages(samples: Columns) -> dict[str, pa.Array]:
    return {"messages": conversation([("user", samples["prompt"]), ("assistant", samples["response"])])}


def _plain(samples: Columns) -> dict[str, pa.Array]:
    return {"prompt": ended(samples["prompt"], SEPARATOR), "completion": samples["response"]}


def _chat(samples: Columns) -> dict[str, pa.Array]:
    return {
        "prompt": conversation([("user", samples["prompt"])]),
        "completion": conversation([("assistant", samples["response"])]),
    }


SFT: Final[dict[str, Format]] = {
    "alpaca": Format("alpaca", "sft", ("LLaMA-Factory", "Axolotl"), _alpaca, llama_factory.ALPACA),
    "sharegpt": Format("sharegpt", "sft", ("LLaMA-Factory", "Axolotl"), _sharegpt, llama_factory.SHAREGPT),
    "messages": Format("messages", "sft", ("TRL", "Axolotl", "LLaMA-Factory"), _messages, llama_factory.MESSAGES),
    "openai": Format(
        "openai",
        "sft",
        ("OpenAI", "TRL", "Axolotl", "LLaMA-Factory"),
        _messages,
        llama_factory.MESSAGES,
        keeps_keys=False,
        issues=openai_issues,
    ),
    "prompt_completion": Format("prompt_completion", "sft", ("TRL",), _plain, separator=SEPARATOR),
    "prompt_completion_chat": Format("prompt_completion_chat", "sft", ("TRL",), _chat),
    "parquet": Format("parquet", "sft", ("LLaMA-Factory",), dict, llama_factory.FLAT, container="parquet"),
}
