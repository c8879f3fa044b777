"""Runs of `llmfusionbench collect`: the answers in the journal of a run, which may still be going.

A query of the run that nothing answers yet is a query without answers. What was not asked yet has no row, which is what
`missing` means to a reader of the release.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Final, TypeGuard

from llmfusionbench.builders.reading.chat_requests import sampling_of
from llmfusionbench.builders.reading.failures import failure_text
from llmfusionbench.builders.reading.fields import BadRecordError, fields, required_text
from llmfusionbench.builders.reading.file_names import labelled
from llmfusionbench.builders.reading.json_records import BATCH_CHARACTERS, characters_in, record_parts
from llmfusionbench.builders.reading.loose import loose_amount, loose_count
from llmfusionbench.builders.reading.queries_file import REMEDY, read_queries
from llmfusionbench.builders.reading.run_files import JOURNAL, QUERIES, RUN
from llmfusionbench.builders.reading.run_journal import Place, RunAnswers, check_journal, places_of_run
from llmfusionbench.builders.reading.run_record import read_run
from llmfusionbench.builders.records import Llms, Note, Part
from llmfusionbench.errors import InputError
from llmfusionbench.release.card_text import counted
from llmfusionbench.types import DIRECT, THINK, is_plain_prompt, rendered

_ROWS: Final = 4096
_FACTS: Final = ("task", "domain", "split", "source_id", "ground_truth", "choices", "metric", "license")
_TEXTS: Final = ("response", "reasoning", "finish_reason", "requested_model", "served_model")
_COUNTS: Final = ("input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens")
_STATUSES: Final = ("ok", "empty", "error")
_BATCH: Final = "batch"
"""The service tier of answers that came by a batch, at a discount."""
_EARLIEST: Final = "1970-01-01"
Row = dict[str, Any]


@dataclass(kw_only=True)
class Collected:
    """Reads runs of `llmfusionbench collect`, each by its directory.

    It has no options.
    """

    FILES: ClassVar[tuple[str, ...]] = (JOURNAL, QUERIES, RUN)
    UNSCORED: ClassVar[bool] = True

    _sizes: dict[Path, int] = field(default_factory=dict, init=False, repr=False)
    _origins: list[Row] = field(default_factory=list, init=False, repr=False)

    def read(self, paths: Sequence[Path]) -> Iterator[Part]:
        """Everything in the runs.

        Raises:
            InputError: a file is not part of a run, or the run's files are damaged.
        """
        runs: dict[Path, dict[str, str]] = {}
        for path, label in labelled(paths):
            if path.name not in self.FILES or not path.with_name(RUN).is_file():
                names = f"{RUN}, {QUERIES} and {JOURNAL}"
                raise InputError(f"{path}: not part of a run, whose files are {names}. Remedy: name the directory of the run")
            runs.setdefault(path.parent, {})[path.name] = label
        for folder, labels in runs.items():
            yield from self._run(folder, {name: labels.get(name, name) for name in self.FILES})

    def taken(self, path: Path) -> int:
        """The bytes of a file that were read, for a journal that has grown since."""
        return self._sizes.get(path, path.stat().st_size)

    def origins(self) -> list[Row]:
        """What the queries were read from, once the runs were read: a data set with its commit or a file, and the task."""
        return self._origins

    def _run(self, folder: Path, labels: Mapping[str, str]) -> Iterator[Part]:
        run = read_run(folder)
        for task, about in run["tasks"].items():
            self._origins += [one for entry in about.get("data", ()) if (one := {"task": task} | entry) not in self._origins]
        check_journal(folder)
        answers = RunAnswers(folder / JOURNAL)
        self._sizes[folder / JOURNAL] = answers.size
        yield Llms([_llm(entry, run["changed_at"]) for entry in run["llms"]])
        addresses = {entry["name"]: entry["address"] for entry in run["llms"]}
        known: set[str] = set()
        asked, told = _Batch(labels[QUERIES]), _Batch(labels[JOURNAL])
        for number, given in enumerate(read_queries(folder, run)):
            try:
                query_id, query = _query(given)
            except BadRecordError as error:
                raise InputError(f"{folder / QUERIES} line {number + 1}: {error}. {REMEDY}") from error
            known.add(query_id)
            yield from asked.add(number, query)
            for line, place, record in answers.of(query_id):
                for part in told.add(line, _answer(query, place, record) | {"endpoint": addresses.get(place.llm)}):
                    yield from asked.rest()  # a query comes before its answers, which say the same of it
                    yield part
        yield from asked.rest()
        yield from told.rest()
        yield from _notes(run, answers, known, labels[JOURNAL])


class _Batch:
    """Gathers log records of a file into tables."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.rows: list[Row] = []
        self.numbers: list[int] = []
        self.characters = 0

    def add(self, number: int, row: Row) -> Iterator[Part]:
        """Take a record; the parts that are full."""
        self.rows.append(row)
        self.numbers.append(number)
        self.characters += characters_in(row)
        if len(self.rows) >= _ROWS or self.characters >= BATCH_CHARACTERS:
            yield from self.rest()

    def rest(self) -> Iterator[Part]:
        """What was taken."""
        if self.rows:
            yield from record_parts(self.rows, {"file": self.file}, self.numbers, self.file)
        self.rows, self.numbers, self.characters = [], [], 0


def _query(value: Any) -> tuple[str, Row]:
    """(query_id, the log record) of a line of the queries.

    Raises:
        BadRecordError: it is not a query.
    """
    record = fields(value)
    query_id = required_text(record, "query_id")
    prompts = record.get("texts") or record.get("prompts")
    if not isinstance(prompts, dict) or not _are_turns(prompts.get(DIRECT)):
        raise BadRecordError("prompts has no direct, expected the messages of each mode")
    query: Row = {name: record.get(name) for name in _FACTS} | {"messages": _turns(prompts[DIRECT])}
    if _are_turns(thought := prompts.get(THINK)):
        turns = _turns(thought)
        query["prompt_think"] = turns[0]["content"] if is_plain_prompt(turns) else rendered(turns)
    return query_id, query


def _are_turns(value: Any) -> TypeGuard[list[dict[str, Any]]]:
    return isinstance(value, list) and bool(value) and all(isinstance(turn, dict) for turn in value)


def _turns(messages: list[dict[str, Any]]) -> list[Any]:
    return [{"role": str(turn.get("role")), "content": str(turn.get("content"))} for turn in messages]


def _answer(query: Row, place: Place, record: Mapping[str, Any]) -> Row:
    """The log record of a final attempt."""
    status = record.get("status")
    row = query | place._asdict()
    if place.mode != THINK:
        row["prompt_think"] = None
    row |= {name: value if isinstance(value := record.get(name), str) else None for name in _TEXTS}
    row |= {name: loose_count(record.get(name)) for name in _COUNTS}
    row |= {
        "status": status if status in _STATUSES else None,
        "error": (failure_text(record.get("error")) or "no reason is stated") if status == "error" else None,
        "attempts": loose_count(record.get("attempt")),
        "created_at": at if isinstance(at := record.get("at"), str) else None,
        "service_tier": _BATCH if record.get("batch") is not None else None,
        "sampling": sampling_of(record.get("settings")),
        "cost_usd": loose_amount(record.get("cost_usd")),
        "latency_s": loose_amount(record.get("latency_s")),
        "provenance": "collected",
    }
    return row


def _llm(entry: Mapping[str, Any], changed_at: str) -> Row:
    """The row of an LLM; its price is that of the day when the run was last asked for more."""
    endpoint = entry["endpoint"]
    row = {name: value for name, value in endpoint["about"].items() if value is not None}
    row |= {"llm": entry["name"], "endpoint": endpoint["model"]}
    prices = endpoint["prices"]
    if not prices:
        return row
    day = changed_at[: len(_EARLIEST)]
    valid = [price for price in prices if (price["since"] or _EARLIEST) <= day] or prices[:1]
    row |= {name: valid[-1][name] for name in ("input_price", "output_price")}
    if any(price["since"] for price in prices):
        row["prices"] = [
            {"valid_from": f"{price['since'] or _EARLIEST}T00:00:00.000Z"}
            | {name: price[name] for name in ("input_price", "output_price")}
            for price in prices
        ]
    return row


def _notes(run: Mapping[str, Any], answers: RunAnswers, known: set[str], file: str) -> Iterator[Note]:
    """What a reader of the release should know of the run."""
    places = places_of_run(run)
    planned = len(known) * len(places)
    left = planned - answers.outcomes(known, places)
    if left == 1:
        yield Note(file, f"1 of {counted(planned, 'call')} has no outcome yet, and its answer is missing")
    elif left > 0:
        yield Note(file, f"{left:,} of {planned:,} calls have no outcome yet, and their answers are missing")
    if strange := len(answers.queries() - known):
        these = "this one" if strange == 1 else "these"
        words = f"answers to {counted(strange, 'query', 'queries')} are left out, since {QUERIES} does not hold {these}"
        yield Note(file, words, warning=True)
    if damaged := answers.damaged:
        are = "is damaged, and is" if damaged == 1 else "are damaged, and are"
        yield Note(file, f"{counted(damaged, 'line')} {are} left out", warning=True)
