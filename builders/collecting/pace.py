"""When a call to an LLM may start: places under an adaptive limit, requests and tokens per minute, and pauses.

The limit on concurrent calls follows TCP (RFC 5681): it starts at 1 and doubles per round trip up to the endpoint's
concurrency, or to where it was last cut; from there it grows by 1 per round trip. A server that is too busy cuts it once per
round trip.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from llmfusionbench.builders.collecting.calls import Attempt
from llmfusionbench.builders.collecting.endpoint import Endpoint
from llmfusionbench.builders.collecting.rate import Rate
from llmfusionbench.builders.collecting.spacing import Spacing

BUSY: Final = frozenset({429, 503, 529})
"""HTTP statuses of a server that has too many requests."""
_CUT: Final = 0.5
_NEWS: Final = 0.1
"""Weight of the last call in the share of announced tokens that calls take."""
_MOST_SHARE: Final = 16
"""Times the announced tokens that a call can have taken. A server that states more is wrong, and would stop all calls."""
_LEAST_DELAY_S: Final = 0.001
_JITTER: Final = 0.1
"""Share of a pause that is added at random after it, at most `_MOST_JITTER_S` seconds."""
_MOST_JITTER_S: Final = 1.0
_FIRST_PAUSE_S, _LAST_PAUSE_S = 0.25, 30.0
"""Pauses after the first and after many cuts in a row, if the server asks for none."""

_Waiter = tuple["asyncio.Future[None]", int]


class Pace:
    """The pace of calls to one endpoint; it belongs to one event loop. Calls start in the order in which they came.

    Args:
        endpoint: The endpoint. Limits per minute that it does not give are learnt from the headers of replies.
        clock: Seconds that only grow. A clock that goes back nevertheless stands still instead.
        jitter: Gives numbers from 0 to 1, by which pauses differ.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._most = max(1, endpoint.concurrency)
        self._clock, self._jitter = clock, jitter
        self._last = clock()
        self._behind = 0.0
        self._limit, self._threshold = 1, self._most
        self._answers = 0
        """Answers since the limit last changed."""
        self._in_flight = 0
        self._before_cut = 0
        """Calls that were in flight at the last cut and have not left: their refusals do not cut again."""
        self._cuts = 0
        """Cuts since the last answer."""
        self._paused_until = -math.inf
        self._requests, self._tokens = Rate(endpoint.requests_per_minute), Rate(endpoint.tokens_per_minute)
        self._spacing = Spacing()
        self._share: float | None = None
        """Share of the announced tokens that calls took lately; None before the first answer."""
        self._announced, self._reserved = 0, 0.0
        """Tokens of the calls in flight: as announced, and as taken from the limit."""
        self._waiting: deque[_Waiter] = deque()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def allowed(self) -> int:
        """Number of calls that may be in flight now."""
        return self._limit

    @property
    def in_flight(self) -> int:
        """Number of calls that have entered and not left."""
        return self._in_flight

    @property
    def requests_per_minute(self) -> float | None:
        """The limit, given or learnt; None if there is none."""
        return self._requests.per_minute

    @property
    def tokens_per_minute(self) -> float | None:
        """The limit, given or learnt; None if there is none."""
        return self._tokens.per_minute

    @property
    def paused_s(self) -> float:
        """Seconds for which a busy server, or one whose limit is used up, lets no call start; 0.0 if it lets them."""
        return max(0.0, self._paused_until - self._now())

    async def enter(self, tokens: int) -> None:
        """Wait until a call may start, and take its place.

        A call that is cancelled here has no place and leaves no trace. Every other call ends with `leave`.

        Args:
            tokens: About the tokens of the request plus the longest answer. The share of them that earlier calls took is
                reserved, and corrected when the call leaves.
        """
        if not self._waiting and self._delay(tokens) == 0.0:
            self._take(tokens)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((future, tokens))
        self._admit()
        try:
            await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self.leave(None, tokens)
            else:
                self._admit()
            raise

    def leave(self, attempt: Attempt | None, tokens: int) -> None:
        """Give the place back, and learn from what came of the call.

        Args:
            attempt: What came of it; None if it was not sent.
            tokens: The number that it entered with.
        """
        busy_before, self._before_cut = self._before_cut > 0, max(0, self._before_cut - 1)
        full = 2 * self._in_flight >= self._limit
        self._in_flight -= 1
        # Which reservation was this call's does not matter: they are all given back in the end.
        reserved = self._reserved * tokens / self._announced if self._announced else 0.0
        self._announced, self._reserved = self._announced - tokens, self._reserved - reserved
        if attempt is None:
            self._requests.give_back(1)
            self._tokens.give_back(reserved)
        else:
            used = _used(attempt, tokens)
            self._tokens.give_back(reserved - used)
            if attempt.status != "error" and tokens:
                self._share = used / tokens if self._share is None else self._share + (used / tokens - self._share) * _NEWS
            self._learn(attempt, tokens)
            if attempt.http_status in BUSY:
                if not busy_before:
                    self._cut(attempt)
                    self._spacing.refused(self._now())
            elif attempt.status != "error":
                self._cuts = 0
                self._spacing.answered(self._last if self._spacing.idle else self._now())
                if full:
                    self._grow()
            if attempt.status == "error":
                self._pause(attempt.retry_after_s)
        if self._waiting:
            self._admit()

    def _grow(self) -> None:
        """An answer came: 1 more per answer is twice as many per round trip, 1 more per `limit` answers is 1 more."""
        self._answers += 1
        if self._limit < self._most and (self._limit < self._threshold or self._answers >= self._limit):
            self._limit, self._answers = self._limit + 1, 0

    def _cut(self, attempt: Attempt) -> None:
        self._limit = self._threshold = max(1, int(self._limit * _CUT))
        self._answers = 0
        self._before_cut = self._in_flight
        self._cuts += 1
        if not attempt.retry_after_s:
            self._pause(min(_LAST_PAUSE_S, _FIRST_PAUSE_S * 2 ** min(self._cuts - 1, 32)))

    def _pause(self, seconds: float | None) -> None:
        """Let no call start for that time, and for a little longer that differs, so that clients do not come all at once."""
        if seconds is not None and 0 < seconds < math.inf:
            later = min(seconds * _JITTER, _MOST_JITTER_S) * self._jitter()
            self._paused_until = max(self._paused_until, self._now() + seconds + later)

    def _learn(self, attempt: Attempt, tokens: int) -> None:
        limits = attempt.limits
        if limits is None:
            return
        # The headers of a stream came with its first token.
        streamed = attempt.latency_s is not None and attempt.first_token_s is not None
        age = max(0.0, attempt.latency_s - attempt.first_token_s) if streamed else 0.0  # type: ignore[operator]
        now = self._now()
        self._requests.learn(limits.requests_per_minute, limits.requests_left, _less(limits.requests_reset_s, age), 1, now)
        self._tokens.learn(limits.tokens_per_minute, limits.tokens_left, _less(limits.tokens_reset_s, age), tokens, now)

    def _delay(self, tokens: int) -> float:
        """Seconds until a call may start; infinite if one must leave first."""
        if self._in_flight >= self._limit:
            return math.inf
        if self._paused_until == -math.inf and self._spacing.idle and self._requests.idle and self._tokens.idle:
            return 0.0
        now = self._now()
        wait = self._paused_until - now
        if wait > 0:
            return wait
        self._paused_until = -math.inf
        return max(self._spacing.delay(now), self._requests.delay(1, now), self._tokens.delay(self._likely(tokens), now))

    def _take(self, tokens: int) -> None:
        likely = self._likely(tokens)
        self._in_flight += 1
        self._announced, self._reserved = self._announced + tokens, self._reserved + likely
        if not self._spacing.idle:
            self._spacing.take(self._last)
        self._requests.take(1)
        self._tokens.take(likely)

    def _likely(self, tokens: int) -> float:
        """What a call will take of the limit: few answers are as long as they may be."""
        return tokens if self._share is None else tokens * self._share

    def _admit(self) -> None:
        """Let those start who may, in their order, and set a timer for the next one."""
        while self._waiting:
            future, tokens = self._waiting[0]
            if not future.done():
                delay = self._delay(tokens)
                if delay > 0:
                    self._set_timer(delay)
                    return
                self._take(tokens)
                future.set_result(None)
            self._waiting.popleft()
        self._set_timer(math.inf)

    def _set_timer(self, delay: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = (
            asyncio.get_running_loop().call_later(max(delay, _LEAST_DELAY_S), self._admit) if delay < math.inf else None
        )

    def _now(self) -> float:
        """The clock, but never less than before."""
        now = self._clock() + self._behind
        if now < self._last:
            self._behind += self._last - now
            return self._last
        self._last = now
        return now


def _used(attempt: Attempt, tokens: int) -> int:
    """The tokens that an attempt took from the limit: those it states, none if it failed for free, else as assumed."""
    if attempt.input_tokens is not None and attempt.output_tokens is not None:
        return min(attempt.input_tokens + attempt.output_tokens, _MOST_SHARE * tokens)
    return tokens if attempt.charged or attempt.status != "error" else 0


def _less(seconds: float | None, age: float) -> float | None:
    return None if seconds is None else seconds - age
