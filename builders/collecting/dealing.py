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
        self._room: list[asyncio.Future[None]] = []
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
                self._wake()
                return queue.popleft()
            if self.ended:
                return None
            if self._held >= LOOK_AHEAD:
                await self._until_room()
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
        self._wake()

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
        self.ended = count < _AT_ONCE
        if self.ended:
            self._wake()

    async def _until_room(self) -> None:
        future = asyncio.get_running_loop().create_future()
        self._room.append(future)
        try:
            await future
        finally:
            if future in self._room:
                self._room.remove(future)

    def _wake(self) -> None:
        if self._room:
            waiting, self._room = self._room, []
            for future in waiting:
                if not future.done():
                    future.set_result(None)
