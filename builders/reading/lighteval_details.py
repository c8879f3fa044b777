"""A row of LightEval's details as the answers that it states, in the layout of structs and in the older one of columns."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from llmfusionbench.builders.reading.fields import BadRecordError, identifier, literal, writable
from llmfusionbench.builders.reading.harness_metrics import Metric, name_of
from llmfusionbench.builders.reading.likelihoods import chosen, number_of, right_places, texts_of, truth_of
from llmfusionbench.builders.reading.objects import reasoning_text
from llmfusionbench.builders.reading.sent import sent, text_at

INPUT: Final = "input"
"""The value of the option `prompt` for what was sent."""
_MULTIPLE: Final = 2


@dataclass(frozen=True)
class Detail:
    """What a row states, whatever its layout."""

    asked: Any
    question: Any
    texts: list[Any]
    scores: list[float] | None
    """The log-likelihood of each option, where options were scored."""
    apart: list[float] | None
    """The same without the question."""
    options: list[str]
    gold: Any
    truths: list[Any]
    input_tokens: Any
    output_tokens: Any
    reasonings: Any
    source_id: Any
    task: Any
    metrics: dict[str, Any]


def detail_of(record: Mapping[str, Any]) -> Detail | None:
    """A row's parts; None for a record of something else."""
    row = parsed(record)
    doc, said = row.get("doc"), row.get("model_response")
    if isinstance(doc, dict) and isinstance(said, dict):
        doc, said = (parsed(part) for part in (doc, said))
        return Detail(
            asked=said.get("input"),
            question=doc.get("query"),
            texts=_listed(said.get("text")),
            scores=_numbers(said.get("logprobs")),
            apart=_numbers(said.get("unconditioned_logprobs")),
            options=[option for option in _listed(doc.get("choices")) if isinstance(option, str)],
            gold=doc.get("gold_index"),
            truths=[],
            input_tokens=said.get("input_tokens"),
            output_tokens=said.get("output_tokens"),
            reasonings=said.get("reasonings"),
            source_id=doc.get("id"),
            task=doc.get("task_name"),
            metrics=_present(row.get("metric", row.get("metrics"))),
        )
    if "full_prompt" not in row or "predictions" not in row:
        return None
    predictions = _listed(row["predictions"])
    scores = _numbers([p[0] if isinstance(p, (list, tuple)) and p else p for p in predictions])
    options = [option for option in _listed(row.get("choices")) if isinstance(option, str)]
    scored = scores is not None and len(scores) == len(options)
    return Detail(
        asked=row["full_prompt"],
        question=row.get("example"),
        texts=[] if scored else predictions,
        scores=scores if scored else None,
        apart=None,
        options=options,
        gold=row.get("gold_index"),
        truths=_listed(row.get("gold")),
        input_tokens=row.get("input_tokens"),
        output_tokens=row.get("cont_tokens"),
        reasonings=None,
        source_id=None,
        task=None,
        metrics=_present(row.get("metrics", row.get("metric"))),
    )


@dataclass(frozen=True)
class Details:
    """How the rows of one file are read."""

    prompt: str
    """`input`, or a path in the row such as `doc.query`."""
    metric: Metric | None

    def read(self, record: dict[str, Any]) -> list[dict[str, Any]]:
        """The answers of a row, one per text that was generated."""
        row = detail_of(record)
        if row is None:
            raise BadRecordError("the row has neither doc and model_response nor full_prompt and predictions")
        query = {**self._asked(record, row), "metric": name_of(self.metric)}
        query["source_id"] = identifier({"id": row.source_id}, "id")
        query["input_tokens"] = _tokens(row.input_tokens)
        if row.scores is not None and len(row.scores) == len(row.options) and not row.texts:
            texts: list[str | None] = [self._choice(row, query)]
            tokens: list[int | None] = [None]
        else:
            query["ground_truth"] = _truth(row)
            texts = [_text(text) for text in row.texts] or [None]
            tokens = _each_tokens(row.output_tokens, len(texts))
        thoughts = _listed(row.reasonings)
        reasonings = [reasoning_text(part) for part in thoughts] if len(thoughts) == len(texts) else [None] * len(texts)
        scores: Sequence[float | None] = [None] * len(texts)
        if self.metric is not None:
            scores = self.metric.read(row.metrics.get(self.metric.name), len(texts))
        several = len(texts) > 1
        return [
            {
                **query,
                "response": text,
                "reasoning": reasoning,
                "output_tokens": count,
                "performance": score,
                "replicate": i if several else None,
            }
            for i, (text, reasoning, count, score) in enumerate(zip(texts, reasonings, tokens, scores, strict=True))
        ]

    def _asked(self, record: Mapping[str, Any], row: Detail) -> dict[str, Any]:
        if self.prompt != INPUT:
            return {"prompt": text_at(parsed(record), self.prompt)}
        asked = row.asked if row.asked else row.question
        if not asked:
            raise BadRecordError("the input is missing, expected what was sent. Remedy: set --option prompt=doc.query")
        return sent(asked, "the input")

    def _choice(self, row: Detail, query: dict[str, Any]) -> str:
        """The option that the LLM chose, by the rule of the metric; the query's options and truth are added to `query`."""
        places = right_places(row.gold, row.options)
        query["choices"] = texts_of(row.options, None) if len(row.options) >= _MULTIPLE else None
        query["ground_truth"] = truth_of(places, row.options)
        name = self.metric.name.lower() if self.metric is not None else ""
        if self.metric is not None and self.metric.binary and "acc" in name:
            query["metric"] = "em_mc"
        scores = row.scores or []
        if ("pmi" in name or "mutual" in name) and row.apart is not None and len(row.apart) == len(scores):
            scores = [score - alone for score, alone in zip(scores, row.apart, strict=True)]
        plain = [option.removeprefix(" ") if "nospace" in name else option for option in row.options]
        return row.options[chosen(scores, [len(option) for option in plain] if "norm" in name else None)].strip()


def parsed(record: Mapping[str, Any]) -> dict[str, Any]:
    """A row with the values that were written as their reprs, because their parts did not fit one type."""
    return {name: _parsed(value) for name, value in record.items()}


def _parsed(value: Any) -> Any:
    """A value that was written as its repr because its parts did not fit one type."""
    if isinstance(value, str) and value[:1] in ("{", "[") and value[-1:] in ("}", "]"):
        found = literal(value)
        return value if found is None else found
    return value


def _listed(value: Any) -> list[Any]:
    return [] if value is None else list(value) if isinstance(value, (list, tuple)) else [value]


def _present(value: Any) -> dict[str, Any]:
    """The metrics of a row; a Parquet file has those of all rows in each, with null."""
    return {k: v for k, v in value.items() if v is not None} if isinstance(value, dict) else {}


def _numbers(value: Any) -> list[float] | None:
    found = [number_of(part) for part in _listed(value)]
    return [number for number in found if number is not None] if found and None not in found else None


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return None if value is None else writable(value, "text")
    return writable(json.dumps(value, ensure_ascii=False, default=str), "text")


def _truth(row: Detail) -> str | None:
    """The reference answer: the options that the index names, or the texts listed; a JSON list of several."""
    texts = [row.options[place] for place in right_places(row.gold, row.options)] or [
        text for text in row.truths if isinstance(text, str)
    ]
    texts = list(dict.fromkeys(writable(text.strip(), "the truth") for text in texts))
    if not texts:
        return None
    return texts[0] if len(texts) == 1 else json.dumps(texts, ensure_ascii=False)


def _tokens(value: Any) -> int | None:
    """The number of tokens in a list of them, also as the first of several such lists."""
    if isinstance(value, (list, tuple)) and value and isinstance(value[0], (list, tuple)):
        value = value[0]
    return len(value) if isinstance(value, (list, tuple)) and value else None


def _each_tokens(value: Any, answers: int) -> list[int | None]:
    listed = _listed(value)
    if listed and not isinstance(listed[0], (list, tuple)):
        listed = [listed]
    return [_tokens(part) for part in listed] if len(listed) == answers else [None] * answers
