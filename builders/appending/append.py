"""Append: the next version of a release, which has its rows and those of another release, by key, and says what changed.

Shards are merged one by one, with constant memory. Views are made again from the merged tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from llmfusionbench.builders.appending.changelog import about, changes_of, split_differences, warnings_of
from llmfusionbench.builders.appending.merge import PREFERENCES, Clashes, Rules
from llmfusionbench.builders.appending.plan import plan
from llmfusionbench.builders.appending.union import check_files, listed_conflicts, write_union
from llmfusionbench.builders.build import REJECTED
from llmfusionbench.builders.revising.carry import carry_over
from llmfusionbench.builders.revising.rescore import CHANGED
from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.release import Release, TableDiff, diff_releases, open_release
from llmfusionbench.release.card_parts import version_of
from llmfusionbench.release.unfinished import UnfinishedRelease
from llmfusionbench.release.writers import release_writer
from llmfusionbench.storage.kinds import CARD, was_edited
from llmfusionbench.types import Progress


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
    old, added = ((one if isinstance(one, Release) else open_release(one)).local() for one in (release, new))
    tell = progress or (lambda *_: None)
    edited = was_edited(old.directory / CARD, old.manifest["files"].get(CARD))
    with release_writer(out, overwrite=overwrite, inputs=[*old.inputs, *added.inputs]) as writer:
        check_files((old, added), tell)
        layout = plan(old, added)
        done = write_union(old, added, layout, writer.path, Rules(prefer), workers, tell)
        if done.clashes.counts and prefer is None:
            raise InputError(_refusal(old, added, done.clashes))
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
    return Appended(writer.release(), diffs, version, edited, warnings)


def _kept(release: Release, root: Path, diffs: Sequence[TableDiff]) -> Sequence[tuple[str, dict[str, Any]]]:
    """Copy the files beside the tables that hold for the next version, too."""
    scored = any(d.table == "responses" and "performance" in d.columns for d in diffs)
    kept = {REJECTED} if scored else {REJECTED, CHANGED}
    return list(carry_over(release, root, but=lambda name: name not in kept))


def _refusal(old: Release, new: Release, clashes: Clashes) -> str:
    """All conflicts in a few lines."""
    total = sum(clashes.counts.values())
    lines = [
        f"{new.path} contradicts {old.path} in {total:,} value{'s' * (total > 1)} of rows that both have:",
        *listed_conflicts(clashes, "to append"),
        "Remedy: set --prefer old to keep the values of the release, or --prefer new to replace them",
    ]
    return "\n".join(lines)
