"""LightEval: Parquet files of details, one per task and run, with the results files of their runs.

The latest of several runs of an LLM on a task counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any, ClassVar, Final

from llmfusionbench.builders.reading.fields import BadRecordError, identity_of
from llmfusionbench.builders.reading.file_names import labelled, provenance_beside
from llmfusionbench.builders.reading.harness_metrics import choose, none_fits
from llmfusionbench.builders.reading.json import read_fields
from llmfusionbench.builders.reading.json_records import read_records
from llmfusionbench.builders.reading.lighteval_details import INPUT, Details, detail_of, parsed
from llmfusionbench.builders.reading.lighteval_runs import Results, folder_of_llm, plain_task, results_in
from llmfusionbench.builders.reading.model_names import RoutedName, guess_note, guessed_name
from llmfusionbench.builders.reading.objects import sampling
from llmfusionbench.builders.reading.parquet_records import read_any
from llmfusionbench.builders.reading.question_path import QuestionPath
from llmfusionbench.builders.reading.replicates import Replicates
from llmfusionbench.builders.reading.run_times import time_of
from llmfusionbench.builders.reading.stated_scores import Scored
from llmfusionbench.builders.records import Note, Part, Rejected
from llmfusionbench.errors import InputError, UnknownNameError

_FIRST: Final = 200
"""How many rows of a file show its metrics."""
_PARENT: Final = "{parent}"


@dataclass(frozen=True)
class _Run:
    path: Path
    file: str
    task: str
    given: str
    """The task as the log states it, where `task` is the one that the user names."""
    llm: RoutedName
    results: Results | None
    is_guess: bool
    """Whether its LLM is the name of some folder."""


@dataclass
class _Found:
    """What the files have, for options that name something in them."""

    question: QuestionPath
    metrics: dict[str, None] = field(default_factory=dict)
    measured: bool = False


@dataclass(frozen=True, kw_only=True)
class LightEval:
    """Reads LightEval's details (`details_<task>|<n>_<time>.parquet`), of the layout of structs and of the older one.

    Args:
        llm: The LLM of files whose results and folder (`details/<org>/<model>/<time>`) name none; `{parent}` stands for the
            name of the folder.
        metric: The metric that becomes the performance. By default the first that is a number from 0 to 1 of which a high value
            is good; and so where a file lacks it.
        prompt: What the prompt of a query is: `input`, the text as it was sent, or a path in the row such as `doc.query`, by
            which the logs of other harnesses meet these.
        task: The task of every query; by default the one that the rows or the name of the file state.
        split: The split of every query; by default the one that the results state of the task, else `train`.
        provenance: How the answers came about; by default `imported`.
    """

    FILES: ClassVar[tuple[str, ...]] = ("details_*.parquet", "results_*.json")

    llm: str | None = None
    metric: str | None = None
    prompt: str = INPUT
    task: str | None = None
    split: str | None = None
    provenance: str | None = None

    def read(self, paths: Sequence[Path]) -> Iterator[Part]:
        """Everything in the files, except runs that a later one supersedes."""
        known: list[Results] = []
        details = []
        for path, file in labelled(paths):
            results = _results(path, file)
            if results is None:
                details.append((path, file))
            else:
                known.append(results)
        if paths and not details:
            raise InputError(f"{paths[0]}: results alone, expected details as well. Remedy: add the details_*.parquet files")
        runs: dict[tuple[RoutedName, str], list[_Run]] = {}
        for path, file in details:
            run = self._run(path, file, known)
            runs.setdefault((run.llm, run.given), []).append(run)
        for llm, file in {run.llm.name: run.file for same in runs.values() for run in same if run.is_guess}.items():
            yield Note(file, guess_note(llm), warning=True)
        found = _Found(QuestionPath(None if self.prompt == INPUT else self.prompt, parsed))
        for same in runs.values():
            latest = max(time_of(run.path)[1] for run in same)
            if len(same) > 1 and any(run.is_guess for run in same):
                raise InputError(
                    f"{same[0].path}: no results name its LLM, nor that of {same[1].path.name} beside it, which may be "
                    "another. Remedy: add the results_*.json of their runs, or set --option llm=NAME"
                )
            for run in same:
                if time_of(run.path)[1] == latest:
                    yield from self._file(run, found)
                else:
                    yield Note(run.file, f"another run of {run.llm} on {run.given} counts, which is later")
        yield from found.question.notes()
        if paths and self.metric is not None and not found.measured:
            raise UnknownNameError("choice of --option metric", self.metric, list(found.metrics))

    def _run(self, path: Path, file: str, known: Sequence[Results]) -> _Run:
        """The LLM and the task of a file.

        Raises:
            InputError: it has no row of LightEval, or states no LLM.
        """
        reason, row = "it has no rows", None
        for item in read_any(path, file):
            row = None if isinstance(item, Rejected) or not isinstance(item[1], dict) else detail_of(item[1])
            if row is not None:
                break
            reason = item.reason if isinstance(item, Rejected) else "a row has no doc and model_response, and no full_prompt"
        if row is None:
            raise InputError(f"{path}: no row of LightEval in it ({reason}). Remedy: check the file, or use another source")
        name, time = time_of(path)
        same = [results for results in known if results.time and results.time == time]
        results = same[0] if same else known[0] if len(known) == 1 and not time else None
        stated = results.llm if results is not None else None
        llm = stated or folder_of_llm(path)
        if llm is None and self.llm:
            llm = RoutedName(self.llm.replace(_PARENT, path.absolute().parent.name))
        guess = None if llm else guessed_name(path)
        llm = llm or (RoutedName(guess) if guess else None)
        if llm is None:
            raise InputError(
                f"{path}: no results among the files name its LLM, nor does its folder (details/ORG/MODEL/TIME). Remedy: add "
                "the results_*.json of its run, or set --option llm=NAME"
            )
        given = row.task if isinstance(row.task, str) and row.task else name.removeprefix("details_")
        task = plain_task(given)
        return _Run(path, file, self.task or task, task, llm, results, guess is not None)

    def _file(self, run: _Run, found: _Found) -> Iterator[Part]:
        items = found.question.watched(read_any(run.path, run.file), run.path, run.file)
        head = list(islice(items, _FIRST))
        rows = [detail_of(i[1]) for i in head if not isinstance(i, Rejected) and isinstance(i[1], dict)]
        whole = [row for row in rows if row is not None]
        metric = choose(self.metric, (), [row.metrics for row in whole], [max(1, len(row.texts)) for row in whole])
        found.metrics |= dict.fromkeys(name for row in whole for name in row.metrics)
        found.measured |= metric is not None and metric.name == self.metric
        details = Details(self.prompt, metric)
        names = run.llm.columns()
        replicates, scored = Replicates(), Scored()

        def read(record: dict[str, Any]) -> list[dict[str, Any]]:
            return [replicates.further(answer, run.task) for answer in scored.counted(details.read, record)]

        shared = {
            "split": self.split or (run.results.split(run.given) if run.results is not None else None) or "train",
            "task": run.task,
            **names,
            "requested_model": run.results.model if run.results is not None else None,
            "sampling": _settings(run.results),
            "provenance": provenance_beside(run.path, self.provenance),
        }
        identity = partial(identity_of, names={}, task=run.task, llm=run.llm.name)
        yield from read_records(run.path, run.file, read, shared, identity=identity, items=chain(head, items))
        notes = [none_fits([row.metrics for row in whole])] if metric is None else metric.notes()
        yield from (Note(run.file, text) for text in notes)
        stated = run.results.stated.get(run.given) if run.results is not None else None
        differs = scored.against(stated, metric)
        yield from [Note(run.file, differs, warning=True)] if differs else ()


def _results(path: Path, file: str) -> Results | None:
    """What a file of results states; None for any other file."""
    if path.name.lower().endswith((".parquet", ".pq")):
        return None
    fields, _ = read_fields(path, file, "\0")
    return results_in(path, fields)


def _settings(results: Results | None) -> Mapping[str, Any] | None:
    try:
        return sampling(results.settings if results is not None else None, "generation_parameters")
    except BadRecordError:  # settings that are no numbers, such as a schedule
        return None
