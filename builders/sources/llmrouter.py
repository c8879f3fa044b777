"""LLMRouter: queries and answers in JSON lines, scores in RouterDC's JSON or FusionFactory's, LLMs in a JSON, in any mix.

Scores of RouterDC name their query by its text alone, unless they state its task, so a text can stand for one query only: the
first that the files hold. API keys,
which some of these logs carry, are never read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from llmfusionbench.builders.known.tasks import canonical_task
from llmfusionbench.builders.reading.fields import (
    BadRecordError,
    answer_text,
    count,
    fields,
    identifier,
    identity_of,
    number,
    option_texts,
    required_text,
    text,
    writable,
)
from llmfusionbench.builders.reading.file_names import known_provenance, labels, provenance_beside, split_of_name
from llmfusionbench.builders.reading.json import batched, read_items
from llmfusionbench.builders.records import Llms, Part, Rejected
from llmfusionbench.builders.sources.router_json import candidate_records, is_router_record
from llmfusionbench.errors import InputError
from llmfusionbench.types import Candidate, normalise_prompt

UNKNOWN: Final = "unknown"
"""Task and metric of a query of which nothing but its text is known."""

_NAMES: Final = {"task": "task_name", "source_id": "task_id", "llm": "model_name"}
_SIZE: Final = re.compile(r"\s*(\d{1,5}(?:\.\d{1,3})?)\s*[bB]\s*")
_LLM_FIELDS: Final = {"feature", "input_price", "output_price", "model", "size"}
_PICKLES: Final = (".pt", ".pth", ".pkl", ".pickle")


class LLMRouter:
    """Reads LLMRouter's files, told apart by what is in them.

    Args:
        split: The split of the queries of files whose name says none.
        llms: A JSON file of LLM descriptions, `{name: {feature, size, input_price, output_price, model}}`.
        provenance: How the answers came about; by default what each record says, or an export of ours beside the file, or
            `imported`.
    """

    def __init__(self, *, split: str = "train", llms: str | Path | None = None, provenance: str | None = None) -> None:
        self.split = split
        self.llms = llms
        self.provenance = provenance

    def read(self, paths: Sequence[Path]) -> Iterator[Part]:
        """Everything in the files; of the described LLMs those that were asked, or all where none was.

        Raises:
            InputError: a file is in none of the formats, or is a pickle.
        """
        paths = [*paths, Path(self.llms)] if self.llms is not None else list(paths)
        files = [_File(path, file, _kind(path, file)) for path, file in zip(paths, labels(paths), strict=True)]
        scored = any(f.kind == "scores" for f in files)
        index = _Index(exclusive=scored)
        if scored:
            for file in files:
                if file.kind == "records":
                    index.add(file)
        asked: set[str] = set()
        for file in files:
            split = self._split(file.path)
            if file.kind == "records":
                yield from batched(_noting(asked, self._records(file, split, index)))
            elif file.kind == "scores":
                yield from batched(_noting(asked, self._scores(file, split, index)))
            elif file.kind == "candidates":
                yield from batched(_noting(asked, self._candidates(file, split)))
        for file in files:
            if file.kind == "llms":
                yield from _described(file, asked)

    def _split(self, path: Path) -> str:
        return split_of_name(path) or self.split

    def _records(self, file: _File, split: str, index: _Index) -> Iterator[dict[str, Any] | Part]:
        made = provenance_beside(file.path, self.provenance)
        for item in read_items(file.path, file.name):
            if isinstance(item, Rejected):
                yield item
                continue
            row, value = item
            try:
                record = fields(value)
                query = _query(record) | {"file": file.name, "row": row, "split": split}
                if record.get("model_name") is not None:
                    query |= _routing(record) | {
                        "provenance": self.provenance or known_provenance(record.get("provenance")) or made
                    }
                elif (first := index.first(query, file.name, row)) is not None:
                    raise BadRecordError(f"the same text is asked in {first}, and scores name a query by its text")
            except BadRecordError as error:
                yield Rejected(file.name, row, str(error), identity_of(value, _NAMES))
            else:
                yield query

    def _candidates(self, file: _File, split: str) -> Iterator[dict[str, Any] | Part]:
        made = provenance_beside(file.path, self.provenance)
        for item in read_items(file.path, file.name):
            if isinstance(item, Rejected):
                yield item
                continue
            row, value = item
            place = {"file": file.name, "row": row, "split": split}
            try:
                record = fields(value)
                if not is_router_record(record):
                    raise BadRecordError("the record has no query with a list of candidates")
                yield from candidate_records(record, place, UNKNOWN, made)
            except BadRecordError as error:
                yield Rejected(file.name, row, str(error), {})

    def _scores(self, file: _File, split: str, index: _Index) -> Iterator[dict[str, Any] | Part]:
        made = provenance_beside(file.path, self.provenance)
        for item in read_items(file.path, file.name):
            if isinstance(item, Rejected):
                yield item
                continue
            row, value = item
            place = {"file": file.name, "row": row, "split": split}
            try:
                record = fields(value)
                query = place | index.query(required_text(record, "question"), text(record, "task_name"))
                query["provenance"] = made or known_provenance(record.get("provenance"))
                scores = record.get("scores")
                if not isinstance(scores, dict) or not scores:
                    raise BadRecordError("scores is not an object with LLMs in it, expected {llm: score}")
            except BadRecordError as error:
                yield Rejected(file.name, row, str(error), {})
                continue
            for name in scores:
                try:
                    performance = number(scores, name)
                    status = "missing" if performance is None else None
                    yield query | _candidate(name) | {"performance": performance, "status": status}
                except BadRecordError as error:
                    yield Rejected(file.name, row, f"score of {error}", {"llm": name[:200]})


@dataclass(frozen=True)
class _File:
    path: Path
    name: str
    """As it is called in messages."""
    kind: str
    """`records`, `scores`, `candidates` or `llms`."""


@dataclass
class _Index:
    """The queries by their texts."""

    exclusive: bool
    """Whether a text stands for one query only."""
    _queries: dict[str, dict[str, Any]] = field(default_factory=dict)
    _places: dict[str, tuple[str, int]] = field(default_factory=dict)

    def add(self, file: _File) -> None:
        """Note the queries of a file; those that cannot be taken are reported when the file is read again."""
        for item in read_items(file.path, file.name):
            if isinstance(item, Rejected):
                continue
            row, value = item
            try:
                query = _query(fields(value))
            except BadRecordError:
                continue
            key = normalise_prompt(query["prompt"])
            if key not in self._queries:
                self._queries[key] = query
                self._places[key] = (file.name, row)

    def first(self, query: dict[str, Any], file: str, row: int) -> str | None:
        """Where the text of a query was asked first; None where that is here, or does not matter."""
        place = self._places.get(normalise_prompt(query["prompt"]))
        if not self.exclusive or place is None or place == (file, row):
            return None
        return f"{place[0]} record {place[1]}"

    def query(self, question: str, task: str | None) -> dict[str, Any]:
        """What is known of the query with a text, and with a task if that is stated."""
        found = self._queries.get(normalise_prompt(question))
        if task is not None and (found is None or canonical_task(found["task"]) != canonical_task(task)):
            return {"task": task, "metric": UNKNOWN, "prompt": question}
        if not self._queries:
            return {"task": UNKNOWN, "metric": UNKNOWN, "prompt": question}
        if found is None:
            raise BadRecordError("no query record has this question, expected its text as it is there")
        return found


def _kind(path: Path, file: str) -> str:
    """What a file holds, by its first object."""
    if path.suffix.lower() in _PICKLES:
        raise InputError(f"{path}: embeddings in a pickle, which is code and is not run. Remedy: leave this file out")
    for item in read_items(path, file):
        if isinstance(item, Rejected) or not isinstance(item[1], dict):
            continue
        record = item[1]
        if "scores" in record and "question" in record:
            return "scores"
        if is_router_record(record):
            return "candidates"
        if "query" in record and "task_name" in record:
            return "records"
        if record and all(isinstance(v, dict) and _LLM_FIELDS & v.keys() for v in record.values()):
            return "llms"
    raise InputError(f"{path}: neither queries, answers, scores nor LLMs of LLMRouter. Remedy: use another source")


def _query(record: dict[str, Any]) -> dict[str, Any]:
    truth = record.get("ground_truth", record.get("gt"))
    choices = record.get("choices")
    return {
        "task": required_text(record, "task_name"),
        "source_id": identifier(record, "task_id"),
        "prompt": required_text(record, "query"),
        "ground_truth": answer_text(truth),
        # In code tasks the tests are there twice, once as `choices`; they are none.
        "choices": None if choices == truth else option_texts(choices),
        "metric": text(record, "metric") or UNKNOWN,
    }


def _routing(record: dict[str, Any]) -> dict[str, Any]:
    """What a record says of an answer; older files have other names for the tokens."""
    response, performance = text(record, "response"), number(record, "performance")
    newer = "input_tokens" in record or "output_tokens" in record
    return _candidate(required_text(record, "model_name")) | {
        "response": response,
        "status": "missing" if response is None and performance is None else None,
        "input_tokens": count(record, "input_tokens" if newer else "prompt_tokens"),
        "output_tokens": count(record, "output_tokens" if newer else "completion_tokens"),
        "performance": performance,
        "cost_usd": number(record, "cost"),
        "latency_s": number(record, "response_time"),
    }


def _candidate(name: str) -> dict[str, Any]:
    candidate = Candidate.parse(writable(name, "model_name"))
    return {"llm": candidate.llm, "mode": candidate.mode}


def _noting(asked: set[str], parts: Iterator[dict[str, Any] | Part]) -> Iterator[dict[str, Any] | Part]:
    for part in parts:
        if isinstance(part, dict) and "llm" in part:
            asked.add(part["llm"])
        yield part


def _described(file: _File, asked: set[str]) -> Iterator[Part]:
    """The LLMs of a description file. Its `feature` may name other prices than its fields; the fields count."""
    for item in read_items(file.path, file.name):
        if isinstance(item, Rejected):
            yield item
            continue
        row, value = item
        for name, said in value.items() if isinstance(value, dict) else ():
            if asked and name not in asked:
                continue
            try:
                yield Llms([_llm(writable(name, "name"), fields(said))])
            except BadRecordError as error:
                yield Rejected(file.name, row, f"LLM {name[:60]}: {error}", {"llm": name[:200]})


def _llm(name: str, said: dict[str, Any]) -> dict[str, Any]:
    size = _SIZE.fullmatch(text(said, "size") or "")
    prices = {key: number(said, key) for key in ("input_price", "output_price")}
    for key, price in prices.items():
        if price is not None and price < 0:
            raise BadRecordError(f"{key} is {price}, expected 0 or more")
    row: dict[str, Any] = {"llm": name, "description": text(said, "feature"), "endpoint": text(said, "model"), **prices}
    return row | ({"parameters_b": float(size.group(1))} if size else {})
