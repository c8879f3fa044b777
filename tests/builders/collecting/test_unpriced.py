"""Attempts of unknown cost: what they are worth once prices are known, and what a cap says of the others."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.builders.collecting.budget import rates_on
from llmfusionbench.builders.collecting.calls import Attempt, Call
from llmfusionbench.builders.collecting.endpoint import Endpoint, Price
from llmfusionbench.builders.collecting.journal import RunJournal
from llmfusionbench.builders.collecting.lines import Done, Tokens, head_of, line_of, quick_head, record_of
from llmfusionbench.builders.collecting.records import attempt_record, sent_record
from llmfusionbench.builders.collecting.unpriced import Unpriced
from tests.helpers.run_folder import answer, llm, made_run, planned, sums, write

CHEAP = (Price(input_price=1.0, output_price=10.0),)
DATED = (
    Price(input_price=1.0, output_price=10.0, since=date(2026, 3, 1)),
    Price(input_price=3.0, output_price=20.0, since=date(2026, 6, 1)),
)
AT = "2026-03-05T12:00:00.000+00:00"


def worth(found: Unpriced, *endpoints: Endpoint) -> tuple[dict[str, float], dict[str, int], dict[str, int]]:
    worth = found.worth({one.name: one for one in endpoints})
    return worth.usd, dict(worth.priced), dict(worth.unknown)


@pytest.mark.parametrize(
    ("day", "batch", "usd"),
    [
        ("2026-03-05", False, 2.0),
        ("2026-03-05", True, 1.0),
        ("2026-05-31", False, 5.0),  # the day beside it has the higher price
        ("2026-07-01", False, 5.0),
        ("2026-01-01", False, 5.0),  # no price counts from that day
        ("yesterday", False, 5.0),
    ],
)
def test_tokens_count_at_the_price_of_their_day(day: str, batch: bool, usd: float) -> None:
    found = Unpriced()
    found.add("a", Tokens(1_000_000, 100_000, day, batch))
    assert worth(found, llm("a", prices=DATED)) == ({"a": usd}, {"a": 1}, {})


def test_what_has_no_price_or_no_tokens_is_named() -> None:
    found = Unpriced()
    for tokens in (Tokens(10, 5, "2026-03-05", False), Tokens(None, 5, "2026-03-05", False), Tokens(10, None, "", True)):
        found.add("a", tokens)
        found.add("b", tokens)
    assert worth(found, llm("a", prices=CHEAP), llm("b")) == ({"a": 60e-6}, {"a": 1}, {"b": 3, "a": 2})
    assert rates_on(llm("b"), date(2026, 3, 5)) is None
    (note, warning) = found.worth({"a": llm("a", prices=CHEAP)}).notes()
    assert note == (
        "Note: 1 earlier attempt of unknown cost counts against the cap by tokens, at the prices known now: a (<$0.0001)."
    )
    assert warning.startswith("Warning: 5 attempts of unknown cost are not in the cap: a (2), b (3).")
    assert Unpriced().worth({}).notes() == []


CALL = Call(("q", "a", "direct", "0"), "a", "0" * 32, {"model": "m", "max_tokens": 5, "extra": {"batch": "x"}})


@pytest.mark.parametrize("batch", [None, 'b "1"'])
@pytest.mark.parametrize("served", [None, 'm\\ "input_tokens":7,"output_tokens":8,'])
@pytest.mark.parametrize(
    ("counts", "tokens"),
    [
        ((7, 3, None), (7, 3)),
        ((7, 3, 2), (7, 3)),
        ((7, 3, 9), (7, 12)),
        ((None, 3, None), (None, 3)),
        ((7, None, 4), (7, None)),
    ],
)
def test_a_line_gives_its_tokens_quickly(batch: str | None, served: str | None, counts: Any, tokens: Any) -> None:
    names = ("input_tokens", "output_tokens", "reasoning_tokens")
    attempt = Attempt("ok", response="x", served_model=served, http_status=200, **dict(zip(names, counts, strict=True)))
    record = attempt_record(CALL, attempt, number=1, final=True, cost_usd=None, at=AT, batch=batch)
    quick = quick_head(line_of(record))
    assert isinstance(quick, Done)
    assert quick == head_of(record_of(line_of(record)))
    assert quick.unpriced == Tokens(*tokens, "2026-03-05", batch is not None)
    known = quick_head(line_of(record | {"cost_usd": 0.5}))
    assert isinstance(known, Done)
    assert known.unpriced is None


def test_a_journal_counts_them_once_and_at_the_prices_that_it_is_given(tmp_path: Path) -> None:
    run = made_run(tmp_path / "run", sums(4), [llm("a")])
    calls = planned(run)
    lines = list(answer(calls[0], input_tokens=1_000_000, output_tokens=50_000))
    write(run, iter(lines), iter(lines), answer(calls[1], cost=0.25), answer(calls[2]))
    write(run, iter([line_of(sent_record(calls[3], number=1, worst_usd=None))]))
    with RunJournal(run.folder) as journal:
        assert journal.spent_usd == 0.25
        assert journal.worth.unknown == Counter(a=3)
        journal.know_prices(run.with_prices())
        assert journal.spent_usd == 0.25
        journal.know_prices([llm("a", prices=CHEAP)])
        assert journal.spent_usd == pytest.approx(0.25 + 1.5)
        assert (journal.worth.priced, journal.worth.unknown) == (Counter(a=1), Counter(a=2))
