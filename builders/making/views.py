"""The views of a release, `logs` and `routing`, made from its tables. Rows are matched by key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.making.prices import answer_prices
from llmfusionbench.release.failures import failed
from llmfusionbench.release.references import dangling, lookup, rows_of
from llmfusionbench.release.retests import retest_of
from llmfusionbench.schema import table_schema
from llmfusionbench.types import ANSWER_KEY, THINK, Candidate
from llmfusionbench.validation.issue import shorten

Rows = npt.NDArray[np.int64]


def make_views(queries: pa.Table, responses: pa.Table, llms: pa.Table, judge_scores: pa.Table) -> dict[str, pa.Table]:
    """logs and routing of some queries, with all of their responses and judge scores; all tables are sorted by key."""
    logs = _logs(responses, queries, llms, judge_scores)
    return {"logs": logs, "routing": _routing(logs, queries)}


def with_columns(table: pa.Table, columns: Mapping[str, pa.Array | pa.ChunkedArray]) -> pa.Table:
    """`table` with other values in columns that it has."""
    for name, values in columns.items():
        table = table.set_column(table.schema.get_field_index(name), table.schema.field(name), values)
    return table


def _logs(responses: pa.Table, queries: pa.Table, llms: pa.Table, judge_scores: pa.Table) -> pa.Table:
    query = lookup(
        queries, "query_id", responses["query_id"],
        ("task", "domain", "split", "prompt", "prompt_think", "messages", "ground_truth", "choices", "metric"),
    )  # fmt: skip
    thinking = pc.equal(responses["mode"], THINK)
    query["prompt"] = pc.if_else(thinking, pc.coalesce(query["prompt_think"], query["prompt"]), query["prompt"])
    llm = lookup(llms, "llm", responses["llm"], ("scale",))
    columns = {name: responses[name] for name in responses.column_names} | query | llm
    columns |= answer_prices(responses, llms) | _judged(responses, judge_scores)
    return pa.table({name: columns[name] for name in table_schema("logs").arrow.names})


def _judged(responses: pa.Table, judge_scores: pa.Table) -> dict[str, pa.Array]:
    """judge_score, the mean over the judges that gave one to the answer alone, and judges, their names.

    The judgements that one judge made again, its retests, count as one, their mean.
    """
    given = judge_scores.filter(pc.and_(pc.is_valid(judge_scores["score"]), pc.is_null(judge_scores["opponent"])))
    both = pa.concat_tables([responses.select(ANSWER_KEY), given.select(ANSWER_KEY)])
    codes = np.zeros(both.num_rows, np.int64)
    for column in ANSWER_KEY:
        encoded = pc.dictionary_encode(both[column]).combine_chunks()
        codes = codes * (len(encoded.dictionary) + 1) + encoded.indices.to_numpy()
    answers, scored = codes[: len(responses)], codes[len(responses) :]
    row_of = np.append(np.argsort(answers, kind="stable"), -1)  # -1: past the last
    place = row_of[np.searchsorted(answers, scored, sorter=row_of[:-1])]
    lost = np.flatnonzero((place < 0) | (np.append(answers, -1)[place] != scored))
    if lost.size:
        key = " ".join(str(given[column][int(lost[0])].as_py()) for column in ANSWER_KEY)
        raise dangling("judge_scores", shorten(key), "responses")
    given, place, score = _by_judge(given, place, pc.unique(judge_scores["judge"]).to_pylist())
    count = np.bincount(place, minlength=len(responses))
    total = np.bincount(place, weights=score, minlength=len(responses))
    with np.errstate(invalid="ignore"):
        mean = total / count
    judges = given["judge"].take(pa.array(np.argsort(place, kind="stable"))).combine_chunks()
    offsets = np.concatenate([[0], np.cumsum(count)]).astype(np.int32)
    return {"judge_score": pa.array(mean, mask=count == 0), "judges": pa.ListArray.from_arrays(pa.array(offsets), judges)}


def _by_judge(given: pa.Table, place: Rows, known: Sequence[str]) -> tuple[pa.Table, Rows, npt.NDArray[np.float64]]:
    """The scores [N] of answers at `place` [N], with one mean in place of those that a judge gave again.

    `known` has all names, also those of judges that gave no score: a name is that of a retest by the others.
    """
    score = given["score"].to_numpy()
    stated = pc.dictionary_encode(given["judge"]).combine_chunks()
    names = stated.dictionary.to_pylist()
    if not any("#" in name for name in names):
        return given, place, score
    own = [retest_of(name, known)[0] for name in names]
    if own == names:
        return given, place, score
    judges = pa.array(own, pa.string()).take(stated.indices)
    judge = pc.dictionary_encode(judges).indices.to_numpy()
    _, first, group = np.unique(np.stack([place, judge]), axis=1, return_index=True, return_inverse=True)
    group = group.reshape(-1)
    means = np.bincount(group, weights=score) / np.bincount(group)
    order = np.argsort(first)  # of judges of an answer as in the table
    first = first[order]
    given = with_columns(given, {"judge": judges}).take(pa.array(first))
    return given, place[first], means[order]


def _routing(logs: pa.Table, queries: pa.Table) -> pa.Table:
    """One row per query with the list of its candidates, sorted by name, and the means of their answers."""
    pairs = pc.dictionary_encode(pc.binary_join_element_wise(logs["llm"], logs["mode"], "\x1f")).combine_chunks()
    names = pa.array([Candidate(*p.rsplit("\x1f", 1)).name for p in pairs.dictionary.to_pylist()], pa.string()).take(
        pairs.indices
    )
    figures = {c: logs[c] for c in ("performance", "cost_usd", "judge_score")}
    asked = pc.if_else(pc.not_equal(logs["status"], "missing"), pa.scalar(1, pa.int64()), pa.scalar(None, pa.int64()))
    numbers = {"failures": failed(logs), "scored": logs["performance"].is_valid().to_numpy()}
    counts = {"replicates": asked, **{name: pa.array(count.astype(np.int64)) for name, count in numbers.items()}}
    cells = pa.table({"query_id": logs["query_id"], "candidate": names, **figures, **counts})
    cells = _means(cells.sort_by([("query_id", "ascending"), ("candidate", "ascending")]))
    rows = rows_of(cells["query_id"], queries["query_id"], "responses", "queries")
    offsets = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(queries)))]).astype(np.int32)
    struct = cells.drop_columns(["query_id"]).combine_chunks().to_struct_array()
    struct = struct.combine_chunks() if isinstance(struct, pa.ChunkedArray) else struct
    columns = {c: queries[c] for c in ("query_id", "prompt", "task")}
    return pa.table({**columns, "candidates": pa.ListArray.from_arrays(pa.array(offsets), struct)})


def _means(cells: pa.Table) -> pa.Table:
    """One row per query and candidate: the mean of each figure over the answers that have it, and the numbers of answers.

    Args:
        cells: One row per answer, sorted by query and candidate; `replicates` is 1, or null where it was never asked, and
            `failures` and `scored` are 1 or 0.
    """
    if len(cells) < 2:
        return cells
    new = np.ones(len(cells), bool)
    for name in ("query_id", "candidate"):
        codes = pc.dictionary_encode(cells[name]).combine_chunks().indices.to_numpy()
        new[1:] = codes[1:] != codes[:-1] if name == "query_id" else new[1:] | (codes[1:] != codes[:-1])
    if new.all():
        return cells
    group = np.cumsum(new) - 1
    first = cells.filter(pa.array(new))
    for name in ("performance", "cost_usd", "judge_score", "replicates"):
        given = cells[name].is_valid().to_numpy()
        count = np.bincount(group[given], minlength=len(first))
        total = np.bincount(group[given], weights=cells[name].drop_null().to_numpy(), minlength=len(first))
        values = count if name == "replicates" else np.divide(total, count, out=np.zeros(len(first)), where=count > 0)
        first = with_columns(first, {name: pa.array(values, mask=count == 0)})
    numbers = {n: np.bincount(group, weights=cells[n].to_numpy(), minlength=len(first)) for n in ("failures", "scored")}
    return with_columns(first, {name: pa.array(count.astype(np.int64)) for name, count in numbers.items()})
