"""The tables of one shard, made from its records: the same records give the same tables, whatever runs this.

Rows meet by key. Where a log says the same thing twice it is said once; where it contradicts itself, the first record stands
and the other is rejected with the place of the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ..schema import table_schema
from ..types import Candidate
from .normalise import identity
from .records import Rejected

_QUERY_FACTS: Final = ("ground_truth", "choices", "metric")
_ANSWER_FACTS: Final = ("response", "status", "performance")
_TEXTS: Final = ("prompt", "prompt_think", "ground_truth", "response", "judge_reason", "judge_rubric")
_CANDIDATE: Final = ("query_id", "llm", "mode")

Codes = npt.NDArray[np.int64]


@dataclass
class Assembled:
    """The rows of one shard of every table but `llms` and `thought_templates`."""

    tables: dict[str, pa.Table]
    rejected: list[Rejected] = field(default_factory=list)


def assemble(records: pa.Table, llms: pa.Table, split: str) -> Assembled:
    """queries, responses, judge_scores, logs and routing of the records of some queries, all in one split.

    Args:
        records: Normal records with their `sequence`; all records of each query in it.
        llms: The table `llms`.
        split: The split that the queries were settled in.
    """
    rejected: list[Rejected] = []
    records = _in_order(_with_codes(records), ("query_id",))
    records = records.set_column(
        records.schema.get_field_index("split"), "split", pa.array([split] * len(records), pa.string())
    )
    records = _without_contradictions(records, ("query_id",), _QUERY_FACTS, "the same query has another {}", rejected)
    queries = _merged(records, ("query_id",), table_schema("queries").arrow.names)

    answers = _in_order(records.filter(pc.is_valid(records["llm"])), _CANDIDATE)
    answers = _without_contradictions(
        answers, _CANDIDATE, _ANSWER_FACTS, "the candidate has another {} for the query", rejected
    )
    responses = _with_cost(_merged(answers, _CANDIDATE, table_schema("responses").arrow.names), llms)

    scores = answers.filter(pc.is_valid(answers["judge"]))
    scores = scores.rename_columns({"judge_score": "score", "judge_reason": "reason", "judge_rubric": "rubric"})
    key = (*_CANDIDATE, "judge")
    scores = _in_order(scores, key)
    scores = _without_contradictions(scores, key, ("score",), "the judge gave the answer another {}", rejected)
    judge_scores = _merged(scores, key, table_schema("judge_scores").arrow.names)

    logs = _logs(responses, queries, llms, judge_scores)
    tables = {
        "queries": queries,
        "responses": responses,
        "judge_scores": judge_scores,
        "logs": logs,
        "routing": _routing(logs, queries),
    }
    return Assembled(tables, rejected)


def _with_codes(records: pa.Table) -> pa.Table:
    """The long texts as codes of their distinct values, so that sorting and comparing moves and reads no text."""
    columns = [records[name].dictionary_encode() if name in _TEXTS else records[name] for name in records.column_names]
    return pa.table(columns, names=records.column_names).unify_dictionaries().combine_chunks()


def _in_order(table: pa.Table, key: Sequence[str]) -> pa.Table:
    """Sorted by key, and within a key as it was read."""
    return table.sort_by([(k, "ascending") for k in (*key, "sequence")]).combine_chunks()


def _groups(table: pa.Table, key: Sequence[str]) -> Codes:
    """[n] number of each row's key; the table is sorted by it."""
    if not table.num_rows:
        return np.zeros(0, np.int64)
    new = np.zeros(table.num_rows, bool)
    for column in key:
        codes = pc.dictionary_encode(table[column]).combine_chunks().indices.to_numpy()
        new[1:] |= codes[1:] != codes[:-1]
    return np.cumsum(new)


def _first_given(values: pa.ChunkedArray, groups: Codes) -> pa.Array:
    """The row of each group's first value that is not null; null where all are."""
    given = np.flatnonzero(values.is_valid().to_numpy())
    number, first = np.unique(groups[given], return_index=True)
    rows = np.full(groups[-1] + 1 if len(groups) else 0, -1)
    rows[number] = given[first]
    return pa.array(rows, mask=rows < 0)


def _merged(table: pa.Table, key: Sequence[str], columns: Sequence[str]) -> pa.Table:
    """One row a key: each column's first value that is not null."""
    groups = _groups(table, key)
    return pa.table({c: table[c].combine_chunks().take(_first_given(table[c], groups)) for c in columns})


def _comparable(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """`values` as something that Arrow compares; equal where they are equal."""
    if pa.types.is_dictionary(values.type):
        return pa.chunked_array([chunk.indices for chunk in values.chunks], pa.int32())
    return pc.binary_join(values, "\x1f") if pa.types.is_list(values.type) else values


def _without_contradictions(
    table: pa.Table, key: Sequence[str], facts: Sequence[str], reason: str, rejected: list[Rejected]
) -> pa.Table:
    """`table` less the rows that state another fact than the first row of their key to state it."""
    groups = _groups(table, key)
    against = np.full(table.num_rows, -1)  # the row that each row contradicts
    what = np.full(table.num_rows, "", object)
    for fact in facts:
        values = _comparable(table[fact])
        first = _first_given(values, groups).take(pa.array(groups))
        differs = pc.fill_null(pc.not_equal(values, values.combine_chunks().take(first)), False).to_numpy()
        rows = np.flatnonzero(differs & (against < 0))
        against[rows] = first.to_numpy(zero_copy_only=False)[rows].astype(np.int64)
        what[rows] = fact
    wrong = np.flatnonzero(against >= 0)
    if not wrong.size:
        return table
    other = table.select(["file", "row"]).take(pa.array(against[wrong])).to_pylist()
    for record, fact, there in zip(table.take(pa.array(wrong)).to_pylist(), what[wrong], other, strict=True):
        place = f"{reason.format(fact)} in {there['file']} record {there['row']}"
        rejected.append(Rejected(record["file"], record["row"], place, identity(record)))
    return table.filter(pa.array(against < 0))


def _with_cost(responses: pa.Table, llms: pa.Table) -> pa.Table:
    """cost_usd where the log gave none: (input tokens x input price + output tokens x output price) / 1e6."""
    prices = _lookup(llms, "llm", responses["llm"], ("input_price", "output_price"))
    cost = pc.divide(
        pc.add(
            pc.multiply(responses["input_tokens"].cast(pa.float64()), prices["input_price"]),
            pc.multiply(responses["output_tokens"].cast(pa.float64()), prices["output_price"]),
        ),
        1e6,
    )
    cost = pc.coalesce(responses["cost_usd"], cost)
    return responses.set_column(responses.schema.get_field_index("cost_usd"), "cost_usd", cost)


def _lookup(table: pa.Table, key: str, values: pa.ChunkedArray, columns: Sequence[str]) -> dict[str, pa.ChunkedArray]:
    """`columns` of the rows of `table` whose `key` is each of `values`; null where there is none."""
    rows = pc.index_in(values, value_set=table[key].combine_chunks())
    return {c: table[c].take(rows) for c in columns}


def _logs(responses: pa.Table, queries: pa.Table, llms: pa.Table, judge_scores: pa.Table) -> pa.Table:
    query = _lookup(
        queries, "query_id", responses["query_id"],
        ("task", "domain", "split", "prompt", "prompt_think", "ground_truth", "choices", "metric"),
    )  # fmt: skip
    thinking = pc.equal(responses["mode"], "think")
    query["prompt"] = pc.if_else(thinking, pc.coalesce(query["prompt_think"], query["prompt"]), query["prompt"])
    llm = _lookup(llms, "llm", responses["llm"], ("input_price", "output_price", "scale"))
    columns = {name: responses[name] for name in responses.column_names} | query | llm
    columns |= _judged(responses, judge_scores)
    return pa.table({name: columns[name] for name in table_schema("logs").arrow.names})


def _judged(responses: pa.Table, judge_scores: pa.Table) -> dict[str, pa.Array]:
    """judge_score, the mean over the judges that gave one, and judges, their names; rows of both tables are sorted by key."""
    given = judge_scores.filter(pc.is_valid(judge_scores["score"]))
    both = pa.concat_tables([responses.select(_CANDIDATE), given.select(_CANDIDATE)])
    codes = np.zeros(both.num_rows, np.int64)
    for column in _CANDIDATE:
        encoded = pc.dictionary_encode(both[column]).combine_chunks()
        codes = codes * (len(encoded.dictionary) + 1) + encoded.indices.to_numpy()
    row_of = np.argsort(codes[: len(responses)], kind="stable")
    place = row_of[np.searchsorted(codes[: len(responses)], codes[len(responses) :], sorter=row_of)]
    count = np.bincount(place, minlength=len(responses))
    total = np.bincount(place, weights=given["score"].to_numpy(), minlength=len(responses))
    with np.errstate(invalid="ignore"):
        mean = total / count
    judges = given["judge"].take(pa.array(np.argsort(place, kind="stable"))).combine_chunks()
    offsets = np.concatenate([[0], np.cumsum(count)]).astype(np.int32)
    return {
        "judge_score": pa.array(mean, mask=count == 0),
        "judges": pa.ListArray.from_arrays(pa.array(offsets), judges),
    }


def _routing(logs: pa.Table, queries: pa.Table) -> pa.Table:
    """One row a query with the list of its candidates, sorted by name."""
    pairs = pc.dictionary_encode(pc.binary_join_element_wise(logs["llm"], logs["mode"], "\x1f")).combine_chunks()
    names = pa.array([Candidate(*p.split("\x1f")).name for p in pairs.dictionary.to_pylist()], pa.string()).take(pairs.indices)
    cells = pa.table(
        {
            "query_id": logs["query_id"],
            "candidate": names,
            **{c: logs[c] for c in ("performance", "cost_usd", "judge_score")},
        }
    ).sort_by([("query_id", "ascending"), ("candidate", "ascending")])
    rows = pc.index_in(cells["query_id"], value_set=queries["query_id"].combine_chunks()).to_numpy()
    offsets = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(queries)))]).astype(np.int32)
    struct = cells.drop_columns(["query_id"]).combine_chunks().to_struct_array()
    struct = struct.combine_chunks() if isinstance(struct, pa.ChunkedArray) else struct
    columns = {c: queries[c] for c in ("query_id", "prompt", "task")}
    return pa.table({**columns, "candidates": pa.ListArray.from_arrays(pa.array(offsets), struct)})
