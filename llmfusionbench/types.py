"""The nouns that all layers share: modes, splits, candidates and ids."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from typing import Final, NamedTuple, Protocol

MODES: Final = ("direct", "think")
SPLITS: Final = ("train", "test", "partial_test")
PROVENANCES: Final = ("collected", "imported", "simulated")
CRITERIA: Final = ("performance", "judge", "hybrid")
"""How the answers behind a thought template were chosen."""
POOLS: Final = ("small", "all")
"""Whose answers may be behind a thought template: those of small LLMs, or of all."""

_THINK = "_think"
_THINK_SUFFIX = re.compile(r"\s*let[’']s think step by step[.!]?\s*\Z", re.IGNORECASE)


class Progress(Protocol):
    """Called by a long task with the stage, the amount done and the total (None while unknown)."""

    def __call__(self, stage: str, done: int, total: int | None, /) -> None: ...


class Candidate(NamedTuple):
    """An LLM in a mode: what a router chooses from."""

    llm: str
    mode: str

    @property
    def name(self) -> str:
        """`name` in direct mode, `name_think` in think mode."""
        return self.llm + _THINK if self.mode == "think" else self.llm

    @classmethod
    def parse(cls, name: str) -> Candidate:
        """The candidate that `name` stands for."""
        return cls(name.removesuffix(_THINK), "think") if name.endswith(_THINK) else cls(name, "direct")


def sorted_splits(names: Iterable[str]) -> list[str]:
    """`names` of splits in order, `train` first."""
    return sorted(names, key=lambda name: (name != "train", name))


def strip_think_suffix(prompt: str) -> str:
    """`prompt` without a trailing "Let's think step by step", in any case, with or without a full stop."""
    tail = prompt[-64:]
    match = _THINK_SUFFIX.search(tail)
    return prompt[: len(prompt) - len(tail) + match.start()] if match else prompt


def normalise_prompt(prompt: str) -> str:
    """The form of a prompt that identifies it: NFC, `\\n` line ends, no think suffix, no white space around it."""
    text = unicodedata.normalize("NFC", prompt).replace("\r\n", "\n").replace("\r", "\n")
    return strip_think_suffix(text).strip()


def content_id(*parts: str) -> str:
    """The first 24 hexadecimal digits (96 bits) of `text_digest`."""
    return text_digest(parts)[:24]


def text_digest(texts: Iterable[str]) -> str:
    """The SHA-256 of `texts`, in hexadecimal; each is preceded by its length, so that ("ab", "c") differs from ("a", "bc")."""
    digest = hashlib.sha256()
    for text in texts:
        data = text.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.hexdigest()


def query_id(task: str, prompt: str) -> str:
    """The id of a query: the same for its direct and think prompts and in every rebuild."""
    return content_id(task, normalise_prompt(prompt))


def template_id(query_id: str, criterion: str, pool: str, summarizer: str) -> str:
    """The id of a thought template, from its query and how it was made."""
    return content_id(query_id, criterion, pool, summarizer)
