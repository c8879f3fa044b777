"""Runs of batches for tests: endpoints at a batch server, calls, and a run that does not wait for the clock."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from llmfusionbench.builders.collecting.batch_manner import Manner
from llmfusionbench.builders.collecting.batch_run import BatchResult, run_batches
from llmfusionbench.builders.collecting.board import Board
from llmfusionbench.builders.collecting.budget import Budget
from llmfusionbench.builders.collecting.calls import Call, call_key
from llmfusionbench.builders.collecting.endpoint import Endpoint, Price
from llmfusionbench.builders.collecting.engine import Engine
from llmfusionbench.builders.collecting.journal import RunJournal
from llmfusionbench.builders.collecting.result import Result

PRICES = (Price(input_price=1.0, output_price=2.0, since=date(2026, 1, 1)),)
PAID = (7 * 1.0 + 3 * 2.0) / 2 / 1e6
"""USD of an answer of the batch server with the discount of one half."""


def endpoint_at(url: str, name: str = "m", **fields: Any) -> Endpoint:
    """An LLM at a server, with prices."""
    return Endpoint(**({"name": name, "url": url, "model": "test-model", "max_tokens": 10, "prices": PRICES} | fields))


def calls_of(count: int, llm: str = "m", start: int = 0, text: str = "What is {}?", **fields: Any) -> list[Call]:
    """That many different calls."""
    found = []
    for i in range(start, start + count):
        payload = {"model": "test-model", "messages": [{"role": "user", "content": text.format(i)}], "max_tokens": 10} | fields
        found.append(Call((f"q{i}", llm, "direct", "0"), llm, call_key("http://h/v1", payload), payload))
    return found


def today() -> datetime:
    """A day on which the prices are valid."""
    return datetime(2026, 11, 30, 12, tzinfo=UTC)


MOST_PAUSES = 5000
"""Pauses of a run that takes no time, after which it goes nowhere."""


async def at_once(_: float) -> None:
    """A pause that takes no time."""
    await asyncio.sleep(0)


def counted_pauses() -> Callable[[float], Awaitable[None]]:
    """Pauses that end as soon as all LLMs rest, of which there are only so many: a run that goes nowhere fails, not hangs."""
    left, resting = iter(range(MOST_PAUSES)), 0

    async def pause(_: float) -> None:
        nonlocal resting
        resting += 1
        try:
            while resting < sum(1 for task in asyncio.all_tasks() if task.get_coro().__name__ == "_work"):
                await asyncio.sleep(0.001)
            assert next(left, None) is not None, "the run goes nowhere"
        finally:
            resting -= 1

    return pause


def batched(
    folder: Path,
    endpoints: Sequence[Endpoint],
    calls: Iterable[Call],
    *,
    max_cost: float | None = None,
    said: list[str] | None = None,
    manner: Manner | None = None,
    **options: Any,
) -> BatchResult:
    """Make calls in batches, in the folder of a run."""
    folder.mkdir(exist_ok=True)
    with RunJournal(folder) as journal:
        budget = Budget(max_cost, endpoints, today=today().date(), spent=journal.spent_usd)
        options = {"pause": counted_pauses(), "today": today, "say": (said if said is not None else []).append} | options
        return asyncio.run(run_batches(calls, endpoints, journal, budget, Board(), manner=manner, **options))


def engine_run(folder: Path, endpoint: Endpoint, calls: Iterable[Call]) -> Result:
    """Make the same calls online."""
    with RunJournal(folder) as journal:
        budget = Budget(None, [endpoint], today=today().date(), spent=journal.spent_usd)
        engine = Engine([endpoint], journal, budget=budget, board=Board(), say=lambda _: None)
        return asyncio.run(engine.run(calls))


def records(folder: Path, kind: str) -> list[dict[str, Any]]:
    """The records of one kind in the journal of a run."""
    lines = (folder / "journal.jsonl").read_text().splitlines()
    return [record for record in map(json.loads, lines) if record["kind"] == kind]


def states(folder: Path, batch: str) -> list[str]:
    """The states of a batch, in their order."""
    return [record["state"] for record in records(folder, "batch") if record["batch"] == batch]
