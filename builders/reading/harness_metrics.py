"""The metric of a harness that becomes the performance: chosen among those of its records, and read value by value."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from llmfusionbench.builders.known.tasks import BYPASS, UNKNOWN
from llmfusionbench.builders.reading.file_names import split_of_name
from llmfusionbench.builders.reading.metric_names import metric_word

_UNSCORED: Final = 999
_OUTSIDE: Final = "outside 0 to 1"
_OTHER_SCALE: Final = "To read it: --option metric={} --scale performance=LOW:HIGH"
_SHOWN: Final = 6
_NOT_SHARES: Final = (
    "perplexity", "word_perplexity", "byte_perplexity", "bits_per_byte", "loglikelihood", "likelihood", "brier_score", "ter",
    "wer", "cer", "latency", "num_tokens", "length", BYPASS,
)  # fmt: skip
"""Names of metrics of which a low value is good, or which are no share of anything."""


def is_share(name: str) -> bool:
    """Whether the name of a metric does not rule it out as a performance."""
    plain = name.lower()
    return not (plain in _NOT_SHARES or plain.endswith(("_stderr", "perplexity", "_ppl")))


@dataclass
class Metric:
    """A metric, and what its values were."""

    name: str
    others: tuple[str, ...] = ()
    binary: bool = True
    """Whether the values seen first are all 0 or 1."""
    asked: bool = False
    """Whether the user named it; any number is a score of such a metric, since `--scale` may state its ends."""
    in_parts: bool = False
    """Whether a value lists the truth of several parts: a harness takes the mean of all parts, not that of the records."""
    unread: dict[str, int] = field(default_factory=dict)
    """What a value was that is no score of one record -> in how many records."""

    def read(self, value: Any, answers: int = 1) -> list[float | None]:
        """The score of each answer of a record; a single value is of the first, and a list of as many of all.

        A value that is no score of one record, such as a pair of truth and answer, is null and counted in `unread`.
        """
        if isinstance(value, list) and len(value) == answers and all(_number(v) is not None for v in value):
            return [self._scalar(v) for v in value]
        if isinstance(value, list) and value and all(isinstance(v, bool) for v in value):
            value, self.in_parts = sum(value) / len(value), True
        return [self._scalar(value), *([None] * (answers - 1))]

    def _scalar(self, value: Any) -> float | None:
        if value is None:
            return None
        found = _number(value)
        if found is None:
            kind = "a list" if isinstance(value, list) else "an object" if isinstance(value, dict) else "not a number"
        elif self.name == BYPASS or (found == _UNSCORED and not is_share(self.name)):
            kind = f"{found:g}, which stands for no score"
        elif not self.asked and not 0 <= found <= 1:
            kind = _OUTSIDE
        else:
            return found
        self.unread[kind] = self.unread.get(kind, 0) + 1
        return None

    def notes(self) -> list[str]:
        """What was made of the metric, for the user."""
        said = []
        if self.others:
            said.append(
                f"performance is the metric {self.name}; {', '.join(self.others)} {'is' if len(self.others) == 1 else 'are'} "
                "left out. --option metric=NAME chooses another one"
            )
        for kind, n in self.unread.items():
            remedy = f". {_OTHER_SCALE.format(self.name)}" if kind == _OUTSIDE else ""
            said.append(f"{self.name} is {kind} in {n:,} record{'s' * (n > 1)}: taken as null{remedy}")
        return said


def name_of(metric: Metric | None) -> str:
    """The metric of a query: the harness' own in small letters."""
    return metric_word(metric.name) if metric is not None else UNKNOWN


def choose(
    asked: str | None,
    known: Iterable[str],
    samples: Sequence[Mapping[str, Any]],
    answers: Sequence[int] | None = None,
    beyond: Collection[str] = (),
) -> Metric | None:
    """The metric that records have: the one asked for, if they have it, else the first that is a share from 0 to 1.

    Args:
        asked: Name of a metric, or None.
        known: Names in the order of preference; the others follow in the order of the records.
        samples: Metrics by name of some records.
        answers: How many answers each of these has; by default one.
        beyond: Names of metrics whose mean is outside 0 to 1, so that they are read only if asked for.
    """
    counts = answers or [1] * len(samples)
    names = list(dict.fromkeys([*known, *(name for sample in samples for name in sample)]))
    present = {
        name: [
            part
            for sample, count in zip(samples, counts, strict=True)
            for part in _parts(sample.get(name), count)
            if part is not None
        ]
        for name in names
    }
    held = [name for name in names if present[name]]
    if asked in held:
        picked: str | None = asked
    else:
        picked = next((name for name in held if name not in beyond and is_share(name) and _are_shares(present[name])), None)
    if picked is None:
        return Metric(held[0], tuple(held[1:]), binary=False) if held == [BYPASS] else None
    numbers = [_number(value) for value in present[picked]]
    others = tuple(n for n in held if n != picked)
    return Metric(picked, others, binary=all(number in (0, 1) for number in numbers), asked=picked == asked)


def none_fits(samples: Sequence[Mapping[str, Any]], beyond: Collection[str] = ()) -> str:
    """Why none of the metrics of some records became the performance, for the user; `beyond` is as in `choose`."""
    ranges: dict[str, tuple[float, float]] = {}
    for sample in samples:
        for name, value in sample.items():
            number = _number(value)
            if number is not None and is_share(name):
                low, high = ranges.get(name, (number, number))
                ranges[name] = min(low, number), max(high, number)
    said = {name: "has a mean outside" if name in beyond else f"is {low:g} to {high:g}" for name, (low, high) in ranges.items()}
    shown = ", ".join(f"{name} {words}" for name, words in list(said.items())[:_SHOWN])
    if not shown:
        return "no metric of it is a number from 0 to 1, so its answers get no score. --option metric=NAME chooses one"
    name = next(iter(ranges))
    return f"no metric of it is from 0 to 1 ({shown}), so its answers get no score. {_OTHER_SCALE.format(name)}"


def _parts(value: Any, answers: int) -> list[Any]:
    """The scores in a value: those of each answer or of each part, where it lists such, else itself."""
    if isinstance(value, list) and value and (len(value) == answers or all(isinstance(part, bool) for part in value)):
        return value
    return [value]


def _are_shares(values: Sequence[Any]) -> bool:
    """Whether values are scores from 0 to 1."""
    return all((number := _number(value)) is not None and 0 <= number <= 1 for value in values)


def _number(value: Any) -> float | None:
    if not isinstance(value, (int, float)):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def split_of_words(words: Any) -> str | None:
    """The split that a harness names: validation and dev are `partial_test`, test is `test`; None if it names none."""
    return split_of_name(Path(words)) if isinstance(words, str) and words and "\0" not in words else None
