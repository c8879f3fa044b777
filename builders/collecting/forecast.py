"""What a collection will take: requests, tokens, cost and time per LLM, as upper bounds and as estimates with intervals.

Estimates need measured calls, of a pilot or an earlier run. Without them only the bounds are known.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from llmfusionbench.builders.collecting.account import common_limits
from llmfusionbench.builders.collecting.board import Rows
from llmfusionbench.builders.collecting.budget import Budget
from llmfusionbench.builders.collecting.calls import Call
from llmfusionbench.builders.collecting.endpoint import Endpoint
from llmfusionbench.builders.collecting.measured import Grouping, Measured, mode_of
from llmfusionbench.builders.collecting.shown import duration, usd
from llmfusionbench.builders.collecting.token_bounds import likely_input_tokens
from llmfusionbench.builders.collecting.totals import between, group_total, scaled_total, slowest, summed
from llmfusionbench.statistics import Estimate, Linear
from llmfusionbench.texts.printable import one_line
from llmfusionbench.texts.tokens import offline_tokenizers

_HEADER = ("LLM", "requests", "measured", "input tokens", "output tokens", "cost", "cost at most", "time")


@dataclass(frozen=True)
class LlmForecast:
    """What the calls to one LLM will take, with what those that are measured took."""

    llm: str
    requests: int
    """Different requests, which are paid for once."""
    measured: int
    """Those of them that are measured, such as by a pilot."""
    input_tokens: Estimate
    """From the texts of the requests, times how much more or less the measured ones took than their texts suggest."""
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

    def table(self) -> Rows:
        """The forecast as a table to print. A figure that is an upper or a lower bound is marked."""
        rows = [_row(row) for row in self.llms]
        if len(rows) > 1:
            total: tuple[object, ...] = ("all", sum(r.requests for r in self.llms), sum(r.measured for r in self.llms))
            most = "not known" if self.most_cost_usd is None else usd(self.most_cost_usd)
            rows.append((*total, "", "", _range(self.cost_usd, usd), most, _time(self.seconds, self.least_seconds)))
        return Rows("Forecast", _HEADER, rows)

    def notes(self) -> list[str]:
        """Lines that say which figures are bounds, and what they leave aside."""
        found = ["Input tokens are estimated from the texts. Calls that fail and are repeated are not in the forecast."]
        if any(math.isnan(row.output_tokens.value) for row in self.llms):
            found.append("Output tokens marked `up to` are upper bounds, by max_tokens: no answers were measured.")
        if any(row.most_cost_usd is not None for row in self.llms):
            found.append(
                "`Cost at most` is the worst case that --max-cost reserves: one token per byte, and the longest answers."
            )
        unknown = [one_line(row.llm) for row in self.llms if row.most_cost_usd is None]
        if unknown:
            found.append(f"The worst case of {', '.join(unknown)} is not known: a price or a maximum of tokens is missing.")
        if any(row.measured for row in self.llms):
            found.append("Intervals are 95%. Times assume full concurrency at the latencies that were measured.")
        elif any(row.least_seconds for row in self.llms):
            found.append("Times are lower bounds, by the requests per minute: no latencies were measured.")
        return found


@dataclass
class _Group:
    """Calls of one LLM that are alike, such as those in one mode."""

    others: int = 0
    """Calls that are not measured."""
    mine: list[Measured] = field(default_factory=list)
    """Measured calls of the plan."""
    like: list[Measured] = field(default_factory=list)
    """All measured calls, with those of other runs."""

    def total(self, figure: Callable[[Measured], float | None]) -> Linear:
        known = [value for m in self.mine if (value := figure(m)) is not None]
        values = [value for m in self.like if (value := figure(m)) is not None]
        return group_total(values, self.others + len(self.mine) - len(known), math.fsum(known))


@dataclass
class _Plan:
    """The calls to one LLM."""

    groups: dict[str, _Group] = field(default_factory=dict)
    texts: int = 0
    """Tokens of the texts of the requests that are not measured."""
    pairs: list[tuple[int, int]] = field(default_factory=list)
    """(tokens, tokens of the text) of the measured ones that state it."""
    most_output: int | None = 0
    most_cost: float | None = 0.0
    """USD, of the calls that are not measured."""


def forecast(
    calls: Iterable[Call],
    endpoints: Sequence[Endpoint],
    *,
    today: date,
    measured: Iterable[Measured] = (),
    group: Grouping = mode_of,
    count: Callable[[str], int] | None = None,
    batch: bool = False,
) -> Forecast:
    """What planned calls will take.

    Args:
        calls: All planned calls, those that are measured included. They are read once.
        endpoints: The LLMs.
        today: The day whose prices count.
        measured: Calls that were made: of a pilot, which are among the planned ones, or of an earlier run.
        group: Which calls of an LLM are alike; by default those in one mode.
        count: Counts the tokens of a text; None for a tokenizer that is installed, or else a quarter of its bytes.
        batch: Whether the calls are sent in batches, at the discount of their endpoint.

    Raises:
        UnknownNameError: A call is to an LLM that is not one of the endpoints.
    """
    like: dict[tuple[str, str], list[Measured]] = {}
    known: dict[str, Measured] = {}
    for found in measured:
        like.setdefault((found.llm, found.group), []).append(found)
        known[found.key] = found
    budget, count = Budget(None, endpoints, today=today), _remembering(count or _installed())
    plans = {endpoint.name: _Plan() for endpoint in endpoints}
    seen: set[str] = set()
    for call in calls:
        if call.key in seen:
            continue
        seen.add(call.key)
        held = budget.worst_case(call, batch=batch)
        plan, name = plans[call.llm], group(call)
        part = plan.groups.get(name)
        if part is None:
            part = plan.groups[name] = _Group(like=like.get((call.llm, name), []))
        likely = likely_input_tokens(call.payload, count)
        said = held.most_output
        plan.most_output = None if plan.most_output is None or said is None else plan.most_output + said
        mine = known.get(call.key)
        if mine is None or mine.input_tokens is None:
            plan.texts += likely
        if mine is not None:
            part.mine.append(mine)
            if mine.input_tokens is not None:
                plan.pairs.append((mine.input_tokens, likely))
        else:
            part.others += 1
            worst = held.worst_usd
            plan.most_cost = None if plan.most_cost is None or worst is None else plan.most_cost + worst
    rows, costs = [], []
    for endpoint in endpoints:
        plan = plans[endpoint.name]
        if plan.groups:
            cost = summed(part.total(lambda m: m.cost_usd) for part in plan.groups.values())
            costs.append(cost)
            rows.append(_of(endpoint, plan, cost, batch=batch))
    most = [row.most_cost_usd for row in rows]
    bound = None if None in most else math.fsum(value for value in most if value is not None)
    total = between(summed(costs), most=math.inf if bound is None else bound)
    shared = [] if batch else list(_times_of_accounts(endpoints, plans))
    least = max([row.least_seconds for row in rows] + [times[0].value for times in shared], default=0.0)
    seconds = slowest([row.seconds for row in rows] + [time for times in shared for time in times])
    return Forecast(rows, total, bound, seconds, least)


def _installed() -> Callable[[str], int] | None:
    """The project's token counter, if it needs no download."""
    return offline_tokenizers().get("o200k_base")


def _remembering(count: Callable[[str], int] | None) -> Callable[[str], int] | None:
    """Count each text once: all LLMs get the same ones."""
    if count is None:
        return None
    known: dict[int, int] = {}

    def remembered(text: str) -> int:
        name = hash(text)
        found = known.get(name)
        if found is None:
            found = known[name] = count(text)
        return found

    return remembered


def _of(endpoint: Endpoint, plan: _Plan, cost: Linear, *, batch: bool) -> LlmForecast:
    groups = list(plan.groups.values())
    mine, others = sum(len(part.mine) for part in groups), sum(part.others for part in groups)
    spent = [m.cost_usd for part in groups for m in part.mine]
    known = math.fsum(value for value in spent if value is not None)
    most_cost = None if plan.most_cost is None or None in spent else plan.most_cost + known
    said = summed(part.total(lambda m: m.output_tokens) for part in groups)
    output = between(said, most=math.inf if plan.most_output is None else plan.most_output)
    times = _times_by_limits(groups, *common_limits([endpoint]))
    working = _rest(groups, lambda m: m.latency_s, 1 / max(1, endpoint.concurrency))
    seconds = Estimate(math.nan, math.nan, math.nan, 0) if batch else slowest([working, *times])
    return LlmForecast(
        llm=endpoint.name,
        requests=mine + others,
        measured=mine,
        input_tokens=scaled_total(plan.pairs, plan.texts),
        output_tokens=output,
        most_output_tokens=plan.most_output,
        cost_usd=between(cost, known, math.inf if most_cost is None else most_cost),
        most_cost_usd=most_cost,
        seconds=seconds,
        least_seconds=0.0 if batch else times[0].value,
    )


def _times_of_accounts(endpoints: Sequence[Endpoint], plans: Mapping[str, _Plan]) -> Iterator[list[Estimate]]:
    """The times that the limits of each account allow to all of its LLMs together."""
    for account in dict.fromkeys(one.account for one in endpoints if one.account is not None):
        members = [one for one in endpoints if one.account == account]
        groups = [group for one in members for group in plans[one.name].groups.values()]
        if groups:
            yield _times_by_limits(groups, *common_limits(members))


def _times_by_limits(groups: list[_Group], requests: float | None, tokens: float | None) -> list[Estimate]:
    """The seconds of the calls that are not measured, by the requests and by the tokens per minute."""
    least = sum(part.others for part in groups) / requests * 60 if requests else 0.0
    times = [Estimate(least, least, least, 0)]
    return [*times, _rest(groups, _tokens, 60 / tokens)] if tokens else times


def _rest(groups: list[_Group], figure: Callable[[Measured], float | None], share: float) -> Estimate:
    """A share of the total of a figure over the calls that are not measured."""
    values = [[value for m in part.like if (value := figure(m)) is not None] for part in groups]
    found = between(summed(group_total(v, part.others) for v, part in zip(values, groups, strict=True)))
    return Estimate(found.value * share, found.low * share, found.high * share, found.n)


def _tokens(found: Measured) -> float | None:
    return None if found.input_tokens is None or found.output_tokens is None else found.input_tokens + found.output_tokens


def _row(row: LlmForecast) -> tuple[object, ...]:
    output = _range(row.output_tokens, _whole)
    if math.isnan(row.output_tokens.value):
        output = "not known" if row.most_output_tokens is None else f"up to {row.most_output_tokens:,}"
    return (
        one_line(row.llm),
        row.requests,
        row.measured,
        _range(row.input_tokens, _whole) if row.measured else f"about {_whole(row.input_tokens.value)}",
        output,
        _range(row.cost_usd, usd),
        "not known" if row.most_cost_usd is None else usd(row.most_cost_usd),
        _time(row.seconds, row.least_seconds),
    )


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
