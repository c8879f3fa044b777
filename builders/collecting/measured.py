"""Calls that were made and measured, and which ones a pilot makes: a sample by hash, not the first ones."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from llmfusionbench.builders.collecting.calls import Call, Slot

Grouping = Callable[[Slot], str]
"""The name of the group of calls that a call is like within its LLM, by its slot."""


def mode_of(slot: Slot) -> str:
    """The mode of a collection's call; empty for calls with another kind of slot."""
    return slot[2] if len(slot) > 2 else ""


@dataclass(frozen=True, slots=True)
class Measured:
    """What one call took, all attempts together. None where it is not known."""

    key: str
    llm: str
    group: str = ""
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None
    latency_s: float | None = None
    batch_usd: float = 0.0
    """The part of the cost that was charged at the price of batches."""

    def like_cost(self, *, batch: bool, discount: float) -> float | None:
        """What such a call costs when it is made in a batch or online, USD; None if that is not known.

        Args:
            batch: Whether it is made in a batch.
            discount: The share of the price that is taken off in batches. What a batch answered for nothing has no known
                cost online.
        """
        if self.cost_usd is None:
            return None
        online, keep = self.cost_usd - self.batch_usd, 1 - discount
        if batch:
            return online * keep + self.batch_usd
        if self.batch_usd == 0.0:
            return online
        return online + self.batch_usd / keep if keep > 0 else None


def pilot_sample(calls: Iterable[Call], n: int, *, group: Grouping = mode_of) -> list[Call]:
    """`n` calls of each LLM and group, or all if there are fewer: those whose keys have the smallest hashes.

    The choice does not depend on the order of the calls. A larger `n` adds calls to those of a smaller one. Calls with one key
    count once.

    Args:
        calls: All planned calls.
        n: Number per LLM and group.
        group: See `Grouping`.
    """
    kept: dict[tuple[str, str], list[tuple[int, str, int, Call]]] = {}
    chosen: set[str] = set()
    for place, call in enumerate(calls):
        heap = kept.setdefault((call.llm, group(call.slot)), [])
        order = -int.from_bytes(hashlib.sha256(b"pilot " + call.key.encode()).digest()[:8], "big")
        if call.key in chosen or (len(heap) >= n and (not heap or order <= heap[0][0])):
            continue
        chosen.add(call.key)
        heapq.heappush(heap, (order, call.key, place, call))
        if len(heap) > n:
            chosen.discard(heapq.heappop(heap)[1])
    return [entry[3] for heap in kept.values() for entry in sorted(heap, key=lambda entry: -entry[0])]
