"""Every Eval Ever: aggregates of runs (JSON) and their samples (`*_samples.jsonl`), which meet by file name or evaluation_id.

The schemas 0.2 and 0.3 are read. An aggregate states the metric, its scale, the LLM and the settings; the samples hold the
answers. Samples without an aggregate are read on the scale 0 to 1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Final

from llmfusionbench.builders.reading.eee_runs import Result, Run, Spread, is_aggregate, partners, run_of, split_of
from llmfusionbench.builders.reading.eee_samples import PROMPTS, Sample, sample_of
from llmfusionbench.builders.reading.fields import BadRecordError, identity_of, number, required_text, text
from llmfusionbench.builders.reading.file_names import labelled
from llmfusionbench.builders.reading.json import read_items
from llmfusionbench.builders.reading.json_records import read_records
from llmfusionbench.builders.records import Llms, Note, Part, Rejected
from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.types import PROVENANCES, Candidate

_UNKNOWN: Final = "unknown"
_UUID: Final = "-".join("[0-9a-f]" * n for n in (8, 4, 4, 4, 12))
_OF_A_SAMPLE: Final = {"sample_id", "model_id", "evaluation"}
_NAMES: Final = {"source_id": "sample_id", "llm": "model_id"}
_ROUNDING: Final = 1e-9


@dataclass(frozen=True, kw_only=True)
class EEE:
    """Reads the aggregates and samples of Every Eval Ever.

    Args:
        metric: The metric whose scores are read, where samples have several: its evaluation_result_id, evaluation_name,
            metric_id, metric_name or metric_kind. By default the first one that a sample has.
        prompt: The text that is the prompt: `raw`, the bare question, or `formatted`, what the LLM saw.
        task: The task of all records; by default the dataset that the aggregate names, else the name of the evaluation.
        split: The split of every query; by default the one that the aggregate states, else `train`.
        provenance: How the answers came about; by default what an export of ours states, else `imported`.
    """

    metric: str | None = None
    prompt: str = "raw"
    task: str | None = None
    split: str | None = None
    provenance: str | None = None

    FILES: ClassVar[tuple[str, ...]] = ("*_samples.jsonl", f"{_UUID}.jsonl", f"{_UUID}.json")

    def read(self, paths: Sequence[Path]) -> Iterator[Part]:
        """Everything in the files of samples, with what their aggregates state."""
        if self.prompt not in PROMPTS:
            raise UnknownNameError("choice of --option prompt", self.prompt, PROMPTS)
        if self.provenance is not None and self.provenance not in PROVENANCES:
            raise UnknownNameError("provenance", self.provenance, PROVENANCES)
        runs, samples = _Runs(), []
        for path, file in labelled(paths):
            kind = _kind(path, file)
            if kind == "aggregates":
                yield from runs.read(path, file)
            elif kind == "other" and len(paths) > 1:
                yield Note(file, "it holds neither aggregates nor samples and is not read", warning=True)
            else:
                samples.append((path, file))
        if paths and not samples:
            raise InputError(
                f"{paths[0]}: aggregates alone, which state only means, expected samples as well. "
                "Remedy: add the files *_samples.jsonl that detailed_evaluation_results names"
            )
        taken = _Taken(self.metric)
        alone: list[str] = []
        for path, file in samples:
            reading = _Reading(self, path, file, runs, taken)
            yield from reading.parts()
            if reading.without:
                alone.append(file)
        if alone:
            yield Note(
                alone[0],
                f"files of samples without an aggregate: {len(alone):,}. Their metrics and settings are not known, and their "
                "scores are read on the scale 0 to 1",
                warning=True,
            )
        yield from runs.left()
        taken.check()


@dataclass
class _Runs:
    """The aggregates among the files."""

    runs: list[Run] = field(default_factory=list)
    by_place: dict[tuple[str, str], Run] = field(default_factory=dict)
    by_id: dict[str, Run] = field(default_factory=dict)
    met: set[int] = field(default_factory=set)

    def read(self, path: Path, file: str) -> Iterator[Part]:
        for item in read_items(path, file):
            if isinstance(item, Rejected):
                yield item
                continue
            try:
                if not is_aggregate(item[1]):
                    raise BadRecordError("evaluation_results is missing, expected an aggregate as before in this file")
                run = run_of(item[1], path, file)
            except BadRecordError as error:
                yield Rejected(file, item[0], str(error), {})
                continue
            self.runs.append(run)
            self.by_place |= dict.fromkeys(run.samples, run)
            self.by_id.setdefault(run.evaluation_id, run)

    def of(self, sample: dict[str, Any], places: Sequence[tuple[str, str]]) -> Run | None:
        """The run of a sample: by its evaluation_id, else by the file's name."""
        near = next((self.by_place[place] for place in places if place in self.by_place), None)
        stated = sample.get("evaluation_id")
        run = near if near is not None and near.evaluation_id == stated else self.by_id.get(str(stated), near)
        if run is not None:
            self.met.add(id(run))
        return run

    def left(self) -> Iterator[Note]:
        """The aggregates without samples."""
        alone = [run for run in self.runs if id(run) not in self.met]
        if alone:
            told = f"aggregates without samples among the files: {len(alone):,}. Their means are not read"
            yield Note(alone[0].file, told, warning=True)


@dataclass
class _Taken:
    """Which scores of all files are read, and how many answers every candidate has given to a query."""

    metric: str | None
    answers: dict[int, str] = field(default_factory=dict)
    """Hash of an answer -> the metric whose score was read for it."""
    replicates: Counter[tuple[Any, ...]] = field(default_factory=Counter)
    read: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)

    def wants(self, sample: Sample, result: Result | None, owner: tuple[Any, ...]) -> bool:
        """Whether this score of an answer is read."""
        name = sample.key or sample.name
        if self.metric is None:
            said = hash((owner, sample.record["source_id"], sample.record["prompt"], *sample.outputs))
            is_wanted = self.answers.setdefault(said, name) == name
        else:
            labels = {name.lower(), sample.name.lower(), *(result.labels if result else ())}
            is_wanted = self.metric.strip().lower() in labels
        if not is_wanted:
            self.skipped[name] += 1
            return False
        self.read[name] += 1
        return True

    def replicate(self, *cell: Any) -> int:
        """The number of the next answer to a query."""
        self.replicates[cell] += 1
        return self.replicates[cell] - 1

    def check(self) -> None:
        """Raise UnknownNameError if no sample has the metric."""
        if self.metric is not None and self.skipped and not self.read:
            raise UnknownNameError("choice of --option metric", self.metric, sorted(self.skipped))


@dataclass
class _Owner:
    """What the samples of a run by one metric have in common."""

    run: Run | None
    result: Result | None
    name: str
    """The model_id."""
    key: tuple[str, ...]
    columns: dict[str, Any]
    """Columns of a log record, but for what a sample states itself."""
    given: dict[str, Any]
    """Columns that no sample changes."""
    scores: Spread = field(default_factory=Spread)


@dataclass
class _Reading:
    """The reading of one file of samples."""

    source: EEE
    path: Path
    file: str
    runs: _Runs
    taken: _Taken
    without: bool = False
    """Whether a sample has no aggregate."""
    scales: dict[int, Spread] = field(default_factory=dict)
    """The scores of each metric, by the id of the object, where they were looked through before."""
    owners: dict[tuple[str, str, str | None, str], _Owner] = field(default_factory=dict)
    rows: Counter[int] = field(default_factory=Counter)
    shared_scores: int = 0
    conversations: int = 0
    losses: set[str] = field(default_factory=set)
    outside: Counter[str] = field(default_factory=Counter)
    """Metric -> number of its scores outside their scale."""
    described: dict[str, Run] = field(default_factory=dict)

    def parts(self) -> Iterator[Part]:
        """The records and notes of the file."""
        self.places = list(partners(self.path))
        if any(r.scale not in (None, (0.0, 1.0)) for run in self.runs.runs for r in run.results.values()):
            self._measure()
        skipped = sum(self.taken.skipped.values())
        shared = {"split": "train", "metric": _UNKNOWN}
        identity = partial(identity_of, names=_NAMES)
        required = None if self.source.metric else "sample of Every Eval Ever"
        yield from read_records(self.path, self.file, self._read, shared, identity=identity, required=required)
        rows = [{"llm": llm, **run.about} for llm, run in self.described.items() if run.about]
        if rows:
            yield Llms(rows)
        yield from self._notes(sum(self.taken.skipped.values()) - skipped)

    def _read(self, record: dict[str, Any]) -> Iterator[dict[str, Any]]:
        sample = sample_of(record, self.source.prompt)
        owner = self._owner(record, sample)
        if owner.run is None:
            self.without = True
        else:
            self.rows[id(owner.run)] += 1
        if not self.taken.wants(sample, owner.result, owner.key):
            return
        stated = {**owner.columns, **sample.record, **owner.given, "performance": self._performance(sample, owner)}
        if "mode" in sample.record:  # by our own export, in which the name is the LLM's alone
            stated["llm"] = owner.name
        if owner.run is not None:
            self.described.setdefault(stated["llm"], owner.run)
        self.conversations += sample.talked
        self.shared_scores += len(sample.outputs) > 1
        asked = stated["messages"]
        cell = (stated["llm"], stated["mode"], stated["task"])
        query = hash(stated["prompt"] or stated["source_id"]), asked and hash(str(asked))
        for response, reasoning in sample.outputs:
            place = self.taken.replicate(*cell, *query)
            yield {**stated, "replicate": stated.get("replicate", place), "response": response, "reasoning": reasoning}

    def _owner(self, record: dict[str, Any], sample: Sample) -> _Owner:
        """What the samples of a run by one metric have in common, of the run of a sample."""
        key = (str(record.get("evaluation_id")), required_text(record, "model_id"), sample.key, sample.name)
        if key not in self.owners:
            run = self.runs.of(record, self.places)
            result = None if run is None else run.result(sample.key, sample.name)
            task = self.source.task or (sample.name if run is None or result is None else run.task(result))
            if not task:
                raise BadRecordError("evaluation_name is empty, expected a text")
            llm, mode = Candidate.parse(key[1])
            parts = {**(result.shared if result else {}), **(run.shared if run else {}), "llm": llm, "mode": mode}
            columns = {name: value for name, value in parts.items() if value is not None}
            if result is not None and result.metric:
                columns["metric"] = result.metric
            given = {"split": split_of(self.source.split), "provenance": self.source.provenance, "task": task}
            given = {name: value for name, value in given.items() if value is not None}
            self.owners[key] = _Owner(run, result, key[1], key[:2], columns, given)
        return self.owners[key]

    def _performance(self, sample: Sample, owner: _Owner) -> float | None:
        found = self._share(sample, owner)
        if self.source.metric is None and found is not None and not -_ROUNDING <= found <= 1 + _ROUNDING:
            self.outside[sample.key or sample.name] += 1  # to take it is for one who knows its scale, and names the metric
            return None
        return found

    def _share(self, sample: Sample, owner: _Owner) -> float | None:
        """The score from 0 to 1 if its scale is known."""
        run, result = owner.run, owner.result
        if run is None or result is None or sample.score is None:
            return None if sample.unscored else sample.score
        if result.is_loss and result.scale is None:
            self.losses.add(result.key)
        owner.scores.add(sample.score)
        spread = self.scales.get(id(result))
        if sample.unscored:
            return None
        return result.performance(sample.score, spread.scale(result) if spread else result.scale)

    def _measure(self) -> None:
        """Look through the scores of a file before it is read, since one aggregate states another scale than 0 to 1."""
        for item in read_items(self.path, self.file):
            record = {} if isinstance(item, Rejected) or not isinstance(item[1], dict) else item[1]
            judged = record.get("evaluation")
            try:
                key, name = text(record, "evaluation_result_id"), text(record, "evaluation_name")
                score = number(judged, "score") if isinstance(judged, dict) else None
            except BadRecordError:  # it is rejected when it is read
                continue
            run = None if score is None else self.runs.of(record, self.places)
            result = None if run is None else run.result(key, name or "")
            if result is not None and score is not None:
                self.scales.setdefault(id(result), Spread()).add(score)

    def _notes(self, skipped: int) -> Iterator[Note]:
        if skipped:
            used, others = sorted(self.taken.read), sorted(self.taken.skipped.keys() - self.taken.read.keys())
            yield Note(
                self.file,
                f"further scores of the same answers, which are not read: {skipped:,}. The scores are by "
                f"{_listed(used)}; other metrics are {_listed(others)}. Remedy: choose another with --option metric=NAME",
            )
        if self.shared_scores:
            yield Note(self.file, f"samples with several outputs and one score, which each output gets: {self.shared_scores:,}")
        if self.conversations:
            told = "samples that are conversations, of which the last answer is read, and no turn before"
            yield Note(self.file, f"{told}: {self.conversations:,}")
        for key, count in self.outside.items():
            told = f"scores of {key[:80]} outside their scale, by default 0 to 1, which are not read: {count:,}"
            remedy = f"--option metric={key[:80]} --scale performance=LOW:HIGH"
            yield Note(self.file, f"{told}. Remedy: correct the scale in the aggregate, or set {remedy}", warning=True)
        for key in sorted(self.losses):
            told = f"{key[:80]} is better when lower and its scale has no ends: its scores are not read"
            yield Note(self.file, f"{told}. Remedy: state min_score and max_score in the aggregate", warning=True)
        for owner in self.owners.values():
            run, result, spread = owner.run, owner.result, owner.scores
            if run is None or result is None or not spread.count:
                continue
            if run.rows not in (None, rows := self.rows[id(run)]):
                yield Note(self.file, f"samples in it: {rows:,}, and {run.file} states {run.rows:,}", warning=True)
                break
            scale = self.scales.get(id(result), spread).scale(result)
            if result.score is None or scale is None or result.scale is None:
                continue
            stated = (result.score - result.scale[0]) / (result.scale[1] - result.scale[0])
            mean = (spread.total / spread.count - scale[0]) / (scale[1] - scale[0])
            if abs(stated - mean) > 0.005:
                told = f"the mean of {result.key[:80]} is {mean:.4g} on 0 to 1, and {run.file} states {stated:.4g}"
                yield Note(self.file, f"{told}, which may be no mean", warning=True)


def _kind(path: Path, file: str) -> str:
    """`aggregates`, `samples` or `other`, by the first record of a file; `samples` for one without a record."""
    for item in read_items(path, file):
        if not isinstance(item, Rejected):
            is_sample = isinstance(item[1], dict) and item[1].keys() & _OF_A_SAMPLE
            return "aggregates" if is_aggregate(item[1]) else "samples" if is_sample else "other"
    return "samples"


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(name[:60] for name in names[:5])
    return f"{shown} and {len(names) - 5:,} more" if len(names) > 5 else shown or "none"
