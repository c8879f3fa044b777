"""The calls of a run: which query each LLM is asked, in which mode, and how often. They are made one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from llmfusionbench.builders.collecting.caller import Caller
from llmfusionbench.builders.collecting.calls import Call, call_key
from llmfusionbench.builders.collecting.endpoint import Endpoint
from llmfusionbench.builders.collecting.payload import payload_of
from llmfusionbench.builders.collecting.run import Run
from llmfusionbench.builders.reading.run_files import QUERIES
from llmfusionbench.builders.tasks.query import Query
from llmfusionbench.errors import InputError


@dataclass(frozen=True)
class Plan:
    """The calls of a run to some of its LLMs."""

    run: Run
    endpoints: tuple[Endpoint, ...]

    def calls_to(self, endpoint: Endpoint) -> Iterator[Call]:
        """The calls to one LLM, query by query."""
        address = Caller(endpoint).address
        modes = self.run.modes[endpoint.name]
        for query_id, query in self.run.queries():
            yield from query_calls(query_id, query, endpoint, address, modes, self.run.replicates)

    def by_llm(self) -> dict[str, Iterable[Call]]:
        """LLM -> its calls. Each is a stream of its own, so that a slow LLM does not hold up the others."""
        return {endpoint.name: self.calls_to(endpoint) for endpoint in self.endpoints}

    def calls(self) -> Iterator[Call]:
        """All calls, of which those of different LLMs alternate."""
        places = [(one, Caller(one).address, self.run.modes[one.name]) for one in self.endpoints]
        for query_id, query in self.run.queries():
            streams = [query_calls(query_id, query, one, place, modes, self.run.replicates) for one, place, modes in places]
            while streams:
                rest = []
                for stream in streams:
                    if (call := next(stream, None)) is not None:
                        yield call
                        rest.append(stream)
                streams = rest

    def counts(self) -> dict[str, int]:
        """LLM -> the number of its calls."""
        queries = sum(about["queries"] for about in self.run.record["tasks"].values())
        return {one.name: queries * self.run.replicates * len(self.run.modes[one.name]) for one in self.endpoints}


def query_calls(
    query_id: str, query: Query, endpoint: Endpoint, address: str, modes: Iterable[str], replicates: int
) -> Iterator[Call]:
    """The calls to one LLM for one query: all modes of the first replicate come first, then those of the next.

    A fixed seed would give the same answer each time, so the number of the replicate is added to it.

    Raises:
        InputError: the query has no prompt in a mode.
    """
    for replicate in range(replicates):
        for mode in modes:
            if (messages := query.prompts.get(mode)) is None:
                raise InputError(f"query {query_id} has no prompt in {mode} mode. Remedy: restore {QUERIES} from a copy")
            payload = payload_of(endpoint, messages, mode, settings=query.settings)
            if replicate and isinstance(seed := payload.get("seed"), int):
                payload["seed"] = seed + replicate
            yield call_of(query_id, endpoint.name, mode, replicate, address, payload)


def call_of(query_id: str, llm: str, mode: str, replicate: int, address: str, payload: dict[str, Any]) -> Call:
    """A call for an answer of a collection."""
    slot = (query_id, llm, mode, str(replicate))
    return Call(slot, llm, call_key(address, payload, replicate), payload, replicate)
