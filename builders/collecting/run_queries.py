"""The file `queries.jsonl` of a run: one query per line, and what happens when a run is asked for more."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final

from llmfusionbench.builders.reading.queries_file import Line, read_queries
from llmfusionbench.builders.reading.run_files import QUERIES
from llmfusionbench.builders.tasks.query import Origin, Query, turns_of
from llmfusionbench.errors import InputError
from llmfusionbench.redaction import redacted_data
from llmfusionbench.storage.files import filling
from llmfusionbench.storage.json_lines import write_lines
from llmfusionbench.validation.issue import shorten

_FACTS: Final = ("ground_truth", "choices", "metric", "settings")
"""What is the same whenever a query is asked for."""
_PLAIN: Final = ("task", "domain", "split", "source_id", "metric", "ground_truth", "license")
_OTHER: Final = "Remedy: choose another --out for this, and merge the releases if both are wanted"


def line_of(query: Query) -> Line:
    """A query as a line. `texts` are the messages as a release shows them, where they have parts such as images."""
    line: Line = {"query_id": query.query_id} | {name: getattr(query, name) for name in _PLAIN}
    line["choices"] = None if query.choices is None else list(query.choices)
    line["settings"] = dict(query.settings)
    line["prompts"] = {mode: [dict(message) for message in messages] for mode, messages in query.prompts.items()}
    if not all(isinstance(message["content"], str) for messages in query.prompts.values() for message in messages):
        line["texts"] = {mode: turns_of(messages) for mode, messages in query.prompts.items()}
    return line


def query_of(line: Mapping[str, Any]) -> Query:
    """The query of a line."""
    given: dict[str, Any] = {name: line.get(name) for name in (*_PLAIN, "choices")}
    return Query(**given, settings=line.get("settings") or {}, prompts=line["prompts"])


@dataclass(frozen=True)
class Added:
    """What came of asking for more queries."""

    total: int
    """Queries of the run."""
    new: int
    """Those that it did not have before."""
    by_task: dict[str, int]
    """Task -> queries."""
    origins: dict[str, list[Origin]]
    """Task -> the data that its new queries were read from."""
    changed: Mapping[str, str] = field(default_factory=dict)
    """LLM without answers -> how it is asked otherwise than before."""


@dataclass(frozen=True)
class _Known:
    """What a run has of a query. One that is new has neither facts nor prompts here."""

    task: str
    facts: bytes
    prompts: dict[str, bytes]
    """Mode -> digest of its messages."""


def add_queries(
    folder: Path,
    into: Path,
    selected: Iterable[Query],
    plain: Iterable[Query],
    *,
    modes: Set[str] = frozenset(),
    run: Mapping[str, Any] | None = None,
) -> Added:
    """Write the queries of the run in `folder` and further ones to `into`, which may be the same place.

    A query that the run has already stays, and is given the prompts of further modes.

    Args:
        folder: The run, which may have no queries yet.
        into: The directory to write to.
        selected: Queries of tasks.
        plain: Plain prompts.
        modes: The modes that every query needs a prompt for.
        run: What `run.json` of the run in `folder` has; None without one.

    Raises:
        InputError: a query has another prompt or ground truth than in the run, or no prompt for one of the modes, or the file
            of queries is damaged.
    """
    known: dict[str, _Known] = {}
    sources: dict[tuple[str, str], str] = {}
    by_task: dict[str, int] = {}
    origins: dict[str, dict[Origin, None]] = {}
    has = run is not None or (folder / QUERIES).is_file()
    for line in read_queries(folder, run) if has else ():
        known[line["query_id"]] = _Known(line["task"], _digest([line.get(name) for name in _FACTS]), _digests(line["prompts"]))
        by_task[line["task"]] = by_task.get(line["task"], 0) + 1
        if line.get("source_id") is not None:
            sources[line["task"], line["source_id"]] = line["query_id"]
    more: dict[str, Line] = {}
    new = 0
    with (
        filling(tempfile.gettempdir()),
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="backslashreplace", newline="\n") as spool,
    ):
        for queries, by_source in ((selected, True), (plain, False)):
            for query in queries:
                line = redacted_data(line_of(query))
                query_id, task = line["query_id"], line["task"]
                if query_id not in known:
                    before = sources.get((task, str(line["source_id"]))) if by_source else None
                    if before is not None:
                        raise InputError(
                            f"{folder}: the prompt of {shorten(line['source_id'])} of task {task} differs from that of the "
                            f"run, and one release would mix both. {_OTHER}"
                        )
                    known[query_id] = _Known(task, b"", {})
                    if lacking := modes - line["prompts"].keys():
                        raise _lacking(folder, min(lacking), {task})
                    by_task[task] = by_task.get(task, 0) + 1
                    if query.origin is not None:
                        origins.setdefault(task, {})[query.origin] = None
                    spool.write(json.dumps(line, ensure_ascii=False) + "\n")
                    new += 1
                elif known[query_id].prompts:
                    _check(folder, line, known[query_id])
                    if line["prompts"].keys() - known[query_id].prompts.keys():
                        more[query_id] = line
        _check_modes(folder, modes, known, more)
        if new or more or not has or folder != into:
            write_lines(_merged(read_queries(folder) if has else (), more, spool), into / QUERIES)
    return Added(len(known), new, by_task, {task: list(found) for task, found in origins.items()})


def _merged(old: Iterable[Line], more: Mapping[str, Line], spool: IO[str]) -> Iterator[Line]:
    for line in old:
        further = more.get(line["query_id"])
        if further is not None:
            for name in ("prompts", "texts"):
                if name in further:
                    line[name] = further[name] | line.get(name, {})
        yield line
    spool.seek(0)
    yield from map(json.loads, spool)


def _check_modes(folder: Path, modes: Set[str], known: Mapping[str, _Known], more: Mapping[str, Line]) -> None:
    """Raises InputError if queries that the run has need a prompt that was not given."""
    lacking: dict[str, set[str]] = {}
    for query_id, one in known.items():
        for mode in modes - one.prompts.keys() if one.prompts else ():
            if mode not in more.get(query_id, {}).get("prompts", {}):
                lacking.setdefault(mode, set()).add(one.task)
    for mode, tasks in sorted(lacking.items()):
        raise _lacking(folder, mode, tasks)


def _lacking(folder: Path, mode: str, tasks: Set[str]) -> InputError:
    return InputError(
        f"{folder}: queries of {', '.join(sorted(tasks)[:5])} have no prompt for mode {mode}. "
        "Remedy: name all tasks of the run when you add a mode, or choose another --out"
    )


def _check(folder: Path, line: Line, known: _Known) -> None:
    """Raises InputError if a query is not as the run has it."""
    prompts = _digests(line["prompts"])
    odd = [f"the prompt in {mode} mode" for mode, digest in prompts.items() if known.prompts.get(mode, digest) != digest]
    if _digest([line.get(name) for name in _FACTS]) != known.facts:
        odd.append("the ground truth, the choices, the metric or a setting")
    if odd:
        raise InputError(
            f"{folder}: {odd[0]} of query {line['query_id']} (task {line['task']}) differs from that of the run, and one "
            f"release would mix both. {_OTHER}"
        )


def _digests(prompts: Mapping[str, Any]) -> dict[str, bytes]:
    return {mode: _digest(messages) for mode, messages in prompts.items()}


def _digest(value: Any) -> bytes:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).digest()[:16]
