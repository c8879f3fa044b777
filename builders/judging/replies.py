"""The replies of judges in the journal of a run."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from llmfusionbench.builders.collecting.journal_state import LONGEST
from llmfusionbench.builders.collecting.lines import Done, head_of, quick_head, record_of
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


@dataclass
class Spent:
    """What the attempts at one judge's requests took, over all runs."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    unpriced: int = 0
    """Attempts that may have been charged at an unknown price."""


@dataclass
class Replies:
    """The replies by key of the request, and what they took by LLM."""

    by_key: dict[str, Reply] = field(default_factory=dict)
    spent: dict[str, Spent] = field(default_factory=dict)


def read_replies(journal: Path, keys: Container[str], rubric: Rubric, *, pairwise: bool) -> Replies:
    """The replies to these requests. Of several final ones the last counts; lines that cannot be read are skipped.

    Args:
        journal: The journal, whose writer has gone.
        keys: Keys of the requests.
        rubric: The rubric that was asked by.
        pairwise: Whether two answers were compared.

    Raises:
        InputError: the file cannot be read.
    """
    found = Replies()
    with reading(journal), open(journal, "rb") as file:
        for line in limited_lines(file, LONGEST):
            record = _attempt(line, keys)
            if record is None:
                continue
            spent = found.spent.setdefault(record["llm"], Spent())
            spent.input_tokens += record.get("input_tokens") or 0
            spent.output_tokens += record.get("output_tokens") or 0
            cost = record.get("cost_usd")
            spent.cost_usd += cost or 0.0
            spent.unpriced += cost is None and bool(record.get("charged"))
            if record["final"] and record["status"] != "error":
                word = record.get("finish_reason")
                verdict = read_verdict(
                    record.get("response"), rubric, pairwise=pairwise, logprobs=record.get("logprobs"),
                    cut_off=isinstance(word, str) and finish_reason(word) == "length",
                )  # fmt: skip
                served = record.get("served_model")
                found.by_key[record["key"]] = Reply(
                    verdict, sendable(served) if isinstance(served, str) and served else None, utc(record.get("at"))
                )
    return found


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
