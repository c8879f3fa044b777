"""The expectation of a score over the tokens that could have stood in its place, from the log-probabilities of a reply.

The mean of that distribution agrees with people better than its mode, the score that the judge wrote.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from llmfusionbench.builders.judging.reply_form import SIDES
from llmfusionbench.builders.judging.scale import Scale, in_digits, plain_number

LEAST_MASS: Final = 0.9
"""Least probability of all valid scores together; with less, the number that the judge wrote counts."""
SHARES: Final[Mapping[str, float]] = dict(zip((side.casefold() for side in SIDES), (1.0, 0.0, 0.5), strict=True))
"""Verdict of a pair -> the share of the answer that was shown first."""
_TERMINATED: Final = "0123456789.+-"


@dataclass(frozen=True)
class Distribution:
    """Scores, as shares of 1, with their probabilities, which sum to 1; scores in ascending order."""

    scores: tuple[float, ...]
    probabilities: tuple[float, ...]

    @property
    def mean(self) -> float:
        return min(1.0, max(0.0, sum(s * p for s, p in zip(self.scores, self.probabilities, strict=True))))

    def rows(self) -> list[dict[str, float]]:
        """As the column `distribution` has it."""
        return [{"score": s, "probability": p} for s, p in zip(self.scores, self.probabilities, strict=True)]


@dataclass(frozen=True)
class _Token:
    start: int
    """Byte in the reply."""
    text: bytes
    probability: float
    others: tuple[tuple[bytes, float], ...]
    """The likeliest tokens in its place with their probabilities, without itself."""


class Tokens:
    """The tokens of a reply, at their places in its text."""

    def __init__(self, tokens: Sequence[_Token]) -> None:
        self._tokens = tokens

    @classmethod
    def of(cls, text: str, logprobs: Any) -> Tokens | None:
        """The tokens of `text`, the end of the stream; None without log-probabilities of it in the form of OpenAI's protocol.

        Reasoning may stand before it, even with the same text in it, and tokens that end a turn behind it.
        """
        entries = logprobs.get("content") if isinstance(logprobs, Mapping) else logprobs
        if not isinstance(entries, Sequence) or isinstance(entries, (str, bytes)) or not entries:
            return None
        read = [_read(entry) for entry in entries]
        tokens = [token for token in read if token is not None]
        if len(tokens) != len(read):
            return None
        shift = b"".join(text for text, _, _ in tokens).rfind(text.encode("utf-8", "replace"))
        if shift < 0:
            return None
        placed, place = [], -shift
        for token, probability, others in tokens:
            placed.append(_Token(place, token, probability, others))
            place += len(token)
        return cls(placed)

    def number(self, text: str, span: tuple[int, int], scale: Scale, *, cut_off: bool = False) -> Distribution | None:
        """The distribution of the number at `span` of `text`, over shares of 1.

        A token that is another than the one that was written stands for the number that it would end. It is left out if that
        number could go on, as 1 could to 10, unless the tokenizer has all of 10 as one token. What was written counts as far
        as the next token ends it. If there is none, since the reply was cut off, it is judged like the other tokens, and
        none of them counts that could go on at all.
        """
        tokens = self._at(text, span)
        following = self._from(tokens[-1]) if tokens else None
        ends = scale.ends if cut_off and following is None else scale.ends_if_likely
        masses: dict[float, float] = {}
        weight, written, whole = 1.0, "", set[str]()
        for token, before, end in tokens:
            heads = [(other[len(before) :], p) for other, p in token.others if other.startswith(before)]
            whole = {_split(head)[0] for head, _ in heads} | {_split(token.text[len(before) :])[0]}
            for head, probability in heads:
                number, ended = _split(head)
                candidate = written + number
                if _ends(number, candidate, ends, ended=ended) or _one_token(candidate, whole, written, scale):
                    _add(masses, scale, candidate, weight * probability)
            before_last, written = written, written + token.text[len(before) : end].decode("utf-8", "replace")
            weight *= token.probability
        if not tokens:
            return None
        if following is None:
            if not cut_off or ends(written) or _one_token(written, whole, before_last, scale):
                _add(masses, scale, written, weight)
            return _normalised(masses)
        for head, probability in ((following.text, following.probability), *following.others):
            number, ended = _split(head)
            if _ends(number, written + number, ends, ended=ended):
                _add(masses, scale, written + number, weight * probability)
        return _normalised(masses)

    def side(self, text: str, span: tuple[int, int]) -> Distribution | None:
        """The distribution of the verdict at `span` of `text`: shares of the answer that was shown first."""
        tokens = self._at(text, span)
        if not tokens:
            return None
        token, before, _ = tokens[0]
        masses: dict[float, float] = {}
        for word, probability in ((token.text, token.probability), *token.others):
            if not word.startswith(before):
                continue
            head = word[len(before) :].decode("utf-8", "replace").strip(" \"'<\n").casefold()
            sides = [share for side, share in SHARES.items() if head and side.startswith(head)]
            if len(sides) == 1:
                masses[sides[0]] = masses.get(sides[0], 0.0) + probability
        return _normalised(masses)

    def _from(self, last: tuple[_Token, bytes, int]) -> _Token | None:
        """The token after the last one of a number: the rest of that token if it has one, else the next one."""
        token, _, end = last
        if end < len(token.text):
            return _Token(token.start + end, token.text[end:], 1.0, ())
        return next((found for found in self._tokens if found.start == token.start + len(token.text) and found.text), None)

    def _at(self, text: str, span: tuple[int, int]) -> list[tuple[_Token, bytes, int]]:
        """The tokens over a span: each with what it has before the span, and where the span ends in it."""
        start, end = (len(text[:place].encode("utf-8", "replace")) for place in span)
        return [
            (token, token.text[: max(0, start - token.start)], min(len(token.text), end - token.start))
            for token in self._tokens
            if token.start < end and token.start + len(token.text) > start
        ]


def _read(entry: Any) -> tuple[bytes, float, tuple[tuple[bytes, float], ...]] | None:
    own = _one(entry)
    if own is None:
        return None
    listed = entry.get("top_logprobs") or ()
    others = [_one(other) for other in listed] if isinstance(listed, Sequence) else [None]
    kept = {text: p for other in others if other is not None for text, p in [other] if text != own[0]}
    return own[0], own[1], tuple(kept.items())


def _one(entry: Any) -> tuple[bytes, float] | None:
    """(token, probability) of an entry; None if it is none."""
    if not isinstance(entry, Mapping):
        return None
    text, logprob, raw = entry.get("token"), entry.get("logprob"), entry.get("bytes")
    if not isinstance(text, str) or isinstance(logprob, bool) or not isinstance(logprob, (int, float)) or math.isnan(logprob):
        return None
    whole = isinstance(raw, Sequence) and all(isinstance(b, int) and 0 <= b < 256 for b in raw)
    return (bytes(raw) if whole and raw else text.encode("utf-8", "replace")), min(1.0, math.exp(min(0.0, logprob)))


def _split(head: bytes) -> tuple[str, bool]:
    """(the part of a number that a token begins with, whether something else follows it)."""
    text = head.decode("utf-8", "replace")
    number = text[: len(text) - len(text.lstrip(_TERMINATED))]
    return number, len(number) < len(text)


def _ends(number: str, candidate: str, ends: Callable[[str], bool], *, ended: bool) -> bool:
    """Whether a token that begins with `number`, and makes the whole number `candidate`, ends it by the rule `ends`."""
    return bool(candidate) and (ended or (bool(number) and ends(candidate)))


def _one_token(candidate: str, whole: set[str], written: str, scale: Scale) -> bool:
    """Whether every longer score that begins like `candidate` is a token of its own in this place."""
    number = plain_number(candidate) if candidate != written else None
    if scale.values is None or number is None or scale.share(number) is None:
        return False
    longer = [text for text in map(in_digits, scale.values) if text != candidate and text.startswith(candidate)]
    return all(written == "" and text in whole for text in longer)


def _add(masses: dict[float, float], scale: Scale, text: str, mass: float) -> None:
    number = plain_number(text)
    share = None if number is None else scale.share(number)
    if share is not None:
        masses[share] = masses.get(share, 0.0) + mass


def _normalised(masses: Mapping[float, float]) -> Distribution | None:
    total = sum(masses.values())
    if total < LEAST_MASS or not math.isfinite(total):
        return None
    ordered: Iterator[tuple[float, float]] = iter(sorted(masses.items()))
    scores, weights = zip(*ordered, strict=True)
    return Distribution(scores, tuple(weight / total for weight in weights))
