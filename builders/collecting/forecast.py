"""What a collection will take: requests, tokens, cost and time per LLM, as upper bounds and as estimates with intervals.

Estimates need measured calls, of a pilot or an earlier run. Without them only the bounds are known.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, TypeVar

from llmfusionbench.builders.collecting.account import common_limits
from llmfusionbench.builders.collecting.budget import PICO, Budget
from llmfusionbench.builders.collecting.calls import Call
from llmfusionbench.builders.collecting.endpoint import Endpoint
from llmfusionbench.builders.collecting.forecast_table import Forecast, LlmForecast
from llmfusionbench.builders.collecting.measured import Grouping, Measured, mode_of
from llmfusionbench.builders.collecting.token_bounds import likely_input_tokens
from llmfusionbench.builders.collecting.totals import added, between, group_total, scaled_total, slowest, summed
from llmfusionbench.statistics import Estimate, Linear
from llmfusionbench.texts.tokens import offline_tokenizers

_EVERY: Final = 1000
"""Calls or lines between two signs of progress."""
Progress = Callable[[str, int], object]
"""Called as progress(stage, done)."""
_T = TypeVar("_T")


@dataclass
class _Group:
    """Calls of one LLM that are alike, such as those of one task in one mode."""

    others: int = 0
    """Calls that are not measured."""
    mine: list[Measured] = field(default_factory=list)
    """Measured calls of the plan."""
    like: list[Measured] = field(default_factory=list)
    """All measured calls, with those of other runs."""
    texts: int = 0
    """Tokens of the texts of the requests whose tokens are not measured."""
    pairs: list[tuple[int, int]] = field(default_factory=list)
    """(tokens, tokens of the text) of the measured ones that state it."""

    @property
    def input(self) -> Estimate:
        """Input tokens. What calls of other groups took says little of these, so without a measured one the texts count."""
        return scaled_total(self.pairs, self.texts)

    def total(
        self, figure: Callable[[Measured], float | None], taken: Callable[[Measured], float | None] | None = None
    ) -> Linear:
        """The total of a figure; `taken` gives what it was of a measured call of the plan, if such calls now differ."""
        known = [value for m in self.mine if (value := (taken or figure)(m)) is not None]
        values = [value for m in self.like if (value := figure(m)) is not None]
        return group_total(values, self.others + len(self.mine) - len(known), math.fsum(known))


@dataclass
class _Plan:
    """The calls to one LLM."""

    groups: dict[str, _Group] = field(default_factory=dict)
    input_rate: int | None = None
    """Picodollars per token."""
    failed: int = 0
    """Requests that failed for good."""
    failed_usd: float | None = 0.0
    """What they cost; None if that is not known."""
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
    failed: Mapping[str, float | None] | None = None,
    count: Callable[[str], int] | None = None,
    batch: bool = False,
    progress: Progress | None = None,
) -> Forecast:
    """What planned calls will take.

    Args:
        calls: All planned calls, those that are measured included. They are read once.
        endpoints: The LLMs.
        today: The day whose prices count.
        measured: Calls that were made: of a pilot, which are among the planned ones, or of an earlier run.
        group: Which calls of an LLM are alike; by default those in one mode.
        failed: Key -> what the request cost that failed for good and is not made again, USD; None if that is not known.
        count: Counts the tokens of a text; None for a tokenizer that is installed, or else a quarter of its bytes.
        batch: Whether the calls are sent in batches, at the discount of their endpoint.
        progress: Called with the number of calls so far.

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
    for call in watched(calls, "calls forecast", progress):
        if call.key in seen:
            continue
        seen.add(call.key)
        if failed is not None and call.key in failed:
            _leave_out(plans.get(call.llm), failed[call.key])
            continue
        held = budget.worst_case(call, batch=batch)
        plan, name = plans[call.llm], group(call.slot)
        plan.input_rate = held.input_rate
        part = plan.groups.get(name)
        if part is None:
            part = plan.groups[name] = _Group(like=like.get((call.llm, name), []))
        likely = likely_input_tokens(call.payload, count)
        said = held.most_output
        plan.most_output = None if plan.most_output is None or said is None else plan.most_output + said
        mine = known.get(call.key)
        if mine is None or mine.input_tokens is None:
            part.texts += likely
        if mine is not None:
            part.mine.append(mine)
            if mine.input_tokens is not None:
                part.pairs.append((mine.input_tokens, likely))
        else:
            part.others += 1
            worst = held.worst_usd
            plan.most_cost = None if plan.most_cost is None or worst is None else plan.most_cost + worst
    rows, costs = [], []
    for endpoint in endpoints:
        plan = plans[endpoint.name]
        if plan.groups or plan.failed:
            parts = _costs(endpoint, plan, batch=batch)
            costs.append(summed(parts.values()))
            rows.append(_of(endpoint, plan, parts, batch=batch))
    most = [row.most_cost_usd for row in rows]
    bound = None if None in most else math.fsum(value for value in most if value is not None)
    total = between(summed(costs), most=math.inf if bound is None else bound)
    shared = [] if batch else list(_times_of_accounts(endpoints, plans))
    least = max([row.least_seconds for row in rows] + [times[0].value for times in shared], default=0.0)
    seconds = slowest([row.seconds for row in rows] + [time for times in shared for time in times])
    return Forecast(rows, total, bound, seconds, least, sum(plan.failed for plan in plans.values()))


def watched(items: Iterable[_T], stage: str, progress: Progress | None) -> Iterator[_T]:
    """The items; `progress` is called with the number of those so far."""
    for place, item in enumerate(items):
        if progress is not None and place % _EVERY == 0:
            progress(stage, place)
        yield item


def _leave_out(plan: _Plan | None, cost: float | None) -> None:
    """Count a request that failed for good, with what it cost, USD."""
    if plan is not None:
        plan.failed += 1
        plan.failed_usd = None if plan.failed_usd is None or cost is None else plan.failed_usd + cost


def _costs(endpoint: Endpoint, plan: _Plan, *, batch: bool) -> dict[str | None, Linear]:
    """Group -> the cost of its calls, USD; None -> that of the calls that failed."""

    def like(found: Measured) -> float | None:
        return found.like_cost(batch=batch, discount=endpoint.batch_discount)

    parts: dict[str | None, Linear] = {name: part.total(like, lambda m: m.cost_usd) for name, part in plan.groups.items()}
    if plan.most_cost == 0.0:  # nothing to pay for the other calls, unless the server states costs of its own
        free = {name: part for name, part in plan.groups.items() if part.like and not any(map(like, part.like))}
        parts |= {name: group_total((), 0, math.fsum(m.cost_usd or 0.0 for m in part.mine)) for name, part in free.items()}
    return parts | {None: group_total((), 0, plan.failed_usd or 0.0)}


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


def _of(endpoint: Endpoint, plan: _Plan, costs: Mapping[str | None, Linear], *, batch: bool) -> LlmForecast:
    groups = list(plan.groups.values())
    mine, others = sum(len(part.mine) for part in groups), sum(part.others for part in groups)
    spent = [plan.failed_usd, *(m.cost_usd for part in groups for m in part.mine)]
    known = math.fsum(value for value in spent if value is not None)
    most_cost = None if plan.most_cost is None or None in spent else plan.most_cost + known
    said = summed(part.total(lambda m: m.output_tokens) for part in groups)
    output = between(said, most=math.inf if plan.most_output is None else plan.most_output)
    times = _times_by_limits(groups, *common_limits([endpoint]))
    working = _rest(groups, lambda m: m.latency_s, 1 / max(1, endpoint.concurrency))
    seconds = Estimate(math.nan, math.nan, math.nan, 0) if batch else slowest([working, *times])
    rate = math.nan if plan.input_rate is None else plan.input_rate / PICO
    least = math.fsum(
        plan.groups[name].input.value * rate if name is not None and math.isnan(cost.value) else cost.value
        for name, cost in costs.items()
    )
    return LlmForecast(
        llm=endpoint.name,
        requests=mine + others,
        measured=mine,
        input_tokens=added([part.input for part in groups]),
        output_tokens=output,
        most_output_tokens=plan.most_output,
        cost_usd=between(summed(costs.values()), known, math.inf if most_cost is None else most_cost),
        most_cost_usd=most_cost,
        seconds=seconds,
        least_seconds=0.0 if batch else times[0].value,
        input_cost_usd=None if math.isnan(least) else least,
        unmeasured=tuple(name for name, part in plan.groups.items() if part.others and not part.like),
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
