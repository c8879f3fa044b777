"""Formats of KTO: a prompt, an answer, and whether the answer is a good one."""

from __future__ import annotations

from functools import partial
from typing import Final

import pyarrow as pa

from llmfusionbench.baselines.exporters.corpora.formats import llama_factory
from llmfusionbench.baselines.exporters.corpora.formats.columns import alpaca, chat, plain, sharegpt
from llmfusionbench.baselines.exporters.corpora.formats.format import SEPARATOR, Columns, Format


def _plain(samples: Columns) -> dict[str, pa.Array]:
    return plain(samples, "completion", "label")


def _chat(samples: Columns) -> dict[str, pa.Array]:
    return {**chat(samples, "completion"), "label": samples["label"]}


def _sharegpt(samples: Columns) -> dict[str, pa.Array]:
    return {"conversations": sharegpt(samples, samples["completion"]), "kto_tag": samples["label"]}


_alpaca = partial(alpaca, output="completion", kto_tag="label")

KTO: Final[dict[str, Format]] = {
    f.name: f
    for f in (
        Format("trl", "kto", ("TRL",), _plain, separator=SEPARATOR),
        Format("trl_chat", "kto", ("TRL",), _chat),
        Format("alpaca", "kto", ("LLaMA-Factory",), _alpaca, llama_factory.ALPACA_LABEL),
        Format("sharegpt", "kto", ("LLaMA-Factory",), _sharegpt, llama_factory.SHAREGPT_LABEL),
        Format("parquet", "kto", ("LLaMA-Factory",), dict, llama_factory.FLAT_LABEL, container="parquet"),
    )
}
