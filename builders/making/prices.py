"""The price of an answer: of the model that served it, on the date of the answer."""

from __future__ import annotations

from bisect import bisect_right
from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.llm.model_names import same_model

Prices = dict[str, pa.ChunkedArray]
"""`input_price` and `output_price` [n], USD per 1M tokens; null where it is unknown."""


def answer_prices(responses: pa.Table, llms: pa.Table) -> Prices:
    """The price of each of [n] answers, by the table `llms`.

    The LLM is the one that was asked, unless `served_model` names another: then it is the LLM of that name or endpoint, and
    the price is unknown if `llms` has none. Of dated prices, the last one from before the answer counts.
    """
    rows = _served_rows(responses, llms)
    taken = pa.array(rows, mask=rows < 0)
    prices = {name: llms[name].take(taken) for name in ("input_price", "output_price")}
    dated = [i for i, value in enumerate(llms["prices"].to_pylist()) if value is not None]
    return _dated(prices, responses["created_at"], rows, llms, dated) if dated else prices


def cost_of(responses: pa.Table, llms: pa.Table) -> pa.ChunkedArray:
    """[n] USD: (input tokens x input price + output tokens x output price) / 1e6; null where any of the four is null."""
    prices = answer_prices(responses, llms)
    return pc.divide(
        pc.add(
            pc.multiply(responses["input_tokens"].cast(pa.float64()), prices["input_price"]),
            pc.multiply(responses["output_tokens"].cast(pa.float64()), prices["output_price"]),
        ),
        1e6,
    )


def _served_rows(responses: pa.Table, llms: pa.Table) -> npt.NDArray[np.int64]:
    """[n] the row in `llms` of the model that served each answer; -1 if it has none."""
    asked = pc.index_in(responses["llm"], value_set=llms["llm"].combine_chunks())
    rows: npt.NDArray[np.int64] = pc.fill_null(asked, -1).to_numpy().astype(np.int64)
    served = responses["served_model"]
    if served.null_count == len(served):
        return rows
    names = [
        [name for name in pair if name] for pair in zip(llms["llm"].to_pylist(), llms["endpoint"].to_pylist(), strict=True)
    ]
    stated = np.flatnonzero(served.is_valid().to_numpy())
    columns = ("llm", "requested_model", "served_model")
    triples = responses.select(columns).take(pa.array(stated)).to_struct_array()
    triples = triples.combine_chunks() if isinstance(triples, pa.ChunkedArray) else triples
    codes = np.zeros(len(stated), np.int64)
    for column in columns:
        encoded = triples.field(column).dictionary_encode("encode")
        codes = codes * max(1, len(encoded.dictionary)) + encoded.indices.to_numpy()
    _, first, group = np.unique(codes, return_index=True, return_inverse=True)
    found = [
        _row_of(triple, int(rows[stated[i]]), names)
        for i, triple in zip(first, triples.take(pa.array(first)).to_pylist(), strict=True)
    ]
    rows = rows.copy()
    rows[stated] = np.array(found, np.int64)[group.reshape(-1)]
    return rows


def _row_of(triple: dict[str, Any], asked: int, names: list[list[str]]) -> int:
    """The row of the model that served, given the row of the LLM that was asked and the names of every row."""
    served = triple["served_model"]
    own = [triple["llm"], triple["requested_model"], *(names[asked] if asked >= 0 else ())]
    if any(name and same_model(name, served) for name in own):
        return asked
    exact = (i for i, known in enumerate(names) if served in known)
    return next(exact, next((i for i, known in enumerate(names) if any(same_model(name, served) for name in known)), -1))


def _dated(
    prices: Prices, created_at: pa.ChunkedArray, rows: npt.NDArray[np.int64], llms: pa.Table, dated: list[int]
) -> Prices:
    """`prices`, those of the LLMs with dated prices by the date of each answer that has one."""
    values = {name: column.to_pylist() for name, column in prices.items()}
    listed = [value and sorted(value, key=itemgetter("valid_from")) for value in llms["prices"].to_pylist()]
    for row in dated:
        starts = [price["valid_from"] for price in listed[row]]
        mine = np.flatnonzero(rows == row)
        for i, moment in zip(mine.tolist(), created_at.take(pa.array(mine)).to_pylist(), strict=True):
            if moment is None:
                continue
            place = bisect_right(starts, moment) - 1
            for name, column in values.items():
                column[i] = listed[row][place][name] if place >= 0 else None
    return {name: pa.chunked_array([pa.array(column, pa.float64())]) for name, column in values.items()}
