"""Facts of a release that a report needs besides its routing tables: its source, and the tokens of its answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.manifest import dump_manifest
from llmfusionbench.release import Release
from llmfusionbench.schema import table_schema
from llmfusionbench.types import Candidate, content_id


def source_of(release: Any) -> dict[str, Any]:
    """The source, revision, schema version, provenance and digest of a release; None for tables."""
    if not isinstance(release, Release):
        return {"source": None, "revision": None, "schema_version": None, "provenance": [], "digest": None}
    source = release.manifest.get("source")
    source = source if isinstance(source, dict) else {}
    return {
        "source": source.get("name"),
        "revision": source.get("revision"),
        "schema_version": release.manifest.get("schema_version"),
        "provenance": release.provenance,
        "digest": content_id(dump_manifest({"files": release.manifest["files"]})),
    }


def tokens_of(release: Release, query_ids: set[str], candidates: Sequence[str]) -> dict[str, npt.NDArray[np.float32]]:
    """query_id -> input plus output tokens [C] of each candidate's answer, the mean over replicates; NaN = unknown."""
    ids = sorted(query_ids)
    answers, row, column = answers_of(release, ids, candidates, ["input_tokens", "output_tokens"])
    used = pc.add(answers["input_tokens"], answers["output_tokens"]).cast(pa.float64()).to_numpy()
    known = (column >= 0) & ~np.isnan(used)
    cell = row[known] * len(candidates) + column[known]
    total, count = (np.bincount(cell, weights=w, minlength=len(ids) * len(candidates)) for w in (used[known], None))
    with np.errstate(invalid="ignore"):
        matrix = (total / count).astype(np.float32).reshape(len(ids), len(candidates))
    return dict(zip(ids, matrix, strict=True))


def answers_of(
    release: Release, query_ids: Sequence[str], candidates: Sequence[str], columns: Sequence[str]
) -> tuple[pa.Table, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The N answers to some queries, one row per replicate.

    Returns:
        The table with its key and `columns`; [N] index of each answer's query; [N] index of its candidate, -1 for any other.
    """
    ids = pa.array(query_ids, pa.string())
    names = ["query_id", "llm", "mode", *columns]
    wanted = pc.field("query_id").isin(ids)
    parts = [release.rows("responses", split, columns=names, filter=wanted) for split in _splits_of(release, ids)]
    answers = pa.concat_tables([table_schema("responses").arrow.empty_table().select(names), *parts])
    place = {name: i for i, name in enumerate(candidates)}
    pairs = pc.dictionary_encode(pc.binary_join_element_wise(answers["llm"], answers["mode"], "\x1f")).combine_chunks()
    found = [Candidate(*pair.rsplit("\x1f", 1)).name for pair in pairs.dictionary.to_pylist()]
    column = np.array([place.get(name, -1) for name in found], np.int64)[pairs.indices.to_numpy()]
    row = pc.index_in(answers["query_id"], value_set=ids).to_numpy().astype(np.int64)
    return answers, row, column


def _splits_of(release: Release, ids: pa.Array) -> list[str]:
    """The splits with answers that have any of these queries, so that the files of others are not read."""
    tables = release.manifest["tables"]
    splits = [s for s in release.splits if s in tables.get("responses", {"splits": {}})["splits"]]
    asked = {s: release.rows("queries", s, columns=["query_id"])["query_id"] for s in splits}
    return [s for s, known in asked.items() if pc.any(pc.is_in(known, value_set=ids)).as_py()]
