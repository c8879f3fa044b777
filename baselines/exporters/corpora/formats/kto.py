"""Formats of KTO: a prompt, an answer, and whether the answer is a good one."""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from llmfusionbench.baselines.exporters.corpora.formats import llama_factory
from llmfusionbench.baselines.exporters.corpora.formats.columns import constant, conversation, ended
from llmfusionbench.baselines.exporters.corpora.formats.format import SEPARATOR, Columns, Format


def _plain(samples: Columns) -> dict[str, pa.Array]:
    return {
        "prompt": ended(samples["prompt"], SEPARATOR),
        "completion": samples["completion"],
        "label": samples["label"],
    }


def _chat(samples: Columns) -> dict[str, pa.Array]:
    return {
        "prompt": conversation([("user", samples["prompt"])]),
        "completion": conversation([("assistant", samples["completion"])]),
        "label": samples["label"],
    }


def _alpaca(samples: Columns) -> dict[str, pa.Array]:
    prompt = samples["prompt"]
    return {
        "instruction": prompt,
        "input": constant("", len(prompt)),
        "output": samples["completion"],
        "kto_tag": samples["label"],
    }


def _sharegpt(samples: Columns) -> dict[str, pa.Array]:
    turns = [("human", samples["prompt"]), ("gpt", samples["completion"])]
    return {"conversations": conversation(turns, role="from", text="value"), "kto_tag": samples["label"]}


KTO: Final[dict[str, Format]] = {
    "trl": Format("trl", "kto", ("TRL",), _plain, separator=SEPARATOR),
    "trl_chat": Format("trl_chat", "kto", ("TRL",), _chat),
    "alpaca": Format("alpaca", "kto", ("LLaMA-Factory",), _alpaca, llama_factory.ALPACA_LABEL),
    "sharegpt": Format("sharegpt", "kto", ("LLaMA-Factory",), _sharegpt, llama_factory.SHAREGPT_LABEL),
    "parquet": Format("parquet", "kto", ("LLaMA-Factory",), dict, llama_factory.FLAT_LABEL, container="parquet"),
}
