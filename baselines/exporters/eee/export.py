"""`export_eee`: a release as aggregates and samples of Every Eval Ever, whole or not at all, with a page about it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench import _version
from llmfusionbench.baselines.exporters.eee.runs import Run, epoch
from llmfusionbench.baselines.exporters.eee.samples import COLUMNS, OF_QUERY
from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.release import Release, open_release
from llmfusionbench.release.failures import MISSING, ZERO, check_policy, failed
from llmfusionbench.storage.directories import whole_directory
from llmfusionbench.storage.files import sha256
from llmfusionbench.storage.kinds import CARD, DirectoryKind, stated_in
from llmfusionbench.types import Candidate

MANIFEST: Final = "export.json"
_VERSION: Final = "eee_export_version"
_EXPORT_VERSION: Final = "1.0"
EXPORT: Final = DirectoryKind("export to Every Eval Ever", stated_in(MANIFEST, _VERSION, _EXPORT_VERSION, besides=[CARD]))
LOST: Final = "judges' scores, thought templates, embeddings, dated prices; queries and candidates without an answer"
READER: Final = "eee"
"""The source that reads an export back."""
_BLOCK: Final = 2048


@dataclass(frozen=True)
class EeeExport:
    """What was written; stands for its folder where a path is wanted."""

    path: Path
    files: dict[str, int]
    """Name -> records in it: 1 of an aggregate, else the number of samples."""
    samples: int
    runs: int
    """Aggregates: LLMs in a mode on a task."""
    unscored: int
    """Samples without a score, which the schema demands: 0 is written, and `metadata` states it."""
    provenance: list[str]
    about: dict[str, Any] = field(default_factory=dict, repr=False)
    """What export.json says."""

    def __fspath__(self) -> str:
        return str(self.path)


def export_eee(
    release: Release | str | Path,
    out: str | Path,
    *,
    split: str | None = None,
    candidates: Sequence[str] | None = None,
    tasks: Sequence[str] | None = None,
    failures: str = ZERO,
    overwrite: bool = False,
) -> EeeExport:
    """Write `data/{benchmark}/{developer}/{model}/{uuid}.json` and `{uuid}_samples.jsonl` of every LLM, mode and task.

    The same release gives the same bytes: names come from the contents, and times from the answers.

    Args:
        release: A release, or where one is.
        out: Folder of the export; it appears whole or not at all.
        split: All splits by default.
        candidates: Some candidates; all by default.
        tasks: Some tasks; all by default.
        failures: What a failed answer (status `error` or `empty`, without a score) counts as in means: `zero`, or `missing`.
        overwrite: Replace an export that is there.

    Raises:
        UnknownNameError: no such split, candidate, task or policy for failures.
        InputError: there are no answers, or `out` is something else or cannot be written.
        ReleaseError: `release` is damaged.
    """
    check_policy(failures)
    opened = release if isinstance(release, Release) else open_release(release)
    if split is not None and split not in opened.splits:
        raise UnknownNameError("split", split, opened.splits)
    splits = opened.splits if split is None else [split]
    _check(opened, splits, "task", tasks)
    _check(opened, splits, "candidate", candidates)
    with whole_directory(out, EXPORT, overwrite=overwrite, inputs=opened.inputs) as folder:
        runs = _runs(opened, splits, folder, candidates, tasks, failures)
        if not runs:
            raise InputError(
                f"{opened.path}: no answers to queries of {', '.join(splits) or 'it'}. Remedy: choose another split"
            )
        facts = {row["llm"]: row for row in opened.rows("llms").to_pylist()}
        stated = _stated(opened)
        files: dict[str, int] = {}
        for run in runs:
            files |= run.close(folder, stated, facts.get(run.candidate.llm, {}))
        unscored = sum(m.answers - len(m.scores) for run in runs for m in run.metrics.values())
        about = _about(opened, splits, runs, files, unscored, failures)
        (folder / CARD).write_text(_card(about), encoding="utf-8")
        about["files"] = {n: {"records": count, "sha256": sha256(folder / n)} for n, count in files.items()}
        about["card"] = {"sha256": sha256(folder / CARD)}
        (folder / MANIFEST).write_text(json.dumps(about, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return EeeExport(Path(out), files, about["samples"], len(runs), unscored, opened.provenance, about)


def _runs(
    release: Release,
    splits: Sequence[str],
    folder: Path,
    candidates: Sequence[str] | None,
    tasks: Sequence[str] | None,
    failures: str,
) -> list[Run]:
    """The runs in the order of their answers, their samples written."""
    runs: dict[tuple[str, str, str], Run] = {}
    moments = [pc.max(release.rows("responses", split, columns=["created_at"])["created_at"]).as_py() for split in splits]
    latest = max(filter(None, moments), default=None)
    stamp = "0" if latest is None else epoch(latest)
    for split in splits:
        queries = release.rows("queries", split, columns=["query_id", *OF_QUERY]).to_pylist()
        known = {row.pop("query_id"): row for row in queries}
        for batch in release.batches("logs", split, list(COLUMNS)):
            for start in range(0, batch.num_rows, _BLOCK):
                part = batch.slice(start, _BLOCK)
                lost = failed(part) if failures == ZERO else [False] * part.num_rows
                _add(runs, folder, stamp, part, known, list(map(bool, lost)), candidates, tasks)
    return list(runs.values())


def _add(
    runs: dict[tuple[str, str, str], Run],
    folder: Path,
    stamp: str,
    part: pa.RecordBatch,
    known: Mapping[str, Mapping[str, Any]],
    lost: Sequence[bool],
    candidates: Sequence[str] | None,
    tasks: Sequence[str] | None,
) -> None:
    """Append some answers to their runs."""
    groups: dict[tuple[str, str, str], tuple[list[dict[str, Any]], list[bool]]] = {}
    for row, failure in zip(part.to_pylist(), lost, strict=True):
        candidate = Candidate(row["llm"], row["mode"])
        if row["status"] == "missing" or (tasks is not None and row["task"] not in tasks):
            continue
        if candidates is not None and candidate.name not in candidates:
            continue
        rows, failures = groups.setdefault((row["task"], *candidate), ([], []))
        rows.append(row | known[row["query_id"]])
        failures.append(failure)
    for key, (rows, failures) in groups.items():
        if key not in runs:
            runs[key] = Run(key[0], Candidate(*key[1:]), folder / f"{len(runs)}.part", stamp)
        runs[key].write(rows, failures)


def _check(release: Release, splits: Sequence[str], noun: str, names: Sequence[str] | None) -> None:
    """Raise UnknownNameError for a task or candidate that the splits do not have."""
    for name in names or ():
        columns = ["task"] if noun == "task" else ["llm", "mode"]
        found: set[str] = set()
        for split in splits:
            rows = release.rows("logs", split, columns=columns).group_by(columns).aggregate([]).to_pylist()
            found |= {row["task"] if noun == "task" else Candidate(**row).name for row in rows}
        if name not in found:
            raise UnknownNameError(noun, name, sorted(found))


def _stated(release: Release) -> dict[str, Any]:
    """What every aggregate states of the release."""
    source = release.manifest.get("source", {})
    details = {
        "release_source": source.get("name"),
        "release_revision": source.get("revision"),
        "release_manifest_sha256": release.manifest_sha256,
        "provenance": ", ".join(release.provenance),
        "simulated": "true: no LLM was asked" if "simulated" in release.provenance else "false",
    }
    return {
        "source_metadata": {
            "source_name": f"a release of {_version.NAME}",
            "source_type": "evaluation_run",
            "source_organization_name": "unknown",
            "evaluator_relationship": "other",
            "additional_details": {name: str(value) for name, value in details.items() if value is not None},
        },
        "provenance": release.provenance[0] if len(release.provenance) == 1 else "",
    }


def _about(
    release: Release, splits: Sequence[str], runs: Sequence[Run], files: Mapping[str, int], unscored: int, failures: str
) -> dict[str, Any]:
    return {
        _VERSION: _EXPORT_VERSION,
        "tool": {"name": _version.NAME, "version": _version.__version__},
        "release": {
            "source": release.manifest.get("source", {}).get("name"),
            "revision": release.manifest.get("source", {}).get("revision"),
            "manifest_sha256": release.manifest_sha256,
        },
        "provenance": release.provenance,
        "simulated": "simulated" in release.provenance,
        "splits": list(splits),
        "candidates": sorted({run.candidate.name for run in runs}),
        "tasks": sorted({run.task for run in runs}),
        "runs": len(runs),
        "samples": sum(run.samples for run in runs),
        "unscored": unscored,
        "failures": failures,
        "lost": LOST,
        "read_back_by": READER,
        "files": dict(files),
    }


def _card(about: Mapping[str, Any]) -> str:
    """The page of an export. Names of candidates and tasks stay out of it: they may be markup."""
    simulated = "SIMULATED: no LLM gave these answers, and they show nothing about any.\n\n" if about["simulated"] else ""
    failures = {ZERO: "0", MISSING: "no score"}[about["failures"]]
    return (
        f"# Results in the format of Every Eval Ever\n\n{simulated}"
        f"Written by {_version.NAME} {about['tool']['version']} from a release with answers that are "
        f"{', '.join(about['provenance']) or 'of unknown making'}. The schema version is 0.3.0.\n\n"
        f"- aggregates: {about['runs']:,}, one of each LLM in a mode on a task\n"
        f"- samples: {about['samples']:,}; {about['unscored']:,} of them have no score: their score is 0 and `metadata` has "
        "`llmfusionbench.unscored`\n"
        f"- failed answers (`error`, `empty`) count as: {failures}\n"
        f"- has no place for: {about['lost']}\n- read back by: `llmfusionbench build {about['read_back_by']}`\n"
    )
