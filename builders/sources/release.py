"""A release, of this schema version or an older one: it is read again, and becomes a release of today.

Ids, splits, answers, scores, costs and thought templates stay as they are. What only its manifest states, such as its history,
and files beside the tables stay behind.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.reading.file_names import labelled
from llmfusionbench.builders.records import JUDGE_COLUMNS, LOG, Embeddings, Llms, Part, Records, Templates
from llmfusionbench.errors import InputError
from llmfusionbench.manifest import MANIFEST
from llmfusionbench.release import Release as OpenedRelease
from llmfusionbench.release.references import answer_keys, lookup
from llmfusionbench.release.shards import ShardTables, shards_of
from llmfusionbench.types import THINK

_QUERY: Final = ("task", "domain", "split", "source_id", "prompt", "messages", "metric", "license")
_REFERENCES: Final = ("ground_truth", "choices")


@dataclass(frozen=True, kw_only=True)
class Release:
    """Reads releases, each by its directory; several become one.

    It has no options.
    """

    def read(self, paths: Sequence[Path]) -> Iterator[Part]:
        """Everything in the releases.

        Raises:
            InputError: a path is not a release.
            ReleaseError: a release differs from its manifest, or holds what it may not.
        """
        for path, file in labelled(paths):
            if not path.is_dir() and path.name != MANIFEST:
                raise InputError(f"{path}: not a release. Remedy: name its directory")
            yield from _parts(OpenedRelease(path if path.is_dir() else path.parent), file)


def _parts(release: OpenedRelease, file: str) -> Iterator[Part]:
    yield Llms([{k: v for k, v in row.items() if v is not None} for row in release.rows("llms").to_pylist()])
    first = 0
    for shard in shards_of(release):
        tables = shard.read()
        for table in (_queries(tables.queries), _answers(tables), _judgements(tables)):
            if table.num_rows:
                rows = pa.array(np.arange(first, first + table.num_rows))
                first += table.num_rows
                yield Records(table.append_column("file", pa.repeat(file, len(table))).append_column("row", rows))
    for name in ("thought_templates", "embeddings"):
        if name in release.tables and release.table(name).count_rows():
            yield _extra(release, name)


def _queries(queries: pa.Table) -> pa.Table:
    """The records of queries alone, with both prompts."""
    return queries.select([*_QUERY, *_REFERENCES, "prompt_think"])


def _answers(tables: ShardTables) -> pa.Table:
    return _with_queries(tables.responses.drop_columns(["query_id"]), tables.responses, tables.queries)


def _judgements(tables: ShardTables) -> pa.Table:
    """The records of judge scores, each with what its answer's records state, too."""
    scores, responses = tables.judge_scores, tables.responses
    renamed = scores.rename_columns({c: JUDGE_COLUMNS.get(c, c) for c in scores.column_names})
    place = pc.index_in(answer_keys(scores), value_set=answer_keys(responses))
    for name in ("status", "provenance"):
        renamed = renamed.append_column(name, responses[name].take(place))
    return _with_queries(renamed.drop_columns(["query_id"]), scores, tables.queries)


def _with_queries(rows: pa.Table, keyed: pa.Table, queries: pa.Table) -> pa.Table:
    """`rows` with what identifies the queries that the rows of `keyed` refer to; those in think mode with its prompt."""
    found = lookup(queries, "query_id", keyed["query_id"], (*_QUERY, "prompt_think"))
    found["prompt_think"] = pc.if_else(pc.equal(rows["mode"], THINK), found["prompt_think"], pa.scalar(None, pa.string()))
    for name, values in found.items():
        rows = rows.append_column(LOG.field(name), values)
    return rows


def _extra(release: OpenedRelease, name: str) -> Part:
    rows = release.rows(name)
    if name == "thought_templates":
        return Templates(rows.to_pylist())
    queries = release.rows("queries", columns=["query_id", "task", "prompt"])
    found = lookup(queries, "query_id", rows["query_id"], ("task", "prompt"))
    return Embeddings(rows.append_column("task", found["task"]).append_column("prompt", found["prompt"]))
