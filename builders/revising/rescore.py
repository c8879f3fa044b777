"""Re-scoring: a new release in which every answer has the performance that our metrics give it.

An answer that cannot be scored has none, and the reasons are counted. `metric_version` names the origin of every number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from llmfusionbench.builders.making.indices import METRIC, Numbers, Readings, check_reading
from llmfusionbench.builders.making.score_warnings import CODE
from llmfusionbench.builders.making.scoring import Choice
from llmfusionbench.builders.revising import rescore_rows
from llmfusionbench.builders.revising.code_runs import VERDICTS, run_code
from llmfusionbench.builders.revising.derive import Conclusion, Revised, derive
from llmfusionbench.builders.revising.rescore_report import RescoreReport, summarise
from llmfusionbench.builders.revising.rescore_rows import CHANGES, SCORES, score_responses
from llmfusionbench.engines import Engine
from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.release import Release, open_release
from llmfusionbench.release.shard_store import ShardStore
from llmfusionbench.release.shards import Shard, ShardTables
from llmfusionbench.sandbox import choose_kind
from llmfusionbench.scoring import METRICS, OFFICIAL
from llmfusionbench.storage.files import sha256
from llmfusionbench.types import Progress

CHANGED: Final = "rescore_changes.parquet"
"""The file of a re-scored release that lists the answers whose performance has changed."""


def rescore(
    release: Release | str | Path,
    out: str | Path,
    *,
    metrics: Sequence[str] | None = None,
    official: bool = False,
    allow_code_execution: bool = False,
    sandbox: str = "auto",
    truth: str | None = None,
    workers: int | None = None,
    engine: str | Engine = "local",
    overwrite: bool = False,
    progress: Progress | None = None,
) -> RescoreReport:
    """Score the answers of a release again and write them as another release.

    The views follow the scores; everything else is copied byte for byte. `rescore_changes.parquet` in `out` lists the answers
    whose performance has changed. An interrupted run is resumed by the next one with the same arguments.

    Args:
        release: A release, or its name: "sample", a directory, "org/name".
        out: Directory of the new release, written atomically.
        metrics: Score only the queries of these metrics; all others keep their performance. By default all are scored, and
            an answer whose metric is unknown has no performance.
        official: Compute the reference pipeline's own numbers, including its defects, for comparison with published ones.
        allow_code_execution: Run the programs that LLMs wrote, in a sandbox; without it they are not scored.
        sandbox: "auto" for the strongest isolation available, or a kind by name.
        truth: What the ground truths of multiple-choice queries are: `index0` or `index1` (whole numbers that count the options
            from 0 or 1), `letter` or `text`. By default each task's truths show it. The ground truths are copied as they are.
        workers: Number of processes; by default one per core. Any number gives the same bytes.
        engine: What runs the shards: `local`, processes of this machine, or `ray`, tasks of a Ray cluster; with the same bytes.
        overwrite: Replace an existing release, which may be `release` itself.
        progress: Called as progress(stage, done, total).

    Returns:
        Means before and after, by task and by LLM, and what changed. With several `workers` this starts processes: in a script,
        call it under `if __name__ == "__main__"`.

    Raises:
        UnknownNameError: a metric, the value of `truth` or the kind of sandbox is not known.
        InputError: no isolation is available for code that is to be run; `out` cannot be written; or the release would have
            both official numbers and ours.
        ReleaseError: `release` is damaged.
        MissingExtraError: a package that a metric needs is not installed.
    """
    for metric in metrics or ():
        if metric not in METRICS:
            raise UnknownNameError("metric", metric, METRICS)
    choice = Choice(None if metrics is None else tuple(sorted(set(metrics))), official)
    source = (release if isinstance(release, Release) else open_release(release)).local()
    _check_versions(source, choice)
    kind = choose_kind(sandbox) if allow_code_execution else None
    revision = Rescoring(choice, kind, _readings(source, choice, check_reading(truth)))
    report: RescoreReport = derive(
        source, out, revision, workers=workers, engine=engine, overwrite=overwrite, progress=progress
    )
    return report


def _readings(release: Release, choice: Choice, stated: str | None) -> Readings:
    """How the ground truths of the release are read."""
    numbers = Numbers()
    if not choice.takes(METRIC):
        unread = f"truth={stated} has no effect: it is about the metric {METRIC}, which is not among the chosen metrics"
        return Readings(warnings=() if stated is None else (unread,))
    for batch in release.batches("queries", columns=["query_id", "task", "metric", "ground_truth", "choices", "prompt"]):
        numbers.add(batch)
    source = release.manifest.get("source")
    read = source.get("truths") if isinstance(source, dict) else None
    return numbers.readings(stated, read if isinstance(read, (str, dict)) else None)


def _check_versions(release: Release, choice: Choice) -> None:
    """Check that official numbers and ours do not share a release. Numbers of a log, whose origin is unknown, may stay."""
    if choice.metrics is None:
        return
    queries = release.rows("queries", columns=["query_id", "metric"])
    kept = queries.filter(pc.invert(pc.is_in(queries["metric"], value_set=pa.array(choice.metrics, pa.string()))))
    rows = release.rows("responses", columns=["query_id", "metric_version"])
    rows = rows.filter(pc.is_in(rows["query_id"], value_set=kept["query_id"].combine_chunks()))
    for version in pc.unique(rows["metric_version"]).drop_null().to_pylist():
        if (version == OFFICIAL) != choice.official:
            raise InputError(
                f'{release.path}: answers of other metrics have metric_version "{version}", which would stand beside '
                f'"{choice.version}" in one column. Remedy: score all metrics, without --metric'
            )


@dataclass(frozen=True)
class Rescoring:
    """The revision that scores answers again."""

    choice: Choice
    sandbox: str | None
    """The kind that programs run in; None if none may run."""
    truths: Readings = field(default_factory=Readings)
    """How ground truths are read that are indices."""

    @property
    def name(self) -> str:
        return "rescore"

    @property
    def table(self) -> Literal["responses"]:
        return "responses"

    def options(self) -> dict[str, Any]:
        return {
            "metrics": None if self.choice.metrics is None else list(self.choice.metrics),
            "metric_version": self.choice.version,
            "sandbox": self.sandbox,
        } | ({"truths": self.truths.found} if self.truths.found else {})

    def prepare(self, shards: Sequence[Shard], store: ShardStore, workers: int, tell: Progress) -> None:
        """Run the programs, if that is allowed and wanted."""
        if self.sandbox is not None and self.choice.takes(CODE):
            run_code(shards, store, self.sandbox, official=self.choice.official, workers=workers, tell=tell)

    def revise(self, shard: Shard, tables: ShardTables, store: ShardStore, workers: int) -> Revised:
        """Give every response of a chosen metric its performance, or none."""
        return score_responses(tables, self.choice, store.read(VERDICTS, shard), workers, self.truths)

    def conclude(self, shards: Sequence[Shard], store: ShardStore, root: Path) -> Conclusion:
        """Write the changes, and compare before and after."""
        changes = 0
        with pq.ParquetWriter(root / CHANGED, CHANGES, compression="zstd", use_dictionary=True) as writer:
            for shard in shards:
                rows = store.known(rescore_rows.CHANGE_NOTES, shard)
                changes += rows.num_rows
                if rows.num_rows:
                    writer.write_table(rows)
        file = root / CHANGED
        entry = {"rows": changes, "bytes": file.stat().st_size, "sha256": sha256(file)}
        scores = (
            pa.concat_tables([store.known(rescore_rows.SCORE_NOTES, shard) for shard in shards])
            if shards
            else SCORES.empty_table()
        )
        report = summarise(scores, sandbox=self.sandbox, warnings=self.truths.warnings)
        figures: dict[str, Any] = {"answers": report.answers, "changed": changes, "missing": report.missing}
        figures |= {"warnings": report.warnings} if report.warnings else {}
        return Conclusion({CHANGED: entry}, figures, report, tuple(report.warnings))
