"""LLMRouter: queries and answers in JSON lines, scores in RouterDC's JSON or FusionFactory's, LLMs in a JSON, in any mix.

Scores of RouterDC name their query by its text alone unless they state its task. So a text stands for one query only: the first
in the files. API keys, which some of these logs have, are never read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
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
from llmfusionbench.builders.reading.file_names import known_provenance, labelled, provenance_beside, split_of_name
from llmfusionbench.builders.reading.json import read_items
from llmfusionbench.builders.reading.json_records import each_record, nameless, read_records
from llmfusionbench.builders.reading.router_json import candidate_records, is_router_record
from llmfusionbench.builders.records import Llms, Part, Records, Rejected
from llmfusionbench.errors import InputError
from llmfusionbench.types import Candidate, normalise_prompt

UNKNOWN: Final = "unknown"
"""Task and metric of a query of which only the text is known."""

_NAMES: Final = {"task": "task_name", "source_id": "task_id", "llm": "model_name"}
_SIZE: Final = re.compile(r"\s*(\d{1,5}(?:\.\d{1,3})?)\s*[bB]\s*")
_LLM_FIELDS: Final = {"feature", "input_price", "output_price", "model", "size"}
_PICKLES: Final = (".pt", ".pth", ".pkl", ".pickle")


@dataclass(frozen=True, kw_only=True)
class LLMRouter:
    """Reads LLMRouter's files, whose kind is recognised by their content.

    Args:
        split: The split of the queries of files whose name states none.
        llms: A JSON file of LLM descriptions, `{name: {feature, size, input_price, output_price, model}}`.
        provenance: How the answers came about; by default what each record or an export of ours next to the file states, else
            `imported`.
    """

    split: str = "train"
    llms: str | Path | None = None
    provenance: str | None = None

    def read(self, paths: Sequence[Path]) -> Iterator[Part]:
        """Everything in the files; of the described LLMs those that were asked, or all if none was."""
        paths = [*paths, Path(self.llms)] if self.llms is not None else list(paths)
        files = [_File(path, file, _kind(path, file)) for path, file in labelled(paths)]
        index = _Index()
        if any(f.kind == "scores" for f in files):
            for file in files:
                if file.kind == "records":
                    index.add(file)
        asked: set[str | None] = set()
        for file in files:
            if file.kind != "llms":
                for part in self._file(file, index):
                    if isinstance(part, Records):
                        asked.update(part.table["llm"].unique().to_pylist())
                    yield part
        for file in files:
            if file.kind == "llms":
                yield from _described(file, asked - {None})

    def _file(self, file: _File, index: _Index) -> Iterator[Part]:
        made = provenance_beside(file.path, self.provenance)
        read: Callable[[dict[str, Any]], Iterator[dict[str, Any] | BadRecordError]]
        if file.kind == "candidates":
            read = partial(candidate_records, unknown=UNKNOWN, provenance=made)
        else:
            read = partial(self._records if file.kind == "records" else _scores, index=index, made=made)
        identity = partial(identity_of, names=_NAMES) if file.kind == "records" else nameless
        shared = {"split": split_of_name(file.path) or self.split}
        yield from read_records(file.path, file.name, read, shared, identity=identity)

    def _records(self, record: dict[str, Any], index: _Index, made: str | None) -> Iterator[dict[str, Any]]:
        query = _query(record)
        first = index.met(query)
        if record.get("model_name") is not None:
            stated = self.provenance or known_provenance(record.get("provenance")) or made
            query |= {**_routing(record), "provenance": stated}
        elif first is not None:
            raise BadRecordError(f"the same text is asked in {first}, and scores name a query by its text")
        yield query


def _scores(record: dict[str, Any], index: _Index, made: str | None) -> Iterator[dict[str, Any] | BadRecordError]:
    query = index.query(required_text(record, "question"), text(record, "task_name"))
    query |= {"provenance": made or known_provenance(record.get("provenance"))}
    scores = record.get("scores")
    if not isinstance(scores, dict) or not scores:
        raise BadRecordError("scores is not an object with LLMs in it, expected {llm: score}")
    for name in scores:
        try:
            performance = number(scores, name)
            status = "missing" if performance is None else None
            yield {**query, **_candidate(name), "performance": performance, "status": status}
        except BadRecordError as error:
            yield BadRecordError(f"score of {error}", llm=name[:200])


@dataclass(frozen=True)
class _File:
    path: Path
    name: str
    """Its name in messages."""
    kind: str
    """`records`, `scores`, `candidates` or `llms`."""


@dataclass
class _Index:
    """The queries by their texts."""

    _queries: dict[str, dict[str, Any]] = field(default_factory=dict)
    _places: dict[str, str] = field(default_factory=dict)
    _met: set[str] = field(default_factory=set)

    def add(self, file: _File) -> None:
        """Note the queries of a file. Its rejected records are reported when the file is read again."""
        for item in each_record(read_items(file.path, file.name), file.name, lambda record: [_query(record)]):
            if isinstance(item, Rejected):
                continue
            row, query = item
            key = normalise_prompt(query["prompt"])
            if key not in self._queries:
                self._queries[key] = query
                self._places[key] = f"{file.name} record {row}"

    def met(self, query: dict[str, Any]) -> str | None:
        """Where the text of a query was asked first, if that was before; called for all queries in the order of `add`."""
        if not self._places:
            return None
        key = normalise_prompt(query["prompt"])
        if key in self._met:
            return self._places[key]
        self._met.add(key)
        return None

    def query(self, question: str, task: str | None) -> dict[str, Any]:
        """What is known of the query with a text, and with a task if one is given.

        Raises:
            BadRecordError: the files have queries, but none with this text.
        """
        found = self._queries.get(normalise_prompt(question))
        if task is not None and (found is None or canonical_task(found["task"]) != canonical_task(task)):
            return {"task": task, "metric": UNKNOWN, "prompt": question}
        if not self._queries:
            return {"task": UNKNOWN, "metric": UNKNOWN, "prompt": question}
        if found is None:
            raise BadRecordError("no query record has this question, expected its text as it is there")
        return dict(found)


def _kind(path: Path, file: str) -> str:
    """What a file holds, by its first object of a known kind."""
    if path.suffix.lower() in _PICKLES:
        raise InputError(f"{path}: embeddings in a pickle, which may run code and is not read. Remedy: exclude this file")
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
        # Code tasks have their tests twice, the second time as `choices`, which they are not.
        "choices": None if choices == truth else option_texts(choices),
        "metric": text(record, "metric") or UNKNOWN,
    }


def _routing(record: dict[str, Any]) -> dict[str, Any]:
    """The answer in a record; older files have other names for the tokens."""
    response, performance = text(record, "response"), number(record, "performance")
    newer = "input_tokens" in record or "output_tokens" in record
    return {
        **_candidate(required_text(record, "model_name")),
        "response": response,
        "status": "missing" if response is None and performance is None else None,
        "input_tokens": count(record, "input_tokens" if newer else "prompt_tokens"),
        "output_tokens": count(record, "output_tokens" if newer else "completion_tokens"),
        "performance": performance,
        "cost_usd": number(record, "cost"),
        "latency_s": number(record, "response_time"),
    }


def _candidate(name: str) -> dict[str, Any]:
    llm, mode = Candidate.parse(writable(name, "model_name"))
    return {"llm": llm, "mode": mode}


def _described(file: _File, asked: set[str | None]) -> Iterator[Part]:
    """The LLMs of a description file. If `feature` names other prices than the price fields, the fields count."""

    def read(value: dict[str, Any]) -> Iterator[dict[str, Any] | BadRecordError]:
        for name, said in value.items():
            if asked and name not in asked:
                continue
            try:
                yield _llm(writable(name, "name"), fields(said))
            except BadRecordError as error:
                yield BadRecordError(f"LLM {name[:60]}: {error}", llm=name[:200])

    for item in each_record(read_items(file.path, file.name), file.name, read):
        yield item if isinstance(item, Rejected) else Llms([item[1]])


def _llm(name: str, said: dict[str, Any]) -> dict[str, Any]:
    size = _SIZE.fullmatch(text(said, "size") or "")
    prices = {key: number(said, key) for key in ("input_price", "output_price")}
    for key, price in prices.items():
        if price is not None and price < 0:
            raise BadRecordError(f"{key} is {price}, expected 0 or more")
    row: dict[str, Any] = {"llm": name, "description": text(said, "feature"), "endpoint": text(said, "model"), **prices}
    return row | ({"parameters_b": float(size.group(1))} if size else {})
