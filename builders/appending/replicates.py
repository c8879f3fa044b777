"""Two answers of one candidate to one query are replicates, if they differ: those of the second release get higher numbers."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.making.views import with_columns
from llmfusionbench.release.references import answer_keys

_CANDIDATE = ("query_id", "llm", "mode")


def beside(old: Mapping[str, pa.Table], new: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
    """`responses` and `judge_scores` of `new`, with the replicates renumbered that differ from those of `old`.

    All replicates of a candidate's answers to a query are raised if one of them is another answer than that of `old` under
    the same number: if the response or the status differs, and neither was left unasked (`missing`).
    """
    mine, theirs = old["responses"], new["responses"]
    place = pc.index_in(answer_keys(theirs), value_set=answer_keys(mine))
    other = mine.select(["response", "status"]).take(place)
    asked = pc.and_(pc.not_equal(other["status"], "missing"), pc.not_equal(theirs["status"], "missing"))
    response = pc.and_(
        pc.and_(other["response"].is_valid(), theirs["response"].is_valid()),
        pc.not_equal(other["response"], theirs["response"]),
    )
    differs = pc.fill_null(pc.and_(asked, pc.or_kleene(response, pc.not_equal(other["status"], theirs["status"]))), False)
    raised = pc.unique(_candidates(theirs.filter(differs)))
    counted = pa.table({"candidate": _candidates(mine), "replicate": mine["replicate"]}).group_by("candidate")
    highest = counted.aggregate([("replicate", "max")])
    return {name: _raised(new[name], raised, highest) for name in ("responses", "judge_scores")}


def _raised(rows: pa.Table, raised: pa.Array, highest: pa.Table) -> pa.Table:
    names = _candidates(rows)
    first = pc.add(highest["replicate_max"].take(pc.index_in(names, value_set=highest["candidate"].combine_chunks())), 1)
    step = pc.if_else(pc.is_in(names, value_set=raised), first, 0)
    numbers = pc.add(rows["replicate"], pc.fill_null(step, 0)).cast(rows["replicate"].type)
    return with_columns(rows, {"replicate": numbers})


def _candidates(rows: pa.Table) -> pa.Array:
    """[n] query and candidate of each row as one text."""
    joined = pc.binary_join_element_wise(*(rows[name].cast(pa.string()) for name in _CANDIDATE), "\x00")
    return pa.chunked_array(joined).combine_chunks()
