"""Makes a release from a release: a `Revision` changes one table by shard, views are rebuilt, everything else is copied.

An interrupted run leaves its finished shards in a hidden directory next to the new release. The next run of the same revision
resumes from them.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal, Protocol

import pyarrow as pa

from llmfusionbench.builders.making.views import make_views
from llmfusionbench.builders.revising.carry import carry_over, described, with_warnings
from llmfusionbench.engines import Engine, Local, engine_of
from llmfusionbench.engines.ray_tasks import versions
from llmfusionbench.errors import ReleaseError
from llmfusionbench.manifest import MANIFEST
from llmfusionbench.release import Release, open_release, write_shard
from llmfusionbench.release.run_record import FINISHING
from llmfusionbench.release.shard_store import ShardStore
from llmfusionbench.release.shards import Shard, ShardTables, shards_of
from llmfusionbench.release.targets import Target
from llmfusionbench.release.writer import shard_name
from llmfusionbench.release.writers import release_writer
from llmfusionbench.schema import SCHEMA_VERSION
from llmfusionbench.types import Progress

VIEWS: Final = ("logs", "routing")
"""The tables that are rewritten beside the one that is revised."""


@dataclass(frozen=True)
class Revised:
    """The result of a revision for one shard."""

    rows: pa.Table
    """Those of the table that is revised, sorted by key."""
    notes: dict[str, pa.Table]
    """What `conclude` needs to know of the shard, by name."""


@dataclass(frozen=True)
class Conclusion:
    """The result of a revision."""

    files: dict[str, dict[str, Any]]
    """Name -> entry for the manifest of each file that it wrote next to the tables."""
    figures: dict[str, Any]
    """For the manifest's history."""
    report: Any
    """For the caller: a dataclass with fields `release` and `resumed`."""
    warnings: Sequence[str] | None = None
    """What is odd about the new scores, in place of what the release had; None if the scores are as they were."""
    added: int = 0
    """Number of rows that the revised table has gained."""


class Revision(Protocol):
    """A change to a table of a release. It can be pickled, and gives the same result every time."""

    @property
    def name(self) -> str:
        """Its name in the manifest's history."""
        ...

    @property
    def table(self) -> Literal["responses", "judge_scores"]:
        """The table that it changes."""
        ...

    def options(self) -> dict[str, Any]:
        """Its settings as JSON, for the manifest; a run resumes only one with the same settings."""
        ...

    def prepare(self, shards: Sequence[Shard], store: ShardStore, workers: int, tell: Progress) -> None:
        """Do the work that is not done shard by shard; results go to the store."""
        ...

    def revise(self, shard: Shard, tables: ShardTables, store: ShardStore, workers: int) -> Revised:
        """The new rows of a shard: responses have the same keys in the same order, and judge scores may be added."""
        ...

    def conclude(self, shards: Sequence[Shard], store: ShardStore, root: Path) -> Conclusion:
        """Add up the notes of the shards."""
        ...


def derive(
    source: Release | str | Path,
    out: str | Path,
    revision: Revision,
    *,
    workers: int | None = None,
    engine: str | Engine = "local",
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Any:
    """Write the release that `revision` makes of `source`, and return the revision's report with `release` and `resumed` set.

    The arguments are those of `rescore` and `recount`.

    Raises:
        ReleaseError: `source` is damaged: a file differs from its manifest, or an answer's query is missing.
        InputError: `out` cannot be written or lies in `source`, or another run is making the same release.
    """
    release = (source if isinstance(source, Release) else open_release(source)).local()
    tell = progress or (lambda *_: None)
    runner = engine_of(engine, workers)
    shards = shards_of(release)
    digest = _digest(release, revision)
    with release_writer(out, overwrite=overwrite, inputs=release.inputs, resume=digest) as writer:
        run = writer.record(revision.name, revision.options() | {"release": str(release.path)})
        store = writer.state(digest)
        files = dict(_copied(release, writer.path, revision.table))
        work = _Work(revision, store, writer.target, release.manifest_sha256)
        kept = {shard: store.done(shard, work.digest, work.target) for shard in shards}
        done = {shard: entries for shard, entries in kept.items() if entries is not None}
        resumed = len(done)
        revision.prepare([s for s in shards if s not in done], store, runner.here, tell)
        run.begin_shards(digest, Counter(shard.split for shard in shards))
        tell("shards written", len(done), len(shards))
        for shard, entries in _run([s for s in shards if s not in done], work, runner):
            done[shard] = entries
            tell("shards written", len(done), len(shards))
        for shard in shards:
            files |= done[shard]
        run.enter(FINISHING)
        conclusion = revision.conclude(shards, store, writer.path)
        try:
            _check_count(release, files, revision.table, conclusion.added)
        except ReleaseError:
            writer.keep = False  # no run on this source can use what is done
            raise
        about = described(release, revision.name, revision.options(), conclusion.figures)
        if conclusion.warnings is not None:
            about = with_warnings(about, conclusion.warnings)
        writer.finish(files | conclusion.files, about)
    return replace(conclusion.report, release=writer.release(), resumed=resumed)


def _digest(release: Release, revision: Revision) -> str:
    """Digest of everything the new release depends on; the manifest has the digest of every file."""
    parts = [release.manifest_sha256, revision.name, revision.options(), versions(), SCHEMA_VERSION]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _copied(release: Release, root: Path, table: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Copy the unchanged files and check those of the revised table; name and entry of each copied file."""
    for name in sorted(release.manifest["files"]):
        if name.startswith(f"{table}/"):
            release.good([name])
    yield from carry_over(release, root, but=lambda name: "/" in name and name.partition("/")[0] in (table, *VIEWS))


@dataclass(frozen=True)
class _Work:
    """What all shards of a run have in common."""

    revision: Revision
    store: ShardStore
    target: Target
    digest: str
    """Of the manifest of the source, which has the digest of every file that a shard is made of."""


def _run(shards: Sequence[Shard], work: _Work, engine: Engine) -> Iterator[tuple[Shard, dict[str, dict[str, Any]]]]:
    """Revise the shards in parallel, the largest first."""
    if not shards:
        return
    ordered = sorted(shards, key=lambda s: -s.bytes)
    write = partial(_write, work=work, workers=engine.spare(len(ordered)))
    tasks: Iterable[_Task] = [_Task(shard) for shard in ordered]
    sees = [*work.store.sees(), ordered[0].source / MANIFEST]
    if work.target.is_far and not isinstance(engine, Local):  # then the workers need not see any file
        tasks, sees = (_Task(shard, shard.read()) for shard in ordered), []
    for place, entries in engine.run(write, tasks, sees=sees):
        yield ordered[place], entries


@dataclass(frozen=True)
class _Task:
    shard: Shard
    tables: ShardTables | None = None
    """Its rows, if the worker may not see the files of the release."""

    @property
    def name(self) -> str:
        return self.shard.name


def _write(task: _Task, work: _Work, workers: int) -> dict[str, dict[str, Any]]:
    """Revise one shard and write its tables; their entries for the manifest. The receipt comes last."""
    shard, revision, store = task.shard, work.revision, work.store
    tables = shard.read() if task.tables is None else task.tables
    revised = revision.revise(shard, tables, store, workers)
    now = replace(tables, **{revision.table: revised.rows})
    made = {revision.table: revised.rows, **make_views(now.queries, now.responses, now.llms, now.judge_scores)}
    entries = {}
    with store.scratch() as scratch:
        for table, rows in made.items():
            name = shard_name(table, shard.split, shard.index, shard.total)
            entries[name] = write_shard(scratch, name, rows)
            work.target.take(scratch / name, name, entries[name])
    for note, noted in revised.notes.items():
        store.write(note, shard, noted)
    store.finish(shard, work.digest, entries, list(revised.notes))
    return entries


def _check_count(release: Release, files: dict[str, dict[str, Any]], table: str, added: int) -> None:
    """Check that no row of the revised table is lost, as it would be if its query were in no shard."""
    had = sum(s["rows"] for s in release.manifest["tables"].get(table, {"splits": {}})["splits"].values())
    have = sum(entry["rows"] for name, entry in files.items() if name.startswith(f"{table}/")) - added
    if had != have:
        raise ReleaseError(
            f"{release.path}: {had - have:,} of {had:,} {table} belong to no query of their split. Remedy: run validate on it"
        )
