"""Asking a provider: failures that pass are waited for, all others end the batches of an LLM for now."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Final, TypeVar

from llmfusionbench.builders.collecting.batch_provider import ProviderError

LONGEST_WAIT_S: Final = 3600.0
"""Longest pause that a provider can ask for."""
T = TypeVar("T")


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
    """

    def __init__(self, most: int) -> None:
        self.wait_s = 0.0
        """Seconds that the provider asked to wait."""
        self._most = most
        self._faults = 0

    async def ask(self, asking: Awaitable[T]) -> T:
        """The answer to a request.

        Raises:
            LaterError: It failed, which may pass.
            LaneError: It is refused, or too many have failed in a row.
        """
        try:
            answer = await asking
        except ProviderError as error:
            if not error.passing:
                raise LaneError(str(error)) from None
            self.wait_s = max(self.wait_s, min(error.retry_after_s or 0.0, LONGEST_WAIT_S))
            self._faults += error.unsure
            if self._faults > self._most:
                raise LaneError(f"{error}. Remedy: start the same command again later") from None
            raise LaterError(unsure=error.unsure) from None
        self._faults = 0
        return answer
