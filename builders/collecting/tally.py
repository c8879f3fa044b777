"""What became of the calls to one LLM, and how fast: the numbers behind a line of the board."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Final

from llmfusionbench.builders.collecting.calls import Attempt

_STEP_S: Final = 1.0
"""Seconds between two samples of the rate."""
_WINDOW: Final = 60
"""Samples by which the rate is measured: about those of the last minute."""
_REASONS: Final = 50
"""Reasons of failures that are told apart."""
_OTHER: Final = "another reason"
UNKNOWN: Final = "no reason is stated"


@dataclass(eq=False, slots=True)
class Tally:
    """Counts of one LLM in this run."""

    llm: str
    expected: int = 0
    """Calls to make."""
    in_flight: int = 0
    """Attempts that have begun and not ended."""
    answered: int = 0
    """Calls with a text, or with an empty one."""
    empty: int = 0
    """Those among them without a text."""
    failed: int = 0
    """Calls that were given up."""
    cut_off: int = 0
    """Answers that end at the maximum of tokens."""
    repeated: int = 0
    """Attempts after the first one of a call."""
    input_tokens: int = 0
    """The sum over the attempts with a known number; the same for the output."""
    output_tokens: int = 0
    tokens_unknown: int = 0
    """Attempts that took tokens of which no number, or only one of the two, is stated."""
    cost_usd: float = 0.0
    """The sum over the attempts whose cost is known."""
    cost_unknown: int = 0
    """Attempts whose cost is not known."""
    reasons: Counter[str] = field(default_factory=Counter)
    """Why calls were given up -> number of calls."""
    waits_until: float = 0.0
    """Moment up to which the server asked to wait."""
    _samples: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=_WINDOW))
    """Moment and number of finished calls."""

    @property
    def finished(self) -> int:
        """Calls that were answered or given up."""
        return self.answered + self.failed

    @property
    def complete(self) -> bool:
        """Whether all calls were answered or given up."""
        return 0 < self.expected <= self.finished

    def start(self, now: float) -> None:
        """An attempt begins."""
        self.in_flight += 1
        if not self._samples:
            self._samples.append((now, 0))

    def end(self, attempt: Attempt, cost: float | None, final: bool, now: float, *, again: bool = False) -> None:
        """An attempt has ended. Args as `Board.finished`."""
        self.in_flight = max(0, self.in_flight - 1)
        if attempt.retry_after_s:
            self.waits_until = max(self.waits_until, now + attempt.retry_after_s)
        self.input_tokens += attempt.input_tokens or 0
        self.output_tokens += attempt.output_tokens or 0
        took = attempt.status != "error" or attempt.charged
        self.tokens_unknown += took and (attempt.input_tokens is None or attempt.output_tokens is None)
        if cost is None:
            self.cost_unknown += 1
        else:
            self.cost_usd += cost
        self.repeated += again
        if not final:
            return
        if attempt.status == "error":
            self.failed += 1
            reason = attempt.error or UNKNOWN
            self.reasons[reason if reason in self.reasons or len(self.reasons) < _REASONS else _OTHER] += 1
        else:
            self.answered += 1
            self.empty += attempt.status == "empty"
            self.cut_off += attempt.finish_reason == "length"
        if not self._samples or now - self._samples[-1][0] >= _STEP_S:
            self._samples.append((now, self.finished))

    def per_minute(self, now: float) -> float | None:
        """Calls finished per minute, over about the last minute in which some were; None before there is a rate."""
        if not self._samples:
            return None
        since, before = self._samples[0]
        return (self.finished - before) / (now - since) * 60 if now > since else None

    def seconds_left(self, now: float) -> float | None:
        """Seconds until all calls are finished at this rate; None if that is not known."""
        rate = self.per_minute(now)
        return (self.expected - self.finished) / rate * 60 if rate and self.expected else None
