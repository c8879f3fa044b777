"""Samples of Every Eval Ever: the log records of one sample, whose metric and LLM are looked up elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from llmfusionbench.builders.reading.eee_runs import OWN, own_number
from llmfusionbench.builders.reading.fields import (
    BadRecordError,
    answer_text,
    count,
    identifier,
    literal,
    named,
    number,
    option_texts,
    text,
    writable,
)
from llmfusionbench.builders.reading.objects import error_text, reasoning_text, sampling, turns
from llmfusionbench.types import Turn, is_plain_prompt, rendered

PROMPTS: Final = ("raw", "formatted")
"""Which text of a sample is its prompt."""
_TEXTS: Final = (
    "mode",
    "status",
    "metric",
    "metric_version",
    "domain",
    "license",
    "tokenizer",
    "finish_reason",
    "requested_model",
    "served_model",
    "endpoint",
    "service_tier",
    "created_at",
    "split",
    "provenance",
)
_COUNTS: Final = ("replicate", "attempts", "input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens")
_REALS: Final = ("cost_usd", "latency_s")
_SPENT: Final = ("input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens", "latency_s")


@dataclass(frozen=True)
class Sample:
    """A sample."""

    key: str | None
    """Its evaluation_result_id."""
    name: str
    """Its evaluation_name."""
    score: float | None
    """As it is written, on the scale of the metric."""
    record: dict[str, Any]
    """Columns of a log record, but for task, llm, response and performance."""
    outputs: list[tuple[str | None, str | None]]
    """Response and reasoning of each answer; more than one where they share a score."""
    talked: bool
    """Whether turns between the question and the last answer are left out."""
    unscored: bool
    """Whether the answer has no score of its own, and `score` is what it counts in the mean."""


def sample_of(record: Mapping[str, Any], prompt: str) -> Sample:
    """The sample in a raw record, its prompt being `raw` or `formatted`.

    Raises:
        BadRecordError: it is not a sample, or a field has another type than the schema states.
    """
    if not isinstance(record.get("input"), dict) or "evaluation" not in record:
        raise BadRecordError("input and evaluation are missing, expected a sample of Every Eval Ever")
    given, judged, metadata = record["input"], _part(record, "evaluation"), _part(record, "metadata")
    own = _own(metadata) if metadata else {}
    asked, outputs, talked = _said(record, metadata)
    raw, formatted = text(given, "raw"), text(given, "formatted")
    said = (formatted if own.get("mode") == "think" or prompt == "formatted" else raw) or raw
    if asked and said and is_plain_prompt(asked):
        asked = None  # the input says it
    references = _references(given.get("reference"))
    options = option_texts(given.get("choices"), "input.choices") or None
    found = {
        "source_id": None if metadata.get(OWN + "query_id") == record.get("sample_id") else identifier(record, "sample_id"),
        "prompt": said or (rendered(asked) if asked else None),
        "messages": asked,
        "ground_truth": _truth(references),
        # Some converters give the references of free texts as choices.
        "choices": None if options == references and OWN + "query_id" not in metadata else options,
        "error": error_text(record.get("error")),
        **_tokens(_part(record, "token_usage")),
        "latency_s": _latency(_part(record, "performance")),
        **own,
    }
    if len(outputs) > 1:  # counts of all outputs together
        found |= dict.fromkeys(_SPENT)
    unscored = metadata.get(OWN + "unscored")
    return Sample(
        text(record, "evaluation_result_id"),
        text(record, "evaluation_name") or "",
        None if unscored == "true" else _score(judged),
        found,
        outputs,
        talked,
        unscored is not None,
    )


def _own(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that an export of ours has put into the metadata."""
    if not any(isinstance(name, str) and name.startswith(OWN) for name in metadata):
        return {}
    own: dict[str, Any] = {name: text(metadata, OWN + name) for name in _TEXTS}
    own |= {name: _own_count(metadata, name) for name in _COUNTS}
    own |= {name: own_number(metadata, name) for name in _REALS}
    settings = text(metadata, OWN + "sampling")
    own["sampling"] = None if settings is None else sampling(literal(settings))
    return {name: value for name, value in own.items() if value is not None}


def _score(judged: Mapping[str, Any]) -> float | None:
    found = number(judged, "score")
    return float(judged["is_correct"]) if found is None and isinstance(judged.get("is_correct"), bool) else found


def _said(
    record: Mapping[str, Any], metadata: Mapping[str, Any]
) -> tuple[list[Turn] | None, list[tuple[str | None, str | None]], bool]:
    """(the turns that were asked, None where the input says all; response and reasoning of each answer; what is left out)."""
    spoken = record.get("messages") or record.get("interactions")
    if not spoken:
        return None, _outputs(record), False
    talk = turns(spoken) or []
    answered = [i for i, turn in enumerate(talk) if turn["role"] == "assistant"]
    last = next((i for i in reversed(answered) if talk[i]["content"]), answered[-1] if answered else None)
    reasoning = None if last is None else reasoning_text(spoken[last].get("reasoning_trace"))
    outputs: list[tuple[str | None, str | None]] = [(None if last is None else talk[last]["content"], reasoning)]
    if last is None:
        outputs = _outputs(record)
    stated = _own_count(metadata, "turns")
    if stated is not None:
        reply = spoken[stated] if len(talk) > stated else {}
        return talk[:stated], [(text(reply, "content"), reasoning_text(reply.get("reasoning_trace")))], False
    first = answered[0] if answered else len(talk)
    follow_ups = [turn for turn in talk[first:] if turn["role"] == "user"]
    asked = [*talk[:first], *follow_ups]
    return asked or None, outputs, len(talk) > len(asked) + (last is not None)


def _outputs(record: Mapping[str, Any]) -> list[tuple[str | None, str | None]]:
    output = record.get("output")
    if isinstance(output, str):
        output = {"raw": output}
    if output is None:
        return [(None, None)]
    if not isinstance(output, dict):
        raise BadRecordError(f"output is {named(output)}, expected an object with raw")
    texts, thoughts = _listed(output.get("raw"), "output.raw"), output.get("reasoning_trace")
    if len(texts) > 1 and isinstance(thoughts, list) and len(thoughts) == len(texts):
        return [(answer, reasoning_text(thought)) for answer, thought in zip(texts, thoughts, strict=True)]
    reasoning = reasoning_text(thoughts)
    return [(answer, reasoning) for answer in texts] or [(None, reasoning)]


def _listed(value: Any, name: str) -> list[str]:
    values = [] if value is None else value if isinstance(value, list) else [value]
    if not all(isinstance(one, str) for one in values):
        raise BadRecordError(f"{name} is {named(value)}, expected a list of texts")
    return [writable(one, name) for one in values]


def _references(value: Any) -> list[str]:
    values = [] if value is None else value if isinstance(value, list) else [value]
    if not all(isinstance(one, (str, int, float)) for one in values):
        raise BadRecordError(f"input.reference is {named(value)}, expected a list of texts")
    return [writable(str(one), "input.reference") for one in values]


def _truth(references: Sequence[str]) -> str | None:
    """One reference as it is; several as a JSON array."""
    return references[0] if len(references) == 1 else answer_text(list(references)) if references else None


def _tokens(usage: Mapping[str, Any]) -> dict[str, Any]:
    """The counts of tokens; none where all are 0. Cached ones that the input lacks, as the total shows, are added."""
    given, made = _whole(usage, "input_tokens"), _whole(usage, "output_tokens")
    cached, written = _whole(usage, "input_tokens_cache_read"), _whole(usage, "input_tokens_cache_write")
    if not given and not made:
        return {}
    apart = (cached or 0) + (written or 0)
    if given is not None and made is not None and apart and _whole(usage, "total_tokens") == given + made + apart:
        given += apart
    return {
        "input_tokens": given,
        "output_tokens": made,
        "reasoning_tokens": _whole(usage, "reasoning_tokens"),
        "cached_tokens": cached,
    }


def _whole(usage: Mapping[str, Any], name: str) -> int | None:
    """`count`, without its checks for what is most often given."""
    value = usage.get(name)
    return value if value is None or (type(value) is int and 0 <= value < 2**53) else count(usage, name)


def _latency(spent: Mapping[str, Any]) -> float | None:
    """Seconds, of the whole call or else of the generation."""
    found = number(spent, "latency_ms")
    found = number(spent, "generation_time_ms") if found is None else found
    return None if found is None else found / 1000


def _own_count(metadata: Mapping[str, Any], name: str) -> int | None:
    found = own_number(metadata, name)
    return None if found is None else count({name: found}, name)


def _part(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = record.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadRecordError(f"{name} is {named(value)}, expected an object")
    return value
