"""One mutated log of an API client, of Every Eval Ever or of RouterArena, and the command line that reads it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any, Final

from tests.fuzz.client_records import (
    AGGREGATE,
    ARENA_FILES,
    CACHED,
    CHOSEN,
    GENERATIONS,
    JOURNAL_LINES,
    REQUESTS,
    RESULTS,
    ROUTED,
    RUN_QUERIES,
    RUN_RECORD,
    SAMPLES,
    SPEND,
    TRACES,
)
from tests.fuzz.mutations import json_text, mutated
from tests.fuzz.sources import Row, built, check, counted, records_of, table_file

__all__ = ["case", "check"]


def case(rng: Random, folder: Path) -> list[str]:
    """Write a mutated input into `folder`; the arguments of the command that reads it."""
    return counted(_KINDS[rng.choice(list(_KINDS))](rng, folder), folder)


def _openai_batch(rng: Random, folder: Path) -> Any:
    kinds = {"output.jsonl": RESULTS, "input.jsonl": REQUESTS, "more_output.jsonl": RESULTS, "more_input.jsonl": REQUESTS}
    names = rng.sample(list(kinds), rng.choice((1, 2, 2, 3, 4)))
    return built(rng, folder, "openai_batch", {name: (records_of(rng, kinds[name])[0], None) for name in names})


def _exported(rng: Random, folder: Path, source: str, stem: str, rows: Sequence[Row]) -> Any:
    """An export, which may be a page of an API; what is left out of it is not counted."""
    files = table_file(rng, rows, stem, ("json", "jsonl", "csv", "parquet"))
    if rng.random() < 0.2:
        page = {"data": [mutated(rng, row) for row in rows]}
        files = {f"{stem}.json": (json_text(mutated(rng, page), rng).encode("utf-8", "surrogatepass"), 1)}
    return built(rng, folder, source, {name: (data, None) for name, (data, _) in files.items()})


def _eee(rng: Random, folder: Path) -> Any:
    files: dict[str, tuple[bytes, int | None]] = {"tiny_samples.jsonl": (records_of(rng, SAMPLES)[0], None)}
    if rng.random() < 0.7:
        files["tiny.json"] = (json_text(mutated(rng, AGGREGATE), rng).encode("utf-8", "surrogatepass"), None)
    return built(rng, folder, "eee", files, *rng.choice(((), (), ("--option", "metric=a"))))


def _routerarena(rng: Random, folder: Path) -> Any:
    files: dict[str, tuple[bytes, int | None]] = {"tiny.jsonl": (records_of(rng, CACHED)[0], None)}
    if rng.random() < 0.4:
        files["router.json"] = (records_of(rng, CHOSEN)[0], None)
    for name in rng.sample(list(ARENA_FILES), rng.choice((0, 1, 4))):
        files[name] = (json_text(mutated(rng, ARENA_FILES[name]), rng).encode("utf-8", "surrogatepass"), None)
    return built(rng, folder, "routerarena", files, *rng.choice(((), (), ("--option", "prompt=question"))))


def _collected(rng: Random, folder: Path) -> Any:
    """A run, whose journal may be cut, repeat lines, or be missing."""
    run = mutated(rng, RUN_RECORD) if rng.random() < 0.3 else RUN_RECORD
    lines = [mutated(rng, rng.choice(JOURNAL_LINES)) for _ in range(rng.randrange(8))]
    journal = b"".join(json_text(line, rng).encode("utf-8", "surrogatepass") + b"\n" for line in lines)
    journal = journal[: rng.randrange(len(journal) + 1)] if rng.random() < 0.3 else journal
    files: dict[str, tuple[bytes, int | None]] = {
        "run.json": (json_text(run, rng).encode("utf-8", "surrogatepass"), None),
        "queries.jsonl": (records_of(rng, RUN_QUERIES)[0], None),
        "journal.jsonl": (journal, None),
    }
    if rng.random() < 0.1:
        del files[rng.choice(list(files))]
    arguments, total = built(rng, folder, "collected", files)
    return [arguments[0], rng.choice(("collected", "auto")), ".", *arguments[2 + len(files) :]], total


_KINDS: Final[dict[str, Callable[[Random, Path], Any]]] = {
    "routerarena": _routerarena,
    "eee": _eee,
    "openai_batch": _openai_batch,
    "litellm": lambda rng, folder: _exported(rng, folder, "litellm", "spend_logs", SPEND),
    "langfuse": lambda rng, folder: _exported(rng, folder, "langfuse", "traces", rng.choice((GENERATIONS, TRACES))),
    "collected": _collected,
    "openrouter": lambda rng, folder: _exported(rng, folder, "openrouter", "generations", ROUTED),
}
