"""Merge: several releases as one, their rows joined by key, so that the logs of different tools meet in one routing table."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.appending.changelog import mixed_provenance, sources_of, truths_of, warnings_of_manifest
from llmfusionbench.builders.appending.merge import Clashes, Rules
from llmfusionbench.builders.appending.plan import plan
from llmfusionbench.builders.appending.union import check_files, listed_conflicts, write_union
from llmfusionbench.builders.build import REJECTED
from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.manifest import MANIFEST
from llmfusionbench.release import Release, ReleaseWriter, open_release
from llmfusionbench.release.writers import release_writer
from llmfusionbench.storage.files import sha256
from llmfusionbench.types import Progress

PREFERENCES: Final = {"first": "old", "last": "new"}
"""Our words for the side that counts where two releases differ: the one named first, or last."""

_METRIC: Final = ("queries", "metric")


@dataclass(frozen=True)
class Merged:
    """Several releases as one."""

    release: Release
    shared: int
    """Number of queries that two or more of the releases have."""
    conflicts: Clashes
    """The values of which only one was taken."""
    warnings: list[str] = field(default_factory=list)


def merge(
    releases: Sequence[Release | str | Path],
    out: str | Path,
    *,
    prefer: str | None = None,
    replicates: bool = False,
    overwrite: bool = False,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Merged:
    """Write several releases as one, with their rows matched by key.

    A query is the same in two releases if its task and its prompt are (`query_id`); white space around the prompt does not
    count. The `source_id` and the prompt of the release named first are kept. Where one side has a null, the metric `unknown`
    or the domain `other`, the value of the other counts, and an answer that was never asked for gives way to one that was. A
    query that two releases have in different splits goes to the more protected one. Views are made again; costs stay.

    Args:
        releases: Two or more releases, or their names: "sample", a directory, "org/name".
        out: Directory of the new release, written atomically.
        prefer: Whose value counts where two have one: `first`, that of the release named first, or `last`.
        replicates: Keep two different answers of a candidate to a query as replicates, instead of calling them a conflict.
        overwrite: Replace an existing release.
        workers: Number of threads; by default one per core. Any number gives the same bytes.
        progress: Called as progress(stage, done, total).

    Raises:
        InputError: fewer than two releases, two contradict each other and `prefer` is None, or `out` cannot be written.
        ReleaseError: a release is damaged.
        UnknownNameError: `prefer` is neither.
    """
    if prefer is not None and prefer not in PREFERENCES:
        raise UnknownNameError("preference", prefer, tuple(PREFERENCES))
    if len(releases) < 2:
        raise InputError(f"{len(releases)} release to merge, expected two or more. Remedy: name them all")
    sides = [(one if isinstance(one, Release) else open_release(one)).local() for one in releases]
    if twice := [side.path for i, side in enumerate(sides) if side.manifest_sha256 in {s.manifest_sha256 for s in sides[:i]}]:
        raise InputError(f"{twice[0]}: given twice, expected each release once. Remedy: drop it")
    tell = progress or (lambda *_: None)
    # All conflicts are counted before any is refused, so one side counts in any case.
    rules = Rules(PREFERENCES[prefer or "first"], loose=True, replicates=replicates)
    inputs = [place for side in sides for place in side.inputs]
    clashes = Clashes()
    both: list[pa.Array] = []
    refused: list[str] = []
    warnings: list[str] = []
    with (
        release_writer(out, overwrite=overwrite, inputs=inputs) as writer,
        TemporaryDirectory(dir=writer.path, ignore_cleanup_errors=True) as steps,
    ):
        check_files(tuple(sides), tell)
        made = sides[0]
        for number, side in enumerate(sides[1:], start=1):
            layout = plan(made, side)
            both.append(layout.query_ids.filter(pa.array((layout.old.split >= 0) & (layout.new.split >= 0))))
            if number < len(sides) - 1:
                place = Path(steps) / str(number)
                with ReleaseWriter(place) as step:
                    done = write_union(made, side, layout, step.path, rules, workers, tell)
                    step.finish(done.files, {"provenance": sorted({*made.provenance, *side.provenance})})
                made = Release(place)
            else:
                done = write_union(made, side, layout, writer.path, rules, workers, tell)
            clashes.add(done.clashes)
            if done.clashes.counts:
                refused += _contradictions(sides[:number], side, done.clashes, indent="  " if refused else "")
                warnings += _mixed_metrics(side, done.clashes)
        if refused and prefer is None:
            answers = not replicates and any(table == "responses" for table, _ in clashes.counts)
            advice = ", or --replicates to keep different answers of an LLM side by side" if answers else ""
            remedy = f"Remedy: set --prefer first or --prefer last to say whose values count{advice}"
            raise InputError("\n".join([*refused, remedy]))
        files = done.files
        if rejected := _rejected(sides, writer.path / REJECTED):
            files[REJECTED] = rejected
        shutil.rmtree(steps)
        shared = len(pc.unique(pa.chunked_array(both, pa.string())))
        warnings += [*mixed_provenance(sides), *([_NOTHING_SHARED] if not shared else [])]
        options = {"prefer": prefer, "replicates": replicates}
        writer.finish(files, _about(sides, options, clashes, shared, warnings, rejected.get("rows", 0)))
    return Merged(writer.release(), shared, clashes, warnings)


_NOTHING_SHARED: Final = (
    "the releases have no query in common: a query is the same if its task and its prompt are. "
    "Compare their tasks and prompts, and see --option task= and --option prompt= of their sources"
)


def _contradictions(before: Sequence[Release], side: Release, clashes: Clashes, indent: str) -> list[str]:
    total = sum(clashes.counts.values())
    others = ", ".join(str(one.path) for one in before)
    return [
        f"{indent}{side.path} contradicts {others} in {total:,} value{'s' * (total > 1)} of rows that both have:",
        *listed_conflicts(clashes, "here it"),
    ]


def _mixed_metrics(side: Release, clashes: Clashes) -> list[str]:
    """A warning where the performance of one query is measured by two metrics."""
    count = clashes.counts.get(_METRIC, 0)
    queries = f"{count:,} quer{'y has' if count == 1 else 'ies have'}"
    return [
        f"{queries} another metric in {side.path.name}: one metric is stated for all answers, and each answer keeps the "
        "performance that its own log states. Rescore the release to measure all by one metric"
    ][:count]  # fmt: skip


def _rejected(sides: Sequence[Release], path: Path) -> dict[str, Any]:
    """Write the rejected records of all releases as one file; its entry for the manifest, empty if there are none."""
    rows = 0
    with open(path, "wb") as file:
        for side in sides:
            if REJECTED in side.manifest["files"]:
                side.good([REJECTED])
                file.write((side.directory / REJECTED).read_bytes())
                rows += side.manifest["files"][REJECTED].get("rows", 0)
    if not rows:
        path.unlink()
        return {}
    return {"rows": rows, "bytes": path.stat().st_size, "sha256": sha256(path)}


def _about(
    sides: Sequence[Release], options: dict[str, Any], clashes: Clashes, shared: int, warnings: Sequence[str], rejected: int
) -> dict[str, Any]:
    """The entries of the manifest: what was merged, with the sources, provenance and warnings of all."""
    inputs = [
        {
            "name": f"{side.path.name}/{MANIFEST}",
            "bytes": (side.directory / MANIFEST).stat().st_size,
            "sha256": side.manifest_sha256,
        }
        for side in sides
    ]
    source: dict[str, Any] = {"name": "merge", "revision": None, "inputs": inputs, "options": options}
    truths: dict[str, Any] = {}
    for side in reversed(sides):
        truths |= truths_of(side)
    sources = [one for side in sides for one in sources_of(side)]
    records = [side.manifest["records"] for side in sides if isinstance(side.manifest.get("records"), dict)]
    conflicts = {f"{table}.{column}": count for (table, column), count in sorted(clashes.counts.items())}
    step = {"step": "merge", "options": options, "shared_queries": shared, "conflicts": conflicts, "releases": [
        {"manifest": side.manifest_sha256, "history": side.manifest.get("history", [])} for side in sides
    ]}  # fmt: skip
    said = [*(line for side in sides for line in warnings_of_manifest(side)), *warnings]
    return {
        "source": source | ({"truths": truths} if truths else {}),
        "sources": [one for i, one in enumerate(sources) if one not in sources[:i]],
        "provenance": sorted({p for side in sides for p in side.provenance}),
        "records": {name: sum(r.get(name, 0) for r in records) for name in ("taken", "folded", "rejected")},
        "rejected": rejected,
        "history": [step],
    } | ({"warnings": list(dict.fromkeys(said))} if said else {})
