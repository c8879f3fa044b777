"""OpenCompass: files of predictions, one per LLM and dataset, with the scores in the results files of the same names.

The layout is `<work_dir>/<time>/predictions/<model>/<dataset>.json` and `.../results/<model>/<dataset>.json`. The parts of a
dataset that ran apart are `<dataset>_0.json`, `<dataset>_1.json`, ...; the results count through them. The latest run counts.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Final

from llmfusionbench.builders.reading.fields import BadRecordError, identity_of
from llmfusionbench.builders.reading.file_names import labelled, provenance_beside, stem
from llmfusionbench.builders.reading.harness_metrics import name_of, none_fits
from llmfusionbench.builders.reading.json import Item, read_entries, read_items
from llmfusionbench.builders.reading.json_records import read_records
from llmfusionbench.builders.reading.model_names import guess_note, guessed_name
from llmfusionbench.builders.reading.opencompass_details import (
    Details,
    repeats_within,
    results_fields,
    scores_of,
    stated_in,
)
from llmfusionbench.builders.reading.opencompass_predictions import ORIGIN, answers, asked, is_prediction, truth
from llmfusionbench.builders.reading.opencompass_repeats import Answered, answered
from llmfusionbench.builders.reading.opencompass_rounds import Rounds
from llmfusionbench.builders.reading.question_path import QuestionPath
from llmfusionbench.builders.reading.replicates import Replicates
from llmfusionbench.builders.reading.stated_scores import Scored
from llmfusionbench.builders.records import Note, Part, Rejected
from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.types import Candidate

_PREDICTIONS: Final = "predictions"
_RESULTS: Final = "results"
_TIME: Final = re.compile(r"\d{8}_\d{6}")
_PART: Final = re.compile(r"(.{1,300})_(\d{1,6})")
_OF_A_LINE: Final = ("idx", "origin_prompt", "prediction", "gold")
"""Fields of a prediction, of which a line has one first."""
_PARENT: Final = "{parent}"


@dataclass(frozen=True)
class _File:
    """A file of predictions."""

    path: Path
    file: str
    llm: str
    dataset: str
    part: int
    """Number of the part among those of its dataset, from 0."""
    is_guess: bool
    """Whether its LLM is the name of some folder."""

    @property
    def time(self) -> str:
        """The time of its run, empty where no folder states one."""
        return next((folder.name for folder in self.path.absolute().parents if _TIME.fullmatch(folder.name)), "")


@dataclass
class _Found:
    """What the files have, for options that name something in them."""

    question: QuestionPath
    names: dict[str, None] = field(default_factory=dict)
    measured: bool = False


@dataclass
class _Reading:
    """The reading of a dataset, whose parts count through."""

    details: Details
    question: QuestionPath
    rounds: Rounds
    before: int = 0
    """Number of records in the parts that have been read."""
    replicates: Replicates = field(default_factory=Replicates)
    scored: Scored = field(default_factory=Scored)


@dataclass(frozen=True, kw_only=True)
class OpenCompass:
    """Reads OpenCompass' predictions (`predictions/<model>/<dataset>.json`) with the details in its results.

    Args:
        llm: The LLM of files that are in no folder `predictions/<model>/`, by default the name of their folder, of which a
            warning tells; `{parent}` stands for that name.
        metric: The score in the details of a record that becomes the performance; by default `correct`, or the first of its
            other usual names.
        prompt: What the prompt of a query is: `origin_prompt`, what was sent, or a path in the record.
        task: The task of every query; by default the dataset that the name of the file states.
        split: The split of every query; by default `train`.
        provenance: How the answers came about; by default `imported`.
    """

    FILES: ClassVar[tuple[str, ...]] = ("*.json",)

    llm: str | None = None
    metric: str | None = None
    prompt: str = ORIGIN
    task: str | None = None
    split: str | None = None
    provenance: str | None = None

    def read(self, paths: Sequence[Path]) -> Iterator[Part]:
        """Everything in the files, except runs that a later one supersedes."""
        results: dict[Path, Path] = {}
        named: list[tuple[Path, str]] = []
        for path, file in labelled(paths):
            if _is_results(path, file):
                results[path.absolute()] = path
            else:
                named.append((path, file))
        if paths and not named:
            raise InputError(
                f"{paths[0]}: no prediction in it, at most results alone. Remedy: add the predictions, "
                "predictions/MODEL/DATASET.json, or use another source"
            )
        runs: dict[tuple[str, str], list[_File]] = {}
        for one in self._files(named):
            runs.setdefault((one.llm, one.dataset), []).append(one)
        found = _Found(QuestionPath(None if self.prompt == ORIGIN else self.prompt))
        for llm, file in {run.llm: run.file for same in runs.values() for run in same if run.is_guess}.items():
            yield Note(file, guess_note(llm), warning=True)
        for same in runs.values():
            latest = max(one.time for one in same)
            yield from (
                Note(one.file, f"another run of {one.llm} on {one.dataset} counts, which is later")
                for one in same
                if one.time != latest
            )
            yield from self._dataset(sorted((o for o in same if o.time == latest), key=lambda o: o.part), results, found)
        yield from found.question.notes()
        if paths and self.metric is not None and not found.measured:
            raise UnknownNameError("choice of --option metric", self.metric, list(found.names))

    def _files(self, named: Sequence[tuple[Path, str]]) -> Iterator[_File]:
        """The files with their LLMs and datasets.

        Raises:
            InputError: one has no prediction, or states no LLM.
        """
        there = {path.absolute() for path, _ in named}
        for path, file in named:
            reason = "it has no records"
            for _, item in _entries(path, file):
                if not isinstance(item, Rejected) and is_prediction(item[1]):
                    break
                reason = item.reason if isinstance(item, Rejected) else "a record has no prediction"
            else:
                raise InputError(
                    f"{path}: no prediction of OpenCompass in it ({reason}). Remedy: check the file, or use another source"
                )
            llm, is_guess = self._llm(path)
            dataset, part = stem(path), 0
            match = _PART.fullmatch(dataset)
            first = match and path.absolute().with_name(path.name.replace(f"{match[1]}_{match[2]}", f"{match[1]}_0", 1))
            if match and first in there:
                dataset, part = match[1], int(match[2])
            yield _File(path, file, llm, dataset, part, is_guess)

    def _llm(self, path: Path) -> tuple[str, bool]:
        """(the LLM, whether it is a guess)."""
        folders = [folder.name for folder in path.absolute().parents]
        if _PREDICTIONS in folders[1:]:
            return "/".join(reversed(folders[: folders.index(_PREDICTIONS, 1)])), False
        if self.llm is not None:
            return self.llm.replace(_PARENT, folders[0]), False
        guess = guessed_name(path)
        if guess is None:
            raise InputError(
                f"{path}: its folder names no LLM, expected predictions/MODEL/. Remedy: move it there, or set --option llm=NAME"
            )
        return guess, True

    def _dataset(self, files: Sequence[_File], results: dict[Path, Path], found: _Found) -> Iterator[Part]:
        """The answers of one LLM to one dataset, whose parts come one after the other."""
        fields = _results_of(files[0], results)
        scores = scores_of(fields or {})
        details, warning = Details.of(self.metric, scores, repeats_within(fields or {})), None
        if details.nested not in (None, 1):
            details, warning = details.matched(*_answered(files))
        yield from [Note(files[0].file, warning, warning=True)] if warning else ()
        metric = details.metric
        found.names |= dict.fromkeys(name for detail in scores.values() for name in detail)
        found.measured |= metric is not None and metric.name == self.metric
        reading = _Reading(details, found.question, Rounds(self.prompt))
        for one in files:
            reading.before += yield from self._file(one, reading)
        if reading.rounds.unsure:
            yield Note(files[0].file, reading.rounds.note())
        if metric is None and scores:
            yield Note(files[0].file, none_fits(list(scores.values())))
        elif metric is None:
            why = "no results of it are among the files or beside them" if fields is None else "its results have no details"
            yield Note(files[0].file, f"{why}, so its answers get no score. Remedy: evaluate with --dump-eval-details")
        else:
            yield from (Note(files[0].file, text) for text in metric.notes())
        differs = reading.scored.against(stated_in(fields or {}, details), metric)
        yield from [Note(files[0].file, differs, warning=True)] if differs else ()

    def _file(self, one: _File, reading: _Reading) -> Generator[Part, None, int]:
        llm, mode = Candidate.of_two_modes(one.llm)
        task = self.task or one.dataset
        keys: list[str] = []
        details = reading.details

        def items() -> Iterator[Item]:
            for key, item in _entries(one.path, one.file):
                keys.append(key)
                yield item

        def made_of(record: dict[str, Any]) -> list[dict[str, Any]]:
            if not is_prediction(record):
                raise BadRecordError("the record has no prediction")
            place = details.place(_number(record, keys[-1], reading.before))
            said = record["prediction"]
            turns = reading.rounds.read(record, place.question) if type(said) is list else None
            found = answers(record, in_turns=turns is not None)
            scored = details.score(place, len(found), in_turns=turns is not None)
            if turns is not None:
                return [
                    {"replicate": place.repeat, **turn.query, **_scored(found[turn.place], scored[turn.place])}
                    for turn in turns
                ]
            query = {
                "replicate": place.repeat,
                **asked(record, self.prompt),
                "ground_truth": truth(record),
                "source_id": place.question,
            }
            if len(found) == 1:
                return [query | _scored(found[0], scored[0])]
            return [query | {"replicate": i} | _scored(*one) for i, one in enumerate(zip(found, scored, strict=True))]

        def read(record: dict[str, Any]) -> list[dict[str, Any]]:
            return [reading.replicates.further(a, task, llm, mode) for a in reading.scored.counted(made_of, record)]

        shared = {
            "split": self.split or "train",
            "task": task,
            "llm": llm,
            "mode": mode,
            "metric": name_of(reading.details.metric),
            "provenance": provenance_beside(one.path, self.provenance),
        }
        identity = partial(identity_of, names={}, task=one.dataset, llm=one.llm)
        yield from read_records(
            one.path, one.file, read, shared, identity=identity, items=reading.question.watched(items(), one.path, one.file)
        )
        return len(keys)


def _scored(answer: dict[str, Any], score: float | None) -> dict[str, Any]:
    """An answer with its score; a call that failed has none."""
    answer["performance"] = None if "error" in answer else score
    return answer


def _number(record: dict[str, Any], key: str, before: int) -> str:
    """The number of a record among all parts of a dataset, with the number of records in the parts before its own."""
    key = str(record.get("idx", key))
    return str(int(key) + before) if key.isdecimal() and len(key) < 10 else key


def _answered(files: Sequence[_File]) -> tuple[dict[str, Answered], int]:
    """(the predictions of a dataset by number, how many there are with those that cannot be read)."""
    found: dict[str, Answered] = {}
    total = 0
    for one in files:
        before = total
        for key, item in _entries(one.path, one.file):
            total += 1
            if not isinstance(item, Rejected) and is_prediction(item[1]):
                found[_number(item[1], key, before)] = answered(item[1])
    return found, total


def _first(path: Path, file: str) -> tuple[str, Any]:
    """The first key of a file's object and its value; nothing of any other file."""
    for key, item in read_entries(path, file):
        return key, None if isinstance(item, Rejected) else item[1]
    return "", None


def _entries(path: Path, file: str) -> Iterator[tuple[str, Item]]:
    """The predictions of a file by number: an object by number, a list, or lines each with its number `idx`."""
    key, value = _first(path, file)
    if key and key not in _OF_A_LINE and (key.isdecimal() or is_prediction(value)):
        yield from read_entries(path, file)
    else:
        for row, item in enumerate(read_items(path, file)):
            yield str(row), item


def _is_results(path: Path, file: str) -> bool:
    """Whether a file holds results: by its folders, or else by its fields."""
    folders = [folder.name for folder in path.absolute().parents]
    if _PREDICTIONS in folders[1:] or is_prediction(_first(path, file)[1]):
        return False
    return _RESULTS in folders[1:] or results_fields(path, file) is not None


def _results_of(one: _File, results: dict[Path, Path]) -> dict[str, Any] | None:
    """The fields of the results of a file: of the same LLM and dataset in the folder `results`, given or on disk."""
    path = one.path.absolute()
    parts = list(path.parts)
    ending = path.name.removeprefix(stem(path))
    if _PREDICTIONS in parts:
        at = len(parts) - 1 - parts[::-1].index(_PREDICTIONS)
        place = Path(*parts[:at], _RESULTS, *parts[at + 1 : -1], one.dataset + ending)
        if place in results or place.is_file():
            return results_fields(place, place.name)
    same = [
        other for other in results if stem(other) == one.dataset and other.parent.name in (path.parent.name, one.llm, _RESULTS)
    ]
    return results_fields(same[0], same[0].name) if len(same) == 1 else None
