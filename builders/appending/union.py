"""The rows of two releases as one set of shards: tables are merged by key, shard by shard, with constant memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.appending.merge import Clashes, Rules, merge
from llmfusionbench.builders.appending.piece import Work, Written, check_counts, tables_in_step, write_pieces
from llmfusionbench.builders.appending.plan import Plan
from llmfusionbench.release import Release, write_shard
from llmfusionbench.release.writer import shard_name
from llmfusionbench.schema import SIDECARS, TABLES, table_schema
from llmfusionbench.types import SPLITS, Progress

_BY_SPLIT: Final = ("thought_templates", "embeddings")
"""Tables of few rows, with one file per split."""


def check_files(releases: tuple[Release, ...], tell: Progress) -> None:
    """Compare every shard of some releases with its manifest.

    Raises:
        ReleaseError: a file is damaged.
    """
    for number, release in enumerate(releases):
        tell("releases checked", number, len(releases))
        release.good([name for name in sorted(release.manifest["files"]) if "/" in name])
    tell("releases checked", len(releases), len(releases))


def write_union(
    old: Release, new: Release, layout: Plan, root: Path, rules: Rules, workers: int | None, tell: Progress
) -> Written:
    """Write the tables of both below `root`. With a conflict that the rules do not decide, the shard of it is not written.

    Raises:
        ReleaseError: a row of a release is lost, or is there twice.
    """
    done = Written()
    places = (old.directory, new.directory)
    stated, priced = _rows(old, "llms"), _rows(new, "llms")
    llms, clashes, _ = merge("llms", stated, priced, rules, places)
    done.clashes.add(clashes)
    work = Work(root, (old, new), (stated, priced, llms), rules, (tables_in_step(old), tables_in_step(new)))
    for number, piece in enumerate(write_pieces(work, layout.pieces, workers), start=1):
        done.files |= piece.files
        done.clashes.add(piece.clashes)
        for total, read in zip(done.read, piece.read, strict=True):
            total.update(read)
        tell("shards written", number, len(layout.pieces))
    file = shard_name("llms", "train", 0, 1)
    done.files[file] = write_shard(root, file, llms)
    for name in _BY_SPLIT:
        if name in old.tables or name in new.tables:
            mine, theirs = _rows(old, name), _rows(new, name)
            for rows, side, place in zip((mine, theirs), (layout.old, layout.new), places, strict=True):
                layout.check(rows["query_id"], side, name, place)
            merged, clashes, _ = merge(name, mine, theirs, rules, places)
            done.clashes.add(clashes)
            done.files |= _by_split(root, name, merged, layout)
    if not done.clashes.counts or rules.prefer is not None:
        for release, read in zip((old, new), done.read, strict=True):
            check_counts(release, read)
    return done


def listed_conflicts(clashes: Clashes, other: str) -> list[str]:
    """All conflicts in a few lines: their number by column, and the first ones with their values."""
    total = sum(clashes.counts.values())
    lines = [f"  {table}.{column}: {count:,}" for (table, column), count in sorted(clashes.counts.items(), key=_place)]
    lines += [f"  {c.table} {c.key}: {c.column} is {c.old}, {other} is {c.new}" for c in clashes.shown]
    return lines + ([f"  ... and {total - len(clashes.shown):,} more"] if total > len(clashes.shown) else [])


def _rows(release: Release, name: str) -> pa.Table:
    """A whole table; no rows if the release lacks it."""
    return release.rows(name) if name in release.tables else table_schema(name).arrow.empty_table()


def _by_split(root: Path, name: str, rows: pa.Table, layout: Plan) -> dict[str, dict[str, Any]]:
    """Write a table with one file for each split that has queries."""
    entries = {}
    splits = layout.split_of(rows["query_id"])
    for split in SPLITS:
        if any(piece.split == split for piece in layout.pieces):
            file = shard_name(name, split, 0, 1)
            entries[file] = write_shard(root, file, rows.filter(pc.equal(splits, split)))
    return entries


def _place(item: tuple[tuple[str, str], int]) -> tuple[int, int]:
    """Where a column stands among all columns of all tables."""
    (table, column), _ = item
    return (TABLES + SIDECARS).index(table), table_schema(table).arrow.get_field_index(column)
