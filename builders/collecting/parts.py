"""The calls of a run divided among workers: which calls each of them makes, and its part of the limits of every LLM."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from llmfusionbench.builders.collecting.calls import Call
from llmfusionbench.builders.collecting.collect import Work
from llmfusionbench.builders.collecting.endpoint import Endpoint


def workers_of(endpoints: Sequence[Endpoint], workers: int) -> dict[str, int]:
    """LLM -> how many of the workers ask it, at most as many as it may have calls at a time.

    LLMs of one account are asked by equally many, so that each worker has the same part of their common limits.
    """
    found = {one.name: min(workers, max(1, one.concurrency)) for one in endpoints}
    together: dict[str, int] = {}
    for one in endpoints:
        if one.account is not None:
            together[one.account] = min(together.get(one.account, workers), found[one.name])
    return {one.name: found[one.name] if one.account is None else together[one.account] for one in endpoints}


def part_of(endpoint: Endpoint, place: int, of: int) -> Endpoint:
    """An endpoint with the part of its limits that the worker number `place`, from 0, of `of` has."""
    most, more = divmod(max(1, endpoint.concurrency), of)
    requests, tokens = endpoint.requests_per_minute, endpoint.tokens_per_minute
    return replace(
        endpoint,
        concurrency=most + (place < more),
        requests_per_minute=None if requests is None else requests / of,
        tokens_per_minute=None if tokens is None else tokens / of,
    )


@dataclass(frozen=True)
class Part:
    """The calls of one worker, as `Work`. Equal calls have one key, and so one worker."""

    work: Work
    place: int
    """Number of the worker, from 0."""
    of: Mapping[str, int]
    """LLM -> how many workers ask it."""

    @property
    def endpoints(self) -> Sequence[Endpoint]:
        """The LLMs that are asked."""
        return self.work.endpoints

    def calls(self) -> Iterator[Call]:
        """All calls of this worker."""
        return self._own(self.work.calls())

    def by_llm(self) -> dict[str, Iterable[Call]]:
        """LLM -> its calls."""
        return {llm: self._own(calls) for llm, calls in self.work.by_llm().items()}

    def counts(self) -> None:
        """Their number is not known before they are looked at."""

    def _own(self, calls: Iterable[Call]) -> Iterator[Call]:
        return (call for call in calls if int(call.key, 16) % self.of[call.llm] == self.place)
