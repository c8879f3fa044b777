"""Append: the next version of a release, which has its rows and those of another release, by key, and says what changed.

Shards are merged one by one, with constant memory. Views are made again from the merged tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.appending.changelog import about, changes_of, split_differences, warnings_of
from llmfusionbench.builders.appending.merge import PREFERENCES, Clashes, merge
from llmfusionbench.builders.appending.piece import Work, Written, check_counts, tables_in_step, write_pieces
from llmfusionbench.builders.appending.plan import Plan, plan
from llmfusionbench.builders.build import REJECTED
from llmfusionbench.builders.revising.carry import carry_over
from llmfusionbench.builders.revising.rescore import CHANGED
from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.release import Release, ReleaseWriter, TableDiff, diff_releases, open_release, write_shard
from llmfusionbench.release.card_parts import version_of
from llmfusionbench.release.unfinished import UnfinishedRelease
from llmfusionbench.release.writer import shard_name
from llmfusionbench.schema import SIDECARS, TABLES, table_schema
from llmfusionbench.storage.kinds import CARD, was_edited
from llmfusionbench.types import SPLITS, Progress

_BY_SPLIT: Final = ("thought_templates", "embeddings")
"""Tables of few rows, with one file per split."""


@dataclass(frozen=True)
class Appended:
    """The next version of a release."""

    release: Release
    diffs: list[TableDiff]
    """What changed since the release, one entry per table."""
    version: int
    """2 for the first append to a release, and so on."""
    card_was_edited: bool = False
    """Whether README.md of the release has words of its user, which the card of this version has not."""
    warnings: list[str] = field(default_factory=list)
    """What is odd about the two releases together; it is in the manifest, too."""


def append(
    release: Release | str | Path,
    new: Release | str | Path,
    out: str | Path,
    *,
    prefer: str | None = None,
    overwrite: bool = False,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Appended:
    """Write the next version of a release: all of its rows and those of `new`, matched by key.

    A row of both is there once. Where one side has a null, the value of the other counts, unless the two would be parts of
    different things, such as counts by two tokenizers. An answer that was never asked for (`missing`) gives way to one that
    was. A query that the two have in different splits goes to the more protected one.
    The views are made again; the costs of answers stay. `rejected.jsonl` is kept, and so is `rescore_changes.parquet`, unless a
    performance changed; those of `new` are left behind.

    Args:
        release: A release, or its name: "sample", a directory, "org/name".
        new: What to append, named in the same way.
        out: Directory of the next version, written atomically.
        prefer: Whose value counts where both have one: `old`, that of `release`, or `new`. It is taken with all columns that
            describe the same thing, such as the tokens and their tokenizer. If the two are, or may be, different answers, the
            whole row is taken, with its judge scores.
        overwrite: Replace an existing release, which may be `release` itself.
        workers: Number of threads; by default one per core. Any number gives the same bytes.
        progress: Called as progress(stage, done, total).

    Raises:
        InputError: the two contradict each other, and `prefer` is None; `new` adds nothing; or `out` cannot be written.
        ReleaseError: one of the two is damaged.
        UnknownNameError: `prefer` is neither.
    """
    if prefer is not None and prefer not in PREFERENCES:
        raise UnknownNameError("preference", prefer, PREFERENCES)
    sides = tuple((one if isinstance(one, Release) else open_release(one)).local() for one in (release, new))
    old, added = sides
    tell = progress or (lambda *_: None)
    edited = was_edited(old.directory / CARD, old.manifest["files"].get(CARD))
    with ReleaseWriter(out, overwrite=overwrite, inputs=[*old.inputs, *added.inputs]) as writer:
        for number, side in enumerate(sides):
            tell("releases checked", number, 2)
            side.good([name for name in sorted(side.manifest["files"]) if "/" in name])
        tell("releases checked", 2, 2)
        layout = plan(old, added)
        done = _merged(old, added, layout, writer.path, prefer, workers, tell)
        if done.clashes.counts and prefer is None:
            raise InputError(_refusal(old, added, done.clashes))
        for side, read in zip(sides, done.read, strict=True):
            check_counts(side, read)
        diffs = diff_releases(old, UnfinishedRelease(writer.path, done.files), lambda t, i, n: tell(f"{t} compared", i, n))
        if not any(diffs):
            why = "" if prefer is None else f" that prefer={prefer} would take"
            raise InputError(
                f"{added.path}: adds nothing{why} to {old.path}, whose rows stay as they are. "
                "Remedy: append a release with other rows"
            )
        files = done.files | dict(_kept(old, writer.path, diffs))
        splits = split_differences(layout)
        warnings = warnings_of(old, added, splits)
        figures: dict[str, Any] = changes_of(diffs) | ({"splits": splits} if splits else {})
        writer.finish(files, about(old, added, {"prefer": prefer}, figures, warnings))
        version = version_of(old.manifest) + 1
    return Appended(Release(out), diffs, version, edited, warnings)


def _merged(
    old: Release, new: Release, layout: Plan, root: Path, prefer: str | None, workers: int | None, tell: Progress
) -> Written:
    """Write all tables below `root`."""
    done = Written()
    places = (old.directory, new.directory)
    stated, priced = _rows(old, "llms"), _rows(new, "llms")
    llms, clashes, _ = merge("llms", stated, priced, prefer, places)
    done.clashes.add(clashes)
    work = Work(root, (old, new), (stated, priced, llms), prefer, (tables_in_step(old), tables_in_step(new)))
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
            merged, clashes, _ = merge(name, mine, theirs, prefer, places)
            done.clashes.add(clashes)
            done.files |= _by_split(root, name, merged, layout)
    return done


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


def _kept(release: Release, root: Path, diffs: Sequence[TableDiff]) -> Sequence[tuple[str, dict[str, Any]]]:
    """Copy the files beside the tables that hold for the next version, too."""
    scored = any(d.table == "responses" and "performance" in d.columns for d in diffs)
    kept = {REJECTED} if scored else {REJECTED, CHANGED}
    return list(carry_over(release, root, but=lambda name: name not in kept))


def _refusal(old: Release, new: Release, clashes: Clashes) -> str:
    """All conflicts in a few lines."""
    total = sum(clashes.counts.values())
    lines = [f"{new.path} contradicts {old.path} in {total:,} value{'s' * (total > 1)} of rows that both have:"]
    lines += [f"  {table}.{column}: {count:,}" for (table, column), count in sorted(clashes.counts.items(), key=_place)]
    lines += [f"  {c.table} {c.key}: {c.column} is {c.old}, to append is {c.new}" for c in clashes.shown]
    lines += [f"  ... and {total - len(clashes.shown):,} more"] if total > len(clashes.shown) else []
    lines.append("Remedy: set --prefer old to keep the values of the release, or --prefer new to replace them")
    return "\n".join(lines)


def _place(item: tuple[tuple[str, str], int]) -> tuple[int, int]:
    """Where a column stands among all columns of all tables."""
    (table, column), _ = item
    return (TABLES + SIDECARS).index(table), table_schema(table).arrow.get_field_index(column)
