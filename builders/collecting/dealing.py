"""Calls dealt to LLMs from an iterable that may be endless, in constant memory."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from llmfusionbench.builders.collecting.calls import Call
from llmfusionbench.errors import UnknownNameError

LOOK_AHEAD: Final = 10_000
"""Calls to busy LLMs that are held while one for an idle LLM is looked for."""
_AT_ONCE: Final = 64
"""Calls that are taken before others of the event loop have their turn."""


class Dealer:
    """Gives each LLM its next call; an LLM that is slow holds up the others only after `LOOK_AHEAD` calls.

    Args:
        calls: Calls to these LLMs in any order. They are taken as they are needed.
        llms: Their names.
    """

    def __init__(self, calls: Iterable[Call], llms: Iterable[str]) -> None:
        self._calls: Iterator[Call] = iter(calls)
        self._queues: dict[str, deque[Call]] = {llm: deque() for llm in llms}
        self._closed: set[str] = set()
        self._held = 0
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {llm: deque() for llm in self._queues}
        """LLM -> those who wait until there is room to look further for its next call."""
        self.ended = False
        """Whether all calls were taken from the iterable."""
        self.skipped = 0
        """Calls to LLMs that are closed."""

    async def next(self, llm: str) -> Call | None:
        """The next call to an LLM; None if there is none, or the LLM is closed.

        Raises:
            UnknownNameError: The iterable gave a call to an unknown LLM.
        """
        queue = self._queues[llm]
        while llm not in self._closed:
            if queue:
                self._held -= 1
                if self._held < LOOK_AHEAD:
                    self._wake_one_each()
                return queue.popleft()
            if self.ended:
                return None
            if self._held >= LOOK_AHEAD:
                await self._until_room(llm)
                continue
            self._take()
            if not queue:
                await asyncio.sleep(0)
        return None

    def close(self, llm: str) -> None:
        """Give an LLM no more calls; those that are meant for it are skipped."""
        self._closed.add(llm)
        queue = self._queues[llm]
        self._held -= len(queue)
        self.skipped += len(queue)
        queue.clear()
        self._wake_all()

    def _take(self) -> None:
        count = 0
        for count, call in enumerate(islice(self._calls, _AT_ONCE), 1):  # noqa: B007 (used after the loop)
            if call.llm in self._closed:
                self.skipped += 1
                continue
            if call.llm not in self._queues:
                raise UnknownNameError("LLM", call.llm, self._queues)
            self._queues[call.llm].append(call)
            self._held += 1
            _wake_one(self._waiting[call.llm])
        self.ended = count < _AT_ONCE
        if self.ended:
            self._wake_all()

    async def _until_room(self, llm: str) -> None:
        future = asyncio.get_running_loop().create_future()
        self._waiting[llm].append(future)
        await future

    def _wake_one_each(self) -> None:
        """Wake one of those who wait for each LLM: all of them would look for the same calls."""
        for waiting in self._waiting.values():
            _wake_one(waiting)

    def _wake_all(self) -> None:
        for waiting in self._waiting.values():
            while waiting:
                _wake_one(waiting)


def _wake_one(waiting: deque[asyncio.Future[None]]) -> None:
    while waiting:
        future = waiting.popleft()
        if not future.done():
            future.set_result(None)
            return
