"""The calls to one LLM that are in no batch, in the order in which batches take them: model by model."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

from llmfusionbench.builders.collecting.calls import Call


def model_of(call: Call) -> Any:
    """The model that a call names; None for a deployment of Azure. Providers and `vllm run-batch` take files of one model."""
    return call.payload.get("model")


class Pending:
    """Calls in a queue for each model; modes of an LLM may have different ones."""

    def __init__(self) -> None:
        self._queues: dict[Any, deque[Call]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._queues.values()))

    def __iter__(self) -> Iterator[Call]:
        return (call for queue in self._queues.values() for call in queue)

    def append(self, call: Call) -> None:
        """Add a call at the end of the queue of its model."""
        self._queues.setdefault(model_of(call), deque()).append(call)

    def extend(self, calls: Iterable[Call]) -> None:
        """The same for several calls."""
        for call in calls:
            self.append(call)

    @property
    def first(self) -> Call:
        """The next call. Raises StopIteration if there is none."""
        return next(iter(self._queues.values()))[0]

    def take(self) -> Call:
        """Remove the next call. Raises StopIteration if there is none."""
        model, queue = next(iter(self._queues.items()))
        call = queue.popleft()
        if not queue:
            del self._queues[model]
        return call
