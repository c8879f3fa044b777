"""A run that collects answers: a directory with what was asked for, its queries and its journal.

A run can be asked for more: further tasks, LLMs, modes and replicates extend it. What would mix answers to different questions
in one release is refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final, Literal

from llmfusionbench._version import __version__
from llmfusionbench.builders.collecting.caller import Caller
from llmfusionbench.builders.collecting.endpoint import Endpoint, Price
from llmfusionbench.builders.collecting.journal import RESERVE, RunJournal
from llmfusionbench.builders.collecting.payload import MAX_TOKENS, payload_of
from llmfusionbench.builders.collecting.run_changes import check_changes, note_changes
from llmfusionbench.builders.collecting.run_queries import Added, add_queries, query_of
from llmfusionbench.builders.collecting.same_requests import check_different
from llmfusionbench.builders.reading.queries_file import read_queries
from llmfusionbench.builders.reading.run_files import JOURNAL, LOCK, QUERIES, RUN
from llmfusionbench.builders.reading.run_journal import check_journal
from llmfusionbench.builders.reading.run_record import FORMAT, read_run
from llmfusionbench.builders.tasks.query import Query
from llmfusionbench.errors import InputError
from llmfusionbench.redaction import public_url, redacted_data
from llmfusionbench.storage.files import whole_file
from llmfusionbench.types import DIRECT, THINK, is_mode
from llmfusionbench.validation.issue import shorten

_NAMED: Final = (DIRECT, THINK)
"""The modes that every LLM has."""
_OURS: Final = {QUERIES, JOURNAL, LOCK, RESERVE}
"""Files that a run has before it has a record."""
Record = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a run is asked for."""

    selected: Mapping[str, int] = field(default_factory=dict)
    """Task -> the seed that its queries are chosen with."""
    modes: Sequence[str] = (DIRECT,)
    replicates: int = 1
    endpoints: Sequence[Endpoint] = ()
    max_cost: float | Literal["kept"] | None = "kept"
    """The cap on the cost of the whole run, USD; None for no cap, `kept` for the one that the run has."""


@dataclass(frozen=True)
class Run:
    """A run as its files state it."""

    folder: Path
    record: Record
    """As run_schema.json has it."""

    @classmethod
    def read(cls, folder: Path) -> Run:
        """The run in a folder.

        Raises:
            InputError: it is not a run, or is damaged.
        """
        return cls(folder, read_run(folder))

    @property
    def replicates(self) -> int:
        """Answers per query, LLM and mode."""
        return int(self.record["replicates"])

    @property
    def max_cost(self) -> float | None:
        """The cap on the cost of the whole run, USD; None for no cap."""
        return self.record.get("max_cost")

    @property
    def modes(self) -> dict[str, tuple[str, ...]]:
        """LLM -> the modes that it is asked in."""
        return {entry["name"]: tuple(entry["modes"]) for entry in self.record["llms"]}

    @property
    def commits(self) -> dict[str, str]:
        """Data set on the Hub -> the commit that queries were read from; further ones are read from the same."""
        read = [entry for about in self.record["tasks"].values() for entry in about.get("data", ())]
        return {entry["dataset"]: entry["revision"] for entry in reversed(read) if "revision" in entry}

    def endpoints(self) -> list[Endpoint]:
        """The LLMs as they were described last.

        Raises:
            InputError: a URL or a setting holds a secret, which no file keeps.
        """
        hidden = [entry["name"] for entry in self.record["llms"] if not entry["whole_url"]]
        if hidden:
            raise InputError(
                f"{self.folder / RUN}: a URL or a setting of {', '.join(hidden)} holds a secret, which is not kept. "
                "Remedy: name the file of LLMs with --llms"
            )
        return [_endpoint(entry) for entry in self.record["llms"]]

    def with_prices(self) -> list[Endpoint]:
        """All LLMs for the sake of their prices; a URL or a setting may be without the secret that it holds."""
        return [_endpoint(entry) for entry in self.record["llms"]]

    def queries(self) -> Iterator[tuple[str, Query]]:
        """The id of each of its queries, with the query, one after the other."""
        return ((line["query_id"], query_of(line)) for line in read_queries(self.folder, self.record))

    def check_queries(self) -> None:
        """Raises InputError if the file of its queries is missing or damaged, before any of them is asked."""
        for _ in read_queries(self.folder, self.record):
            pass

    def with_cap(self, max_cost: float | None) -> Run:
        """The run with this cap on its cost, USD, or with none; its file is written if that is another one."""
        if max_cost == self.max_cost:
            return self
        record = self.record | {"max_cost": max_cost}
        _write(self.folder, record)
        return Run(self.folder, record)


def check_folder(folder: Path) -> None:
    """Raises InputError if a folder is neither a run nor a place for a new one, or lacks the journal of its run."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: not a directory. Remedy: choose another --out")
    others = {one.name for one in folder.iterdir() if not one.name.startswith(".")} - _OURS if folder.is_dir() else ()
    if others and not (folder / RUN).is_file():
        raise InputError(f"{folder}: has other files, and is not a run. Remedy: choose another --out")
    if (folder / RUN).is_file():
        check_journal(folder)


def extend(
    folder: Path,
    request: Request,
    selected: Iterable[Query],
    plain: Iterable[Query] = (),
    *,
    into: Path,
    journal: RunJournal | None = None,
    now: datetime | None = None,
) -> tuple[Run, Added]:
    """The run in a folder, or a new one, with what is asked for; its files are written to `into`.

    Args:
        folder: The run, which may not exist yet.
        request: What is asked for.
        selected: The queries of the tasks.
        plain: Plain prompts.
        into: The directory for the files: `folder`, or another one to look at what a run would be.
        journal: The journal of the run, entered, which notes LLMs that are asked otherwise than before; None for a look.
        now: The time, for the record.

    Raises:
        InputError: what is asked for would mix answers to different questions, or a mode or an LLM is not possible.
    """
    old: Record | None = read_run(folder) if (folder / RUN).is_file() else None
    seeds = {task: about["seed"] for task, about in old["tasks"].items()} if old else {}
    for task, seed in request.selected.items():
        if seeds.get(task, seed) != seed:
            raise InputError(
                f"{folder}: task {task} was chosen with seed {seeds[task]}, not {seed}, and one run would mix both samples. "
                f"Remedy: set --seed {seeds[task]}, or choose another --out"
            )
    llms = _merged_llms(old["llms"] if old else [], request)
    changed = check_changes(folder, old["llms"] if old else [], llms, journal)
    wanted = {mode for entry in llms for mode in entry["modes"]}
    added = add_queries(folder, into, selected, plain, modes=wanted, run=old)
    moment = (now or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    tasks: Record = {}
    for task, count in added.by_task.items():
        tasks[task] = {"seed": (seeds | dict(request.selected)).get(task, 0), "queries": count}
        read = old["tasks"].get(task, {}).get("data", []) if old else []
        read = [*read, *(one for origin in added.origins.get(task, ()) if (one := origin.stated()) not in read)]
        if read:
            tasks[task]["data"] = read
    record: Record = {
        "format": FORMAT,
        "tool": {"name": "llmfusionbench", "version": __version__},
        "created_at": old["created_at"] if old else moment,
        "changed_at": moment,
        "tasks": tasks,
        "replicates": max(request.replicates, old["replicates"] if old else 1),
        "max_cost": (old or {}).get("max_cost") if request.max_cost == "kept" else request.max_cost,
        "llms": llms,
    }
    if old is not None:
        unchanged = all(old[name] == record[name] for name in ("tasks", "replicates", "llms"))
        record["changed_at"] = old["changed_at"] if unchanged else moment
    if journal is not None:
        note_changes(journal, changed)
    _write(into, record)
    return Run(into, record), replace(added, changed=changed)


def _write(folder: Path, record: Record) -> None:
    with whole_file(folder / RUN) as place:
        place.write_text(json.dumps(record, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def with_max_tokens(endpoint: Endpoint, most: int) -> Endpoint:
    """An endpoint whose answers have at most `most` tokens, whatever its settings and modes state."""
    modes = {mode: _without_limit(settings) for mode, settings in endpoint.modes.items()}
    return replace(endpoint, max_tokens=most, extra=_without_limit(endpoint.extra), modes=modes)


def _without_limit(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name not in MAX_TOKENS}


def _merged_llms(old: Sequence[Record], request: Request) -> list[Record]:
    """The entries of all LLMs: those of the run, with what is asked for."""
    for mode in request.modes:
        if not is_mode(mode):
            raise InputError(f"mode {shorten(mode)}: expected a short name in lower case, such as direct, think or high")
        if mode not in _NAMED and not any(mode in endpoint.modes for endpoint in request.endpoints):
            raise InputError(
                f"mode {mode}: no LLM has settings for it. Remedy: describe it under modes in the file of LLMs, or choose "
                "direct or think"
            )
    entries = {entry["name"]: entry for entry in old}
    for endpoint in request.endpoints:
        before = entries.get(endpoint.name)
        modes = list(before["modes"]) if before else []
        modes += [m for m in request.modes if m not in modes and (m in _NAMED or m in endpoint.modes)]
        entries[endpoint.name] = _entry(endpoint, modes)
    check_different(entries.values(), request.endpoints)
    return list(entries.values())


def _entry(endpoint: Endpoint, modes: Sequence[str]) -> Record:
    settings = asdict(endpoint)
    del settings["name"]
    settings["url"] = public_url(endpoint.url)
    settings["prices"] = [
        {**asdict(price), "since": price.since.isoformat() if price.since else None} for price in endpoint.prices
    ]
    bodies = {mode: payload_of(endpoint, [], mode) for mode in modes}
    for body in bodies.values():
        del body["messages"]
    given = json.loads(json.dumps({"endpoint": settings, "modes": bodies}))
    kept = redacted_data(given)
    whole = settings["url"] == endpoint.url and kept == given
    return {"name": endpoint.name, "address": Caller(endpoint).address, "whole_url": whole, **kept}


def _endpoint(entry: Record) -> Endpoint:
    settings = dict(entry["endpoint"])
    settings["prices"] = tuple(
        Price(
            input_price=price["input_price"],
            output_price=price["output_price"],
            since=date.fromisoformat(price["since"]) if price["since"] else None,
        )
        for price in settings["prices"]
    )
    return Endpoint(name=entry["name"], **settings)
