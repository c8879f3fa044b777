"""Numbers of the answers that a candidate gave to one query, across the samples and the runs of a harness."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from llmfusionbench.types import normalise_prompt


class Replicates:
    """Gives each answer of a candidate to a query a number of its own."""

    def __init__(self) -> None:
        self._taken: dict[int, set[int]] = {}
        self._next: dict[int, int] = {}

    def number(self, key: Hashable, preferred: int) -> int:
        """`preferred` if no earlier answer has it, else the number after the highest one so far."""
        place = hash(key)
        taken = self._taken.setdefault(place, set())
        if preferred in taken:
            preferred = self._next[place]
        taken.add(preferred)
        self._next[place] = max(self._next.get(place, 0), preferred + 1)
        return preferred

    def numbered(self, record: Mapping[str, Any], *names: str) -> dict[str, Any]:
        """The record with its `replicate`; `names`, such as the LLM and the task, and its question tell the answers apart."""
        turns = tuple((turn["role"], turn["content"]) for turn in record.get("messages") or ())
        asked = turns or normalise_prompt(record.get("prompt") or "") or (record.get("source_id"),)
        return {**record, "replicate": self.number((names, asked), record.get("replicate") or 0)}

    def further(self, record: Mapping[str, Any], *names: str) -> dict[str, Any]:
        """As `numbered`, but the first answer to a question keeps what it has, so that a copy of a log says the same."""
        found = self.numbered(record, *names)
        return found if found["replicate"] else dict(record)
