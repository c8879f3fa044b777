"""Rounds of batches that bring nothing: a provider that answers no request is not asked without end."""

from __future__ import annotations

from typing import Final

MOST: Final = 4
"""Rounds in a row without a request made, after which an LLM gets no more batches for now."""
FRUITLESS: Final = (
    f"in {MOST} rounds of batches no request was made (the last batch is {{}}). "
    "Remedy: start the same command again later, or make the calls online, without --batch"
)
"""The reason then, with the state in which the last batch ended."""


class Rounds:
    """How often in a row the batches of one LLM ended before any request was made.

    Batches that are under way together are one round: if all of them expire, that says no more than if one does.
    """

    def __init__(self) -> None:
        self._barren = 0
        self._round: dict[str, int] = {}

    def begin(self, batch: str) -> None:
        """A batch is written."""
        self._round[batch] = self._barren + 1

    def end(self, batch: str, made: int) -> bool:
        """A batch has ended, of which the provider made that many requests; whether it is better not to go on."""
        number = self._round.pop(batch, 1)
        self._barren = 0 if made else max(self._barren, min(number, self._barren + 1))
        return self._barren >= MOST
