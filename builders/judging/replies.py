"""The replies of judges in the journal of a run."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from llmfusionbench.builders.collecting.journal_state import LONGEST
from llmfusionbench.builders.collecting.lines import Done, head_of, quick_head, record_of
from llmfusionbench.builders.collecting.retry import most_tokens
from llmfusionbench.builders.judging.retry import kinds_without_score
from llmfusionbench.builders.judging.rubric import Rubric
from llmfusionbench.builders.judging.verdict import Verdict, read_verdict
from llmfusionbench.builders.making.stated import finish_reason
from llmfusionbench.storage.files import limited_lines, reading
from llmfusionbench.texts.quoting import sendable


@dataclass(frozen=True)
class Reply:
    """A judge's reply to one request."""

    verdict: Verdict
    served_model: str | None
    created_at: str | None
    """UTC, as the column has it."""
    key: str
    """Key of the request."""
    kinds: frozenset[str]
    """What can be asked again of it: none of a reply with a score."""
    max_tokens: int | None
    """Most tokens that it could have, if that was stated."""
    number: int
    """A later reply in the journal has a higher one."""


@dataclass
class Spent:
    """What the attempts at one judge's requests took, over all runs."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    unpriced: int = 0
    """Attempts that may have been charged at an unknown price."""

    def add(self, record: Mapping[str, Any]) -> None:
        """Add the record of an attempt."""
        cost = record.get("cost_usd")
        unpriced = int(cost is None and bool(record.get("charged")))
        self.take(Spent(record.get("input_tokens") or 0, record.get("output_tokens") or 0, cost or 0.0, unpriced))

    def take(self, other: Spent) -> None:
        """Add what other attempts took."""
        self.input_tokens += other.input_tokens
        self.output_tokens += other.output_tokens
        self.cost_usd += other.cost_usd
        self.unpriced += other.unpriced


@dataclass
class _Open:
    """What attempts at a question took that may not have brought a reply, since the judgement that the release has."""

    llm: str
    spent: Spent = field(default_factory=Spent)
    has_reply: bool = False

    def add(self, record: Mapping[str, Any], *, is_reply: bool) -> None:
        self.spent.add(record)
        self.has_reply |= is_reply


@dataclass
class Replies:
    """The replies by key of the request, and what they took by LLM."""

    by_key: dict[str, Reply] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)
    """Requests that failed for good."""
    spent: dict[str, Spent] = field(default_factory=dict)
    """What attempts took at questions with a reply that no earlier step has counted."""
    unanswered: dict[str, Spent] = field(default_factory=dict)
    """What they took at the other questions."""

    def best(self, keys: Iterable[str]) -> Reply | None:
        """The reply to a question that was asked by these requests: the last one with a score, else the last one."""
        found = (reply for key in keys if (reply := self.by_key.get(key)) is not None)
        return max(found, key=lambda reply: (reply.verdict.score is not None, reply.number), default=None)


def read_replies(
    journal: Path, questions: Mapping[str, str], rubric: Rubric, *, pairwise: bool, counted: Mapping[str, str | None]
) -> Replies:
    """The replies to these requests. Of several final ones the last counts.

    Lines that cannot be read, or that are there again, are skipped.

    Args:
        journal: The journal, whose writer has gone.
        questions: Key of each request -> the question, which is the same for all requests that ask it.
        rubric: The rubric that was asked by.
        pairwise: Whether two answers were compared.
        counted: Question -> time of the judgement that a release has already; what it took is not counted once more.

    Raises:
        InputError: the file cannot be read.
    """
    found, seen = Replies(), set[int]()
    open_ones: dict[str, _Open] = {}
    with reading(journal), open(journal, "rb") as file:
        for line in limited_lines(file, LONGEST):
            record = _attempt(line, questions)
            if record is None or (this := hash((record["key"], record["attempt"]))) in seen:
                continue
            seen.add(this)
            key, llm, at = record["key"], record["llm"], utc(record.get("at"))
            question = questions[key]
            is_reply = record["final"] and record["status"] != "error"
            if is_reply and question not in counted:
                found.spent.setdefault(llm, Spent()).add(record)
            elif is_reply and at == counted[question]:
                open_ones.pop(question, None)
            else:
                open_ones.setdefault(question, _Open(llm)).add(record, is_reply=is_reply)
            if is_reply:
                found.by_key[key] = _reply(record, at, len(seen), rubric, pairwise)
            elif record["final"]:
                found.failed.add(key)
    replied = {question for key in found.by_key if (question := questions[key]) not in counted}
    for question, one in open_ones.items():
        place = found.spent if one.has_reply or question in replied else found.unanswered
        place.setdefault(one.llm, Spent()).take(one.spent)
    found.failed -= {*found.by_key}
    return found


def _reply(record: Mapping[str, Any], at: str | None, number: int, rubric: Rubric, pairwise: bool) -> Reply:
    """The reply in a record."""
    word, served = record.get("finish_reason"), record.get("served_model")
    why = finish_reason(word) if isinstance(word, str) else None
    verdict = read_verdict(
        record.get("response"), rubric, pairwise=pairwise, logprobs=record.get("logprobs"),
        cut_off=why == "length", refused=why == "content_filter",
    )  # fmt: skip
    kinds = frozenset[str]() if verdict.score is not None else kinds_without_score(record)
    model = sendable(served) if isinstance(served, str) and served else None
    return Reply(verdict, model, at, record["key"], kinds, most_tokens(record), number)


def utc(at: Any) -> str | None:
    """A time of the journal as the column `created_at` has it; None for anything else."""
    try:
        time = datetime.fromisoformat(at)
    except (TypeError, ValueError):
        return None
    return f"{time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def _attempt(line: bytes | int, keys: Container[str]) -> dict[str, Any] | None:
    """The record of an attempt at one of the requests; None for every other line."""
    if not isinstance(line, bytes):
        return None
    try:
        quick = quick_head(line)
        if quick is not None and (not isinstance(quick, Done) or quick.key not in keys):
            return None
        record = record_of(line)
        head = quick or head_of(record)
    except ValueError:
        return None
    return record if isinstance(head, Done) and head.key in keys else None
