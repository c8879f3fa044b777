"""Scores of judges from 1 to 10, as WildBench and MT-Bench give them, mapped to 0..1 by (score - 1) / 9."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from llmfusionbench.builders.reading.fields import BadRecordError, named
from llmfusionbench.errors import InputError

SCALE: Final = (1.0, 10.0)
"""The lowest and the highest score."""

_SCORE: Final = re.compile(r"[+-]?\d{1,6}(?:\.\d{1,6})?")
_UNSCORED: Final = ("", "n/a", "na", "none", "null", "nan")


@dataclass
class TenPoints:
    """The scores of a file: a judge may leave its scale now and then, but most scores outside are on another one."""

    path: Path
    title: str
    """What the scores are called."""
    numbers: list[float] = field(default_factory=list)

    def read(self, value: Any) -> float | None:
        """A number from 1 to 10, often written as text, mapped to 0..1; None where the judge gave none."""
        if value is None or (isinstance(value, str) and value.strip().lower() in _UNSCORED):
            return None
        shown = value.strip() if isinstance(value, str) else str(value)
        if isinstance(value, (str, int, float)) and not isinstance(value, bool) and _SCORE.fullmatch(shown):
            self.numbers.append(float(shown))
            low, high = SCALE
            if low <= self.numbers[-1] <= high:
                return (self.numbers[-1] - low) / (high - low)
        said = named(value) if isinstance(value, (dict, list)) else repr(shown[:40])
        raise BadRecordError(f"score is {said}, expected a number from 1 to 10")

    def check(self) -> None:
        """Raise InputError if most scores are on another scale."""
        outside = sum(not SCALE[0] <= number <= SCALE[1] for number in self.numbers)
        if 2 * outside > len(self.numbers):
            raise InputError(
                f"{self.path}: score has {len(self.numbers):,} values from {min(self.numbers):g} to {max(self.numbers):g}, of "
                f"which {outside:,} are outside 1 to 10, the scale of {self.title}. The column is refused as a whole. "
                "Remedy: use the source table, with --scale judge_score=LOW:HIGH"
            )
