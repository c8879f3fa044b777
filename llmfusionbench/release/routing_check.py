"""Checks the rows of the table `routing` before matrices are made of them."""

from __future__ import annotations

from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.release.row_check import row_error
from llmfusionbench.schema import table_schema
from llmfusionbench.validation.candidates import COLUMN, candidate_faults
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
            raise row_error(place, TABLE, "a column", str(error).splitlines()[0], "texts in UTF-8") from error
        bad = _check()(batch.to_struct_array())
        if bad is not None:
            row = batch.slice(int(np.argmax(bad)), 1).to_pylist()[0]
            column, value, expected = next(explain(table_schema(TABLE).json_schema, row))
            raise row_error(place, TABLE, column or "the row", value or "missing", expected, key=row["query_id"])
    _check_repeated(view, place)
    lists = view[COLUMN].combine_chunks()
    lists = lists if isinstance(lists, pa.Array) else pa.concat_arrays(lists.chunks)
    for row, value, expected in candidate_faults(lists, llms):
        raise row_error(place, TABLE, COLUMN, value, expected, key=view["query_id"][row].as_py())


@cache
def _check() -> Check:
    return compile_schema(table_schema(TABLE).json_schema)


def _check_repeated(view: pa.Table, place: object) -> None:
    counts = pc.value_counts(view["query_id"])
    for query in counts.field("values").filter(pc.greater(counts.field("counts"), 1))[:1].to_pylist():
        raise row_error(place, TABLE, "query_id", shorten(query), "a unique key", key=query)
