"""Queries that look for templates: their ids, texts, tasks and domains, and no score of any answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from llmfusionbench.errors import InputError
from llmfusionbench.release import Release
from llmfusionbench.types import query_id


@dataclass(frozen=True)
class Queries:
    """n queries; every list is as long as `query_ids`."""

    query_ids: list[str]
    prompts: list[str | None]
    """The text in direct mode; null where the log does not hold it."""
    tasks: list[str]
    domains: list[str]

    def __post_init__(self) -> None:
        for name in ("prompts", "tasks", "domains"):
            if len(getattr(self, name)) != len(self.query_ids):
                raise InputError(
                    f"Queries: {len(getattr(self, name))} {name} for {len(self.query_ids)} ids. Remedy: pass one per query"
                )

    def __len__(self) -> int:
        return len(self.query_ids)

    @classmethod
    def of(cls, release: Release, split: str = "test") -> Queries:
        """The queries of a split, by id.

        Raises:
            UnknownNameError: the release has no such split.
        """
        table = release.rows("queries", split, columns=["query_id", "prompt", "task", "domain"])
        columns = table.sort_by("query_id").to_pydict()
        return cls(columns["query_id"], columns["prompt"], columns["task"], columns["domain"])

    @classmethod
    def one(cls, prompt: str, task: str, domain: str | None = None) -> Queries:
        """A single query that is in no log; `domain` is the task by default.

        Raises:
            InputError: `prompt` is blank, or not valid UTF-8.
        """
        if not prompt.strip():
            raise InputError("prompt: is blank. Remedy: pass a text")
        if any("\ud800" <= c <= "\udfff" for c in prompt):
            raise InputError("prompt: is not valid UTF-8. Remedy: pass valid text")
        return cls([query_id(task, prompt)], [prompt], [task], [domain or task])

    def rows(self, which: Sequence[int]) -> Queries:
        """Some of the queries, in the given order."""
        return Queries(
            [self.query_ids[i] for i in which],
            [self.prompts[i] for i in which],
            [self.tasks[i] for i in which],
            [self.domains[i] for i in which],
        )

    def limited(self, limit: int | None, seed: int = 0) -> Queries:
        """At most `limit` of the queries, drawn by `seed` evenly from the tasks, in their order."""
        if limit is None or limit >= len(self):
            return self
        if limit < 1:
            raise InputError(f"limit is {limit}, expected 1 or more")
        order = np.random.default_rng(seed).permutation(len(self))
        turn: dict[str, int] = {}
        turns = []
        for i in order.tolist():
            turn[self.tasks[i]] = turn.get(self.tasks[i], 0) + 1
            turns.append(turn[self.tasks[i]])
        return self.rows(sorted(order[np.argsort(turns, kind="stable")[:limit]].tolist()))
