"""A detector that looks at each row by itself and reports one finding, which is what most detectors do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, Self

import numpy.typing as npt
import pyarrow as pa

from llmfusionbench.auditing.counting import Best, Bools, Tally, example_of, lower_share
from llmfusionbench.auditing.finding import Example, Finding, Place, Severity

RARE: Final = 0.001
"""Share of rows below which a finding is rare."""
RARE_AT_A_PLACE: Final = 0.01
"""Share of the rows of a place below which it is rare there, by the lower end of its 95% interval."""


@dataclass(frozen=True)
class Judged:
    """The verdict on the rows of a batch."""

    hits: Bools
    """[n] whether a row has the fault."""
    looked: Bools | None = None
    """[n] whether a row could have it; None: every row."""
    ranks: npt.ArrayLike | None = None
    """[n] how telling a hit is as an example; None: all alike."""
    note: Callable[[int], str | None] | None = None
    """Row -> the note of its example."""


class RowDetector(ABC):
    """Subclasses state the facts of the finding and judge a batch; state beyond `tally` and `best` must be merged, too."""

    name: ClassVar[str]
    columns: ClassVar[tuple[str, ...]]
    title: ClassVar[str]
    remedy: ClassVar[str]
    severity: ClassVar[Severity]
    shown: ClassVar[Mapping[str, str]] = {"prompt": "prompt", "answer": "response"}
    """Texts of an example: label -> column, which `columns` must list."""
    by: ClassVar[tuple[tuple[str, ...], ...]] = (("llm",), ("task",))
    """Groupings of the rows that the finding lists as its places."""

    def __init__(self) -> None:
        self.tally, self.best = Tally(), Best()

    @abstractmethod
    def judge(self, batch: pa.RecordBatch) -> Judged:
        """The verdict on the rows of a batch."""

    @abstractmethod
    def what(self) -> str:
        """What was found, in a sentence or two with figures. Called only if there is a hit."""

    def first_places(self) -> list[Place]:
        """Places to list before those of `by`; none by default."""
        return []

    def last_places(self) -> list[Place]:
        """Places to list after those of `by`; none by default."""
        return []

    def look(self, batch: pa.RecordBatch) -> None:
        """Count the hits of a batch, and keep the most telling ones."""
        judged = self.judge(batch)
        self.tally.add(batch, judged.hits, judged.looked)
        hits = judged.hits if judged.looked is None else judged.hits & judged.looked
        note = judged.note or (lambda _: None)
        self.best.offer(batch, hits, lambda row: self.example(batch, row, note(row)), judged.ranks)

    def example(self, batch: pa.RecordBatch, row: int, note: str | None) -> Example:
        """A row as an example, with the texts of `shown`."""
        return example_of(batch, row, self.shown, note)

    def merge(self, other: Self) -> None:
        """Add what `other` has counted, and the better of its examples."""
        self.tally.merge(other.tally)
        self.best.merge(other.best)

    def findings(self) -> list[Finding]:
        """One finding, if any row is a hit."""
        count, total = self.tally.count, self.tally.total
        if not count:
            return []
        own = (place for columns in self.by for place in self.tally.places(*columns))
        places = [*self.first_places(), *own, *self.last_places()]
        return [
            Finding(
                detector=self.name,
                title=self.title,
                what=self.what(),
                count=count,
                total=total,
                remedy=self.remedy,
                severity=graded(self.severity, count / total, places),
                places=places,
                examples=self.best.examples(),
            )
        ]


def graded(severity: Severity, share: float, places: Sequence[Place]) -> Severity:
    """`severity`, or `low` for a finding that is rare in the log and at each of its places."""
    common = share >= RARE or any(lower_share(place.count, place.total) >= RARE_AT_A_PLACE for place in places)
    return severity if common else "low"
