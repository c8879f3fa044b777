"""Makes a release from a release: answers are revised shard by shard, views are rebuilt, everything else is copied.

What becomes of an answer is the business of a `Revision`. A run that is cut short leaves its finished shards in a hidden
directory beside the new release, and the next run of the same takes them up.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import pyarrow as pa

from llmfusionbench import _version
from llmfusionbench.builders.making.views import make_views
from llmfusionbench.builders.revising.carry import carry_over, checked, described
from llmfusionbench.builders.revising.shards import Shard, ShardTables, Store, shards_of
from llmfusionbench.builders.revising.workers import process_pool
from llmfusionbench.errors import InputError, ReleaseError
from llmfusionbench.manifest import MANIFEST
from llmfusionbench.release import Release, ReleaseWriter, open_release, write_shard
from llmfusionbench.release.writer import shard_name
from llmfusionbench.schema import SCHEMA_VERSION
from llmfusionbench.storage.files import sha256
from llmfusionbench.types import Progress

REDONE: Final = ("responses", "logs", "routing")
"""The tables that are rewritten."""


@dataclass(frozen=True)
class Revised:
    """What a revision made of a shard."""

    responses: pa.Table
    notes: dict[str, pa.Table]
    """What `conclude` will want to know of the shard, by name."""


@dataclass(frozen=True)
class Conclusion:
    """What a revision came to."""

    files: dict[str, dict[str, Any]]
    """Name -> entry for the manifest of each file it wrote beside the tables."""
    figures: dict[str, Any]
    """For the manifest's history."""
    report: Any
    """For the caller."""


class Revision(Protocol):
    """A change to the answers of a release. It can be pickled, and the same answers always become the same."""

    @property
    def name(self) -> str:
        """What it is called in the manifest's history."""
        ...

    def options(self) -> dict[str, Any]:
        """What sets it apart from others of its name, as JSON can hold it; the manifest tells, and a run is known by it."""
        ...

    def prepare(self, shards: Sequence[Shard], store: Store, workers: int, tell: Progress) -> None:
        """Do what is not done shard by shard; results go to the store."""
        ...

    def revise(self, shard: Shard, tables: ShardTables, store: Store, workers: int) -> Revised:
        """The responses of a shard as they shall be: the same keys, in the same order."""
        ...

    def conclude(self, shards: Sequence[Shard], store: Store, root: Path) -> Conclusion:
        """Add up what the shards noted."""
        ...


@dataclass(frozen=True)
class Derived:
    """A release that was made out of another."""

    release: Release
    shards: int
    resumed: int
    """Shards that an earlier run, cut short, had done."""
    report: Any
    """The revision's own."""


def derive(
    source: Release | str | Path,
    out: str | Path,
    revision: Revision,
    *,
    workers: int | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Derived:
    """Write the release that `revision` makes of `source`.

    Args:
        source: A release, or where one is (see `open_release`).
        out: Directory of the new one; it appears whole or not at all.
        revision: What to do to the answers.
        workers: Processes at work at a time; by default one a core. Any number gives the same bytes.
        overwrite: Replace a release that is there; it may be `source` itself.
        progress: Called as progress(stage, done, total).

    Raises:
        ReleaseError: `source` is damaged: a file differs from its manifest, or an answer's query is not there.
        InputError: `out` cannot be written or lies in `source`, or another run is making the same.
    """
    release = source if isinstance(source, Release) else open_release(source)
    if Path(os.path.realpath(release.path)) in Path(os.path.realpath(out)).parents:
        raise InputError(f"{out}: lies in the release that it is made of, {release.path}. Remedy: another --out")
    tell = progress or (lambda *_: None)
    count = workers or os.cpu_count() or 1
    shards = shards_of(release)
    with ReleaseWriter(out, overwrite=overwrite, resume=_digest(release, revision)) as writer:
        store = Store(writer.path / "state")
        files = dict(_copied(release, writer.path))
        done = {shard: entries for shard in shards if (entries := _done(shard, store, writer.path)) is not None}
        resumed = len(done)
        revision.prepare([s for s in shards if s not in done], store, count, tell)
        tell("shards written", len(done), len(shards))
        for shard, entries in _run([s for s in shards if s not in done], revision, store, writer.path, count):
            done[shard] = entries
            tell("shards written", len(done), len(shards))
        for shard in shards:
            files |= done[shard]
        _check_count(release, files)
        conclusion = revision.conclude(shards, store, writer.path)
        shutil.rmtree(store.path)
        about = described(release, revision.name, revision.options(), conclusion.figures)
        writer.finish(files | conclusion.files, about)
    return Derived(Release(out), len(shards), resumed, conclusion.report)


def _digest(release: Release, revision: Revision) -> str:
    """Digest of everything the new release depends on; the manifest has the digest of every file."""
    parts = [sha256(release.path / MANIFEST), revision.name, revision.options(), _version.__version__, SCHEMA_VERSION]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _copied(release: Release, root: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Copy what stays as it is; name and entry of each file. The responses are checked on the way."""
    for name in sorted(release.manifest["files"]):
        if name.startswith("responses/"):
            checked(release, name)
    yield from carry_over(release, root, but=lambda name: "/" in name and name.partition("/")[0] in REDONE)


def _done(shard: Shard, store: Store, root: Path) -> dict[str, dict[str, Any]] | None:
    """The entries of the shard's files, if an earlier run has finished it."""
    entries = store.receipt(shard)
    if entries is None or any(not (root / n).is_file() or sha256(root / n) != e["sha256"] for n, e in entries.items()):
        return None
    return entries


def _run(
    shards: Sequence[Shard], revision: Revision, store: Store, root: Path, workers: int
) -> Iterator[tuple[Shard, dict[str, dict[str, Any]]]]:
    """Revise the shards, the largest first, some at a time."""
    processes = min(workers, len(shards))
    ordered = sorted(shards, key=lambda s: -s.bytes)
    if processes <= 1:
        for shard in ordered:
            yield shard, _write(shard, revision, store, root, workers)
        return
    with process_pool(processes) as pool:
        futures = {pool.submit(_write, s, revision, store, root, workers // processes): s for s in ordered}
        for future in as_completed(futures):
            yield futures[future], future.result()


def _write(shard: Shard, revision: Revision, store: Store, root: Path, workers: int) -> dict[str, dict[str, Any]]:
    """Revise one shard and write its tables; their entries for the manifest. The receipt comes last."""
    tables = shard.read()
    revised = revision.revise(shard, tables, store, workers)
    made = {"responses": revised.responses}
    made |= make_views(tables.queries, revised.responses, tables.llms, tables.judge_scores)
    entries = {}
    with store.scratch() as scratch:
        for table in REDONE:
            name = shard_name(table, shard.split, shard.index, shard.total)
            entries[name] = write_shard(scratch, name, made[table])
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            os.replace(scratch / name, root / name)
    for note, rows in revised.notes.items():
        store.write(note, shard, rows)
    store.write_receipt(shard, entries)
    return entries


def _check_count(release: Release, files: dict[str, dict[str, Any]]) -> None:
    """No answer may be lost: one whose query is in no shard would be."""
    had = sum(s["rows"] for s in release.manifest["tables"].get("responses", {"splits": {}})["splits"].values())
    have = sum(entry["rows"] for name, entry in files.items() if name.startswith("responses/"))
    if had != have:
        raise ReleaseError(
            f"{release.path}: {had - have:,} of {had:,} responses belong to no query of their split. Remedy: run validate on it"
        )
