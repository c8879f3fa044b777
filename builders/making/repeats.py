"""Several answers of a candidate to a query in one input, numbered 0, 1, ... where the log states no replicate.

A group of answers whose records all agree is one answer that is stated several times. In a group whose records contradict each
other, each record joins the first answer that it agrees with and to which it adds something: a fact, or a verdict of another
judge. If there is none, it begins a new answer. So 0, 1 and 1 are three answers with the mean 2/3.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.making.codes import Codes, key_groups, value_codes

_CONTRADICTS: Final = "the candidate has another {} for the query"
SEVERAL_ANSWERS: Final = f"{_CONTRADICTS} (number several answers in replicate)"
"""Why a record is rejected that contradicts an earlier one; `{}` is the fact."""
SEVERAL_SCORES: Final = (
    f"{_CONTRADICTS} (choose one kind of score with --where COLUMN=VALUE, or number several answers in replicate)"
)
"""The same where answers are numbered: only another score of the same text is left as a contradiction."""
TWO_SCORES: Final = SEVERAL_SCORES.format("performance")
_SAID: Final = ("response", "performance")
"""Facts that tell answers apart: a record that repeats one of them and adds no other fact is an answer of its own."""
_GROUP: Final = ("query_id", "llm", "mode")
_MOST_COMPARED: Final = 1_000
"""The number of answers that a record is compared with, so that no group takes time by the square of its size."""


def with_replicates(answers: pa.Table, codes: Mapping[str, Codes]) -> pa.Table:
    """Normal records of answers with their replicates.

    Args:
        answers: Sorted by query, LLM, mode and reading order.
        codes: Fact of an answer -> [n] a number for each value, -1 for null.
    """
    if not answers.num_rows or not pc.any(answers["unnumbered"]).as_py():
        return answers
    groups = key_groups(answers, _GROUP)
    unnumbered = answers["unnumbered"].to_numpy()
    telling = _contradicting(groups, unnumbered | (answers["replicate"].to_numpy() == 0), codes)
    if not len(telling):
        return answers
    judges = value_codes(answers["judge"]), value_codes(answers["judge_opponent"]), value_codes(answers["judge_order"])
    replicates = np.array(answers["replicate"].to_numpy())
    facts = np.stack([codes[fact] for fact in codes], axis=1)
    other = np.stack([answers[name].is_valid().to_numpy() for name in _DETAILS], axis=1)
    names = [*codes]
    starts = np.flatnonzero(np.diff(groups, prepend=-1))
    ends = np.append(starts[1:], len(groups))
    for group in telling.tolist():
        rows = range(int(starts[group]), int(ends[group]))
        stated = [int(replicates[row]) for row in rows if not unnumbered[row]]
        numbered = _Group(names, max(stated) + 1 if stated else 0)
        for row in rows:
            if unnumbered[row]:
                judge = tuple(int(code[row]) for code in judges)
                replicates[row] = numbered.place(tuple(facts[row].tolist()), judge, tuple(np.flatnonzero(other[row]).tolist()))
    return answers.set_column(answers.column_names.index("replicate"), "replicate", pa.array(replicates))


_DETAILS: Final = (
    "reasoning", "error", "finish_reason", "served_model", "attempts", "input_tokens", "output_tokens", "reasoning_tokens",
    "cached_tokens", "cost_usd", "latency_s",
)  # fmt: skip
"""What a record may add to an answer beside its facts; two records may state it differently, and the first counts."""


def _contradicting(groups: Codes, first: npt.NDArray[np.bool_], codes: Mapping[str, Codes]) -> Codes:
    """The groups of which two records contradict each other in a fact, of those [n] that would be of the first answer."""
    found: list[Codes] = []
    for values in codes.values():
        given = np.flatnonzero(first & (values >= 0))
        number, earlier = np.unique(groups[given], return_index=True)
        earliest = np.full(int(groups[-1]) + 1, -1)
        earliest[number] = values[given[earlier]]
        found.append(groups[given][values[given] != earliest[groups[given]]])
    return np.unique(np.concatenate(found))


@dataclass
class _Answer:
    """What is known of one answer."""

    facts: list[int]
    judges: set[tuple[int, ...]]
    details: set[int]


@dataclass
class _Group:
    """The answers of a candidate to a query, in reading order."""

    names: list[str]
    first: int
    """The number of the first answer."""
    answers: list[_Answer] = field(default_factory=list)
    _tried: dict[tuple[object, ...], int] = field(default_factory=dict)
    """What a record says -> the first answer that a record that says the same may join."""
    _by_response: dict[int, list[int]] = field(default_factory=dict)
    """Code of a response, -1 for none -> the answers with it."""

    def place(self, facts: tuple[int, ...], judge: tuple[int, ...], details: tuple[int, ...]) -> int:
        """The number of the answer that a record is part of."""
        said = (facts, judge, details)
        least = self._tried.get(said, 0)
        for number in self._candidates(facts, least):
            if self._joins(self.answers[number], facts, judge, details):
                self._tried[said] = number + 1
                return self.first + number
        self._tried[said] = len(self.answers) + 1
        self._by_response.setdefault(facts[0], []).append(len(self.answers))
        self.answers.append(_Answer(list(facts), {judge} if judge[0] >= 0 else set(), {*details}))
        return self.first + len(self.answers) - 1

    def _candidates(self, facts: tuple[int, ...], least: int) -> Iterator[int]:
        """The answers that may have the same response, from `least` on; the number of them is limited."""
        if facts[0] < 0:
            yield from range(max(least, len(self.answers) - _MOST_COMPARED), len(self.answers))
            return
        same = [*self._by_response.get(facts[0], ())[-_MOST_COMPARED:], *self._by_response.get(-1, ())[-_MOST_COMPARED:]]
        yield from (number for number in sorted(same) if number >= least)

    def _joins(self, answer: _Answer, facts: tuple[int, ...], judge: tuple[int, ...], details: tuple[int, ...]) -> bool:
        """Whether a record is part of an answer, and then adds it."""
        pairs = list(zip(answer.facts, facts, strict=True))
        differing = [
            name for name, (known, new) in zip(self.names, pairs, strict=True) if known >= 0 and new >= 0 and known != new
        ]
        if differing:
            # The same text with another score is not another answer: two ways to score it, of which the user must choose one.
            if differing != ["performance"] or facts[0] < 0:
                return False
            return answer.facts[0] == facts[0]
        restates = any(name in _SAID and new >= 0 for name, new in zip(self.names, facts, strict=True))
        adds = any(known < 0 <= new for known, new in pairs) or (not restates and not answer.details >= {*details})
        if not adds and (judge[0] < 0 or judge in answer.judges):
            return False
        if facts[0] >= 0 and answer.facts[0] < 0:
            number = next(i for i in self._by_response[-1] if self.answers[i] is answer)
            self._by_response[-1].remove(number)
            self._by_response.setdefault(facts[0], []).append(number)
        answer.facts = [new if known < 0 else known for known, new in pairs]
        answer.details |= {*details}
        if judge[0] >= 0:
            answer.judges.add(judge)
        return True
