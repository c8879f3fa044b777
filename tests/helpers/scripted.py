"""A caller whose answers a test writes, and engines over it."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from llmfusionbench.builders.collecting.calls import Attempt
from llmfusionbench.builders.collecting.endpoint import Endpoint
from llmfusionbench.builders.collecting.engine import Engine
from llmfusionbench.builders.collecting.journal import RunJournal
from llmfusionbench.builders.collecting.journal_state import journal_records
from llmfusionbench.builders.collecting.records import Record
from llmfusionbench.builders.reading.run_files import JOURNAL
from tests.helpers.run_calls import Silent, budget, endpoint

Script = Callable[[str, int], Any]
"""From the prompt and how often it was sent: the attempt, or a coroutine that gives it."""


class Scripted:
    """Makes callers that follow a script, and remembers what they were sent."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.asked: list[tuple[str, str]] = []
        """LLM and prompt of each request."""
        self.tries: Counter[str] = Counter()
        self.under_way = self.most = self.closed = 0

    def __call__(self, llm: Endpoint) -> _Caller:
        return _Caller(self, llm)

    @property
    def prompts(self) -> list[str]:
        """The prompts, in their order."""
        return [prompt for _, prompt in self.asked]


class _Caller:
    def __init__(self, made: Scripted, llm: Endpoint) -> None:
        self.made, self.llm = made, llm

    def check(self) -> None:
        """Nothing can be wrong."""

    async def attempt(self, payload: Mapping[str, Any]) -> Attempt:
        made, prompt = self.made, payload["messages"][-1]["content"]
        made.asked.append((self.llm.name, prompt))
        made.tries[prompt] += 1
        made.under_way += 1
        made.most = max(made.most, made.under_way)
        try:
            await asyncio.sleep(0)
            came = made.script(prompt, made.tries[prompt])
            return await came if asyncio.iscoroutine(came) else came
        finally:
            made.under_way -= 1

    async def close(self) -> None:
        self.made.closed += 1


class AtOnce(random.Random):
    """Chooses the shortest of all pauses, and remembers the longest that it could have chosen."""

    def __init__(self) -> None:
        super().__init__(0)
        self.longest: list[float] = []

    def uniform(self, a: float, b: float) -> float:
        self.longest.append(b)
        return a


class Trial:
    """A run in a folder, with one engine after the other.

    Args:
        folder: Where the journal is.
        script: What the LLMs answer.
        llms: The LLMs.
        given: Further arguments of the engine.
    """

    def __init__(self, folder: Path, script: Script, *llms: Endpoint, cap: float | None = None, **given: Any) -> None:
        self.folder, self.llms, self.cap, self.given = folder, llms or (endpoint(),), cap, given
        self.caller = Scripted(script)
        self.said: list[str] = []
        self.random = AtOnce()
        self.board = Silent()

    def run(self, calls: Any, **options: Any) -> Any:
        """The result of one run."""
        with RunJournal(self.folder) as journal:
            return asyncio.run(self.engine(journal).run(calls, **options))

    def engine(self, journal: RunJournal) -> Engine:
        """An engine on the entered journal."""
        return Engine(
            self.llms, journal, budget=budget(*self.llms, cap=self.cap, spent=journal.spent_usd), board=self.board,
            caller=self.caller, say=self.said.append, random=self.random, **self.given,
        )  # fmt: skip

    def records(self, kind: str = "attempt") -> list[Record]:
        """The journal's records of a kind."""
        records = (record for _, record in journal_records(self.folder / JOURNAL))
        return [record for record in records if record is not None and record["kind"] == kind]
