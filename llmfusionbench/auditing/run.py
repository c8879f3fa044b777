"""Runs the detectors over a release: one pass over the view `logs`, by row group, with a process per shard."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from llmfusionbench import _version
from llmfusionbench.auditing.batches import shard_batches
from llmfusionbench.auditing.detector import JUDGE_SCORES, KEY, Detector
from llmfusionbench.auditing.detectors import DETECTORS, RELEASE_DETECTORS
from llmfusionbench.auditing.finding import SEVERITIES, Finding
from llmfusionbench.auditing.result import AUDIT_VERSION, Audit
from llmfusionbench.auditing.signs.personal import masked
from llmfusionbench.engines import Engine, Local, engine_of
from llmfusionbench.engines.engine import PARALLEL_ROWS, in_order
from llmfusionbench.evaluation.release_facts import source_of
from llmfusionbench.manifest import MANIFEST
from llmfusionbench.release import Release, open_release
from llmfusionbench.texts.tokens import offline_tokenizers
from llmfusionbench.types import Progress

NEAR_DUPLICATES: Final = "near_duplicates"
"""The detector that can be left out, since it compares all prompts with each other."""


@dataclass(frozen=True)
class Shard:
    """A file of `logs`, the unit of work of one process."""

    path: Path
    judged: tuple[Path, ...]
    """The files of `judge_scores` of its split."""
    rows: int
    """Number of its answers."""
    limit: int | None = None
    """Number of answers after which its next row group is not read; None: all are read."""

    @property
    def name(self) -> str:
        return self.path.stem

    def look(self) -> tuple[dict[str, Detector], int]:
        """The detectors after the rows of the shard, and the number of these."""
        detectors, looked = {name: kind() for name, kind in DETECTORS.items()}, 0
        for batch in shard_batches(self.path, self.judged, columns_of(detectors)):
            for detector in detectors.values():
                detector.look(batch)
            looked += batch.num_rows
            if self.limit is not None and looked >= self.limit:
                break
        return detectors, looked


def audit(
    release: Release | str | Path,
    *,
    workers: int | None = None,
    engine: str | Engine = "local",
    near_duplicates: bool = True,
    rows: int | None = None,
    progress: Progress | None = None,
) -> Audit:
    """Find what is wrong with the log in a release. The result does not depend on the number of workers.

    Args:
        release: A release, its directory, `"sample"` or a name on the Hub, as for `open_release`.
        workers: Number of processes; by default one per core. A small release is audited in this process.
        engine: What audits the shards: `local`, processes of this machine, or `ray`, tasks of a Ray cluster.
        near_duplicates: Also compare all prompts with each other, which can take longer than all the rest.
        rows: Stop at the row group that reaches this number of answers, for a first look; by default all are read. The queries
            of a row group are a random part of those of a split.
        progress: Called as progress(stage, done, total).

    Raises:
        HubError, InputError, ReleaseError: the release cannot be opened or read, as for `open_release`.
    """
    opened = (release if isinstance(release, Release) else open_release(release)).local()
    tell, runner = progress or (lambda *_: None), engine_of(engine, workers)
    merged = {name: kind() for name, kind in DETECTORS.items()}
    shards = _first(_shards(opened), rows)
    looked = 0
    tell("shards audited", 0, len(shards))
    for done, (detectors, answers) in enumerate(_looked(shards, runner, opened.directory.absolute() / MANIFEST), start=1):
        looked += answers
        for name, detector in detectors.items():
            merged[name].merge(detector)
        tell("shards audited", done, len(shards))
    found = [finding for detector in merged.values() for finding in detector.findings()]
    checks = [name for name in RELEASE_DETECTORS if near_duplicates or name != NEAR_DUPLICATES]
    for done, name in enumerate(checks):
        tell("checks of the whole release", done, len(checks))
        found += RELEASE_DETECTORS[name](opened)
    return Audit(
        {
            "version": AUDIT_VERSION,
            "tool": {"name": _version.NAME, "version": _version.__version__},
            "release": source_of(opened),
            "rows": {"responses": looked, "queries": _rows(opened, "queries"), "llms": _rows(opened, "llms")},
            "detectors": sorted([*merged, *checks]),
            "notes": list(_notes(near_duplicates, looked, _rows(opened, "logs"))),
            "findings": [_masked(finding.to_dict()) for finding in sorted(found, key=_place)],
        }
    )


def columns_of(detectors: dict[str, Detector]) -> tuple[str, ...]:
    """The columns that any of the detectors reads, each once."""
    return tuple(dict.fromkeys([*KEY, *(column for detector in detectors.values() for column in detector.columns)]))


def _shards(release: Release) -> list[Shard]:
    needed = JUDGE_SCORES in columns_of({name: kind() for name, kind in DETECTORS.items()})
    judged = {
        split: tuple(path.absolute() for path in release.checked(release.files("judge_scores", split)))
        for split in (release.manifest["tables"].get("judge_scores", {"splits": {}})["splits"] if needed else ())
    }
    entries = release.manifest["files"]
    return [
        Shard(path.absolute(), judged.get(split, ()), entries[f"logs/{path.name}"]["rows"])
        for split in release.splits
        for path in release.checked(release.files("logs", split))
    ]


def _first(shards: Sequence[Shard], rows: int | None) -> list[Shard]:
    """The first shards that have this number of rows together, the last of them with a limit."""
    if rows is None:
        return list(shards)
    before = [sum(shard.rows for shard in shards[:i]) for i in range(len(shards))]
    return [replace(shard, limit=rows - seen) for shard, seen in zip(shards, before, strict=True) if seen < rows]


def _looked(shards: Sequence[Shard], engine: Engine, manifest: Path) -> Iterator[tuple[dict[str, Detector], int]]:
    """What `Shard.look` returns, in the order of the shards."""
    chosen = Local(1) if sum(shard.rows for shard in shards) < PARALLEL_ROWS else engine
    yield from in_order(chosen.run(Shard.look, shards, sees=[manifest]))


def _rows(release: Release, table: str) -> int:
    splits = release.manifest["tables"].get(table, {"splits": {}})["splits"]
    return sum(split["rows"] for split in splits.values())


def _notes(near_duplicates: bool, looked: int, total: int) -> Iterator[str]:
    """What was not looked at."""
    if looked < total:
        yield f"Only {looked:,} of {total:,} answers were looked at."
    if not near_duplicates:
        yield "Near-duplicates were not looked for."
    if not offline_tokenizers():
        yield ("Token counts were not compared with a tokenizer, because none is installed. Remedy: pip install toktok-rs")


def _masked(value: Any) -> Any:
    """The finding with personal data masked in every text, names of places too."""
    if isinstance(value, dict):
        return {key: _masked(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_masked(inner) for inner in value]
    return masked(value) if isinstance(value, str) else value


def _place(finding: Finding) -> tuple[int, float, str, str]:
    return SEVERITIES.index(finding.severity), -finding.share, finding.detector, finding.title
