"""What a run says of what earlier runs lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmfusionbench.builders.collecting.journal import RunJournal
from llmfusionbench.builders.collecting.lines import line_of
from llmfusionbench.builders.collecting.lost import lost_lines
from llmfusionbench.builders.reading.run_files import JOURNAL
from tests.helpers.run_calls import calls, done, sent


@pytest.mark.parametrize(
    ("worst", "cost"),
    [
        ([0.5, 0.25], "and may have been paid for, for $0.7500 at most. They"),
        ([0.00001, None], "and may have been paid for, for <$0.0001 at most, and 1 of unknown price. They"),
        ([None, None], "and may have been paid for, at a price that is not known. They"),
        ([0.0, 0.0], "and may have been paid for. They"),
        ([0.0, None], "and may have been paid for, for $0.00 at most, and 1 of unknown price. They"),
    ],
)
def test_attempts_of_unknown_price_are_not_free(tmp_path: Path, worst: list[float | None], cost: str) -> None:
    with RunJournal(tmp_path) as journal:
        for asked, most in zip(calls(2), worst, strict=True):
            journal.add(sent(asked, worst=most))
    with RunJournal(tmp_path) as journal:
        (line,) = lost_lines(journal)
        assert journal.spent_usd == sum(most or 0.0 for most in worst)
    assert cost in line


@pytest.mark.parametrize(
    ("damaged", "text"),
    [
        ([2], "1 line of the journal is damaged (line 2), and counts as not asked."),
        ([1, 3], "2 lines of the journal are damaged (lines 1, 3), and count as not asked."),
        ([1, 2, 4, 5, 6, 7, 8], "7 lines of the journal are damaged (lines 1, 2, 4, 5, 6 and 2 more), and count as not asked."),
    ],
)
def test_damaged_lines_are_named_by_number(tmp_path: Path, damaged: list[int], text: str) -> None:
    made = [b"{damaged\n" if number in damaged else line_of(done(asked)) for number, asked in enumerate(calls(9), 1)]
    (tmp_path / JOURNAL).write_bytes(b"".join(made))
    with RunJournal(tmp_path) as journal:
        assert list(lost_lines(journal)) == [f"Warning: {text}"]
