"""Numbers that are written with a unit, a percent sign or commas, in the columns of a table."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmfusionbench.builders.reading.factors import Factor
from llmfusionbench.builders.reading.fields import BadRecordError
from llmfusionbench.builders.reading.written_numbers import NumberReader, all_plain

TOKENS = ("input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens")
SCORES = ("performance", "judge_score")


def number(ours: str, text: Any, factor: Factor | None = None) -> float | None:
    return NumberReader(ours, "x", factor).of(text, "x")


@pytest.mark.parametrize(
    ("fields", "cell", "expected"),
    [
        (("cost_usd",), "$0.0012", 0.0012),
        (("cost_usd",), " $ 0.0012 ", 0.0012),
        (("cost_usd",), "0.5 USD", 0.5),
        (("cost_usd",), "USD 0.5", 0.5),
        (("cost_usd",), "usd0.5", 0.5),
        (("cost_usd",), "US$.5", 0.5),
        (("cost_usd",), "$0.5 USD", 0.5),
        (("cost_usd",), "0.5\u00a0$", 0.5),
        (("cost_usd",), "$1e-5", 1e-5),
        (("cost_usd",), "$1,234.56", 1234.56),
        (("cost_usd",), "3 cents", 0.03),
        (("cost_usd",), "0.1\u00a2", 0.001),
        (("latency_s",), "1.5s", 1.5),
        (("latency_s",), "850ms", 0.85),
        (("latency_s",), "850 MS", 0.85),
        (("latency_s",), "1,234 ms", 1.234),
        (("latency_s",), "250\u00b5s", 0.00025),
        (("latency_s",), "250\u03bcs", 0.00025),
        (("latency_s",), "12 ns", 1.2e-8),
        (("latency_s",), "2 min", 120.0),
        (("latency_s",), "1.5 seconds", 1.5),
        (TOKENS, "1.2k", 1200.0),
        (TOKENS, "1.2K", 1200.0),
        (TOKENS, "0.5M", 500_000.0),
        (TOKENS, "12 tokens", 12.0),
        ((*TOKENS, "cost_usd", "latency_s"), "1,234", 1234.0),
        ((*TOKENS, "cost_usd", "latency_s"), "1,234,567.0", 1_234_567.0),
        (SCORES, "50%", 0.5),
        (SCORES, "12 %", 0.12),
        (SCORES, "12.5%", 0.125),
        ((*TOKENS, *SCORES, "cost_usd", "latency_s", "replicate"), "1.50", 1.5),
        ((*TOKENS, *SCORES, "cost_usd", "latency_s", "replicate"), "\u0663", 3.0),
        ((*TOKENS, *SCORES, "cost_usd", "latency_s", "replicate"), "\uff11\uff12", 12.0),
        ((*TOKENS, *SCORES, "cost_usd", "latency_s", "replicate"), "None", None),
        ((*TOKENS, *SCORES, "cost_usd", "latency_s", "replicate"), 2, 2.0),
    ],
)
def test_cells_that_are_read(fields: tuple[str, ...], cell: Any, expected: float | None) -> None:
    assert [number(ours, cell) for ours in fields] == [expected] * len(fields)


@pytest.mark.parametrize(
    ("cell", "fields"),
    [
        (cell, (*TOKENS, *SCORES, "cost_usd", "latency_s"))
        for cell in (
            "1,5", "0,500", "1.234,5", "1,23,456", "12,3456", "1_234", "1 234", "1'234", "-5ms", "-$5", "-1,234", "+5ms",
            "inf ms",
            "\uff11ms", "~5", "<1", "7/10", "$", "%", "ms", "1e5e", "three", "5" * 65 + "ms",
        )
    ]
    + [
        ("50%", (*TOKENS, "cost_usd", "latency_s")),
        ("$1", (*TOKENS, *SCORES, "latency_s")),
        ("5ms", (*TOKENS, *SCORES, "cost_usd")),
        ("ms 5", ("latency_s",)),
        ("5m", (*TOKENS, "latency_s", "cost_usd")),
        ("$5k", ("cost_usd",)),
        ("$5 cents", ("cost_usd",)),
        ("1,234", (*SCORES, "replicate")),
        ("CA$5", ("cost_usd",)),
        ("\u20ac0.5", ("cost_usd",)),
        ("0.5 EUR", ("cost_usd",)),
        ("1e999ms", ("latency_s",)),
    ],
)  # fmt: skip
def test_cells_that_are_refused(cell: str, fields: tuple[str, ...]) -> None:
    for ours in fields:
        with pytest.raises(BadRecordError, match=r"^x is \".*, expected "):
            number(ours, cell)


@pytest.mark.parametrize(
    ("ours", "cell", "factor", "expected"),
    [
        ("latency_s", "850ms", Factor("/", 1e3), 0.85),
        ("latency_s", "1.5s", Factor("/", 1e3), 1.5),
        ("latency_s", "850", Factor("/", 1e3), 0.85),
        ("latency_s", "1,500", Factor("/", 1e3), 1.5),
        ("latency_s", 850, Factor("/", 1e3), 0.85),
        ("cost_usd", "$2", Factor("*", 0.01), 2.0),
        ("cost_usd", "\u20ac2", Factor("*", 1.08), 2.16),
        ("cost_usd", "2 eur", Factor("*", 1.08), 2.16),
        ("performance", "50%", Factor("/", 100.0), 0.5),
        ("performance", "50", Factor("/", 100.0), 0.5),
        ("output_tokens", "1.2k", Factor("*", 1e3), 1200.0),
    ],
)
def test_a_factor_is_for_numbers_without_a_unit(ours: str, cell: Any, factor: Factor, expected: float) -> None:
    assert number(ours, cell, factor) == expected


@given(
    st.floats(0, 1e12, allow_nan=False),
    st.sampled_from(
        [
            ("latency_s", 0, "{}s"), ("latency_s", 3, "{}ms"), ("latency_s", 6, "{} us"), ("latency_s", 9, "{} ns"),
            ("cost_usd", 0, "${}"), ("cost_usd", 0, "{} USD"), ("cost_usd", 2, "{} cents"), ("performance", 2, "{}%"),
            ("judge_score", 2, "{} %"), ("input_tokens", -3, "{}k"), ("output_tokens", -6, "{}M"),
        ]
    ),
)  # fmt: skip
def test_a_number_comes_back_exactly(value: float, way: tuple[str, int, str]) -> None:
    ours, power, pattern = way
    written = Decimal(repr(value)).scaleb(power)
    assert number(ours, pattern.format(written)) == value
    plain = pattern.format(f"{written:f}")
    if len(plain) <= 64:
        assert number(ours, plain) == value


@given(st.integers(0, 2**53 - 1), st.sampled_from([*TOKENS, "cost_usd", "latency_s"]))
def test_commas_between_thousands_lose_no_digit(value: int, ours: str) -> None:
    assert number(ours, f"{value:,}") == value
    assert number(ours, f"{value:,}", Factor("/", 1e3)) == value / 1e3


@given(st.text(max_size=12), st.sampled_from([*TOKENS, *SCORES, "cost_usd", "latency_s"]))
def test_any_text_is_a_number_or_refused(text: str, ours: str) -> None:
    try:
        found = number(ours, text)
    except BadRecordError:
        found = None
    assert found is None or isinstance(found, float)


PLAIN = st.one_of(
    st.floats().map(repr), st.integers().map(str), st.decimals(allow_nan=False, allow_infinity=False).map(str), st.just(""),
    st.none(), st.text(max_size=6), st.sampled_from(["1_0", " 5", "0x10", "nan(1)", "1e999", "+5", "true",
                     "1,234", "5d", ".5", "5."]),
)  # fmt: skip


@given(st.lists(PLAIN, max_size=4), st.booleans())
def test_a_column_of_plain_numbers_is_read_as_its_cells_are(cells: list[str | None], large: bool) -> None:
    found = all_plain(pa.array(cells, pa.large_string() if large else pa.string()))
    if found is not None:
        assert found.to_pylist() == [number("latency_s", cell) for cell in cells]
    if all(cell is None or re.fullmatch(r"-?[0-9]{1,9}(?:\.[0-9]{1,9})?", cell) for cell in cells):
        assert found is not None
