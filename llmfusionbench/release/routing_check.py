"""Checks the rows of the table `routing` before matrices are made of them."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.errors import ReleaseError
from llmfusionbench.schema import table_schema
from llmfusionbench.types import Candidate
from llmfusionbench.validation.explain import explain
from llmfusionbench.validation.issue import shorten
from llmfusionbench.validation.predicates import Check, compile_schema

TABLE = "routing"


def check_routing(view: pa.Table, llms: set[str], place: object) -> None:
    """Check rows of `routing` of the release at `place`, which has these LLMs.

    Raises:
        ReleaseError: a value is not allowed by the schema, a query or a candidate of a query is there twice, or the LLM of a
            candidate is not in the table `llms`.
    """
    for batch in view.to_batches():
        try:
            batch.validate(full=True)
        except pa.ArrowInvalid as error:
            raise _error(place, "", "a column", str(error).splitlines()[0], "texts in UTF-8") from error
        bad = _check()(batch.to_struct_array())
        if bad is not None:
            row = batch.slice(int(np.argmax(bad)), 1).to_pylist()[0]
            column, value, expected = next(explain(table_schema(TABLE).json_schema, row))
            raise _error(place, row["query_id"], column or "the row", value or "missing", expected)
    _check_repeated(view, place)
    _check_known(view, llms, place)


@cache
def _check() -> Check:
    return compile_schema(table_schema(TABLE).json_schema)


def _check_repeated(view: pa.Table, place: object) -> None:
    counts = pc.value_counts(view["query_id"])
    for query in counts.field("values").filter(pc.greater(counts.field("counts"), 1))[:1].to_pylist():
        raise _error(place, query, "query_id", shorten(query), "a unique key")
    row, name = _cells(view)
    codes = name.dictionary_encode()
    size = max(1, len(codes.dictionary))
    _, first, times = np.unique(row * size + codes.indices.to_numpy(), return_index=True, return_counts=True)
    for cell in first[times > 1][:1].tolist():
        query = view["query_id"][int(row[cell])].as_py()
        raise _error(place, query, "candidates", f"{shorten(name[cell].as_py())} twice", "every candidate once")


def _check_known(view: pa.Table, llms: set[str], place: object) -> None:
    row, name = _cells(view)
    for candidate in pc.unique(name).to_pylist():
        if Candidate.parse(candidate).llm not in llms:
            query = view["query_id"][int(row[pc.index(name, candidate).as_py()])].as_py()
            raise _error(place, query, "candidates", shorten(candidate), "a candidate whose LLM is in the table llms")


def _cells(view: pa.Table) -> tuple[npt.NDArray[np.int64], pa.Array]:
    """The row and the name of every candidate of every query."""
    lists = view["candidates"].combine_chunks()
    lists = lists if isinstance(lists, pa.Array) else pa.concat_arrays(lists.chunks)
    return np.repeat(np.arange(len(lists)), np.asarray(lists.value_lengths())), lists.flatten().field("candidate")


def _error(place: object, key: object, column: str, value: str, expected: str) -> ReleaseError:
    row = f"row {shorten(key)}, " if key else ""
    return ReleaseError(
        f"{place}: table {TABLE}, {row}{column} is {value}, expected {expected}. "
        "Remedy: run llmfusionbench validate on it, then build or download the release again"
    )
