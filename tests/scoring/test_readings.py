"""What the readings of answers say of our mistakes: the draw, the counts and the intervals, and that the set's draw is read."""

from __future__ import annotations

import math
import random
from pathlib import Path

import pytest

from benchmarks.fidelity import readings
from benchmarks.fidelity.answers import Answer
from benchmarks.fidelity.logs import default_logs
from benchmarks.fidelity.readings import Stratum, draw, measured, rows, strata, total, unread
from benchmarks.fidelity.sets import mmlu_pro
from llmfusionbench.statistics.intervals import wilson


def _answer(name: str, reference: float, ours: float, extracted: str | None, letter: str = "no letter") -> Answer:
    note = f"reference found {letter!r}; ours: whatever"
    return Answer(name, "small", "Which one?", f"It is {extracted}.", "B", reference, ours, extracted, note)


ANSWERS = [
    _answer("ours", 0, 1, "B", "A"),
    _answer("theirs", 1, 0, None, "B"),
    _answer("both", 1, 1, "B", "B"),
    _answer("same", 0, 0, "C", "C"),
    _answer("other", 0, 0, "C"),
    _answer("missing", 0, math.nan, None),
]


def _read(monkeypatch: pytest.MonkeyPatch, folder: Path, letters: dict[str, str]) -> None:
    by_name = {answer.id: answer.key for answer in ANSWERS}
    lines = [f"{by_name[name]},{letter}" for name, letter in letters.items()]
    (folder / "tiny.csv").write_text("\n".join(["key,letter", *lines]) + "\n", encoding="utf-8")
    known = readings.readings("tiny", folder)
    monkeypatch.setattr(readings, "readings", lambda name: known)


def test_each_answer_is_in_one_stratum() -> None:
    found = {name: [answer.id for answer in some] for name, some in strata(ANSWERS).items()}
    assert found == {
        "only we call it right": ["ours"],
        "only the reference does": ["theirs"],
        "both right": ["both"],
        "both wrong, same letter": ["same"],
        "both wrong, other letters": ["other", "missing"],
    }


def test_a_draw_does_not_depend_on_the_order_or_on_answers_that_leave() -> None:
    answers = [_answer(f"q{number}", 1, 1, "B") for number in range(50)]
    drawn = draw(answers, 5)
    assert 5 <= len(drawn) <= 15
    assert draw(random.Random(0).sample(answers, 50), 5) == drawn
    assert set(drawn) - {drawn[0]} <= set(draw([answer for answer in answers if answer != drawn[0]], 5))
    assert len(draw(answers, 100)) == 50


def test_mistakes_are_counted_by_what_was_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _read(monkeypatch, tmp_path, {"ours": "none", "theirs": "none", "both": "B", "same": "C", "other": "B"})
    assert [answer.id for answer in unread("tiny", ANSWERS)] == ["missing"]
    counts = {one.name: (one.answers, one.drawn, one.read, one.wrong) for one in measured("tiny", ANSWERS)}
    assert counts["only we call it right"] == (1, 1, 1, 1)
    assert counts["only the reference does"] == (1, 1, 1, 0)
    assert counts["both wrong, other letters"] == (2, 2, 1, 1)
    table = list(rows("tiny", ANSWERS))
    assert [row[:2] for row in table if row[1] == "all"] == [["FP", "all"], ["FN", "all"]]
    assert table[0][:6] == ["FP", "only we call it right", "1", "1", "1", "1"]
    assert table[2][2:7] == ["2", "2", "2", "1", "166.67"]


def test_rates_and_their_sum_have_the_published_intervals() -> None:
    one, other = Stratum("a", 100, 50, 50, 2), Stratum("b", 900, 200, 200, 1)
    low, high = wilson(2 / 50, 50)
    assert one.rate(1000) == pytest.approx((4.0, 100 * low, 100 * high))
    value, lower, upper = total([one, other], 1000)
    assert value == pytest.approx(4 + 4.5)
    (_, low_a, high_a), (_, low_b, high_b) = one.rate(1000), other.rate(1000)
    assert value - lower == pytest.approx(math.hypot(4 - low_a, 4.5 - low_b))
    assert upper - value == pytest.approx(math.hypot(high_a - 4, high_b - 4.5))
    assert all(map(math.isnan, Stratum("c", 3, 3, 0, 0).rate(10)))


def test_the_errors_of_options_are_within_the_aim() -> None:
    logs = default_logs()
    if not (logs / "scored_sets").is_dir():
        pytest.skip(f"no real logs at {logs}: set LLMFUSIONBENCH_REAL_LOGS")
    answers = mmlu_pro(logs)
    assert len(unread("mmlu_pro", answers)) <= 20, "read them: scoring_fidelity.py --unread mmlu_pro"
    false_positives, false_negatives = (row for row in rows("mmlu_pro", answers) if row[1] == "all")
    assert float(false_positives[-3]) <= 4
    assert float(false_negatives[-3]) <= 6
    known = readings.readings("mmlu_pro")
    wrong = [a for a in answers if a.key in known and (known[a.key] == a.truth) != (a.ours >= 0.5)]
    assert len(wrong) <= 4
