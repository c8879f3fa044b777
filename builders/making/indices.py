"""Ground truths of multiple-choice queries that are whole numbers: per task, what they count, and the letters they stand for.

The evidence of a task is all of its queries: a 0 is counted from 0, and a 4 of four options from 1. Truths that may be either
stay as they are, and no answer to their queries gets a score.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.making.score_warnings import named_tasks
from llmfusionbench.errors import UnknownNameError
from llmfusionbench.scoring.answers.choices.lettered import LETTERS
from llmfusionbench.scoring.answers.choices.options import Options, options_of
from llmfusionbench.scoring.answers.truths import choice_answers, whole_number
from llmfusionbench.scoring.metrics.em_mc import text_label

READINGS: Final = ("index0", "index1", "letter", "text")
"""What ground truths can be, as the option `truth` states it."""
METRIC: Final = "em_mc"
_BASES: Final = {"index0": 0, "index1": 1}
_MISFITS: Final = 0.01
"""Share of the queries of a task that an index may not fit, because their truth is wrong in the log."""
_MANY: Final = 100
"""Number of truths without a 0 that are counted from 1 if no options are known."""


class _Number(NamedTuple):
    """A ground truth that is a whole number."""

    task: str
    value: int
    options: int
    """Number of options; 0 if they are not known."""
    is_text: bool
    """Whether it is the text of an option."""

    def fits(self, base: int) -> bool:
        """Whether it is an index counted from `base`."""
        return 0 <= self.value - base < (self.options or len(LETTERS))


@dataclass(frozen=True)
class Readings:
    """How the ground truths of a release are read."""

    tasks: dict[str, str] = field(default_factory=dict)
    """Task -> `index0` or `index1`, for tasks whose truths are indices."""
    stated: str | None = None
    """What the user states of all tasks: one of `READINGS`."""
    warnings: tuple[str, ...] = ()

    @property
    def found(self) -> str | dict[str, str]:
        """What is stated, else the readings by task; empty without either."""
        return self.stated or self.tasks

    def applied(self, queries: pa.Table) -> pa.Table:
        """`queries` (task, metric, ground_truth, choices, prompt) with letters in place of truths that are something else."""
        if self.stated == "letter" or (self.stated is None and not self.tasks):
            return queries
        chosen = pc.equal(queries["metric"], METRIC)
        if self.stated is None:
            chosen = pc.and_(chosen, pc.is_in(queries["task"], pa.array(list(self.tasks), pa.string())))
        rows = pc.indices_nonzero(pc.and_(chosen, queries["ground_truth"].is_valid()).combine_chunks())
        if not len(rows):
            return queries
        truths: list[str | None] = queries["ground_truth"].to_pylist()
        parts = (queries[name].take(rows).to_pylist() for name in ("task", "choices", "prompt"))
        for row, task, choices, prompt in zip(rows.to_pylist(), *parts, strict=True):
            options = options_of(choices, prompt)
            truths[row] = _letter(truths[row] or "", options, self.stated or self.tasks[task]) or truths[row]
        place = queries.schema.get_field_index("ground_truth")
        return queries.set_column(place, "ground_truth", pa.array(truths, pa.string()))


class Numbers:
    """The ground truths of some multiple-choice queries that are whole numbers."""

    def __init__(self) -> None:
        self._found: dict[str, _Number] = {}

    def add(self, queries: pa.RecordBatch | pa.Table) -> None:
        """Note the truths in query_id, task, metric, ground_truth, choices, prompt; a query may come again with its options."""
        rows = queries.select(["query_id", "task", "metric", "ground_truth", "choices", "prompt"])
        rows = rows.filter(pc.and_(pc.equal(rows["metric"], METRIC), pc.is_valid(rows["ground_truth"])))
        truths = pc.unique(rows["ground_truth"]).to_pylist()
        whole = {truth: number for truth in truths if (number := _number(truth)) is not None}
        if not whole:
            return
        rows = rows.filter(pc.is_in(rows["ground_truth"], pa.array(list(whole), pa.string())))
        for part in (rows.filter(pc.is_valid(rows["choices"])), rows.filter(pc.is_null(rows["choices"]))):
            new = [i for i in pc.unique(part["query_id"]).to_pylist() if i not in self._found or not self._found[i].options]
            for row in part.take(pc.index_in(pa.array(new, pa.string()), part["query_id"])).to_pylist():
                options = options_of(row["choices"], row["prompt"])
                value, is_text = whole[row["ground_truth"]], text_label(_only(row["ground_truth"]), options) is not None
                self._found[row["query_id"]] = _Number(row["task"], value, len(options.texts), is_text)

    def readings(self, stated: str | None, read: str | Mapping[str, str] | None = None) -> Readings:
        """How the truths are read: as `stated`, or else as the truths of each task show.

        `read` is the `found` of earlier readings: what those left as a number names no option, and counts in no other way.
        """
        if stated is not None:
            return Readings(stated=stated, warnings=tuple(self._misread(stated)))
        tasks: dict[str, list[_Number]] = {}
        for number in self._found.values():
            if number.value >= 0 and not _was_read(number.task, read):  # -1 is a query without a label
                tasks.setdefault(number.task, []).append(number)
        kinds: dict[str, list[str]] = {}
        for task in sorted(tasks):
            kinds.setdefault(_kind(tasks[task]), []).append(task)
        found = {task: kind for kind in _BASES for task in kinds.get(kind, ())}
        return Readings(found, None, tuple(_warning(kind, kinds[kind]) for kind in sorted(kinds)))

    def _misread(self, stated: str) -> Iterator[str]:
        if stated not in _BASES:
            unfit = sum(number.options > 0 and not number.is_text for number in self._found.values())
            if stated == "text" and unfit:
                yield (
                    f"truth=text is stated, but {unfit:,} ground truths are whole numbers that no option has as its text; "
                    "their answers get no score. Remedy: state truth=index0 or index1, or check the column of choices"
                )
            return
        unfit = sum(number.value >= 0 and not number.fits(_BASES[stated]) for number in self._found.values())
        if not self._found:
            yield f"truth={stated} is stated, but no query of the metric {METRIC} has a whole number as its ground truth"
        elif unfit:
            yield (
                f"truth={stated} is stated, but does not fit the ground truths of {unfit:,} of {len(self._found):,} queries, "
                "whose answers get no score. Remedy: check the columns of ground_truth and choices"
            )


def check_reading(stated: object) -> str | None:
    """`stated`, if it is one of `READINGS` or None.

    Raises:
        UnknownNameError: it is anything else.
    """
    if stated is None or (isinstance(stated, str) and stated in READINGS):
        return stated
    raise UnknownNameError("value of the option truth", stated, READINGS)


def _was_read(task: str, read: str | Mapping[str, str] | None) -> bool:
    """Whether earlier readings put letters in place of the truths of a task."""
    return read in (*_BASES, "text") if isinstance(read, str) else read is not None and task in read


def _only(truth: str) -> str:
    """The accepted answer, if there is one; else the whole text."""
    answers = choice_answers(truth)
    return answers[0] if len(answers) == 1 else truth


def _number(truth: str) -> int | None:
    return whole_number(_only(truth))


def _letter(truth: str, options: Options, reading: str) -> str | None:
    """The letter of the option that a truth names in this reading; None if it names none."""
    if reading == "text":
        return text_label(_only(truth), options)
    number = _number(truth)
    labels: Sequence[str] = options.labels if options.texts else LETTERS
    place = -1 if number is None else number - _BASES[reading]
    return labels[place] if 0 <= place < len(labels) else None


def _kind(numbers: Sequence[_Number]) -> str:
    """What the truths of a task are: `index0`, `index1`, `text`, `either` or `neither`."""
    misfits = np.array([[not number.fits(base) for base in _BASES.values()] for number in numbers]).sum(axis=0)
    most = _MISFITS * len(numbers)
    no_text = sum(not number.is_text for number in numbers)
    if not no_text or no_text <= min(most, misfits.min() - 1):
        return "text"
    if misfits.min() > most:
        return "neither"
    if misfits[0] != misfits[1]:
        return list(_BASES)[int(misfits.argmin())]
    counted = len(numbers) >= _MANY and not any(number.options for number in numbers)
    return "index1" if counted else "either"  # many truths counted from 0 would have a 0 among them


def _warning(kind: str, tasks: Sequence[str]) -> str:
    place = f"{named_tasks(tasks)}: ground truths are"
    if kind in _BASES:
        return f"{place} {_BASES[kind]}-based indices; read as letters"
    if kind == "text":
        return f"{place} whole numbers and texts of options; read as texts. For indices, state truth=index0 or index1"
    if kind == "either":
        return (
            f"{place} whole numbers that may count the options from 0 or from 1; their answers get no score. "
            "Remedy: build with --option truth=index0 or truth=index1, or rescore with --truth"
        )
    return (
        f"{place} whole numbers that fit the options counted neither from 0 nor from 1; only those that are the "
        "text of an option count. "
        "Remedy: check the columns of ground_truth and choices"
    )
