"""A run of `collect` for tests, made without a server: its queries, its LLMs, and lines of its journal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from llmfusionbench.builders.collecting.calls import Attempt, Call
from llmfusionbench.builders.collecting.endpoint import Endpoint, Price
from llmfusionbench.builders.collecting.lines import line_of
from llmfusionbench.builders.collecting.plan import Plan
from llmfusionbench.builders.collecting.records import attempt_record, sent_record
from llmfusionbench.builders.collecting.run import Request, Run, extend
from llmfusionbench.builders.reading.run_files import JOURNAL
from llmfusionbench.builders.tasks.query import Query
from llmfusionbench.builders.tasks.task import in_modes

NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)
AT = "2026-03-05T12:00:00.000+00:00"
PRICES = (Price(input_price=1.0, output_price=2.0), Price(input_price=3.0, output_price=4.0, since=date(2026, 3, 1)))


def sums(count: int, modes: Sequence[str] = ("direct",), **change: Any) -> list[Query]:
    """Queries of small sums, whose answers the metric `em` scores."""
    queries = [
        Query(
            task="sums",
            domain="math",
            split="train",
            source_id=f"s{i}",
            prompts=in_modes([{"role": "user", "content": f"What is {i} + {i}?"}], modes),
            metric="em",
            ground_truth=str(2 * i),
        )
        for i in range(1, count + 1)
    ]
    return [replace(query, **change) for query in queries]


def llm(name: str, **settings: Any) -> Endpoint:
    """An LLM behind a server that is not there."""
    return Endpoint(**{"name": name, "url": "http://127.0.0.1:9/v1", "model": f"{name}-model"} | settings)


def made_run(
    folder: Path,
    queries: Sequence[Query],
    endpoints: Sequence[Endpoint],
    modes: Sequence[str] = ("direct",),
    replicates: int = 1,
) -> Run:
    """A run that was asked for these, with an empty journal."""
    folder.mkdir(exist_ok=True)
    request = Request(selected={"sums": 0}, modes=modes, replicates=replicates, endpoints=endpoints)
    run, _ = extend(folder, request, queries, into=folder, now=NOW)
    (folder / JOURNAL).touch()
    return run


def planned(run: Run) -> list[Call]:
    """All calls of a run."""
    return list(Plan(run, tuple(run.endpoints())).calls())


def answer(
    call: Call,
    text: str = "2",
    *,
    number: int = 1,
    final: bool = True,
    cost: float | None = None,
    batch: str | None = None,
    **said: Any,
) -> Iterator[bytes]:
    """The lines of one attempt."""
    attempt = Attempt(**{"status": "ok", "response": text, "finish_reason": "stop", "served_model": "x"} | said)
    yield line_of(sent_record(call, number=number, worst_usd=None, batch=batch))
    yield line_of(attempt_record(call, attempt, number=number, final=final, cost_usd=cost, at=AT, batch=batch))


def write(run: Run, *lines: Iterator[bytes]) -> None:
    """Append lines to the journal."""
    with open(run.folder / JOURNAL, "ab") as file:
        file.write(b"".join(line for some in lines for line in some))
