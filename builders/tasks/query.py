"""A query to be asked: its texts in each mode, and how an answer is scored."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from llmfusionbench.types import Turn, content_id, query_id, rendered

Message = Mapping[str, Any]
"""`role` and `content`; the content is a text, or a list of parts such as `{"type": "image_url", ...}`, which are passed on."""


@dataclass(frozen=True, kw_only=True)
class Origin:
    """The data that a query was read from: a data set on the Hub, or a file."""

    dataset: str | None = None
    """Its id on the Hub."""
    revision: str | None = None
    """The commit of the data set."""
    file: str | None = None
    """The name of the file, without its directory."""
    sha256: str | None = None
    """That of the file's bytes."""

    def stated(self) -> dict[str, str]:
        """What is known of it, by name."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class Query:
    """One query of a task."""

    task: str
    domain: str
    split: str
    """`train`, `test` or `partial_test`."""
    source_id: str | None
    """Its id in the data that it comes from."""
    prompts: Mapping[str, Sequence[Message]]
    """Mode -> the messages to send; it has `direct`."""
    metric: str
    ground_truth: str | None = None
    choices: Sequence[str] | None = None
    license: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the request body that this query needs, such as `response_format`."""
    origin: Origin | None = field(default=None, compare=False)
    """Where it was read from; None if that is not known."""

    @property
    def query_id(self) -> str:
        """The id that its row in a release has: by the text of the direct prompt."""
        turns = turns_of(self.prompts["direct"])
        return query_id(self.task, rendered(turns), turns)


def turns_of(messages: Sequence[Message]) -> list[Turn]:
    """Messages as a release holds them: the role and the text of each."""
    return [{"role": str(message["role"]), "content": text_of(message.get("content"))} for message in messages]


def text_of(content: Any) -> str:
    """The text of a message's content: itself, or its parts.

    A part that is not a text, such as an image, stands in it as its type and a hash, so that two images are two queries.
    """
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, Sequence) else ()
    return "\n\n".join(_part(part) for part in parts)


def _part(part: Any) -> str:
    if isinstance(part, Mapping) and isinstance(part.get("text"), str):
        return str(part["text"])
    kind = part.get("type") if isinstance(part, Mapping) else None
    return f"[{kind if isinstance(kind, str) else 'part'} {content_id(json.dumps(part, sort_keys=True))}]"
