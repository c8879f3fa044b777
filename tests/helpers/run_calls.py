"""Calls of a run for tests, and its pieces."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from llmfusionbench.builders.collecting.budget import Budget
from llmfusionbench.builders.collecting.calls import Attempt, Call, call_key
from llmfusionbench.builders.collecting.endpoint import Endpoint, Price
from llmfusionbench.builders.collecting.journal_state import journal_records
from llmfusionbench.builders.collecting.records import Record, attempt_record, sent_record
from llmfusionbench.builders.reading.run_files import USE

ADDRESS = "http://127.0.0.1/v1"
DAY = date(2026, 3, 1)
AT = "2026-03-01T10:00:00+00:00"


def endpoint(name: str = "m", url: str = ADDRESS, **given: Any) -> Endpoint:
    """An LLM that costs one dollar per million tokens."""
    price = Price(input_price=1.0, output_price=1.0)
    return Endpoint(**{"name": name, "url": url, "model": name, "prices": (price,), "max_tokens": 10} | given)


def call(place: int, llm: str = "m", *, same_as: int | None = None, replicate: int = 0, **settings: Any) -> Call:
    """Call number `place`, which may have the request of another one."""
    text = f"question {place if same_as is None else same_as}"
    payload = {"model": llm, "messages": [{"role": "user", "content": text}], "max_tokens": 10} | settings
    return Call((f"q{place}", llm, "direct", "0"), llm, call_key(ADDRESS, payload, replicate), payload, replicate)


def calls(count: int, llm: str = "m") -> Iterator[Call]:
    """Calls 0 to `count` - 1."""
    return (call(place, llm) for place in range(count))


def answer(text: str | None = "an answer", **fields: Any) -> Attempt:
    """An attempt that was answered."""
    given = {
        "status": "ok" if text else "empty",
        "response": text,
        "finish_reason": "stop",
        "input_tokens": 4,
        "output_tokens": 2,
    }
    return Attempt(**given | {"charged": True, "http_status": 200} | fields)


def failure(**fields: Any) -> Attempt:
    """An attempt that failed, as a rule for now."""
    return Attempt(**{"status": "error", "error": "status 500", "http_status": 500, "passing": True} | fields)


def budget(*endpoints: Endpoint, cap: float | None = None, spent: float = 0.0) -> Budget:
    """A budget on a day of the past."""
    return Budget(cap, endpoints or [endpoint()], today=DAY, spent=spent)


def sent(asked: Call, number: int = 1, worst: float | None = 0.5) -> Record:
    """The record of an attempt that begins."""
    return sent_record(asked, number=number, worst_usd=worst)


def done(
    asked: Call, attempt: Attempt | None = None, number: int = 1, *, final: bool = True, cost: float | None = 0.25
) -> Record:
    """The record of an attempt that ended, with an answer unless another one is given."""
    return attempt_record(asked, answer() if attempt is None else attempt, number=number, final=final, cost_usd=cost, at=AT)


class Silent:
    """A board that counts, and shows nothing."""

    def __init__(self) -> None:
        self.begun = self.ended = self.settled = 0

    def started(self, llm: str) -> None:
        """An attempt begins."""
        self.begun += 1

    def finished(self, llm: str, attempt: Attempt, cost: float | None, final: bool, *, again: bool = False) -> None:
        """An attempt has ended."""
        self.ended += 1
        self.settled += final


def repeats(journal: Path) -> int:
    """Lines of a journal that state what an earlier line of it states."""
    records = [record for _, record in journal_records(journal) if record is not None]
    stated = [
        (one["kind"], one["key"], one.get("attempt"), str(one.get("slot") if one["kind"] == USE else "")) for one in records
    ]
    return len(stated) - len(set(stated))
