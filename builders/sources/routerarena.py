"""RouterArena: cached results of an LLM (JSON lines), predictions of a router (JSON), the dataset, its settings, and prices.

A file is known by its first record. Answers are joined with the dataset and the prices by global index and name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Final

from llmfusionbench.builders.reading.fields import BadRecordError, count, identity_of, number, option_texts, required_text, text
from llmfusionbench.builders.reading.file_names import known_provenance, labelled, provenance_beside, split_of_name
from llmfusionbench.builders.reading.json import read_items
from llmfusionbench.builders.reading.json_records import each_record, read_records
from llmfusionbench.builders.reading.metric_names import metric_word
from llmfusionbench.builders.reading.objects import error_text, reasoning_text
from llmfusionbench.builders.reading.routerarena import (
    INPUT_PRICE,
    OUR_METRIC,
    OUTPUT_PRICE,
    options_in,
    prices_of,
    question_in,
    task_of,
    truth_of,
)
from llmfusionbench.builders.records import Llms, Note, Part, Rejected
from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.types import PROVENANCES, SPLITS, Candidate

PROMPTS: Final = ("full", "question")
_INDEX: Final = ("global_index", "global index", "Global Index")
_ORDER: Final = ("prices", "settings", "dataset", "results", "predictions")
"""Kinds of files, in the order in which they are read."""
_NAMES: Final = {"source_id": "global_index", "llm": "llm_selected"}


@dataclass(frozen=True, kw_only=True)
class RouterArena:
    """Reads the files of RouterArena.

    Args:
        prompt: The text that is the prompt: `full`, as it was sent, or `question`, the question without the template around it.
        task: The task of all records; by default what is before the number in their global index.
        split: The split of every query; by default the one that a record or the file's name states, else `train`.
        provenance: How the answers came about; by default what the records or an export of ours next to the file state, else
            `imported`.
    """

    prompt: str = "full"
    task: str | None = None
    split: str | None = None
    provenance: str | None = None

    FILES: ClassVar[tuple[str, ...]] = ("*.jsonl", "*.json")

    def read(self, paths: Sequence[Path]) -> Iterator[Part]:
        """Everything in the files; those that hold no answers first."""
        if self.prompt not in PROMPTS:
            raise UnknownNameError("choice of --option prompt", self.prompt, PROMPTS)
        if self.provenance is not None and self.provenance not in PROVENANCES:
            raise UnknownNameError("provenance", self.provenance, PROVENANCES)
        by_kind: dict[str, list[tuple[Path, str]]] = {}
        for path, file in labelled(paths):
            by_kind.setdefault(_kind(path, file), []).append((path, file))
        for _, file in by_kind.get("router", ()):
            yield Note(file, "it is the configuration of a router, which holds no answers")
        for _, file in by_kind.get("other", ()) if len(by_kind) > 1 else ():
            yield Note(file, "it is none of RouterArena's files and is not read", warning=True)
        if paths and not by_kind.keys() & {"results", "predictions"}:
            given = next(iter(by_kind.values()))[0][0]
            raise InputError(f"{given}: neither cached results nor predictions. Remedy: add a file of cached_results/")
        reading = _Reading(self)
        for kind in _ORDER:
            for path, file in by_kind.get(kind, ()):
                yield from getattr(reading, kind)(path, file)
        yield Llms([{"llm": llm, **reading.priced(names)} for llm, names in reading.llms.items()])


@dataclass
class _Reading:
    """What the files read so far state."""

    source: RouterArena
    known: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Global index -> columns of the dataset."""
    metrics: dict[str, str] = field(default_factory=dict)
    """Dataset or task -> metric of RouterArena."""
    costs: dict[str, dict[str, float | None]] = field(default_factory=dict)
    llms: dict[str, set[str]] = field(default_factory=dict)
    """LLM -> the names that records give it."""
    answers: dict[tuple[Any, ...], int] = field(default_factory=dict)
    """(index, LLM, mode, hashes of answer and score) -> number of the answer."""
    numbers: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    twice: int = 0
    unanswered: int = 0

    def prices(self, path: Path, file: str) -> Iterator[Rejected]:
        """Keep the prices in a file."""

        def read(record: dict[str, Any]) -> list[None]:
            self.costs |= prices_of(record)
            return []

        yield from _rejected(path, file, read)

    def settings(self, path: Path, file: str) -> Iterator[Rejected]:
        """Keep the metric of a dataset."""

        def read(record: dict[str, Any]) -> list[None]:
            stated = record["eval_params"]
            if not isinstance(stated, dict):
                raise BadRecordError("eval_params is not an object, expected {dataset, eval_metrics}")
            named = stated.get("eval_metrics")
            if isinstance(named, list) and named and isinstance(named[0], str):
                self.metrics[required_text(stated, "dataset")] = named[0]
            return []

        yield from _rejected(path, file, read)

    def dataset(self, path: Path, file: str) -> Iterator[Rejected]:
        """Keep the prompts, options and answers of the dataset."""

        def read(record: dict[str, Any]) -> list[None]:
            lower = {key.lower().replace(" ", "_"): value for key, value in record.items()}
            self.known[_index_of(record)] = {
                "prompt": text(lower, "prompt_formatted") or text(lower, "prompt") or text(lower, "question"),
                "choices": option_texts(lower.get("options") or None, "options"),
                "truth": lower.get("answer"),
                "domain": text(lower, "domain"),
            }
            return []

        yield from _rejected(path, file, read)

    def results(self, path: Path, file: str) -> Iterator[Part]:
        """The answers of one LLM."""

        def read(record: dict[str, Any]) -> Iterator[dict[str, Any]]:
            judged = _part(record, "evaluation_result")
            metric = text(judged, "metric")
            if metric:
                self.metrics.setdefault(task_of(_index_of(record)), metric)
            found = {**_answer(record), "performance": number(judged, "score"), "cost_usd": number(judged, "inference_cost")}
            name, prompt = required_text(record, "llm_selected"), text(record, "question")
            yield from self._record(record, name, prompt, found, metric, judged.get("ground_truth"))

        yield from self._records(path, file, read, "cached result of RouterArena")

    def predictions(self, path: Path, file: str) -> Iterator[Part]:
        """The answers to the choices of a router, and to the other LLMs that were asked to find the best choice."""

        def read(record: dict[str, Any]) -> Iterator[dict[str, Any]]:
            answered, name = _part(record, "generated_result"), required_text(record, "prediction")
            prompt = text(record, "prompt") or text(record, "prompt_formatted")
            found = {**_answer(answered), "performance": number(record, "accuracy"), "cost_usd": number(record, "cost")}
            if not answered and found["performance"] is None:
                self.unanswered += 1
                found, name = {}, ""
            yield from self._record(record, name, prompt, found, text(record, "metric"), record.get("ground_truth"))

        yield from self._records(path, file, read, "prediction of RouterArena")

    def priced(self, names: set[str]) -> dict[str, Any]:
        """The prices of the LLM that records call by `names`."""
        return next((self.costs[name] for name in sorted(names) if name in self.costs), {})

    def _records(self, path: Path, file: str, read: Any, required: str) -> Iterator[Part]:
        self.twice = self.unanswered = 0
        shared = {"split": self.source.split or split_of_name(path) or "train", "metric": "unknown"}
        made = provenance_beside(path, self.source.provenance)
        if made:
            shared["provenance"] = made
        yield from read_records(path, file, read, shared, identity=partial(identity_of, names=_NAMES), required=required)
        if self.twice:
            yield Note(file, f"{self.twice:,} answers are those of an earlier record with the same score and are not repeated")
        if self.unanswered:
            yield Note(file, f"{self.unanswered:,} predictions are choices without an answer: only their queries are read")

    def _record(
        self, record: dict[str, Any], name: str, prompt: str | None, found: dict[str, Any], metric: str | None, truth: Any
    ) -> Iterator[dict[str, Any]]:
        index = _index_of(record)
        known = self.known.get(index, {})
        prompt = prompt or known.get("prompt")
        task = task_of(index)
        stated = metric or self.metrics.get(task) or self.metrics.get(task.partition("_")[0])
        ours = None if stated is None else OUR_METRIC.get(stated.lower()) or metric_word(stated)
        query: dict[str, Any] = {
            "task": self.source.task or task,
            "source_id": index,
            "prompt": question_in(prompt) if prompt and self.source.prompt == "question" else prompt,
            "ground_truth": truth_of(known.get("truth") if truth is None else truth, ours),
            "choices": known.get("choices") or (options_in(prompt) if prompt and ours in ("em_mc", None) else None),
            "domain": known.get("domain"),
        }
        if ours is not None:
            query["metric"] = ours
        if not self.source.provenance and known_provenance(record.get("provenance")):
            query["provenance"] = record["provenance"]
        if self.source.split is None and record.get("split") in SPLITS:  # our own exports state it
            query["split"] = record["split"]
        if not name:
            yield query
            return
        candidate = Candidate.parse(name)
        cell = (index, *candidate)
        key = (*cell, hash(found["response"]), found["performance"])
        if key in self.answers and "run" not in record:
            self.twice += 1
            return
        self.answers[key] = self.numbers[cell]
        self.numbers[cell] += 1
        self.llms.setdefault(candidate.llm, set()).update((name, candidate.llm))
        yield {**query, **candidate._asdict(), "requested_model": name, **found, "replicate": self.answers[key]}


def _answer(record: dict[str, Any]) -> dict[str, Any]:
    """The answer in a cached result or a generated_result."""
    usage = _part(record, "token_usage")
    error, failed = error_text(record.get("error")), record.get("success") is False
    given, made = count(usage, "input_tokens"), count(usage, "output_tokens")
    latencies = (number(record, key) for key in ("latency", "latency_s", "response_time"))
    reasoning = reasoning_text(record.get("reasoning_content") or record.get("reasoning"))
    return {
        "response": text(record, "generated_answer"),
        "reasoning": reasoning,
        "status": "error" if failed else None,
        "error": error or ("the log states no reason" if failed else None),
        "finish_reason": text(record, "finish_reason"),
        "endpoint": text(record, "provider"),
        "input_tokens": None if not given and not made else given,
        "output_tokens": None if not given and not made else made,
        "reasoning_tokens": count(usage, "reasoning_tokens"),
        "latency_s": next((value for value in latencies if value is not None), None),
    }


def _index_of(record: dict[str, Any]) -> str:
    return required_text(record, next((name for name in _INDEX if name in record), _INDEX[0]))


def _part(record: dict[str, Any], name: str) -> dict[str, Any]:
    value = record.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadRecordError(f"{name} is not an object, expected one as RouterArena writes it")
    return value


def _rejected(path: Path, file: str, read: Any) -> Iterator[Rejected]:
    for item in each_record(read_items(path, file), file, read):
        if isinstance(item, Rejected):
            yield item


def _kind(path: Path, file: str) -> str:
    """What a file holds, by its first record; `results` for one without a record, where the reason is given."""
    for item in read_items(path, file):
        if isinstance(item, Rejected):
            continue
        record = item[1] if isinstance(item[1], dict) else {}
        if "prediction" in record:
            return "predictions"
        if "llm_selected" in record or "evaluation_result" in record:
            return "results"
        if "pipeline_params" in record:
            return "router"
        if "eval_params" in record:
            return "settings"
        if any(name in record for name in _INDEX):
            return "dataset"
        values = list(record.values())
        if values and all(isinstance(v, dict) and {INPUT_PRICE, OUTPUT_PRICE} & v.keys() for v in values):
            return "prices"
        return "other"
    return "results"
