"""Langfuse: the generations among exported observations, from the API, the web page or the export to a bucket.

A generation is one call of an LLM. Spans, events and other observations are left out, and so are traces without observations.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Final

from llmfusionbench.builders.reading.chat_answers import answers_of
from llmfusionbench.builders.reading.chat_requests import query_of, sampling_of
from llmfusionbench.builders.reading.chat_usage import Tokens, tokens_by_kind, tokens_of
from llmfusionbench.builders.reading.client_logs import COMMON, LeftOut, candidate_of, read_log
from llmfusionbench.builders.reading.failures import failure_text
from llmfusionbench.builders.reading.fields import BadRecordError, identity_of, writable
from llmfusionbench.builders.reading.file_names import labelled
from llmfusionbench.builders.reading.langfuse_scores import Score, Scores, flat_scores, is_score, scored
from llmfusionbench.builders.reading.loose import call_times, first_of, loose_amount, loose_count, loose_object
from llmfusionbench.builders.reading.replicates import Repeats
from llmfusionbench.builders.reading.rows import exports, read_rows
from llmfusionbench.builders.records import Part, Rejected
from llmfusionbench.errors import InputError

_NAMES: Final = {"source_id": "id", "llm": "model"}
_MODEL: Final = ("model", "providedModelName", "provided_model_name")
_TRACE: Final = ("traceId", "trace_id")
_INPUT: Final = ("promptTokens", "inputUsage", "prompt_tokens")
_OUTPUT: Final = ("completionTokens", "outputUsage", "completion_tokens")
_TOTAL: Final = ("calculatedTotalCost", "totalCost", "calculated_total_cost", "total_cost")


@dataclass(frozen=True, kw_only=True)
class Langfuse:
    """Reads exports of Langfuse: observations, generations, traces with their observations, and scores.

    Args:
        task: Name of the task of all queries; by default the name of the trace, or `langfuse` where it is not stated.
        split: The split of every query.
        score: Name of the score that is the performance of an answer; its name becomes the metric. The other scores are
            those of judges.
    """

    FILES: ClassVar[tuple[str, ...]] = exports(
        "*observations*", "*generations*", "*traces*", "*trace-*", "*scores*", "*langfuse*"
    )

    task: str | None = None
    split: str = "train"
    score: str | None = None

    def read(self, paths: Sequence[Path]) -> Iterator[Part]:
        """Everything in the files, the scores first."""
        scores, logs = Scores(), []
        for path, file in labelled(paths):
            if _holds_scores(path, file):
                yield from _read_scores(path, file, scores)
            else:
                logs.append((path, file))
        if paths and not logs:
            raise InputError(f"{paths[0]}: scores alone, expected observations as well. Remedy: add the export of observations")
        sizes = _generations(logs) if scores.of_trace else Counter()
        repeats = Repeats()
        shared = COMMON | {"split": self.split}
        for path, file in logs:
            left = LeftOut()
            read = partial(self._answers, left=left, repeats=repeats, scores=scores, sizes=sizes)
            identity = partial(identity_of, names=_NAMES)
            yield from read_log(
                path, file, read, shared, left, "generation of Langfuse", items=read_rows(path, file), identity=identity
            )

    def _answers(
        self, record: dict[str, Any], *, left: LeftOut, repeats: Repeats, scores: Scores, sizes: Counter[str]
    ) -> Iterator[dict[str, Any] | BadRecordError]:
        """The answers of a generation, or of those in a trace."""
        observations, whole = record.get("observations"), record.get("trace")
        if isinstance(observations, list) and isinstance(whole, dict):  # as the web page downloads a trace
            record = record | whole
        if not isinstance(observations, list):
            if not _is_observation(record):
                raise BadRecordError("the record has no type and no model, expected an observation or a trace of Langfuse")
            trace = first_of(record, *_TRACE)
            of_trace = scores.of_trace.get(trace, []) if isinstance(trace, str) else []
            if of_trace and isinstance(trace, str) and sizes[trace] > 1:
                of_trace = []
                left.remarks["a score of a trace with several generations is of none of them, and is left out"] += 1
            yield from self._answer(record, first_of(record, "traceName", "trace_name"), left, repeats, scores, of_trace)
            return
        inner = [one for one in observations if isinstance(one, dict)]
        if not inner:
            left.records["traces without observations; export the observations"] += 1
            return
        of_trace = _of_trace(record, scores, inner, left)
        for one in inner:
            try:
                yield from self._answer(one, record.get("name"), left, repeats, scores, of_trace)
            except BadRecordError as error:
                yield error

    def _answer(
        self, record: Mapping[str, Any], trace: Any, left: LeftOut, repeats: Repeats, scores: Scores, of_trace: list[Score]
    ) -> Iterator[dict[str, Any]]:
        kind = record.get("type", "GENERATION")
        if str(kind).upper() != "GENERATION":
            left.records[f"observations of the type {str(kind)[:40]}, which are not calls of an LLM"] += 1
            return
        call = first_of(record, "id", "observationId")
        if not isinstance(call, str):
            raise BadRecordError("the generation has no id, expected a text")
        model = first_of(record, *_MODEL)
        names = candidate_of(writable(model, "model") if isinstance(model, str) else None, None)
        task = self.task or (writable(trace, "the name of the trace") if isinstance(trace, str) else None) or "langfuse"
        said = {"task": task, "source_id": call, "requested_model": model, **_query(record.get("input")), **_call(record)}
        given = [*scores.of_observation.get(call, ()), *flat_scores(record, self.score), *of_trace]
        made = _said(record.get("output"))
        for i, answer in enumerate(made):
            row = said | {k: v for k, v in answer.items() if v is not None and said.get(k) is None}
            row |= names
            if len(made) > 1:
                row |= {"output_tokens": None, "reasoning_tokens": None, "cost_usd": None}
            row["replicate"] = repeats.number(row, f"{call} {i}")
            yield from scored(row, given, self.score, left)


def _is_observation(record: Mapping[str, Any]) -> bool:
    return "type" in record or first_of(record, *_MODEL) is not None


def _query(value: Any) -> dict[str, Any]:
    """What was asked; an object that holds no conversation is the text of its JSON."""
    if value is None or value in ("", [], {}):
        return {}
    try:
        return query_of(value, "input")
    except BadRecordError:  # input of any other shape, such as the variables of a prompt
        return {"prompt": _json_text(value, "input")}


def _said(value: Any) -> list[dict[str, Any]]:
    """The answers; a value that is no message is the text of its JSON, for Langfuse parses answers that are JSON."""
    try:
        return answers_of(value, "output") or [{}]
    except BadRecordError:
        return [{"response": _json_text(value, "output")}]


def _json_text(value: Any, name: str) -> str:
    return writable(json.dumps(value, ensure_ascii=False, default=str), name)


def _call(record: Mapping[str, Any]) -> dict[str, Any]:
    """What the record of a generation states of the call, beside what was asked and answered."""
    started, ended = first_of(record, "startTime", "start_time"), first_of(record, "endTime", "end_time")
    moment, latency = call_times(started, ended)
    found: dict[str, Any] = {
        "sampling": sampling_of(first_of(record, "modelParameters", "model_parameters")),
        "created_at": moment,
        # Exports of the web page state the latency in milliseconds and the API in seconds: the times tell it without a doubt.
        "latency_s": loose_amount(record.get("latency")) if latency is None and not ended else latency,
        "cost_usd": _cost(record),
        **_tokens(record),
    }
    if str(record.get("level", "")).upper() == "ERROR":
        told = failure_text(first_of(record, "statusMessage", "status_message"))
        found |= {"status": "error", "error": told or "the call failed"}
    return found


def _cost(record: Mapping[str, Any]) -> float | None:
    """What the call took in USD; a 0 without details stands for a model whose price Langfuse does not know."""
    details = loose_object(first_of(record, "costDetails", "cost_details"))
    kinds = {name: cost for name, value in details.items() if (cost := loose_amount(value)) is not None}
    if kinds:
        return kinds["total"] if "total" in kinds else sum(kinds.values())
    return next((cost for name in _TOTAL if (cost := loose_amount(record.get(name)))), None)


def _tokens(record: Mapping[str, Any]) -> Tokens:
    details = loose_object(first_of(record, "usageDetails", "usage_details"))
    usage = loose_object(record.get("usage"))
    if str(usage.get("unit", "TOKENS")).upper() not in ("TOKENS", "NONE", ""):
        usage = {}
    for given in (details, usage):
        for read in (tokens_by_kind, tokens_of) if given else ():
            found = read(given)
            if found["input_tokens"] or found["output_tokens"]:
                return found
    asked, written = (next((n for k in names if (n := loose_count(record.get(k)))), None) for names in (_INPUT, _OUTPUT))
    return {"input_tokens": asked, "output_tokens": written}


def _of_trace(record: Mapping[str, Any], scores: Scores, inner: list[dict[str, Any]], left: LeftOut) -> list[Score]:
    """The scores of a trace as a whole, if one of its observations is a generation; those of observations are kept."""
    whole = Scores(scores.of_observation, {})
    for score in record.get("scores") or ():
        if isinstance(score, dict):
            whole.add({"traceId": record.get("id"), **score})
    trace = record.get("id")
    found = [*whole.of_trace.get(str(trace), ()), *scores.of_trace.get(str(trace), ())]
    if found and sum(str(one.get("type", "GENERATION")).upper() == "GENERATION" for one in inner) > 1:
        left.remarks["a score of a trace with several generations is of none of them, and is left out"] += len(found)
        return []
    return found


def _holds_scores(path: Path, file: str) -> bool:
    """Whether a file holds scores, by its first record."""
    for item in read_rows(path, file):
        if not isinstance(item, Rejected):
            return is_score(item[1])
    return False


def _read_scores(path: Path, file: str, scores: Scores) -> Iterator[Rejected]:
    for item in read_rows(path, file):
        if isinstance(item, Rejected):
            yield item
        elif not is_score(item[1]):
            yield Rejected(file, item[0], "the record is not a score, as those before it are", identity_of(item[1], _NAMES))
        else:
            try:
                scores.add(item[1])
            except BadRecordError as error:
                yield Rejected(file, item[0], str(error), {})


def _generations(logs: Sequence[tuple[Path, str]]) -> Counter[str]:
    """Trace -> the number of its generations in the files."""
    found: Counter[str] = Counter()
    for path, file in logs:
        for item in read_rows(path, file):
            record = None if isinstance(item, Rejected) else item[1]
            if isinstance(record, dict) and str(record.get("type", "GENERATION")).upper() == "GENERATION":
                trace = first_of(record, *_TRACE)
                found.update([trace] if isinstance(trace, str) else ())
    return found
