"""lm-evaluation-harness: files of samples, one per task and run, with the results files of their runs.

A sample stands in its file once per filter, of which one is read. The response is all that the LLM wrote, not what the filter
took of it. The latest of several runs of an LLM on a task counts.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any, ClassVar, Final

from llmfusionbench.builders.reading.counted import counted
from llmfusionbench.builders.reading.fields import BadRecordError, identity_of
from llmfusionbench.builders.reading.file_names import labelled, provenance_beside
from llmfusionbench.builders.reading.harness_metrics import Metric, choose, none_fits
from llmfusionbench.builders.reading.json_records import read_records
from llmfusionbench.builders.reading.lm_eval_results import (
    Results,
    files_beside,
    llm_of_folder,
    read_results,
    results_of,
    task_of,
)
from llmfusionbench.builders.reading.lm_eval_samples import (
    ARGUMENTS,
    Samples,
    answers_in,
    are_places,
    first_sent,
    is_sample,
    metrics_of,
    question_path,
)
from llmfusionbench.builders.reading.model_names import RoutedName
from llmfusionbench.builders.reading.parquet_records import read_any
from llmfusionbench.builders.reading.question_path import QuestionPath
from llmfusionbench.builders.reading.replicates import Replicates
from llmfusionbench.builders.reading.run_times import time_of
from llmfusionbench.builders.reading.stated_scores import Scored
from llmfusionbench.builders.records import Note, Part, Rejected
from llmfusionbench.errors import InputError, UnknownNameError

_FIRST: Final = 200
"""How many records of a file show its metrics."""
_PARENT: Final = "{parent}"
_RESULTS: Final = "results"
_WANTED: Final = "lm-eval sample"


@dataclass(frozen=True)
class _Run:
    """A file of samples."""

    path: Path
    file: str
    task: str
    given: str
    """The task as the log names it, where `task` is the one that the user names."""
    llm: RoutedName
    results: Results | None
    first: dict[str, Any]
    """Its first sample."""

    @property
    def age(self) -> tuple[bool, str]:
        """What orders the runs of a task, the last of which counts: a run limited to some samples only comes first."""
        limited = self.results is not None and self.results.limit is not None
        return not limited, time_of(self.path)[1]


@dataclass
class _Found:
    """What the files have, for options that name something in them."""

    question: QuestionPath
    filters: dict[str, None] = field(default_factory=dict)
    metrics: dict[str, None] = field(default_factory=dict)
    filtered: bool = False
    """Whether some file has the filter that was asked for."""
    measured: bool = False


@dataclass(frozen=True, kw_only=True)
class LmEval:
    """Reads the samples of lm-evaluation-harness (`samples_<task>_<time>.jsonl`) with the results of their runs.

    Args:
        llm: The LLM of files whose run and folder name none; `{parent}` stands for the name of the folder.
        filter: The filter whose samples are read. By default the first one in each file, and so where a file lacks it.
        metric: The metric that becomes the performance. By default the first of the task, or of the records where there are no
            results, that is a number from 0 to 1 of which a high value is good; and so where a file lacks it.
        prompt: What the prompt of a query is: `arguments`, the text as it was sent, or a path in the record such as
            `doc.question`, by which the logs of other harnesses meet these.
        task: The task of every query; by default the one that the name of the file states.
        split: The split of every query; by default the one that the configuration of the task states, else `train`.
        provenance: How the answers came about; by default `imported`.
    """

    FILES: ClassVar[tuple[str, ...]] = (
        "samples_*.jsonl",
        "samples_*.json",
        "samples_*.parquet",
        "pretrained__*.jsonl",
        "model__*.jsonl",
        "*=*.jsonl",
        "results*.json",
    )

    llm: str | None = None
    filter: str | None = None
    metric: str | None = None
    prompt: str = ARGUMENTS
    task: str | None = None
    split: str | None = None
    provenance: str | None = None

    def read(self, paths: Sequence[Path]) -> Iterator[Part]:
        """Everything in the files, except runs that a later one supersedes."""
        known, samples = [], []
        for path, file in labelled(paths):
            results = None if _is_parquet(path) else read_results(path, file)
            known.extend([results] if results else [])
            if results is None and path.name.startswith(_RESULTS) and len(paths) > 1 and _first_sample(path, file)[0] is None:
                yield Note(file, "not results of lm-evaluation-harness, so it is left out", warning=True)
            elif results is None:
                samples.append((path, file))
        if paths and not samples:
            raise InputError(
                f"{paths[0]}: results alone, expected samples as well. Remedy: run the harness with --log_samples, and add "
                "its samples_*.jsonl"
            )
        found = _Found(QuestionPath(None if self.prompt == ARGUMENTS else self.prompt))
        runs: dict[tuple[RoutedName, str], list[_Run]] = {}
        for path, file in samples:
            run = self._run(path, file, known)
            runs.setdefault((run.llm, run.given), []).append(run)
        for same in runs.values():
            latest = max(run.age for run in same)
            for run in same:
                if run.age == latest:
                    yield from self._file(run, found)
                else:
                    yield Note(run.file, f"another run of {run.llm} on {run.given} counts, which is later or whole")
        yield from found.question.notes()
        if self.prompt == ARGUMENTS:
            yield from _apart([same[0] for same in runs.values()])
        if paths and self.filter is not None and not found.filtered:
            raise UnknownNameError("choice of --option filter", self.filter, list(found.filters))
        if paths and self.metric is not None and not found.measured:
            raise UnknownNameError("choice of --option metric", self.metric, list(found.metrics))

    def _run(self, path: Path, file: str, known: Sequence[Results]) -> _Run:
        """The LLM and the task of a file.

        Raises:
            InputError: it has no sample, or states no LLM.
        """
        first, reason = _first_sample(path, file)
        if first is None:
            raise InputError(f"{path}: no {_WANTED} in it ({reason}). Remedy: check the file, or use another source")
        results = results_of(path, known)
        if results is None:
            beside = [found for other in files_beside(path) if (found := read_results(other, other.name)) is not None]
            results = results_of(path, beside)
        llm = results.llm if results is not None else None
        llm = llm or llm_of_folder(path)
        if llm is None and self.llm:
            llm = RoutedName(self.llm.replace(_PARENT, path.absolute().parent.name))
        if llm is None:
            raise InputError(
                f"{path}: {_damage(path, file)}no results beside it name its LLM, nor does its folder (org__model). Remedy: "
                "add the results_*.json of its run, or set --option llm=NAME"
            )
        task = task_of(path, results)
        return _Run(path, file, self.task or task, task, llm, results, first)

    def _file(self, run: _Run, found: _Found) -> Iterator[Part]:
        """The samples of a file by one filter and one metric."""
        items = found.question.watched(read_any(run.path, run.file), run.path, run.file)
        head = list(islice(items, _FIRST))
        records = [item[1] for item in head if not isinstance(item, Rejected) and is_sample(item[1])]
        filters = _Filters(self.filter)
        known = () if run.results is None else run.results.metrics.get(run.given, ())
        beyond = () if run.results is None else run.results.beyond.get(run.given, ())
        measured = [metrics_of(record) for record in records]
        metric = choose(self.metric, known, measured, [answers_in(r) for r in records], beyond)
        by_place = are_places(records, metric)
        found.metrics |= dict.fromkeys(name for sample in measured for name in sample)
        found.measured |= metric is not None and metric.name == self.metric
        samples = Samples(self.prompt, metric, by_place)
        scored = Scored()
        yield from self._records(run, chain(head, items), filters, samples, scored)
        found.filters |= dict.fromkeys(filters.skipped)
        found.filtered |= self.filter in filters.taken
        if not filters.taken and filters.skipped:  # the file lacks the filter that was asked for
            filters = _Filters(None)
            yield from self._records(run, read_any(run.path, run.file), filters, samples, scored)
        yield from (
            Note(run.file, text) for text in (*filters.notes(self.filter), *_notes(run, metric, none_fits(measured, beyond)))
        )
        stated = run.results.stated.get(run.given) if run.results is not None else None
        differs = scored.against(stated, metric, next(iter(filters.taken), None))
        yield from [Note(run.file, differs, warning=True)] if differs else ()

    def _records(self, run: _Run, items: Iterator[Any], filters: _Filters, samples: Samples, scored: Scored) -> Iterator[Part]:
        replicates = Replicates()
        names = run.llm.columns()

        def read(record: dict[str, Any]) -> list[dict[str, Any] | BadRecordError]:
            if not filters.takes(record):
                return []
            found = scored.counted(samples.read, record)
            return [r if isinstance(r, BadRecordError) else replicates.further(r, run.task) for r in found]

        stated = run.results.split(run.given) if run.results is not None else None
        shared = {
            "split": self.split or stated or "train",
            "task": run.task,
            **names,
            "requested_model": run.results.model if run.results is not None else None,
            "created_at": run.results.created_at if run.results is not None else None,
            "provenance": provenance_beside(run.path, self.provenance),
        }
        identity = partial(identity_of, names={}, task=run.task, llm=run.llm.name)
        yield from read_records(run.path, run.file, read, shared, identity=identity, items=items)


@dataclass
class _Filters:
    """The filters in a file, of which one is read."""

    asked: str | None
    taken: dict[str, None] = field(default_factory=dict)
    skipped: dict[str, int] = field(default_factory=dict)
    """Filter that is not read -> its number of records."""

    def takes(self, record: dict[str, Any]) -> bool:
        """Whether a record is of the filter that is read: the one that was asked for, else the first."""
        given = record.get("filter")
        name = given if isinstance(given, str) else "none"
        if name in self.taken or (name == self.asked if self.asked is not None else not self.taken):
            self.taken[name] = None
            return True
        self.skipped[name] = self.skipped.get(name, 0) + 1
        return False

    def notes(self, asked: str | None) -> Iterator[str]:
        """Which filter was read, if there are others."""
        if not self.skipped:
            return
        taken = next(iter(self.taken))
        others = ", ".join(f"{name} ({counted(count, 'record', 'records')})" for name, count in self.skipped.items())
        why = "" if asked is None or asked == taken else f", since it lacks {asked}"
        yield f"performance is by the filter {taken}{why}; left out: {others}. --option filter=NAME chooses another one"


def _notes(run: _Run, metric: Metric | None, why_none: str) -> Iterator[str]:
    if metric is None:
        yield why_none
    else:
        yield from metric.notes()
    if run.results is not None and run.results.limit is not None:
        yield f"the run was limited to {run.results.limit:g} samples of each task"


def _apart(runs: Sequence[_Run]) -> Iterator[Note]:
    """Which LLMs were sent other texts for the same question, so that their answers are of different queries."""
    firsts: dict[str, _Run] = {}
    told: set[str] = set()
    for run in runs:
        other = firsts.setdefault(run.task, run)
        same = run.first.get("doc") == other.first.get("doc")
        if same and run.task not in told and first_sent(run.first) != first_sent(other.first):
            told.add(run.task)
            text = f"{other.llm} and {run.llm} were sent different texts for the same question, so they share no query"
            yield Note(run.file, f"{text}. Remedy: --option prompt={question_path(run.first)}, the bare question", warning=True)


def _first_sample(path: Path, file: str) -> tuple[dict[str, Any] | None, str]:
    """The first sample in a file; or None, and why the last of its records is none."""
    reason = "it has no records"
    for item in read_any(path, file):
        if not isinstance(item, Rejected) and is_sample(item[1]):
            return item[1], ""
        reason = item.reason if isinstance(item, Rejected) else "a record has no resps and doc"
    return None, reason


def _damage(path: Path, file: str) -> str:
    """What is wrong with the last record of a file, such as one that is cut short; empty if it can be read.

    Raises:
        InputError: the file cannot be read to its end.
    """
    last = deque(read_any(path, file), maxlen=1)[0]
    return f"its last record cannot be read ({last.reason}), and " if isinstance(last, Rejected) else ""


def _is_parquet(path: Path) -> bool:
    return path.name.lower().endswith((".parquet", ".pq"))
