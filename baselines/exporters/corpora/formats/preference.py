"""Formats of preference learning: a prompt, the better answer and the worse one."""

from __future__ import annotations

from functools import partial
from typing import Final

import pyarrow as pa

from llmfusionbench.baselines.exporters.corpora.formats import llama_factory
from llmfusionbench.baselines.exporters.corpora.formats.columns import constant, conversation, ended, message
from llmfusionbench.baselines.exporters.corpora.formats.format import SEPARATOR, Columns, Format
from llmfusionbench.baselines.exporters.corpora.formats.openai_rules import openai_issues


def _plain(samples: Columns) -> dict[str, pa.Array]:
    return {"prompt": ended(samples["prompt"], SEPARATOR), "chosen": samples["chosen"], "rejected": samples["rejected"]}


def _chat(samples: Columns) -> dict[str, pa.Array]:
    return {
        "prompt": conversation([("user", samples["prompt"])]),
        "chosen": conversation([("assistant", samples["chosen"])]),
        "rejected": conversation([("assistant", samples["rejected"])]),
    }


def _alpaca(samples: Columns) -> dict[str, pa.Array]:
    prompt = samples["prompt"]
    return {
        "instruction": prompt,
        "input": constant("", len(prompt)),
        "chosen": samples["chosen"],
        "rejected": samples["rejected"],
    }


def _sharegpt(samples: Columns) -> dict[str, pa.Array]:
    return {
        "conversations": conversation([("human", samples["prompt"])], role="from", text="value"),
        "chosen": message("gpt", samples["chosen"], role="from", text="value"),
        "rejected": message("gpt", samples["rejected"], role="from", text="value"),
    }


def _openai(samples: Columns) -> dict[str, pa.Array]:
    asked = conversation([("user", samples["prompt"])])
    return {
        "input": pa.StructArray.from_arrays([asked], names=["messages"]),
        "preferred_output": conversation([("assistant", samples["chosen"])]),
        "non_preferred_output": conversation([("assistant", samples["rejected"])]),
    }


PREFERENCE: Final[dict[str, Format]] = {
    "trl": Format("trl", "preference", ("TRL",), _plain, separator=SEPARATOR),
    "trl_chat": Format("trl_chat", "preference", ("TRL",), _chat),
    "alpaca": Format("alpaca", "preference", ("LLaMA-Factory",), _alpaca, llama_factory.ALPACA_PAIR),
    "sharegpt": Format("sharegpt", "preference", ("LLaMA-Factory",), _sharegpt, llama_factory.SHAREGPT_PAIR),
    "openai": Format(
        "openai", "preference", ("OpenAI",), _openai, keeps_keys=False, issues=partial(openai_issues, method="dpo")
    ),
    "parquet": Format("parquet", "preference", ("LLaMA-Factory",), dict, llama_factory.FLAT_PAIR, container="parquet"),
}
