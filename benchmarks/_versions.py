"""Versions of a simulated release, as the rows of each file: the first, and those that three kinds of changes make of it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders import build
from llmfusionbench.builders.making.spill import SHARD_BYTES
from llmfusionbench.builders.making.views import make_views, with_columns
from llmfusionbench.builders.simulation import simulate
from llmfusionbench.release import Release, ReleaseWriter, write_shard
from llmfusionbench.release.writer import shard_name

Tables = dict[str, pa.Table]
"""The rows of each table, sorted by key."""

APPENDED, RESCORED = 0.01, 0.05
"""Shares: of the queries that are appended, and of the answers that get another score."""

_WORDS: Final = 2_000
_LETTERS: Final = "etaoinshrdlucmfwypvbgk"


def simulated_tables(scale: float) -> Tables:
    """The tables of a simulated release of this scale, splits together, with answers that compress as prose does.

    The simulator makes its answers of few phrases, which compress more than 40 times. So each gets as many bytes of words that
    are drawn at random, common ones more often (Zipf's law).
    """
    with tempfile.TemporaryDirectory() as place:
        simulate(Path(place) / "csv", scale=scale)
        release = build("fusionbench", sorted((Path(place) / "csv").glob("*.csv")), Path(place) / "release")
        tables = {name: release.rows(name) for name in ("llms", "queries", "responses", "judge_scores")}
    key = [("query_id", "ascending"), ("llm", "ascending"), ("mode", "ascending"), ("replicate", "ascending")]
    tables = {
        name: rows.sort_by(key[:1] if name == "queries" else key if name != "llms" else "llm") for name, rows in tables.items()
    }
    return {**tables, "responses": _reworded(tables["responses"])}


def shards(tables: Tables) -> Iterator[tuple[str, pa.Table]]:
    """(name, rows) of each file of a release of these tables, in shards of about `SHARD_BYTES` of text as by `build`."""
    yield shard_name("llms", "train", 0, 1), tables["llms"]
    owned = {name: rows for name, rows in tables.items() if name != "llms"}
    owned |= make_views(owned["queries"], owned["responses"], tables["llms"], owned["judge_scores"])
    answers = pc.binary_length(owned["responses"]["response"]).fill_null(0)
    spent = pa.table({"id": owned["responses"]["query_id"], "bytes": answers}).group_by("id").aggregate([("bytes", "sum")])
    spent = spent.rename_columns(["id", "bytes"]).sort_by("id")
    for split in ("train", "test", "partial_test"):
        ids = owned["queries"].filter(pc.equal(owned["queries"]["split"], split))["query_id"]
        mine = spent.filter(pc.is_in(spent["id"], ids.combine_chunks()))
        total = pc.sum(mine["bytes"]).as_py() or 0
        count = -(-total // SHARD_BYTES)
        sizes = mine["bytes"].to_numpy()
        numbers = np.minimum((np.cumsum(sizes) - sizes) * count // max(1, total), max(0, count - 1))
        for number in range(count):
            inside = mine["id"].filter(pa.array(numbers == number)).combine_chunks()
            for name, rows in owned.items():
                yield shard_name(name, split, number, count), rows.filter(pc.is_in(rows["query_id"], inside))


def without_queries(tables: Tables) -> Tables:
    """The version before `APPENDED` of the queries came."""
    return _of_queries(tables, ~_late(tables))


def late_queries(tables: Tables) -> Tables:
    """The `APPENDED` of the queries that came later, with what belongs to them."""
    return _of_queries(tables, _late(tables))


def _late(tables: Tables) -> npt.NDArray[np.bool_]:
    """[Q] whether each query came later."""
    count = len(tables["queries"])
    return np.isin(np.arange(count), np.random.default_rng(1).choice(count, max(1, round(count * APPENDED)), replace=False))


def _of_queries(tables: Tables, chosen: npt.NDArray[np.bool_]) -> Tables:
    ids = tables["queries"]["query_id"].combine_chunks().filter(pa.array(chosen))
    return {name: rows if name == "llms" else rows.filter(pc.is_in(rows["query_id"], ids)) for name, rows in tables.items()}


def write_release(tables: Tables, place: Path) -> Release:
    """The release of these tables."""
    with ReleaseWriter(place) as writer:
        writer.finish(
            {name: write_shard(writer.path, name, rows) for name, rows in shards(tables)}, {"provenance": ["simulated"]}
        )
    return Release(place)


def with_latency(tables: Tables) -> Tables:
    """The version in which `latency_s` of every answer is known."""
    seconds = np.random.default_rng(2).gamma(2.0, 1.5, len(tables["responses"])).round(3)
    return {**tables, "responses": with_columns(tables["responses"], {"latency_s": pa.array(seconds)})}


def rescored(tables: Tables) -> Tables:
    """The version in which `RESCORED` of the answers with a score have another one."""
    before = tables["responses"]["performance"]
    hit = pa.array(np.random.default_rng(3).random(len(before)) < RESCORED)
    after = pc.if_else(hit, pc.subtract(1.0, before), before)
    return {**tables, "responses": with_columns(tables["responses"], {"performance": after})}


CHANGES: Final[Mapping[str, tuple[Callable[[Tables], Tables], Callable[[Tables], Tables]]]] = {
    f"{APPENDED:.0%} of the queries among the others": (without_queries, dict),
    "a new column, latency_s": (dict, with_latency),
    f"{RESCORED:.0%} of the answers rescored": (dict, rescored),
}
"""Name -> what makes the version before and the version after of the tables."""


def _reworded(responses: pa.Table) -> pa.Table:
    """The same responses in other words, as long as before."""
    random = np.random.default_rng(0)
    letters = np.array(list(_LETTERS))
    likely = 1 / np.arange(1, len(letters) + 1) ** 0.6
    words = ["".join(random.choice(letters, random.integers(2, 9), p=likely / likely.sum())) + " " for _ in range(_WORDS)]
    lengths = pc.binary_length(responses["response"]).combine_chunks()
    ends = np.append(0, np.cumsum(lengths.fill_null(0).to_numpy()))
    frequent = np.cumsum(1 / np.arange(1, _WORDS + 1))
    places = np.searchsorted(frequent, random.random(int(ends[-1]) // 3 + 1) * frequent[-1])
    stream = pa.array(words, pa.large_string()).take(pa.array(places)).buffers()[2]
    texts = pa.LargeStringArray.from_buffers(len(lengths), pa.py_buffer(ends.astype(np.int64)), stream)
    texts = pc.if_else(lengths.is_valid(), texts.cast(pa.string()), pa.scalar(None, pa.string()))
    return with_columns(responses, {"response": texts})
