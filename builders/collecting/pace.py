"""When a call to an LLM may start: places under an adaptive limit, and what its account allows.

The limit on concurrent calls follows TCP (RFC 5681): it starts at 1 and doubles per round trip up to the endpoint's
concurrency, or to where it was last cut; from there it grows by 1 per round trip. A server that is too busy cuts it once per
round trip.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from typing import Final, TypeGuard

from llmfusionbench.builders.collecting.account import Account
from llmfusionbench.builders.collecting.calls import Attempt
from llmfusionbench.builders.collecting.endpoint import Endpoint

BUSY: Final = frozenset({429, 503, 529})
"""HTTP statuses of a server that has too many requests."""
_TOO_MANY: Final = 429
"""The one of them that is about the caller's limits, and not about the server."""
_CUT: Final = 0.5
_NEWS: Final = 0.1
"""Weight of the last call in the share of announced tokens that calls take."""
_MOST_SHARE: Final = 16
"""Times the announced tokens that a call can have taken. A server that states more is wrong, and would stop all calls."""
_FIRST_PAUSE_S, _LAST_PAUSE_S = 0.25, 30.0
"""Pauses after the first and after many cuts in a row, if the server asks for none."""

_Waiter = tuple["asyncio.Future[None]", int | None]


class _Reserved:
    """What calls in flight have taken from the limit of tokens, of which more or less may be used in the end."""

    def __init__(self) -> None:
        self._announced, self._taken = 0, 0.0

    def begin(self, announced: int, taken: float) -> None:
        """A call takes tokens."""
        self._announced, self._taken = self._announced + announced, self._taken + taken

    def end(self, announced: int) -> float:
        """The tokens to give back for a call. Which of them were its own does not matter: all are given back in the end."""
        taken = self._taken * announced / self._announced if self._announced else 0.0
        self._announced, self._taken = self._announced - announced, self._taken - taken
        return taken


class Pace:
    """The pace of calls to one endpoint; it belongs to one event loop. Calls start in the order in which they came.

    Args:
        endpoint: The endpoint.
        account: Its limits per minute and its pauses, which other LLMs may share.
    """

    def __init__(self, endpoint: Endpoint, account: Account) -> None:
        self._most = max(1, endpoint.concurrency)
        self._account = account
        self.allowed, self._threshold = 1, self._most
        """The number of calls that may be in flight now, and that up to which it doubles per round trip."""
        self._answers = 0
        """Answers since the limit last changed."""
        self.in_flight = 0
        """Calls that have entered and not left."""
        self._before_cut = 0
        """Calls that were in flight at the last cut and have not left: their refusals do not cut again."""
        self._cuts = 0
        """Cuts since the last answer."""
        self._paused_until = -math.inf
        """The end of a pause that concerns this LLM alone."""
        self._share: float | None = None
        """Share of the announced tokens that calls took lately; None before the first answer to a call with such a number."""
        self._taken = 0.0
        """Tokens that the last answer took: about those of a call whose tokens were not counted."""
        self._counted, self._uncounted = _Reserved(), _Reserved()
        self._waiting: deque[_Waiter] = deque()
        account.join(self)

    @property
    def tokens_per_minute(self) -> float | None:
        """The limit of the account, given or learnt; None if there is none."""
        return self._account.tokens.per_minute

    @property
    def paused_s(self) -> float:
        """Seconds for which a busy server, or one that refused a call, lets no call start; 0.0 if it lets them."""
        return max(0.0, self._paused_until - self._account.now(), self._account.paused_s)

    async def enter(self, tokens: int | None) -> None:
        """Wait until a call may start, and take its place.

        A call that is cancelled here has no place and leaves no trace. Every other call ends with `leave`.

        Args:
            tokens: About the tokens of the request plus the longest answer. The share of them that earlier calls took is
                reserved, and corrected when the call leaves. None if they were not counted, because no limit was known:
                what the last answer took is reserved if a limit is known by then.
        """
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((future, tokens))
        self._account.admit()
        try:
            await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self.leave(None, tokens)
            else:
                self._account.admit()
            raise

    def leave(self, attempt: Attempt | None, tokens: int | None) -> None:
        """Give the place back, and learn from what came of the call.

        Args:
            attempt: What came of it; None if it was not sent.
            tokens: The number that it entered with.
        """
        account = self._account
        busy_before, self._before_cut = self._before_cut > 0, max(0, self._before_cut - 1)
        full = 2 * self.in_flight >= self.allowed
        self.in_flight -= 1
        reserved = self._uncounted.end(1) if tokens is None else self._counted.end(tokens)
        if attempt is None:
            account.requests.give_back(1)
            account.tokens.give_back(reserved)
        else:
            used = self._used(attempt, tokens)
            account.tokens.give_back(reserved - (self._at_most_a_minute(used) if tokens is None else used))
            if attempt.status != "error":
                self._taken = used
                if tokens:
                    share = used / tokens
                    self._share = share if self._share is None else self._share + (share - self._share) * _NEWS
            self._learn(attempt, max(1.0, self._taken) if tokens is None else tokens)
            if attempt.http_status in BUSY:
                if not busy_before:
                    self._cut(attempt)
                    account.spacing.refused(account.now())
            elif attempt.status != "error":
                self._cuts = 0
                account.spacing.answered(account.last if account.spacing.idle else account.now())
                if full:
                    self._grow()
            if attempt.status == "error" and _is_pause(attempt.retry_after_s):
                self._pause(attempt.retry_after_s, attempt.http_status, stated=True)
        account.admit()

    def wait_s(self) -> float:
        """Seconds until its next call may start as far as it alone is concerned; infinite if it has none, or no place."""
        while self._waiting and self._waiting[0][0].done():
            self._waiting.popleft()
        if not self._waiting or self.in_flight >= self.allowed:
            return math.inf
        if self._paused_until == -math.inf:
            return 0.0
        wait = self._paused_until - self._account.now()
        if wait <= 0:
            self._paused_until = -math.inf
        return max(0.0, wait)

    def likely_tokens(self) -> float:
        """What its next call will take of the limit: few answers are as long as they may be."""
        tokens = self._waiting[0][1]
        if tokens is None:
            return self._at_most_a_minute(self._taken)
        return tokens if self._share is None else tokens * self._share

    def start(self) -> None:
        """Let its next call start."""
        likely = self.likely_tokens()
        future, tokens = self._waiting.popleft()
        self.in_flight += 1
        if tokens is None:
            self._uncounted.begin(1, likely)
        else:
            self._counted.begin(tokens, likely)
        future.set_result(None)

    def _grow(self) -> None:
        """An answer came: 1 more per answer is twice as many per round trip, 1 more per `limit` answers is 1 more."""
        self._answers += 1
        if self.allowed < self._most and (self.allowed < self._threshold or self._answers >= self.allowed):
            self.allowed, self._answers = self.allowed + 1, 0

    def _cut(self, attempt: Attempt) -> None:
        self.allowed = self._threshold = max(1, int(self.allowed * _CUT))
        self._answers = 0
        self._before_cut = self.in_flight
        self._cuts += 1
        if not attempt.retry_after_s:
            seconds = min(_LAST_PAUSE_S, _FIRST_PAUSE_S * 2 ** min(self._cuts - 1, 32))
            self._pause(seconds, attempt.http_status, stated=False)

    def _pause(self, seconds: float, status: int | None, *, stated: bool) -> None:
        """Let no call start for that time. Status 429 is about what was sent with a key, another one about this LLM."""
        account = self._account
        if status != _TOO_MANY:
            self._paused_until = max(self._paused_until, account.end_of(seconds))
        elif stated:
            account.pause_all(seconds)
        else:
            account.pause(seconds)

    def _used(self, attempt: Attempt, tokens: int | None) -> float:
        """The tokens that an attempt took from the limit: those it states, none if it failed for free, else as assumed."""
        if attempt.input_tokens is not None and attempt.output_tokens is not None:
            stated = attempt.input_tokens + attempt.output_tokens
            return stated if tokens is None else min(stated, _MOST_SHARE * tokens)
        assumed = self._taken if tokens is None else tokens
        return assumed if attempt.charged or attempt.status != "error" else 0

    def _at_most_a_minute(self, tokens: float) -> float:
        """Tokens of a call that were not counted, up to the limit of a minute: a server may state any number."""
        return 0.0 if self.tokens_per_minute is None else min(tokens, self.tokens_per_minute)

    def _learn(self, attempt: Attempt, tokens: float) -> None:
        limits, account = attempt.limits, self._account
        if limits is None:
            return
        # The headers of a stream came with its first token.
        streamed = attempt.latency_s is not None and attempt.first_token_s is not None
        age = max(0.0, attempt.latency_s - attempt.first_token_s) if streamed else 0.0  # type: ignore[operator]
        now = account.now()
        account.requests.learn(limits.requests_per_minute, limits.requests_left, _less(limits.requests_reset_s, age), 1, now)
        account.tokens.learn(limits.tokens_per_minute, limits.tokens_left, _less(limits.tokens_reset_s, age), tokens, now)


def _is_pause(seconds: float | None) -> TypeGuard[float]:
    return seconds is not None and 0 < seconds < math.inf


def _less(seconds: float | None, age: float) -> float | None:
    return None if seconds is None else seconds - age
