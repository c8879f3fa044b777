"""The answers of a release that a judge can be asked about, and the sample that is drawn from them."""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations, groupby
from typing import Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.builders.making.indices import Numbers, Readings
from llmfusionbench.errors import UnknownNameError
from llmfusionbench.release import Release
from llmfusionbench.release.shards import Shard, shards_of
from llmfusionbench.types import ANSWER_KEY, Candidate

AnswerKey = tuple[str, str, str, int]
"""`ANSWER_KEY` of an answer."""

_FACTS: Final = ("query_id", "task", "prompt", "prompt_think", "ground_truth", "choices", "metric")


class Answer(NamedTuple):
    """An answer with a text."""

    key: AnswerKey
    text: str

    @property
    def candidate(self) -> str:
        """Name of the candidate that gave it."""
        return Candidate(self.key[1], self.key[2]).name


@dataclass(frozen=True)
class Item:
    """What a judge is asked about: one answer, or two in the order in which they are shown."""

    query: str
    """The text of the query."""
    reference: str | None
    answers: tuple[Answer, ...]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which answers are judged. The default is all."""

    splits: Sequence[str] = ()
    tasks: Sequence[str] = ()
    candidates: Sequence[str] = ()
    """Both answers of a pair are among them."""
    against: str | None = None
    """Only pairs with this candidate."""
    limit: int | None = None
    """Most answers, or pairs. They are drawn by hash, so that a higher limit keeps those of a lower one."""
    seed: int = 0

    def check(self, release: Release) -> None:
        """Raises UnknownNameError for a split, task or candidate that the release lacks."""
        _known("split", self.splits, release.splits)
        if self.tasks:
            _known("task", self.tasks, pc.unique(release.rows("queries", columns=["task"])["task"]).to_pylist())
        if self.candidates or self.against is not None:
            rows = release.rows("responses", columns=["llm", "mode"]).group_by(["llm", "mode"]).aggregate([]).to_pylist()
            wanted = [*self.candidates, *([] if self.against is None else [self.against])]
            _known("candidate", wanted, [Candidate(row["llm"], row["mode"]).name for row in rows])


@dataclass
class Found:
    """The items, and why answers are not among them."""

    items: list[Item] = field(default_factory=list)
    """By hash, so that the first of them are a sample."""
    eligible: int = 0
    """Number of items without a limit."""
    skipped: Counter[str] = field(default_factory=Counter)
    """Reason -> number of answers."""


def find_items(release: Release, choice: Choice, *, reference: bool, pairwise: bool) -> Found:
    """What a judge can be asked about; two items for each pair, one for each order.

    Args:
        release: A release on this machine. One shard of it at a time is in memory, and the texts of the items.
        choice: Which answers.
        reference: Whether the judge sees the ground truth; answers to queries without one are left out.
        pairwise: Whether two answers of one replicate are compared.

    Raises:
        UnknownNameError: `choice` names a split, task or candidate that the release lacks.
        ReleaseError: a file differs from the manifest.
    """
    choice.check(release)
    found = Found()
    readings = _readings(release) if reference else Readings()
    kept: list[tuple[str, int, Item]] = []  # the negative hash would do for numbers; digests of hexadecimal sort as texts
    for number, (digest, item) in enumerate(_ranked(release, choice, readings, found, reference, pairwise)):
        found.eligible += 1
        entry = (_flipped(digest), number, item)
        if choice.limit is None or len(kept) < choice.limit:
            heapq.heappush(kept, entry)
        elif choice.limit and entry > kept[0]:
            heapq.heapreplace(kept, entry)
    for _, _, item in sorted(kept, key=lambda entry: entry[:2], reverse=True):
        found.items.append(item)
        if pairwise:
            found.items.append(Item(item.query, item.reference, item.answers[::-1]))
    return found


def _ranked(
    release: Release, choice: Choice, readings: Readings, found: Found, reference: bool, pairwise: bool
) -> Iterator[tuple[str, Item]]:
    """(digest, item) of all that is chosen."""
    make = _pairs if pairwise else _singles
    for shard in shards_of(release):
        if choice.splits and shard.split not in choice.splits:
            continue
        for query, truth, answers in _answered(shard, choice, readings, found, reference):
            for group in make(answers, choice):
                names = [*map(str, group[0].key), *(a.candidate for a in group[1:])]
                digest = hashlib.sha256("\x00".join([str(choice.seed), *names]).encode("utf-8", "replace")).hexdigest()
                yield digest, Item(query, truth, group)


def _answered(
    shard: Shard, choice: Choice, readings: Readings, found: Found, reference: bool
) -> Iterator[tuple[str, str | None, list[Answer]]]:
    """(text, reference, answers) of every query of a shard that can be judged."""
    queries = shard.queries().select([*_FACTS])
    if choice.tasks:
        queries = queries.filter(pc.is_in(queries["task"], pa.array([*choice.tasks], pa.string())))
    shown = readings.applied(queries)["ground_truth"].to_pylist()
    facts = {row["query_id"]: (row, truth) for row, truth in zip(queries.to_pylist(), shown, strict=True)}
    rows = shard.responses(queries["query_id"]).select([*ANSWER_KEY, "status", "response"]).to_pylist()
    for query_id, group in groupby(rows, key=lambda row: row["query_id"]):
        row, truth = facts[query_id]
        mine = [r for r in group if not choice.candidates or Candidate(r["llm"], r["mode"]).name in choice.candidates]
        text = row["prompt"] or row["prompt_think"]
        given = [r for r in mine if r["status"] == "ok" and (r["response"] or "").strip()]
        found.skipped["no text (failed, empty, or not in the log)"] += len(mine) - len(given)
        if not text:
            found.skipped["no text of the query"] += len(given)
        elif reference and not (truth or "").strip():
            found.skipped["no ground truth of the query"] += len(given)
        elif given:
            keys: list[AnswerKey] = [(query_id, r["llm"], r["mode"], r["replicate"]) for r in given]
            answers = [Answer(key, r["response"]) for key, r in zip(keys, given, strict=True)]
            yield text, _reference(row, truth) if reference else None, answers


def _singles(answers: Sequence[Answer], _: Choice) -> Iterator[tuple[Answer, ...]]:
    return ((answer,) for answer in answers)


def _pairs(answers: Sequence[Answer], choice: Choice) -> Iterator[tuple[Answer, ...]]:
    """The pairs of answers with one number of a replicate."""
    by_replicate = sorted(answers, key=lambda answer: (answer.key[3], answer.candidate))
    for _, group in groupby(by_replicate, key=lambda answer: answer.key[3]):
        for pair in combinations(group, 2):
            if choice.against is None or choice.against in (pair[0].candidate, pair[1].candidate):
                yield pair


def _reference(row: dict[str, Any], truth: str) -> str:
    """The ground truth as a judge is shown it: of a multiple-choice query with the text of the option."""
    choices = row["choices"] or []
    place = ord(truth.upper()) - ord("A") if len(truth) == 1 and truth.isascii() and truth.isalpha() else -1
    return f"{truth}: {choices[place]}" if 0 <= place < len(choices) else truth


def _readings(release: Release) -> Readings:
    """How the ground truths are read that are numbers of options, as in `rescore`."""
    numbers = Numbers()
    for batch in release.batches("queries", columns=["query_id", "task", "metric", "ground_truth", "choices", "prompt"]):
        numbers.add(batch)
    source = release.manifest.get("source")
    read = source.get("truths") if isinstance(source, dict) else None
    return numbers.readings(None, read if isinstance(read, str | dict) else None)


def _flipped(digest: str) -> str:
    """A digest in the opposite order: the smallest of a heap is then the last by hash."""
    return digest.translate(_MIRROR)


_MIRROR: Final = str.maketrans("0123456789abcdef", "fedcba9876543210")


def _known(noun: str, names: Iterable[str], known: Sequence[str]) -> None:
    for name in names:
        if name not in known:
            raise UnknownNameError(noun, name, known)
