"""A forecast of a collection as figures, as a table to print, and as lines that say what its figures mean."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from llmfusionbench.builders.collecting.board import Rows
from llmfusionbench.builders.collecting.shown import duration, usd
from llmfusionbench.statistics import Estimate
from llmfusionbench.texts.printable import one_line

FAILURES: Final = "error"
"""The kind of a retry that asks only calls without an answer."""
_NAMED: Final = 5
"""Groups that a note names."""
_HEADER: Final = ("LLM", "requests", "measured", "input tokens", "output tokens", "cost", "cost at most", "time")


@dataclass(frozen=True)
class LlmForecast:
    """What the calls to one LLM will take, with what those that are measured took."""

    llm: str
    requests: int
    """Different requests, which are paid for once."""
    measured: int
    """Those of them that are measured, such as by a pilot."""
    input_tokens: Estimate
    """From the texts of the requests, in each group times how much more or less its measured ones took than their texts."""
    output_tokens: Estimate
    """NaN unless calls of every group are measured."""
    most_output_tokens: int | None
    """Upper bound, by the maxima of tokens; None if a request has none."""
    cost_usd: Estimate
    """NaN unless calls of every group are measured and their cost is known."""
    most_cost_usd: float | None
    """Upper bound without failed attempts that are charged; None if a price or a maximum of tokens is unknown."""
    seconds: Estimate
    """For the calls that are not measured, at full concurrency; NaN if latencies are unknown."""
    least_seconds: float
    """Lower bound by the limit of requests per minute."""
    input_cost_usd: float | None = None
    """About the cost, with the input alone of calls that no measured one is like; None if a price is unknown."""
    unmeasured: tuple[str, ...] = ()
    """The groups with calls to make of which no call is measured."""


@dataclass(frozen=True)
class Forecast:
    """What a collection will take."""

    llms: list[LlmForecast]
    cost_usd: Estimate
    """The sum over all LLMs."""
    most_cost_usd: float | None
    """Upper bound for all LLMs; None if that of one is unknown."""
    seconds: Estimate
    """Those of the slowest LLM or account: all work side by side, but the LLMs of an account share its limits."""
    least_seconds: float = 0.0
    """Lower bound by the limits of requests per minute."""
    failed: int = 0
    """Requests that failed for good. They are not in the other numbers, but what they cost is."""
    retried: tuple[str, ...] = ()
    """The kinds of a retry. Answers stand for calls that failed; those of other kinds were chosen for what they are."""

    def table(self) -> Rows:
        """The forecast as a table to print. A figure that is an upper or a lower bound is marked."""
        rows = [_row(row) for row in self.llms]
        if len(rows) > 1:
            total: tuple[object, ...] = ("all", sum(r.requests for r in self.llms), sum(r.measured for r in self.llms))
            most = "not known" if self.most_cost_usd is None else usd(self.most_cost_usd)
            inputs = [row.input_cost_usd for row in self.llms]
            least = None if None in inputs else math.fsum(value for value in inputs if value is not None)
            rows.append((*total, "", "", _cost(self.cost_usd, least), most, _time(self.seconds, self.least_seconds)))
        return Rows("Forecast", _HEADER, rows)

    def notes(self) -> list[str]:
        """Lines that say which figures are bounds, and what they leave aside."""
        found = ["Input tokens are estimated from the texts. Calls that fail and are repeated are not in the forecast."]
        alike = {*self.retried} == {FAILURES} and any(row.output_tokens.n for row in self.llms)
        if alike:
            found.append("Failed calls are taken to be like the answered ones of their LLM, task and mode.")
        if {*self.retried} - {FAILURES}:
            found.append("Output tokens marked `up to` are upper bounds, by max_tokens.")
            found.append(
                "What is asked again was chosen for its answers, so no other answers stand for it: only bounds are known."
            )
        elif any(math.isnan(row.output_tokens.value) for row in self.llms):
            some = any(row.measured for row in self.llms)
            why = "answers of some tasks or modes were not measured" if some else "no answers were measured"
            found.append(f"Output tokens marked `up to` are upper bounds, by max_tokens: {why}.")
        unlike = list(dict.fromkeys(one_line(name) for row in self.llms if row.measured for name in row.unmeasured if name))
        if unlike:
            shown = ", ".join(unlike[:_NAMED]) + (f" and {len(unlike) - _NAMED:,} more" if len(unlike) > _NAMED else "")
            found.append(f"Not every LLM has a measured call of {shown}. Sums with such calls have no interval.")
        if any(math.isnan(row.cost_usd.value) and row.input_cost_usd is not None for row in self.llms):
            found.append("A cost marked `from about` has the input alone of calls that no measured one is like.")
        if self.failed:
            calls = "1 call that failed" if self.failed == 1 else f"{self.failed:,} calls that failed"
            found.append(f"{calls} for good: not asked again without --retry error, so only their cost so far is in the sums.")
        if any(row.most_cost_usd is not None for row in self.llms):
            found.append(
                "`Cost at most` is the worst case that --max-cost reserves: one token per byte, and the longest answers."
            )
        unknown = [one_line(row.llm) for row in self.llms if row.most_cost_usd is None]
        if unknown:
            found.append(f"The worst case of {', '.join(unknown)} is not known: a price or a maximum of tokens is missing.")
        if alike or any(row.measured for row in self.llms):
            found.append("Intervals are 95%. Times assume full concurrency at the latencies that were measured.")
        elif any(row.least_seconds for row in self.llms):
            found.append("Times are lower bounds, by the requests per minute: no latencies were measured.")
        return found


def _row(row: LlmForecast) -> tuple[object, ...]:
    output = _range(row.output_tokens, _whole)
    if math.isnan(row.output_tokens.value):
        output = "not known" if row.most_output_tokens is None else f"up to {row.most_output_tokens:,}"
    return (
        one_line(row.llm),
        row.requests,
        row.measured,
        f"about {_whole(row.input_tokens.value)}" if row.unmeasured or not row.measured else _range(row.input_tokens, _whole),
        output,
        _cost(row.cost_usd, row.input_cost_usd),
        "not known" if row.most_cost_usd is None else usd(row.most_cost_usd),
        _time(row.seconds, row.least_seconds),
    )


def _cost(found: Estimate, least: float | None) -> str:
    """A cost; `least` is about the cost without answers that no measured one is like, USD, None if that is not known."""
    return f"from about {usd(least)}" if math.isnan(found.value) and least is not None else _range(found, usd)


def _range(found: Estimate, shown: Callable[[float], str]) -> str:
    if math.isnan(found.value) or found.low == found.high:
        return shown(found.value) if not math.isnan(found.value) else "-"
    return (
        f"{shown(found.value)} (no interval)"
        if math.isnan(found.low)
        else (f"{shown(found.value)} ({shown(found.low)} to {shown(found.high)})")
    )


def _time(found: Estimate, least: float) -> str:
    if math.isnan(found.value):
        return f"at least {duration(least)}" if least else "-"
    return _range(found, duration)


def _whole(value: float) -> str:
    return f"{value:,.0f}"
