"""The options of a multiple-choice question, in the forms that logs use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from llmfusionbench.scoring.answers.choices.lettered import LETTERS, lettered_options, without_letters
from llmfusionbench.scoring.answers.normalise import normalise
from llmfusionbench.scoring.answers.python_literal import json_or_literal

CACHED_LENGTH = 4096
"""Longer texts of options are not kept in a cache, in characters; of a longer prompt the cache keeps the hash."""
DEFAULT_LABELS = tuple("ABCDEFGHIJ")
"""Labels if the options are unknown: as many as in the largest usual task (MMLU-Pro)."""


@dataclass(frozen=True, slots=True)
class Options:
    """The options of one question."""

    labels: tuple[str, ...] = DEFAULT_LABELS
    texts: tuple[str, ...] = ()
    """One per label, or empty if the texts are unknown."""
    plain: tuple[str, ...] = ()
    """The normalised texts."""


def options_of(choices: object, prompt: object) -> Options:
    """Options from `choices`, as `read_options` reads them, or else from the lettered ones at the end of a prompt."""
    found = read_options(choices)
    if found != Options() or not isinstance(prompt, str):
        return found
    return _in_short_text(prompt) if len(prompt) <= CACHED_LENGTH else _in_long_text(_LongText(prompt))


def read_options(choices: object) -> Options:
    """Options from a list of texts, {"label": [...], "text": [...]}, {"A": ..., "B": ...}, or any of these as text.

    Texts that all begin with their letter ("A. iron", "B. tin") are taken without it.
    """
    if isinstance(choices, str):
        return _of_short_text(choices) if len(choices) <= CACHED_LENGTH else _of_text(choices)
    if not isinstance(choices, Mapping):
        return _options((), _strings(choices))
    named, texts = choices.get("label", choices.get("labels")), choices.get("text", choices.get("texts"))
    if texts is None:
        texts = choices.get("choices")
    if named is None and texts is None:
        return _options(_strings(list(choices.keys())), _strings(list(choices.values())))
    return _options(_strings(named), _strings(texts))


def _of_text(text: str) -> Options:
    value = json_or_literal(text)
    return read_options(value) if isinstance(value, (list, dict)) else _in_text(text)


def _in_text(text: str) -> Options:
    return _options((), tuple(lettered_options(text)))


class _LongText:
    """A text that a cache knows by its length and hash, and does not keep."""

    __slots__ = ("_key", "_text")

    def __init__(self, text: str) -> None:
        self._key, self._text = (len(text), hash(text)), text

    def __hash__(self) -> int:
        return self._key[1]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _LongText) and self._key == other._key

    def taken(self) -> str:
        """The text, which is let go."""
        text, self._text = self._text, ""
        return text


@lru_cache(maxsize=8192)
def _in_long_text(text: _LongText) -> Options:
    return _in_text(text.taken())


@lru_cache(maxsize=8192)
def _options(named: tuple[str, ...], texts: tuple[str, ...]) -> Options:
    if not named or named == tuple(LETTERS[: len(texts)]):
        texts = without_letters(texts) or texts
    if named and all(named):
        texts = texts if len(texts) == len(named) else ()
        return Options(named, texts, tuple(map(normalise, texts)))
    if 0 < len(texts) <= len(LETTERS):
        return Options(tuple(LETTERS[: len(texts)]), texts, tuple(map(normalise, texts)))
    return Options()


def _strings(values: object) -> tuple[str, ...]:
    if isinstance(values, (str, bytes, Mapping)) or not hasattr(values, "__iter__"):
        return ()
    return tuple(str(value).strip() for value in values)


_of_short_text = lru_cache(maxsize=8192)(_of_text)
_in_short_text = lru_cache(maxsize=8192)(_in_text)
