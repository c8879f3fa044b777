"""A hard cap on what calls cost: the worst case of everything in flight is reserved before it is sent.

Amounts are whole picodollars (1e-12 USD), so that sums are exact: a price in USD per million tokens is that number times
10^6 picodollars per token. Prices and worst cases are rounded up, the cap is rounded down.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final

from llmfusionbench.builders.collecting.calls import Attempt, Call
from llmfusionbench.builders.collecting.endpoint import Endpoint, Price
from llmfusionbench.builders.collecting.token_bounds import likely_input_tokens, most_input_tokens, most_output_tokens
from llmfusionbench.errors import InputError, UnknownNameError

PICO: Final = 10**12
"""Picodollars of one USD."""
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, eq=False, slots=True)
class Held:
    """The worst case of one attempt that is in flight."""

    llm: str
    tokens: int
    """About the tokens that the attempt takes from a limit of tokens per minute: the likely input plus the longest answer."""
    most_input: int
    """Tokens, at most."""
    most_output: int | None
    """None if the request has no maximum."""
    input_rate: int | None
    """Picodollars per token; None without a price."""
    output_rate: int | None
    worst: int | None
    """Picodollars; None if it is not known."""

    @property
    def worst_usd(self) -> float | None:
        """The most that the attempt can cost, USD; None if a price or the length of the answer is not known."""
        return None if self.worst is None else self.worst / PICO


class Budget:
    """What calls may cost, what they have cost, and what those in flight may still cost. It belongs to one event loop.

    As long as no server charges more than its prices for the tokens that were announced, the total charged never exceeds the
    cap. The price of an attempt is the dearest one from the day before to the day after `today`, because the provider's day may
    be another one.

    Args:
        max_cost: The cap, USD; None for no cap.
        endpoints: The LLMs that may be called.
        today: The day, or a function that gives it.
        spent: USD that was spent before, such as by a run that is resumed. The worst case of what was in flight when a run
            was killed belongs to it.

    Raises:
        InputError: `max_cost` or `spent` is not a number of 0 or more, or there is a cap and the price of an LLM is unknown.
    """

    def __init__(
        self,
        max_cost: float | None,
        endpoints: Iterable[Endpoint],
        *,
        today: date | Callable[[], date],
        spent: float = 0.0,
    ) -> None:
        for name, value in {"max_cost": max_cost, "spent": spent}.items():
            if value is not None and not 0 <= value < math.inf:
                raise InputError(f"{name}: {value}, expected 0 or more USD. Remedy: choose a value in that range")
        self._endpoints = {endpoint.name: endpoint for endpoint in endpoints}
        self._today = today if callable(today) else lambda: today
        self._latest = date.min
        self._rates: dict[tuple[str, date], tuple[int, int] | None] = {}
        self.max_cost = max_cost
        self._cap = None if max_cost is None else _pico(max_cost, ROUND_FLOOR)
        self._spent, self._reserved = _pico(spent), 0
        self._in_flight: set[Held] = set()
        self._waiting: deque[tuple[asyncio.Future[Held | None], Held]] = deque()
        self._closed = False
        if self._cap is not None:
            self._check_prices()

    @property
    def spent_usd(self) -> float:
        """USD that was charged, or may have been."""
        return self._spent / PICO

    @property
    def reserved_usd(self) -> float:
        """USD that the attempts in flight cost in the worst case."""
        return self._reserved / PICO

    @property
    def in_flight(self) -> int:
        """Number of reservations that are not settled."""
        return len(self._in_flight)

    def worst_case(self, call: Call, *, batch: bool = False) -> Held:
        """What one attempt at a call costs at most; it reserves nothing.

        Args:
            call: The call.
            batch: Whether it is sent in a batch, at the discount of its endpoint.

        Raises:
            UnknownNameError: The call is to an LLM that is not one of the endpoints.
            InputError: There is a cap, and the request sets no maximum of tokens or its LLM has no price on this day.
        """
        endpoint = self._endpoints.get(call.llm)
        if endpoint is None:
            raise UnknownNameError("LLM", call.llm, self._endpoints)
        asked, said = most_input_tokens(call.payload), most_output_tokens(call.payload, endpoint)
        rates = self._rates_of(endpoint)
        if rates is not None and batch:
            rates = _discounted(rates, endpoint)
        price_in, price_out = rates or (None, None)
        worst = None if price_in is None or price_out is None or said is None else asked * price_in + said * price_out
        if worst is None and self._cap is not None:
            if said is None:
                raise InputError(
                    f"{call.llm}: a request without a maximum of tokens has no worst case, which --max-cost needs. "
                    f"Remedy: set max_tokens, or remove --max-cost"
                )
            self._check_prices()
        tokens = likely_input_tokens(call.payload) + (endpoint.max_tokens if said is None else said)
        return Held(call.llm, tokens, asked, said, price_in, price_out, worst)

    def reserve(self, call: Call, *, batch: bool = False) -> Held | None:
        """Reserve the worst case of one attempt; None if there is no room for it now. Raises as `worst_case`."""
        return self._taken(self.worst_case(call, batch=batch))

    async def wait(self, call: Call) -> Held | None:
        """Reserve the worst case, after waiting until attempts in flight that cost less than reserved make room.

        Calls get room in the order in which they came.

        Returns:
            None if there is never room: the worst case exceeds what is left with no call in flight, or the budget is closed.

        Raises:
            UnknownNameError, InputError: As `worst_case`.
        """
        held = self.worst_case(call)
        if self._closed or (not self._waiting and self._fits(held)):
            return self._taken(held)
        future: asyncio.Future[Held | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((future, held))
        self._admit()
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled() and (given := future.result()) is not None:
                self.settle(given, None)
            else:
                self._admit()
            raise

    def settle(self, held: Held, attempt: Attempt | None) -> float | None:
        """Replace a reservation by what the attempt cost.

        Known tokens count at the price. Where the provider may charge and tokens are unknown, the worst case counts. A cost
        that the server states counts if it is higher, or if nothing else is known. Reasoning that is stated apart from a
        smaller number of output tokens counts on top.

        Args:
            held: The reservation.
            attempt: What came of it; None if it was never sent, which costs nothing.

        Returns:
            USD that count against the cap; None if they are not known.

        Raises:
            ValueError: The reservation was settled before.
        """
        if held not in self._in_flight:
            raise ValueError("this reservation was settled before")
        cost = 0 if attempt is None else _charged(held, attempt)
        self._in_flight.remove(held)
        self._reserved -= held.worst or 0
        self._spent += cost or 0
        self._admit()
        return None if cost is None else cost / PICO

    def close(self) -> None:
        """Refuse all further reservations, also those that wait."""
        self._closed = True
        self._admit()

    def _taken(self, held: Held) -> Held | None:
        if self._closed or not self._fits(held):
            return None
        self._in_flight.add(held)
        self._reserved += held.worst or 0
        return held

    def _fits(self, held: Held) -> bool:
        return self._cap is None or self._spent + self._reserved + (held.worst or 0) <= self._cap

    def _admit(self) -> None:
        """Give room to those who wait, in their order, and None to those for whom there will be none."""
        while self._waiting:
            future, held = self._waiting[0]
            if not future.done():
                if not self._closed and not self._fits(held) and self._in_flight:
                    return
                future.set_result(self._taken(held))
            self._waiting.popleft()

    def _day(self) -> date:
        """Today, but never a day before one that was seen: a clock that is set back brings no old price back."""
        self._latest = max(self._latest, self._today())
        return self._latest

    def _rates_of(self, endpoint: Endpoint) -> tuple[int, int] | None:
        """Picodollars per token of the input and the output."""
        key = (endpoint.name, self._day())
        if key not in self._rates:
            self._rates[key] = None if endpoint.price_on(key[1]) is None else _rates_near(endpoint, key[1])
        return self._rates[key]

    def _check_prices(self) -> None:
        missing = [name for name, endpoint in self._endpoints.items() if self._rates_of(endpoint) is None]
        if missing:
            raise InputError(
                f"--max-cost: the price of {', '.join(missing)} on {self._day()} is not known. "
                "Remedy: give prices in the file of LLMs (0 for a server of your own), or remove --max-cost"
            )


def _charged(held: Held, attempt: Attempt) -> int | None:
    """Picodollars that count for an attempt; None if they are not known."""
    known = attempt.input_tokens is not None and attempt.output_tokens is not None
    stated = None
    if attempt.stated_cost is not None and 0 <= attempt.stated_cost < math.inf:
        stated = _pico(attempt.stated_cost)
    if not (known or attempt.charged or attempt.status == "ok"):
        return stated or 0
    if held.input_rate is None or held.output_rate is None:
        return stated
    asked = held.most_input if attempt.input_tokens is None else attempt.input_tokens
    said = held.most_output if attempt.output_tokens is None else attempt.output_tokens
    if said is None:
        return stated
    thought = attempt.reasoning_tokens or 0
    said += thought if attempt.output_tokens is not None and thought > said else 0
    return max(asked * held.input_rate + said * held.output_rate, stated or 0)


def rates_on(endpoint: Endpoint, day: date | None, *, batch: bool = False) -> tuple[int, int] | None:
    """Picodollars per token of the input and the output; None if no price of the LLM is known.

    Args:
        endpoint: The LLM.
        day: The day whose price counts, with the days beside it. The dearest price counts where no price counts from that day.
        batch: Whether the discount of batches is taken off.
    """
    if not endpoint.prices:
        return None
    known = day is not None and endpoint.price_on(day) is not None
    rates = _rates_near(endpoint, day) if known and day is not None else _dearest(endpoint.prices)
    return _discounted(rates, endpoint) if batch else rates


def _rates_near(endpoint: Endpoint, day: date) -> tuple[int, int]:
    near = (endpoint.price_on(day - _DAY), endpoint.price_on(day), endpoint.price_on(day + _DAY))
    return _dearest([price for price in near if price is not None])


def _discounted(rates: tuple[int, int], endpoint: Endpoint) -> tuple[int, int]:
    keep = Decimal(1) - _exact(endpoint.batch_discount)
    return _up(rates[0] * keep), _up(rates[1] * keep)


def _dearest(prices: Sequence[Price]) -> tuple[int, int]:
    return (
        max(_up(_exact(price.input_price) * 10**6) for price in prices),
        max(_up(_exact(price.output_price) * 10**6) for price in prices),
    )


def _pico(usd: float, rounding: str = ROUND_CEILING) -> int:
    return int((_exact(usd) * PICO).to_integral_value(rounding))


def _up(value: Decimal) -> int:
    return int(value.to_integral_value(ROUND_CEILING))


def _exact(value: float) -> Decimal:
    """The shortest decimal number that is this float: the one that a person wrote."""
    return Decimal(repr(float(value)))
