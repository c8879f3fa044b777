"""The tables of one shard, made from its records. Rows are matched by key.

Repeated facts are kept once. Several answers of a candidate to a query are numbered where the log states no replicate. If a log
contradicts itself otherwise, the first record counts, and the other is rejected with the place of the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.known.tasks import UNSTATED
from llmfusionbench.builders.making.codes import Codes, key_groups, value_codes
from llmfusionbench.builders.making.indices import Readings
from llmfusionbench.builders.making.prices import cost_of
from llmfusionbench.builders.making.repeats import SEVERAL_ANSWERS, SEVERAL_SCORES, with_replicates
from llmfusionbench.builders.making.scoring import Choice, score_answers, with_scores
from llmfusionbench.builders.making.tally import Places, places_of
from llmfusionbench.builders.making.views import make_views, with_columns
from llmfusionbench.builders.records import JUDGE_COLUMNS, Rejected, refuse
from llmfusionbench.schema import table_schema
from llmfusionbench.types import ANSWER_KEY

_QUERY_FACTS: Final = ("ground_truth", "choices", "metric")
_ANSWER_FACTS: Final = ("response", "status", "performance", "created_at")
_DEFAULT: Final = "default_metric"
_TEXTS: Final = ("prompt", "prompt_think", "ground_truth", "response", "reasoning", "judge_reason", "judge_rubric")


@dataclass
class Assembled:
    """The rows of one shard of every table but `llms` and `thought_templates`."""

    tables: dict[str, pa.Table]
    rejected: list[Rejected] = field(default_factory=list)
    taken: list[Places] = field(default_factory=list)
    """The records that the rows were made of."""


def assemble(
    records: pa.Table, llms: pa.Table, split: str, truths: Readings | None = None, *, unscored: bool = False
) -> Assembled:
    """queries, responses, judge_scores, logs and routing of some queries in one `split`, from all of their normal records.

    Records from `ordered` are taken as they are. `truths` is how ground truths are read that are indices; by default all stay
    as they are. With `unscored`, the answers have no scores yet, and are given those of our metrics; programs are not run.
    """
    rejected: list[Rejected] = []
    taken: list[Places] = []
    records = ordered(records)
    rejected += _labelled_twice(records, split)
    records = _with_stated_metrics(with_columns(records, {"split": pa.repeat(split, len(records))}))
    records = _without_contradictions(records, ("query_id",), _QUERY_FACTS, "the same query has another {}", rejected)
    names = table_schema("queries").arrow.names
    queries = _merged(records, ("query_id",), [*names, _DEFAULT], taken)
    metric = pc.coalesce(queries["metric"], queries[_DEFAULT], UNSTATED[-1])
    queries = with_columns(queries, {"metric": metric}).select(names)
    queries = (truths or Readings()).applied(queries)

    answers = _in_order(records.filter(pc.is_valid(records["llm"])), ANSWER_KEY)
    codes = {fact: value_codes(answers[fact]) for fact in _ANSWER_FACTS}
    answers = _in_order(with_replicates(answers, codes), ANSWER_KEY)
    clash = SEVERAL_SCORES if pc.any(answers["unnumbered"]).as_py() else SEVERAL_ANSWERS
    answers = _without_contradictions(answers, ANSWER_KEY, _ANSWER_FACTS, clash, rejected)
    responses = _merged(answers, ANSWER_KEY, table_schema("responses").arrow.names, taken)
    # A cost that the log does not state is that of the tokens, at the price of who served them then.
    responses = with_columns(responses, {"cost_usd": pc.coalesce(responses["cost_usd"], cost_of(responses, llms))})
    if unscored:
        choice = Choice()
        responses = with_scores(responses, score_answers(responses, queries, choice), choice)

    scores = answers.filter(pc.is_valid(answers["judge"]))
    answered = [name for name in ("served_model", "created_at") if name in scores.column_names]  # those of the answer
    scores = scores.drop_columns(answered).rename_columns({ours: name for name, ours in JUDGE_COLUMNS.items()})
    key = table_schema("judge_scores").key
    scores = _in_order(scores, key)
    scores = _without_contradictions(scores, key, ("score",), "the judge gave the answer another {}", rejected)
    judge_scores = _merged(scores, key, table_schema("judge_scores").arrow.names, taken)

    tables = {"queries": queries, "responses": responses, "judge_scores": judge_scores}
    return Assembled(tables | make_views(queries, responses, llms, judge_scores), rejected, taken)


def ordered(records: pa.Table) -> pa.Table:
    """Normal records by query and within it in reading order, with their long texts as codes of distinct ones."""
    if any(pa.types.is_dictionary(records.schema.field(name).type) for name in _TEXTS):
        return records
    return _in_order(_with_codes(records), ("query_id",))


def _with_stated_metrics(records: pa.Table) -> pa.Table:
    """The records with null as a metric that their log does not state, and with what counts if none of a query states one.

    So a log without scores contradicts no other log of the same queries. The default is null where it is the last of
    `UNSTATED`, so that the other one counts in any order of the records.
    """
    metric = records["metric"]
    none = pa.scalar(None, metric.type)
    stated = pc.if_else(records["metric_stated"], metric, none)
    default = pc.if_else(pc.equal(metric, UNSTATED[-1]), none, metric)
    return with_columns(records, {"metric": stated}).append_column(_DEFAULT, default)


def _with_codes(records: pa.Table) -> pa.Table:
    """The long texts as codes of their distinct values, so that sorting and comparing moves and reads no text."""
    columns = [records[name].dictionary_encode() if name in _TEXTS else records[name] for name in records.column_names]
    return pa.table(columns, names=records.column_names).combine_chunks()


def _in_order(table: pa.Table, key: Sequence[str]) -> pa.Table:
    """Sorted by key, and within a key in reading order."""
    return table.sort_by([(k, "ascending") for k in (*key, "sequence")]).combine_chunks()


def _first_given(values: pa.ChunkedArray, groups: Codes) -> pa.Array:
    """The row of each group's first value that is not null; null if all are null."""
    given = np.flatnonzero(values.is_valid().to_numpy())
    number, first = np.unique(groups[given], return_index=True)
    rows = np.full(groups[-1] + 1 if len(groups) else 0, -1)
    rows[number] = given[first]
    return pa.array(rows, mask=rows < 0)


def _merged(table: pa.Table, key: Sequence[str], columns: Sequence[str], taken: list[Places]) -> pa.Table:
    """One row per key: each column's first value that is not null. The records with such values are added to `taken`."""
    groups = key_groups(table, key)
    first = {c: _first_given(table[c], groups) for c in columns}
    used = np.zeros(table.num_rows, bool)
    for rows in first.values():
        used[rows.drop_null().to_numpy()] = True
    taken.append(places_of(table.select(["file", "row"]).filter(pa.array(used))))
    return pa.table({c: table[c].combine_chunks().take(rows) for c, rows in first.items()})


def _labelled_twice(records: pa.Table, split: str) -> list[Rejected]:
    """A note for every query that some records, sorted by query, label `train` and others as held out, which counts."""
    train = pc.equal(records["split"], "train").to_numpy()
    if not train.any() or train.all():
        return []
    groups = key_groups(records, ("query_id",))
    held, first = np.unique(groups[~train], return_index=True)
    elsewhere = dict(zip(held.tolist(), np.flatnonzero(~train)[first].tolist(), strict=True))
    rows = np.flatnonzero(train & np.isin(groups, held))
    rows = rows[np.unique(groups[rows], return_index=True)[1]]
    names = records.select([c for c in records.column_names if c not in _TEXTS])
    there = names.take(pa.array([elsewhere[g] for g in groups[rows].tolist()], pa.int64())).to_pylist()
    problems = {
        row: [
            f"split is train, but {t['split']} for the same query in {t['file']} record {t['row']}; "
            f"the query is kept in {split}"
        ]
        for row, t in zip(rows.tolist(), there, strict=True)
    }
    return refuse(names, problems)[1]


def _without_contradictions(
    table: pa.Table, key: Sequence[str], facts: Sequence[str], reason: str, rejected: list[Rejected]
) -> pa.Table:
    """`table` without the rows that contradict an earlier row with the same key in one of the facts."""
    groups = key_groups(table, key)
    codes = {fact: value_codes(table[fact]) for fact in facts}
    differing = np.zeros(table.num_rows, bool)
    for fact in facts:
        first = pc.fill_null(_first_given(table[fact], groups).take(pa.array(groups)), -1).to_numpy()
        differing |= (codes[fact] >= 0) & (codes[fact] != codes[fact][first])
    if not differing.any():
        return table
    against: dict[int, tuple[int, str]] = {}  # row -> the row that it contradicts, and in which fact
    taken: dict[tuple[int, str], int] = {}
    # Such groups are few, and the facts of a rejected row must not count: so they are read row by row.
    for row in np.flatnonzero(np.isin(groups, groups[differing])).tolist():
        stated = [(groups[row], fact) for fact in facts if codes[fact][row] >= 0]
        clash = next((s for s in stated if s in taken and codes[s[1]][taken[s]] != codes[s[1]][row]), None)
        if clash is not None:
            against[row] = taken[clash], clash[1]
        else:
            for s in stated:
                taken.setdefault(s, row)
    names = table.select([c for c in table.column_names if c not in _TEXTS])
    places = names.select(["file", "row"]).take(pa.array([row for row, _ in against.values()])).to_pylist()
    problems = {
        row: [f"{reason.format(fact)} in {there['file']} record {there['row']}"]
        for (row, (_, fact)), there in zip(against.items(), places, strict=True)
    }
    rejected += refuse(names, problems)[1]
    kept = np.ones(table.num_rows, bool)
    kept[list(against)] = False
    return table.filter(pa.array(kept))
