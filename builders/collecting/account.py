"""What LLMs under common limits share: requests and tokens per minute, pauses, and whose call is next.

Most providers limit each model of an account, some limit the account as a whole, and no reply says which. So LLMs share their
limits only where the file of LLMs names an account. LLMs at one server with one key share just the pauses that the server asks
for with status 429.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final, Protocol

from llmfusionbench.builders.collecting.endpoint import Endpoint
from llmfusionbench.builders.collecting.place import Place
from llmfusionbench.builders.collecting.rate import Rate
from llmfusionbench.builders.collecting.spacing import Spacing

_LEAST_DELAY_S: Final = 0.001
_JITTER: Final = 0.1
"""Share of a pause that is added at random after it, at most `_MOST_JITTER_S` seconds."""
_MOST_JITTER_S: Final = 1.0


class Member(Protocol):
    """One of the LLMs of an account."""

    def wait_s(self) -> float:
        """Seconds until its next call may start as far as it alone is concerned; infinite if it has none, or no place."""

    def likely_tokens(self) -> float:
        """What that call will take of the limit of tokens."""

    def start(self) -> None:
        """Let that call start."""


class Account:
    """Limits of one LLM, or of several together. It belongs to one event loop.

    Args:
        requests_per_minute: The limit for all members together; None: learnt from the headers of replies.
        tokens_per_minute: The same for tokens.
        clock: Seconds that only grow. A clock that goes back nevertheless stands still instead.
        jitter: Gives numbers from 0 to 1, by which pauses differ.
    """

    def __init__(
        self,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.requests, self.tokens = Rate(requests_per_minute), Rate(tokens_per_minute)
        self.spacing = Spacing()
        self._clock, self._jitter = clock, jitter
        self.last = clock()
        """The last moment that was looked at."""
        self._behind = 0.0
        self._paused_until = -math.inf
        self._beside: list[Account] = [self]
        self._members: deque[Member] = deque()
        """The one whose turn it is comes first."""
        self._timer: asyncio.TimerHandle | None = None

    def join(self, member: Member) -> None:
        """Take an LLM in."""
        self._members.append(member)

    @property
    def paused_s(self) -> float:
        """Seconds for which a server that refused a call lets no call of the account start; 0.0 if it lets them."""
        return max(0.0, self._paused_until - self.now())

    def now(self) -> float:
        """The clock, but never less than before."""
        now = self._clock() + self._behind
        if now < self.last:
            self._behind += self.last - now
            return self.last
        self.last = now
        return now

    def pause(self, seconds: float) -> None:
        """Let no call of the account start for that time."""
        self._paused_until = max(self._paused_until, self.end_of(seconds))

    def pause_all(self, seconds: float) -> None:
        """The same for all LLMs at the same server with the same key."""
        for account in self._beside:
            account.pause(seconds)

    def end_of(self, seconds: float) -> float:
        """The end of a pause: a little later, by a time that differs, so that clients do not come all at once."""
        return self.now() + seconds + min(seconds * _JITTER, _MOST_JITTER_S) * self._jitter()

    def admit(self) -> None:
        """Let calls start that may, one of each LLM in turn, and set a timer for the next one.

        A call that waits for a common limit holds up those of other LLMs, or small calls would never let a large one start.
        """
        soonest, passed = math.inf, 0
        while passed < len(self._members):
            member = self._members[0]
            wait = member.wait_s()
            if wait == 0.0:
                wait = self._delay(member.likely_tokens())
                if wait > 0.0:
                    soonest = min(soonest, wait)
                    break
                self._take(member.likely_tokens())
                member.start()
                passed = 0
            else:
                soonest = min(soonest, wait)
                passed += 1
            self._members.rotate(-1)
        self._set_timer(soonest)

    def stand_beside(self, others: list[Account]) -> None:
        """Share pauses with other accounts of one server and key.

        Args:
            others: They and this account; one list for all of them, to which later ones are added.
        """
        others.append(self)
        self._beside = others

    def _delay(self, tokens: float) -> float:
        """Seconds until a call that takes these tokens may start."""
        if self._paused_until == -math.inf and self.spacing.idle and self.requests.idle and self.tokens.idle:
            return 0.0
        now = self.now()
        wait = self._paused_until - now
        if wait > 0:
            return wait
        self._paused_until = -math.inf
        return max(self.spacing.delay(now), self.requests.delay(1, now), self.tokens.delay(tokens, now))

    def _take(self, tokens: float) -> None:
        if not self.spacing.idle:
            self.spacing.take(self.last)
        self.requests.take(1)
        self.tokens.take(tokens)

    def _set_timer(self, delay: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = (
            asyncio.get_running_loop().call_later(max(delay, _LEAST_DELAY_S), self.admit) if delay < math.inf else None
        )


def common_limits(endpoints: Iterable[Endpoint]) -> tuple[float | None, float | None]:
    """(requests, tokens) per minute of an account with these LLMs: the lowest ones that they state; None if none does."""
    endpoints = list(endpoints)
    requests = [one.requests_per_minute for one in endpoints if one.requests_per_minute is not None]
    tokens = [one.tokens_per_minute for one in endpoints if one.tokens_per_minute is not None]
    return min(requests, default=None), min(tokens, default=None)


def accounts_of(endpoints: Iterable[Endpoint], *, clock: Callable[[], float] = time.monotonic) -> dict[str, Account]:
    """LLM -> its account, by the rule above.

    LLMs that name one account have it together. Any other LLM has its own, and shares pauses with those at the same address
    whose key is in the same variable. Deployments of Azure share nothing, because each has limits of its own.

    Raises:
        InputError: The URL of an LLM is not valid.
    """
    endpoints = list(endpoints)
    found: dict[str, Account] = {}
    named: dict[str, Account] = {}
    servers: dict[tuple[str, str | None], list[Account]] = {}
    for one in endpoints:
        if one.account is None:
            found[one.name] = Account(*common_limits([one]), clock=clock)
            if not one.has_deployments:
                found[one.name].stand_beside(servers.setdefault((Place(one).address, one.key_variable), []))
        else:
            if one.account not in named:
                together = [other for other in endpoints if other.account == one.account]
                named[one.account] = Account(*common_limits(together), clock=clock)
            found[one.name] = named[one.account]
    return found
