"""A sample of lm-evaluation-harness as its answers: generated texts, or the option that the LLM found likeliest."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from llmfusionbench.builders.reading.fields import BadRecordError, answer_text, identifier, named, writable
from llmfusionbench.builders.reading.harness_metrics import Metric, name_of
from llmfusionbench.builders.reading.likelihoods import (
    chosen,
    common_start,
    number_of,
    place_of,
    right_places,
    texts_of,
    truth_of,
)
from llmfusionbench.builders.reading.objects import sampling
from llmfusionbench.builders.reading.sent import sent, text_at
from llmfusionbench.types import normalise_prompt

ARGUMENTS: Final = "arguments"
"""The value of the option `prompt` for what was sent."""
_OWN: Final = (
    "doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "filter", "metrics", "doc_hash", "prompt_hash",
    "target_hash", "schema_version", "task", "task_name", "model",
)  # fmt: skip
_EXACT: Final = ("acc", "acc_norm", "acc_bytes", "acc_mutual_info", "exact_match")
"""Metrics of a choice that are 1 if the chosen option is the right one."""
_MARK: Final = "\n#### "
_PAIR: Final = 2
_FLAGS: Final = ("True", "true", "False", "false")

Requests = list[list[Any]]


def is_sample(record: Any) -> bool:
    """Whether a record is one of lm-eval."""
    return (
        isinstance(record, dict) and isinstance(record.get("resps"), (list, tuple)) and ("doc" in record or "target" in record)
    )


def metrics_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """The metrics of a sample with their values."""
    listed = record.get("metrics")
    if isinstance(listed, list) and listed:
        return {name: record[name] for name in listed if isinstance(name, str) and name in record}
    return {n: v for n, v in record.items() if n not in _OWN and isinstance(v, (int, float, list, dict)) and v != {}}


def answers_in(record: Mapping[str, Any]) -> int:
    """How many answers a sample has: those to its only request."""
    resps = record.get("resps")
    first = resps[0] if isinstance(resps, list) and len(resps) == 1 else None
    return len(first) if isinstance(first, list) and first and not _likelihood(first) else 1


@dataclass(frozen=True)
class Samples:
    """How the samples of one file are read."""

    prompt: str
    """`arguments`, or a path in the sample such as `doc.question`."""
    metric: Metric | None
    by_place: bool = False
    """Whether a target that is a number and the text of an option is the number of one."""

    def read(self, record: dict[str, Any]) -> list[dict[str, Any] | BadRecordError]:
        """The answers of a sample, one for each time that it was asked, and what of it does not fit."""
        resps = record.get("resps")
        if not isinstance(resps, (list, tuple)):
            raise BadRecordError(f"resps is {named(resps)}, expected a list of the answers. Remedy: run with --log_samples")
        requests = _requests(record.get("arguments"))
        query: dict[str, Any] = {"source_id": identifier(record, "doc_id")}
        texts = _generated(requests, resps)
        if texts is None:
            read = _Options.of(requests, resps)
            query |= read.query(record, self.metric, self.by_place) if read else {}
            texts = [read.answer(self.metric) if read else None]
        else:
            query["ground_truth"] = _truth(record.get("target"))
        query |= self._asked(record, requests, query.pop("prompt", None))
        query.setdefault("metric", name_of(self.metric))
        scores: Sequence[float | None] = [None] * len(texts)
        if self.metric is not None and self.metric.name in record:
            scores = self.metric.read(record[self.metric.name], len(texts))
        wrong: list[dict[str, Any] | BadRecordError] = []
        try:
            settings = requests[0][1] if requests and len(requests[0]) > 1 and isinstance(requests[0][1], dict) else None
            query["sampling"] = sampling(settings, "arguments")
        except BadRecordError as error:
            wrong.append(BadRecordError(f"{error}; the answer is kept without its settings"))
        several = len(texts) > 1
        return wrong + [
            {**query, "response": text, "performance": score, "replicate": i if several else None}
            for i, (text, score) in enumerate(zip(texts, scores, strict=True))
        ]

    def _asked(self, record: Mapping[str, Any], requests: Requests, made: str | None) -> dict[str, Any]:
        if self.prompt != ARGUMENTS:
            return {"prompt": text_at(record, self.prompt)}
        if made is not None:
            return {"prompt": made}
        if not requests:
            raise BadRecordError(
                "arguments is missing, expected what was sent. Remedy: set --option prompt=PATH to the question in the record, "
                "such as doc.question"
            )
        return sent(requests[0][0], "arguments")


def first_sent(record: Mapping[str, Any]) -> str:
    """What was sent first for a sample, in the form in which two of them are the same query; empty if the log lacks it."""
    try:
        requests = _requests(record.get("arguments"))
        found = sent(requests[0][0], "arguments") if requests else {}
    except BadRecordError:  # it is rejected when it is read
        return ""
    return normalise_prompt(found.get("prompt") or "") or str(found.get("messages") or "")


def question_path(record: Mapping[str, Any]) -> str:
    """The path of a document's longest text that was sent as it is, `doc.question` if there is none."""
    doc, text = record.get("doc"), str(record.get("arguments"))
    texts = [(name, v) for name, v in doc.items() if isinstance(v, str) and v] if isinstance(doc, dict) else []
    inside = [(name, said) for name, said in texts if repr(said)[1:-1] in text]
    return f"doc.{max(inside, key=lambda pair: len(pair[1]))[0]}" if inside else "doc.question"


def are_places(records: Sequence[Mapping[str, Any]], metric: Metric | None) -> bool:
    """Whether the targets of a file's first records are numbers of options, even where an option is such a number.

    All of them must be, and the scores must not agree better with the options whose texts they are.
    """
    agreed = {True: 0, False: 0}
    for record in records:
        try:
            requests = _requests(record.get("arguments"))
            read = _Options.of(requests, record["resps"]) if _generated(requests, record["resps"]) is None else None
        except BadRecordError:  # it is rejected when it is read
            continue
        target = record.get("target")
        if read is None or not isinstance(target, str):
            continue
        if place_of(target, len(read.options)) is None:
            return False
        if target.strip() in [option.strip() for option in read.options] and metric is not None and metric.name in _EXACT:
            said = read.answer(metric)
            for by_place in agreed:
                right = [read.options[i].strip() for i in right_places(target, read.options, by_place)]
                agreed[by_place] += (said in right) == (record.get(metric.name) == 1)
    return agreed[True] >= agreed[False]


def _requests(arguments: Any) -> Requests:
    """The requests of a sample: an object of objects, or a list of lists, or the list of a single one."""
    if isinstance(arguments, dict):
        listed: list[Any] = [arg for arg in arguments.values() if arg is not None]
    elif isinstance(arguments, (list, tuple)):
        listed = [arguments] if arguments and isinstance(arguments[0], str) else list(arguments)
    elif arguments is None:
        return []
    else:
        raise BadRecordError(f"arguments is {named(arguments)}, expected the requests of the sample")
    found: Requests = []
    for one in listed:
        parts = [v for v in one.values() if v is not None] if isinstance(one, dict) else one
        parts = [parts] if isinstance(parts, str) else parts
        if not isinstance(parts, (list, tuple)) or not parts:
            raise BadRecordError(f"arguments holds {named(one)}, expected the parts of a request")
        found.append(list(parts))
    return found


def _likelihood(resp: Any) -> tuple[float, bool] | None:
    """(log-likelihood, whether the continuation is the likeliest one) of a response, which may be the first of a list."""
    if isinstance(resp, (list, tuple)) and resp and isinstance(resp[0], (list, tuple)):
        resp = resp[0]
    if not isinstance(resp, (list, tuple)) or len(resp) != _PAIR:
        return None
    score = number_of(resp[0])
    return None if score is None or str(resp[1]) not in _FLAGS else (score, str(resp[1]) in _FLAGS[:2])


def _generated(requests: Requests, resps: Sequence[Any]) -> list[str | None] | None:
    """The texts that were generated, one for each time that the sample was asked; None if options were scored."""
    second = requests[0][1] if requests and len(requests[0]) > 1 else None
    if isinstance(second, str) or (resps and not isinstance(second, dict) and _likelihood(resps[0])):
        return None
    listed = [text for resp in resps for text in (resp if isinstance(resp, (list, tuple)) else [resp])]
    if second is None and listed and all(number_of(text) is not None for text in listed) and len(requests) == 1:
        return None  # the likelihood of a whole text
    if len(requests) > 1 and any(request[0] != requests[0][0] for request in requests):
        raise BadRecordError("arguments has several prompts in one sample, expected one with its answers")
    return [_text(text) for text in listed] or [None]


def _text(value: Any) -> str | None:
    while isinstance(value, (list, tuple)) and len(value) == 1:
        value = value[0]
    if value is None or isinstance(value, str):
        return value  # whether UTF-8 can write it is checked with the whole record, which is faster
    return writable(json.dumps(value, ensure_ascii=False), "resps")


def _truth(target: Any) -> str | None:
    """The target as text; of a worked solution of GSM8K what follows the last line of four signs."""
    if isinstance(target, str) and _MARK in target:
        return writable(target.rpartition(_MARK)[2].strip(), "target") or None
    if isinstance(target, dict) or (isinstance(target, list) and not all(isinstance(part, str) for part in target)):
        return writable(json.dumps(target, ensure_ascii=False), "target")
    return str(target) if isinstance(target, bool) else answer_text(target, "target")


def _is_scored(request: Sequence[Any]) -> bool:
    """Whether a request is a question and an option to score."""
    return len(request) >= _PAIR and isinstance(request[1], str)


@dataclass(frozen=True)
class _Options:
    """The options of a sample with the log-likelihood of each."""

    contexts: list[str]
    options: list[str]
    scores: list[float]
    greedy: list[bool]
    apart: list[float] | None
    """The log-likelihood of each option without the question, where the harness asked for it."""

    @classmethod
    def of(cls, requests: Requests, resps: Sequence[Any]) -> _Options | None:
        """None for the likelihood of a whole text."""
        if not requests or len(requests[0]) < _PAIR:
            return None
        found = [_likelihood(resp) for resp in resps]
        if len(found) != len(requests) or None in found or any(not _is_scored(request) for request in requests):
            raise BadRecordError("resps does not have one log-likelihood for each of the arguments")
        contexts = [_plain(request[0]) for request in requests]
        half = len(requests) // 2
        has_apart = half > 0 and len(requests) == 2 * half and not any(contexts[half:]) and all(contexts[:half])
        kept = half if has_apart else len(requests)
        pairs = [pair for pair in found if pair is not None]
        options = [writable(str(request[1]), "arguments") for request in requests[:kept]]
        scores, greedy = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        return cls(contexts[:kept], options, scores[:kept], greedy[:kept], scores[half:] if has_apart else None)

    def _names(self) -> tuple[str | None, list[str]]:
        """(the prompt, the options). Where the options stand within the question, it has a blank in their place."""
        if len(self.options) < _PAIR or len(set(self.options)) > 1 or len(set(self.contexts)) == 1:
            return None, self.options
        start = common_start(self.contexts)
        return f"{start}_{self.options[0]}", [context[len(start) :] for context in self.contexts]

    def query(self, record: Mapping[str, Any], metric: Metric | None, by_place: bool) -> dict[str, Any]:
        """The columns of the query."""
        prompt, options = self._names()
        if len(options) < _PAIR:
            return {"ground_truth": writable(options[0].strip(), "arguments")}
        doc = record.get("doc")
        places = (
            right_places(record.get("target"), options, by_place) if prompt is None else self._by_score(record, metric, options)
        )
        exact = metric is not None and metric.binary and metric.name in _EXACT
        return {
            **({"prompt": prompt} if prompt is not None else {}),
            "choices": texts_of(options, doc.get("choices") if isinstance(doc, dict) else None),
            "ground_truth": truth_of(places, options),
            **({"metric": "em_mc"} if exact else {}),
        }

    def _by_score(self, record: Mapping[str, Any], metric: Metric | None, options: Sequence[str]) -> list[int]:
        """The right option where only the score tells it: the chosen one if that is right, or else the other one of two."""
        value = record.get(metric.name) if metric is not None and metric.name in _EXACT else None
        place = self._place(metric, options)
        if value == 1:
            return [place]
        return [1 - place] if value == 0 and len(options) == 2 else []

    def answer(self, metric: Metric | None) -> str | None:
        """The option that the LLM chose, by the rule of the metric; the only one if the LLM would have written it."""
        _, options = self._names()
        if len(options) < _PAIR:
            return options[0].strip() if self.greedy[0] else None
        return options[self._place(metric, options)].strip()

    def _place(self, metric: Metric | None, options: Sequence[str]) -> int:
        name = metric.name if metric is not None else ""
        if name == "acc_norm":
            return chosen(self.scores, [len(option.strip()) for option in options])
        if name == "acc_bytes":
            return chosen(self.scores, [len(option.strip().encode(errors="replace")) for option in options])
        if name == "acc_mutual_info" and self.apart is not None:
            return chosen([score - alone for score, alone in zip(self.scores, self.apart, strict=True)])
        return chosen(self.scores)


def _plain(sent: Any) -> str:
    if isinstance(sent, (list, tuple)) and len(sent) == 1:
        sent = sent[0]
    if not isinstance(sent, str):
        raise BadRecordError(f"arguments is {named(sent)}, expected the text that was sent")
    return writable(sent, "arguments")
