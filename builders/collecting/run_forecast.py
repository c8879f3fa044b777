"""The forecast of a run by the calls of it that were made, and the calls of its pilot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from llmfusionbench.builders.collecting.calls import Slot
from llmfusionbench.builders.collecting.collect import Sample, today
from llmfusionbench.builders.collecting.endpoint import Endpoint
from llmfusionbench.builders.collecting.forecast import Progress, forecast, watched
from llmfusionbench.builders.collecting.forecast_table import FAILURES, Forecast
from llmfusionbench.builders.collecting.journal import RunJournal
from llmfusionbench.builders.collecting.journal_state import journal_records
from llmfusionbench.builders.collecting.lines import Done, head_of
from llmfusionbench.builders.collecting.measured import Grouping, Measured, mode_of, pilot_sample
from llmfusionbench.builders.collecting.plan import Plan
from llmfusionbench.builders.collecting.records import Record
from llmfusionbench.builders.collecting.retry import Retry
from llmfusionbench.builders.collecting.run import Run
from llmfusionbench.builders.collecting.unpriced import price_of
from llmfusionbench.builders.reading.queries_file import read_queries
from llmfusionbench.builders.reading.run_files import ATTEMPT, CHANGED, JOURNAL


@dataclass
class Made:
    """The calls of a run that have an outcome, with what all attempts at them cost."""

    measured: list[Measured] = field(default_factory=list)
    """Those that were answered."""
    failed: dict[str, float | None] = field(default_factory=dict)
    """Key -> USD of those that failed for good; None if that is not known."""


@dataclass
class _Cost:
    """What attempts at a call cost, USD."""

    usd: float | None = 0.0
    """None if it is not known."""
    batch_usd: float = 0.0
    """The part of batches."""

    def add(self, usd: float | None, *, batch: bool) -> None:
        self.usd = None if self.usd is None or usd is None else self.usd + usd
        self.batch_usd += usd if batch and usd is not None else 0.0


def grouping_of(run: Run) -> Grouping:
    """Calls of a run are alike if they have one task and one mode: prompts of different tasks have different lengths."""
    tasks = {line["query_id"]: line["task"] for line in read_queries(run.folder, run.record)}

    def group(slot: Slot) -> str:
        return f"{tasks.get(slot[0], '')} ({mode_of(slot)})"

    return group


def made_in(
    folder: Path, group: Grouping = mode_of, endpoints: Iterable[Endpoint] = (), progress: Progress | None = None
) -> Made:
    """The calls of a run that have an outcome. An answer stays one if it is asked again and that fails.

    Args:
        folder: The run.
        group: Which calls of an LLM are alike.
        endpoints: LLMs whose prices count for attempts of unknown cost.
        progress: Called with the number of lines so far.

    Raises:
        InputError: The journal cannot be read.
    """
    path = folder / JOURNAL
    named = {one.name: one for one in endpoints}
    costs: dict[str, _Cost] = {}
    found: dict[str, tuple[Measured, _Cost]] = {}
    failed: dict[str, str] = {}
    seen = set[int]()
    lines = journal_records(path) if path.is_file() else ()
    for _, record in watched(lines, "journal lines read", progress):
        if record is None or record["kind"] not in (ATTEMPT, CHANGED):
            continue
        if record["kind"] == CHANGED:
            failed = {key: llm for key, llm in failed.items() if llm != record.get("llm")}
            continue
        key = record["key"]
        if (this := hash((key, record["attempt"]))) in seen:  # a line that is there twice
            continue
        seen.add(this)
        cost = costs.setdefault(key, _Cost())
        cost.add(_usd(record, named), batch=record.get("batch") is not None)
        if not record.get("final"):
            continue
        if record.get("status") != "error":
            found[key] = _measured(record, group), cost
            failed.pop(key, None)
        elif key not in found:
            failed[key] = record["llm"]
    measured = [replace(one, cost_usd=cost.usd, batch_usd=cost.batch_usd) for one, cost in found.values()]
    return Made(measured, {key: costs[key].usd for key in failed})


def _usd(record: Record, endpoints: Mapping[str, Endpoint]) -> float | None:
    """What an attempt cost; if that was not known when it ended, by its tokens at the prices known now."""
    cost: float | None = record.get("cost_usd")
    if cost is not None:
        return cost
    done = head_of(record)
    return price_of(done.unpriced, endpoints.get(done.llm)) if isinstance(done, Done) else None


def _measured(record: Mapping[str, Any], group: Grouping) -> Measured:
    """What a call took, without its cost."""
    return Measured(
        record["key"],
        record["llm"],
        group(tuple(record.get("slot") or ())),
        record.get("input_tokens"),
        record.get("output_tokens"),
        latency_s=record.get("latency_s"),
    )


def forecast_of(work: Plan | Retry, folder: Path, *, batch: bool = False, progress: Progress | None = None) -> Forecast:
    """What the calls of a run will take, by the calls of it that were measured.

    Args:
        work: The calls.
        folder: The run whose journal counts.
        batch: Whether the calls are made in batches.
        progress: Called with the number of lines of the journal, and then of calls, so far.

    Raises:
        InputError: A file of the run cannot be read.
    """
    group = grouping_of(work.run)
    made, calls = made_in(folder, group, work.endpoints, progress), work.calls()
    again: set[str] = set()
    if isinstance(work, Retry):
        calls = iter([*watched(calls, "calls to ask again found", progress)])
        again = work.again  # complete now: the requests that are made once more
    measured = [found for found in made.measured if found.key not in again]
    kinds = tuple(work.kinds) if isinstance(work, Retry) else ()
    if {*kinds} - {FAILURES}:
        measured = []  # what was chosen for its answers is not like the other calls
    failed = {key: cost for key, cost in made.failed.items() if key not in again}
    found = forecast(
        calls, work.endpoints, today=today(), measured=measured, group=group, failed=failed, batch=batch, progress=progress
    )
    return replace(found, retried=kinds)


def pilot_of(work: Plan, journal: RunJournal, n: int) -> Sample:
    """`n` calls of each LLM, task and mode that have no outcome yet, and are in no batch under way."""
    batches = journal.state.in_batches()
    done = (journal.answered, journal.failed, batches)
    left = (call for call in work.calls() if not any(call.key in keys for keys in done))
    return Sample(work.endpoints, pilot_sample(left, n, group=grouping_of(work.run)))
