"""A proposed mapping of a file's fields to our columns, by their names and the shape of their values, for people to check."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final

from llmfusionbench.builders.recognising.fields import MESSAGES, Field, fields_of, snake
from llmfusionbench.builders.recognising.head import Head
from llmfusionbench.builders.recognising.names import FAIL_WORDS, NAMES, PASS_WORDS, SPLIT_WORDS, STATUS_WORDS

_NAME: Final = 200
"""The longest text that names an LLM, a task or a status."""
_SCALES: Final = ((0, 1), (1, 5), (1, 10), (0, 10), (0, 100))
_MS: Final = re.compile(r"(?:^|_)(?:ms|millis|milliseconds)(?:_|$)")
_NUMBERS: Final = ("whole number", "number")
_PER_CALL: Final = 2
"""From how many ids of one prompt on a column of ids numbers calls, not queries."""


@dataclass(frozen=True)
class Line:
    """Where one of our columns comes from."""

    ours: str
    theirs: str
    """A path, with a unit or scale, or a text with `{parent}` or `{stem}`."""
    why: str
    source: Field | None = None
    words: Mapping[str, str | int] = field(default_factory=dict)
    """Words of the field -> ours."""
    is_sure: bool = True
    """Whether it is to be used as it is; a guess is only written as a comment."""


@dataclass(frozen=True)
class Proposal:
    """A mapping of the fields of a file."""

    lines: list[Line]
    unmapped: list[Field]

    @property
    def sure(self) -> list[Line]:
        """The lines that are to be used."""
        return [line for line in self.lines if line.is_sure]

    @property
    def lacking(self) -> list[str]:
        """What a table needs and no field seems to give."""
        have = {line.ours for line in self.sure}
        groups = {"the query": {"prompt", "messages", "source_id"}, "llm": {"llm"}, "response or performance": _ANSWERED}
        return [words for words, names in groups.items() if not have & names]

    @property
    def is_enough(self) -> bool:
        """Whether `table` can read the file with it, and the file gives an answer or a score."""
        return not self.lacking

    def arguments(self) -> list[str]:
        """The options of `llmfusionbench build table`, each quoted for a shell."""
        found = []
        for line in self.sure:
            found += ["--map", shlex.quote(f"{line.ours}={line.theirs}")]
            if line.words:
                pairs = ",".join(f"{theirs}:{ours}" for theirs, ours in line.words.items())
                found += ["--values", shlex.quote(f"{line.ours}={pairs}")]
        return found


_TRUTH_OR_ANSWER: Final = ("answer", "answers", "text", "content", "solution")
"""Names of answers in a log of answers, and of ground truths or prompts in a set of questions, which names no LLM."""
_ANSWERED: Final = {"response", "performance", "judge_score"}


def propose(head: Head) -> Proposal:
    """The mapping that the names and values of a file's first records suggest."""
    fields = fields_of(head.records, cells=head.is_delimited)
    taken: dict[str, Field] = {}
    lines: dict[str, Line] = {}
    for ours in _ORDER:
        if (ours == "messages" and "prompt" in lines) or (ours == "source_id" and _numbers_calls(taken.get("prompt"), fields)):
            continue
        free = [one for one in fields if one not in taken.values()]
        if ours == "response" and "llm" not in lines and not _has_truth(free):
            free = [one for one in free if one.key not in _TRUTH_OR_ANSWER]
        line = _line(ours, free)
        if line is not None and line.source is not None:
            lines[ours] = line
            if line.is_sure:
                taken[ours] = line.source
    if "llm" not in lines:
        lines["llm"] = Line("llm", "{parent}", "no field names the LLM: the folder of the file; {stem} is the file's own name")
    if "judge" in lines and "performance" in lines:
        scored = lines.pop("performance")
        lines["judge_score"] = Line("judge_score", scored.theirs, scored.why, scored.source, scored.words, scored.is_sure)
    elif "judge" in lines:
        del lines["judge"]
    ordered = [lines[ours] for ours in (*NAMES, "judge_score") if ours in lines]
    used = [line.source for line in ordered]
    return Proposal(ordered, [one for one in fields if one not in used])


_FIRST: Final = ("prompt", "llm", "response", "ground_truth", "messages")
_ORDER: Final = (*_FIRST, *(name for name in NAMES if name not in _FIRST))
"""The order in which our columns choose their fields."""


def _has_truth(fields: Sequence[Field]) -> bool:
    """Whether a field besides those that may be answers holds ground truths."""
    line = _line("ground_truth", [one for one in fields if one.key not in _TRUTH_OR_ANSWER])
    return line is not None


def _line(ours: str, fields: Sequence[Field]) -> Line | None:
    """The field with the best name whose values fit."""
    for pattern in NAMES[ours]:
        wanted = re.compile(pattern)
        named = [one for one in fields if wanted.fullmatch(one.key) and one.count and not one.is_secret]
        for one in sorted(named, key=lambda f: (-f.count, len(f.steps))):
            line = _SHAPES.get(ours, _text)(ours, one)
            if line is not None:
                return line
    return None


def _called(one: Field) -> str:
    return f"called {one.name}"


def _text(ours: str, one: Field) -> Line | None:
    """A field of texts; numbers may be prompts, answers or truths too."""
    if one.type in ("object", MESSAGES, "null") or (one.type == "list" and ours not in ("ground_truth",)):
        return None
    if ours in ("prompt", "response") and one.type == "true or false":
        return None
    if ours == "prompt" and one.type in _NUMBERS:
        return None
    if one.key == "label" and set(_numbers(one)) <= {0, 1} and one.type in _NUMBERS:
        return None  # whether the answer is right
    if ours == "response" and one.key in _TRUTH_OR_ANSWER and one.type in _NUMBERS:
        return None
    return Line(ours, one.path, _called(one), one)


def _short(ours: str, one: Field) -> Line | None:
    """A field of names."""
    texts = [value for value in one.values if isinstance(value, str)]
    if one.type != "text" or len(texts) < len(one.values) or any("\n" in t or len(t) > _NAME for t in texts):
        return None
    return Line(ours, one.path, _called(one), one)


def _messages(ours: str, one: Field) -> Line | None:
    if one.type != MESSAGES:
        return None
    asked = [value[-1].get("role") != "assistant" for value in one.values]
    return Line(ours, one.path, f"{_called(one)}, a list of messages", one) if all(asked) else None


def _choices(ours: str, one: Field) -> Line | None:
    plain = all(isinstance(v, (list, tuple)) and all(isinstance(item, str) for item in v) for v in one.values)
    return Line(ours, one.path, f"{_called(one)}, lists of texts", one) if one.type == "list" and plain else None


def _score(ours: str, one: Field) -> Line | None:
    """Numbers on a scale, or words for right and wrong."""
    if one.type in ("true or false", "text"):
        words = {str(value).lower() if isinstance(value, bool) else str(value).strip() for value in one.values} - {""}
        known = {w: int(w.lower() in PASS_WORDS) for w in sorted(words) if w.lower() in (*PASS_WORDS, *FAIL_WORDS)}
        whole = len(known) == len(words) and words
        return Line(ours, one.path, f"{_called(one)}, right or wrong", one, known) if whole else None
    numbers = _numbers(one)
    if not numbers:
        return None
    low, high = min(numbers), max(numbers)
    ends = next(((a, b) for a, b in _SCALES if a <= low and high <= b), None)
    if ends == (0, 1):
        return Line(ours, one.path, f"{_called(one)}, from {low:g} to {high:g}", one)
    if ends is None:
        return Line(ours, one.path, f"{_called(one)}, from {low:g} to {high:g}: state its scale", one, is_sure=False)
    scale = f"{one.path} {ends[0]}:{ends[1]}"
    return Line(ours, scale, f"{_called(one)}, from {low:g} to {high:g}: check that the scale is {ends[0]} to {ends[1]}", one)


def _count(ours: str, one: Field) -> Line | None:
    numbers = _numbers(one)
    whole = bool(numbers) and all(n >= 0 and n.is_integer() for n in numbers)
    return Line(ours, one.path, _called(one), one) if whole else None


def _cost(ours: str, one: Field) -> Line | None:
    numbers = _numbers(one)
    if not numbers or min(numbers) < 0:
        return None
    unit = "/100" if "cent" in snake(one.name) else ""
    return Line(ours, one.path + unit, f"{_called(one)}: check that it is in USD", one)


def _latency(ours: str, one: Field) -> Line | None:
    numbers = _numbers(one)
    if not numbers or min(numbers) < 0:
        return None
    if _MS.search(snake(one.name)):
        return Line(ours, f"{one.path}/1000", f"{_called(one)}, in milliseconds", one)
    middle = f"{_called(one)}, {median(numbers):g} in the middle"
    if median(numbers) >= 100:
        return Line(ours, f"{one.path}/1000", f"{middle}: check that it is in milliseconds", one)
    return Line(ours, one.path, f"{middle}: check that it is in seconds", one)


def _id(ours: str, one: Field) -> Line | None:
    fits = one.type in ("text", "whole number") and all(isinstance(v, (str, int)) and len(str(v)) <= _NAME for v in one.values)
    return Line(ours, one.path, _called(one), one) if fits else None


def _words(table: Mapping[str, Sequence[str]]) -> Callable[[str, Field], Line | None]:
    """A field of words that all have a meaning of ours."""

    def shape(ours: str, one: Field) -> Line | None:
        words = {str(value).strip() for value in one.values} - {""}
        known = {w: name for w in sorted(words) for name, others in table.items() if w.lower() in others}
        if one.type != "text" or not words or len(known) < len(words):
            return None
        return Line(ours, one.path, _called(one), one, {} if all(w == name for w, name in known.items()) else known)

    return shape


def _moment(ours: str, one: Field) -> Line | None:
    if numbers := _numbers(one):
        return Line(ours, one.path, _called(one), one) if min(numbers) > 1e8 else None
    dated = all(isinstance(v, str) and re.match(r"\d{4}-\d\d-\d\d", v) for v in one.values)
    return Line(ours, one.path, _called(one), one) if one.type == "text" and dated else None


def _replicate(ours: str, one: Field) -> Line | None:
    line = _count(ours, one)
    return line if line is not None and max(_numbers(one)) <= 1000 and len(set(_numbers(one))) > 1 else None


def _numbers(one: Field) -> list[float]:
    """The numbers of a field of numbers, which are texts in CSV."""
    found: list[float] = []
    if one.type not in _NUMBERS:
        return found
    for value in one.values:
        try:
            found.append(float(value))
        except (TypeError, ValueError, OverflowError):
            continue
    return [number for number in found if number == number and abs(number) != float("inf")]


def _numbers_calls(prompt: Field | None, fields: Sequence[Field]) -> bool:
    """Whether ids differ where prompts are equal, so that they number calls; then none of them is the id of a query."""
    return prompt is not None and _line("source_id", fields) is not None and _differ(prompt, _line("source_id", fields))


def _differ(prompt: Field, line: Line | None) -> bool:
    if line is None or line.source is None or len(line.source.values) != len(prompt.values):
        return False
    ids: dict[str, set[str]] = {}
    for asked, one in zip(prompt.values, line.source.values, strict=True):
        ids.setdefault(_hashable(asked), set()).add(_hashable(one))
    return any(len(found) >= _PER_CALL for found in ids.values())


def _hashable(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


_SHAPES: Final[dict[str, Callable[[str, Field], Line | None]]] = {
    "messages": _messages, "llm": _short, "task": _short, "choices": _choices, "performance": _score, "judge": _short,
    "status": _words(STATUS_WORDS), "split": _words(SPLIT_WORDS), "finish_reason": _short, "input_tokens": _count,
    "output_tokens": _count, "reasoning_tokens": _count, "cached_tokens": _count, "cost_usd": _cost, "latency_s": _latency,
    "created_at": _moment, "source_id": _id, "metric": _short, "replicate": _replicate, "requested_model": _short,
    "served_model": _short,
}  # fmt: skip
"""Our column -> what its values must look like; the others are texts."""
