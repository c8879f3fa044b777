"""Asking a provider: failures that pass are waited for, all others end the batches of an LLM for now."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from llmfusionbench.builders.collecting.batch_provider import ProviderError
from llmfusionbench.builders.collecting.shown import duration

LONGEST_WAIT_S: Final = 3600.0
"""Longest pause that a provider can ask for."""
T = TypeVar("T")

_FIGURE: Final = re.compile(r"(?<!status )\b\d+(\.\d+)?")
"""A number in a reason, which may be another one each time; but not the status."""


class LaneError(Exception):
    """The reason why an LLM gets no more batches for now."""


class LaterError(Exception):
    """A failure that may pass.

    Args:
        unsure: Whether the request may have been carried out all the same.
    """

    def __init__(self, *, unsure: bool) -> None:
        super().__init__("later")
        self.unsure = unsure


class Asking:
    """The failures of one provider.

    Args:
        most: Failures in a row after which it is given up for now. A full queue (status 429) is not one.
        say: Called once with each reason that may pass.
        waits: Whether the run goes on until it has passed.
    """

    def __init__(self, most: int, say: Callable[[str], None], *, waits: bool) -> None:
        self.wait_s = 0.0
        """Seconds that the provider asked to wait."""
        self._most, self._say = most, say
        self._then = "It is tried again" if waits else "The same command tries it again later"
        self._faults = 0
        self._said: set[str] = set()

    async def ask(self, asking: Awaitable[T], *, proves: bool = True) -> T:
        """The answer to a request.

        Args:
            asking: The request.
            proves: Whether an answer ends the row of failures.

        Raises:
            LaterError: It failed, which may pass.
            LaneError: It is refused, or too many have failed in a row.
        """
        try:
            answer = await asking
        except ProviderError as error:
            if not error.passing:
                raise LaneError(str(error)) from None
            wait_s = min(error.retry_after_s or 0.0, LONGEST_WAIT_S)
            self.wait_s = max(self.wait_s, wait_s)
            self._faults += error.unsure
            if self._faults > self._most:
                raise LaneError(f"{error}. Remedy: start the same command again later") from None
            self.note(str(error), wait_s)
            raise LaterError(unsure=error.unsure) from None
        if proves:
            self._faults = 0
        return answer

    def note(self, reason: str, wait_s: float = 0.0) -> None:
        """Say why something is tried again later, when it happens for the first time."""
        kind = _FIGURE.sub("", reason)
        if kind not in self._said:
            self._said.add(kind)
            wait = f" The server asks to wait {duration(wait_s)}." if wait_s else ""
            self._say(f"{reason}.{wait} {self._then}")
