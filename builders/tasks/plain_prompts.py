"""Plain prompts in a file of JSON Lines, such as `llmfusionbench templates retrieve` writes: each record is one query.

A record has a `prompt`, or `messages` of the OpenAI API, whose parts such as images are passed on as they are. It may have
`task`, `domain`, `split`, `source_id`, `metric`, `ground_truth`, `choices`, `license`, and `settings` or `response_format`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from llmfusionbench.builders.known.tasks import UNKNOWN, canonical_task, domain_of
from llmfusionbench.builders.reading.fields import (
    BadRecordError,
    answer_text,
    fields,
    identifier,
    named,
    option_texts,
    required_text,
    text,
)
from llmfusionbench.builders.reading.json import read_items
from llmfusionbench.builders.reading.splits import split_of_word
from llmfusionbench.builders.records import Rejected
from llmfusionbench.builders.tasks import CATALOG
from llmfusionbench.builders.tasks.cells import check_sendable, check_settings
from llmfusionbench.builders.tasks.query import Message, Origin, Query, text_of
from llmfusionbench.builders.tasks.task import in_modes
from llmfusionbench.errors import InputError
from llmfusionbench.scoring import METRICS
from llmfusionbench.storage.files import sha256
from llmfusionbench.validation.issue import shorten

_SPLIT: Final = "test"
_SETTINGS: Final = "settings"
_FORMAT: Final = "response_format"
_ENDINGS: Final = (".jsonl", ".ndjson", ".json", ".gz", ".zst")


def read_prompts(path: Path, modes: Sequence[str]) -> Iterator[tuple[int, Query] | Rejected]:
    """The queries of a file with their numbers from 0, and the rejected records.

    Args:
        path: The file, plain or compressed.
        modes: The modes that queries have prompts for.

    Raises:
        InputError: the file cannot be read, or no record is a prompt.
    """
    task = _stem(path.name)
    origin: Origin | None = None
    for item in read_items(path, path.name):
        if isinstance(item, Rejected):
            yield item
            continue
        number, value = item
        try:
            query = _query(fields(value), task, modes)
        except BadRecordError as error:
            yield Rejected(path.name, number, str(error), {})
            continue
        except RecursionError:
            yield Rejected(path.name, number, "the record is nested too deep, expected a prompt", {})
            continue
        origin = origin or Origin(file=path.name, sha256=sha256(path))
        yield number, replace(query, origin=origin)
    if origin is None:
        raise InputError(f"{path}: no record is a prompt. Remedy: give each a field prompt or messages")


def _query(record: Mapping[str, Any], file_task: str, modes: Sequence[str]) -> Query:
    task = canonical_task(text(record, "task") or file_task)
    known = CATALOG.get(task)
    return Query(
        task=task,
        domain=text(record, "domain") or domain_of(task),
        split=_split(record),
        source_id=identifier(record, "source_id") or identifier(record, "query_id"),
        prompts=in_modes(_messages(record), modes),
        metric=_metric(record) or (known.metric if known else UNKNOWN),
        ground_truth=answer_text(record.get("ground_truth")),
        choices=option_texts(record.get("choices")),
        license=text(record, "license") or (known.license if known else None),
        settings=_settings(record),
    )


def _messages(record: Mapping[str, Any]) -> list[Message]:
    if (messages := record.get("messages")) is None:
        prompt = required_text(record, "prompt")
        if not prompt.strip():
            raise BadRecordError("prompt is blank, expected a text")
        return [{"role": "user", "content": prompt}]
    if not isinstance(messages, list) or not messages:
        raise BadRecordError(f"messages is {named(messages)}, expected a list of one or more messages")
    for place, message in enumerate(messages):
        _check(message, f"messages[{place}]")
    if not any(text_of(message.get("content")).strip() for message in messages):
        raise BadRecordError("messages have no text, expected one or more")
    return [{**message, "content": message.get("content")} for message in messages]


def _check(message: Any, place: str) -> None:
    """Raises BadRecordError for what is no message of the API. Further fields, such as `name`, are passed on."""
    if not isinstance(message, dict):
        raise BadRecordError(f"{place} is {named(message)}, expected an object with role and content")
    role, content = message.get("role"), message.get("content")
    if not isinstance(role, str) or not role.strip():
        raise BadRecordError(f"{place}.role is {named(role)}, expected a text such as user")
    if isinstance(content, list) and content:
        wrong = next((i for i, part in enumerate(content) if not _is_part(part)), None)
        if wrong is not None:
            raise BadRecordError(f"{place}.content[{wrong}] is {named(content[wrong])}, expected a part with its type")
    elif not isinstance(content, str) and not (content is None and message.get("tool_calls")):
        raise BadRecordError(f"{place}.content is {named(content)}, expected a text or a list of parts")
    check_sendable(message, place)


def _is_part(part: Any) -> bool:
    return (
        isinstance(part, dict)
        and isinstance(part.get("type"), str)
        and (part["type"] != "text" or isinstance(part.get("text"), str))
    )


def _split(record: Mapping[str, Any]) -> str:
    word = record.get("split")
    if word is None:
        return _SPLIT
    if (split := split_of_word(word)) is None:
        raise BadRecordError(f"split is {named(word)}, expected train, test or partial_test")
    return split


def _metric(record: Mapping[str, Any]) -> str | None:
    name = text(record, "metric")
    if name is None or name == UNKNOWN:
        return name
    if name.lower() not in METRICS:
        raise BadRecordError(f"metric is {shorten(name)}, expected {', '.join(METRICS)}")
    return name.lower()


def _settings(record: Mapping[str, Any]) -> Mapping[str, Any]:
    settings = record.get(_SETTINGS) or {}
    if not isinstance(settings, dict):
        raise BadRecordError(f"{_SETTINGS} is {named(settings)}, expected an object")
    check_settings(settings, _SETTINGS)
    if record.get(_FORMAT) is None:
        return settings
    if not isinstance(record[_FORMAT], dict):
        raise BadRecordError(f"{_FORMAT} is {named(record[_FORMAT])}, expected an object")
    check_sendable(record[_FORMAT], _FORMAT)
    return {**settings, _FORMAT: record[_FORMAT]}


def _stem(name: str) -> str:
    """The name of a file without its endings."""
    lowered = name.lower()
    for ending in (*_ENDINGS[3:], *_ENDINGS[:3]):
        if lowered.endswith(ending):
            name, lowered = name[: -len(ending)], lowered[: -len(ending)]
    return name or "prompts"
