"""A spending limit for LLM calls: a call whose worst-case cost would exceed it is not started."""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from llmfusionbench.errors import InputError
from llmfusionbench.llm.chat import Reply

_BYTES_PER_TOKEN = 3
_TOKENS_AROUND = 48
"""Maximum number of tokens that a server adds to a conversation."""


@dataclass(frozen=True)
class Usage:
    """Sums of one run."""

    requests: int = 0
    resumed: int = 0
    """Replies that an earlier run paid for."""
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None
    """At the given prices; None without prices."""
    estimated: int = 0
    """Requests for which the server reported no token counts; theirs are estimated from the length of the texts."""


@dataclass(frozen=True)
class Held:
    """The worst case of a conversation under way."""

    tokens: int
    cost: float
    """USD"""


class Spending:
    """A budget, and what is spent of it; threads may share it.

    Args:
        input_price: USD per million tokens.
        output_price: USD per million tokens.
        max_cost: Maximum cost, USD; needs both prices.
        max_requests: Maximum number of conversations; retries are not counted.
        max_total_tokens: Maximum number of tokens, requests plus replies.

    Raises:
        InputError: A limit or a price is negative, or `max_cost` is given without both prices.
    """

    def __init__(
        self,
        *,
        input_price: float | None = None,
        output_price: float | None = None,
        max_cost: float | None = None,
        max_requests: int | None = None,
        max_total_tokens: int | None = None,
    ) -> None:
        given = {"input_price": input_price, "output_price": output_price, "max_cost": max_cost, "max_requests": max_requests}
        for name, value in {**given, "max_total_tokens": max_total_tokens}.items():
            if value is not None and not value >= 0:
                raise InputError(f"{name}: {value}, expected 0 or more. Remedy: choose a value in that range")
        if max_cost is not None and (input_price is None or output_price is None):
            raise InputError(f"max_cost: {max_cost:g} USD, but the price of a token is unknown. Remedy: give both prices")
        self.prices = None if input_price is None or output_price is None else (input_price, output_price)
        self.max_cost, self.max_requests, self.max_total_tokens = max_cost, max_requests, max_total_tokens
        self.usage = Usage(cost_usd=None if self.prices is None else 0.0)
        self._under_way: list[Held] = []
        self._closed = False
        self._changed = threading.Condition()

    def renewed(self) -> Spending:
        """The same limits, with nothing spent."""
        other = copy.copy(self)
        other.usage = Usage(cost_usd=None if self.prices is None else 0.0)
        other._under_way, other._closed, other._changed = [], False, threading.Condition()
        return other

    def reserve(self, messages: Iterable[Mapping[str, str]], max_tokens: int, *, wait: bool = True) -> Held | None:
        """Reserve the worst case of a conversation; None where that, or one more request, exceeds the budget.

        Conversations under way may leave room when they are settled, so this waits for them unless `wait` is false: a caller
        that settles them itself must not wait.
        """
        asked = _estimate(m["content"] for m in messages)
        held = Held(asked + max_tokens, self._price(asked, max_tokens))
        with self._changed:
            while not self._fits(held):
                if not wait or not self._under_way or self._done():
                    return None
                self._changed.wait()
            self._under_way.append(held)
            self.usage = replace(self.usage, requests=self.usage.requests + 1)
        return held

    def settle(self, held: Held, messages: Iterable[Mapping[str, str]], reply: Reply) -> None:
        """Replace a reservation by the actual cost; a conversation without an answer costs nothing."""
        told = reply.input_tokens is not None and reply.output_tokens is not None
        answered = reply.text is not None or told
        asked = _estimate(m["content"] for m in messages) if reply.input_tokens is None else reply.input_tokens
        said = _estimate([reply.text or ""]) - _TOKENS_AROUND if reply.output_tokens is None else reply.output_tokens
        with self._changed:
            self._under_way.remove(held)
            self._changed.notify_all()
            if not answered:
                return
            cost = self.usage.cost_usd
            self.usage = replace(
                self.usage,
                input_tokens=self.usage.input_tokens + asked,
                output_tokens=self.usage.output_tokens + said,
                cost_usd=None if cost is None else cost + self._price(asked, said),
                estimated=self.usage.estimated + (not told),
            )

    def close(self) -> None:
        """Refuse all further reservations, also those that wait."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def resume(self) -> None:
        """Count a reply that an earlier run paid for."""
        with self._changed:
            self.usage = replace(self.usage, resumed=self.usage.resumed + 1)

    def _fits(self, held: Held) -> bool:
        """Whether the budget has room for this and everything under way in the worst case."""
        gone = self.usage
        tokens = gone.input_tokens + gone.output_tokens + sum(h.tokens for h in self._under_way) + held.tokens
        cost = (gone.cost_usd or 0.0) + sum(h.cost for h in self._under_way) + held.cost
        return not (
            self._done()
            or (self.max_total_tokens is not None and tokens > self.max_total_tokens)
            or (self.max_cost is not None and cost > self.max_cost)
        )

    def _done(self) -> bool:
        """Whether no further conversation can start, whatever is settled."""
        return self._closed or (self.max_requests is not None and self.usage.requests >= self.max_requests)

    def _price(self, asked: int, said: int) -> float:
        return 0.0 if self.prices is None else (asked * self.prices[0] + said * self.prices[1]) / 1e6


def _estimate(texts: Iterable[str]) -> int:
    """An upper estimate of the tokens of a conversation: a token is longer than three bytes in most languages."""
    return sum(len(text.encode("utf-8", "surrogatepass")) for text in texts) // _BYTES_PER_TOKEN + _TOKENS_AROUND
