"""One LLM in a run of calls: its calls, its client, its pace, and the tasks that make the calls."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from llmfusionbench.builders.collecting.calls import Attempt
from llmfusionbench.builders.collecting.dealing import Dealer
from llmfusionbench.builders.collecting.endpoint import Endpoint
from llmfusionbench.builders.collecting.pace import Pace


class Asks(Protocol):
    """What the engine needs of a `Caller`."""

    def check(self) -> None:
        """Refuse wrong settings before any call."""

    async def attempt(self, payload: Mapping[str, Any]) -> Attempt:
        """One attempt."""

    async def close(self) -> None:
        """Close the connections."""


class Shows(Protocol):
    """What the engine needs of a `Board`."""

    def started(self, llm: str) -> None:
        """An attempt begins."""

    def finished(self, llm: str, attempt: Attempt, cost: float | None, final: bool, *, again: bool = False) -> None:
        """An attempt has ended."""


@dataclass(eq=False)
class Lane:
    """One LLM in a run."""

    endpoint: Endpoint
    dealer: Dealer
    caller: Asks
    pace: Pace
    workers: set[asyncio.Task[None]] = field(default_factory=set)
    """Tasks that make its calls, one call at a time each."""
    heard: bool = False
    """Whether it has answered a call, in this run or before."""
    failed: int = 0
    """Calls that failed for good since its last answer."""
