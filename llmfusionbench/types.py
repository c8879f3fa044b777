"""The nouns that all layers share: modes, splits, candidates, turns and ids."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, Protocol, TypedDict

SPLITS: Final = ("train", "test", "partial_test")
PROVENANCES: Final = ("collected", "imported", "simulated")
CRITERIA: Final = ("performance", "judge", "hybrid")
"""How the answers behind a thought template were chosen."""
POOLS: Final = ("small", "all")
"""The LLMs whose answers may be behind a thought template: the small ones, or all."""

DIRECT: Final = "direct"
THINK: Final = "think"
"""The two modes with a meaning of their own: asked as it is, and with a request to reason step by step. Others are names."""

_THINK = "_think"
_MODE = re.compile(r"(?=[^a-z]*[a-z])[a-z0-9._-]{1,32}")
_THINK_SUFFIX = re.compile(r"let[’']s think step by step[.!]?\s*\Z", re.IGNORECASE)


ANSWER_KEY: Final = ("query_id", "llm", "mode", "replicate")
"""The key of an answer."""


class Progress(Protocol):
    """Called by a long task with the stage, the amount done and the total (None while unknown)."""

    def __call__(self, stage: str, done: int, total: int | None, /) -> None: ...


class Candidate(NamedTuple):
    """An LLM in a mode: what a router chooses from."""

    llm: str
    mode: str

    @property
    def name(self) -> str:
        """`llm` in direct mode, `llm_think` in think mode, `llm@mode` in another, and wherever the short form is ambiguous."""
        short = {DIRECT: self.llm, THINK: self.llm + _THINK}.get(self.mode)
        return short if short is not None and Candidate.parse(short) == self else f"{self.llm}@{self.mode}"

    @classmethod
    def parse(cls, name: str) -> Candidate:
        """The candidate that `name` stands for. What follows the last `@` is a mode if it could be one: it has a letter."""
        llm, _, mode = name.rpartition("@")
        return cls(llm, mode) if llm and is_mode(mode) else cls.of_two_modes(name)

    @classmethod
    def of_two_modes(cls, name: str) -> Candidate:
        """The candidate that `name` stands for in schema 1.0: in it, the LLM `two@x` in direct mode is `two@x`."""
        return cls(name.removesuffix(_THINK), THINK) if name.endswith(_THINK) else cls(name, DIRECT)


def is_mode(name: str) -> bool:
    """Whether `name` can be a mode: up to 32 small letters, digits, dots, dashes and underscores, with a letter."""
    return _MODE.fullmatch(name) is not None


def sorted_splits(names: Iterable[str]) -> list[str]:
    """`names` of splits in order, `train` first."""
    return sorted(names, key=lambda name: (name != "train", name))


def strip_think_suffix(prompt: str) -> str:
    """`prompt` without a trailing "Let's think step by step", in any case, with or without a full stop."""
    tail = prompt[-64:]
    end = tail.rstrip()[-2:]
    if "p" not in end and "P" not in end:  # most prompts, which this tells faster than the pattern
        return prompt
    match = _THINK_SUFFIX.search(tail)
    return prompt[: len(prompt) - len(tail)] + tail[: match.start()].rstrip() if match else prompt


def normalise_prompt(prompt: str) -> str:
    """The form of a prompt that identifies it: NFC, `\\n` line ends, no think suffix, no white space around it."""
    text = unicodedata.normalize("NFC", prompt)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
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


class Turn(TypedDict):
    """One message of what was asked."""

    role: str
    """Such as `system`, `user` or `assistant`."""
    content: str


def rendered(turns: Sequence[Turn]) -> str:
    """`turns` as one text for people and embedders: one of the user as it is, others under their roles in capitals."""
    if is_plain_prompt(turns):
        return turns[0]["content"]
    return "\n\n".join(f"{turn['role'].upper()}: {turn['content']}" for turn in turns)


def is_plain_prompt(turns: Sequence[Turn]) -> bool:
    """Whether `turns` are one of the user alone, which a prompt says in full."""
    return len(turns) == 1 and turns[0]["role"] == "user"


def query_id(task: str, prompt: str, messages: Sequence[Turn] | None = None) -> str:
    """The id of a query: the same for its direct and think prompts and in every rebuild.

    Several turns, or one that is not of the user, are identified by all their roles and contents; `prompt` is then not used.
    """
    if messages is None or is_plain_prompt(messages):
        return content_id(task, normalise_prompt(messages[0]["content"] if messages else prompt))
    turns = [part for turn in messages for part in (turn["role"], normalise_prompt(turn["content"]))]
    return content_id(task, "messages", *turns)


def template_id(query_id: str, criterion: str, pool: str, summarizer: str) -> str:
    """The id of a thought template, from its query and how it was made."""
    return content_id(query_id, criterion, pool, summarizer)
