"""Small tables of common knowledge, written for the simulator; everything else in the fact tasks is computed."""

# ruff: noqa: E501 - sentences and rows of tables are kept whole

from __future__ import annotations

from llmfusionbench.builders.simulation.stock import stock

_STOCK = stock("facts")

PLANETS: list[str] = _STOCK["planets"]
MONTHS: list[str] = _STOCK["months"]
WEEKDAYS: list[str] = _STOCK["weekdays"]
GREEK: list[str] = _STOCK["greek"]
ELEMENTS: list[tuple[str, str, int]] = [tuple(row) for row in _STOCK["elements"]]
"""Name, symbol, atomic number."""
UNITS: list[tuple[str, str]] = [tuple(row) for row in _STOCK["units"]]
"""Quantity, unit."""
COUNTRIES: list[tuple[str, str, str]] = [(*row, continent) for continent, rows in _STOCK["countries"].items() for row in rows]
"""Country, capital, continent."""
POLYGONS = {
    3: "triangle", 5: "pentagon", 6: "hexagon", 7: "heptagon", 8: "octagon", 9: "nonagon", 10: "decagon", 12: "dodecagon",
}  # fmt: skip
_ROMAN = ((1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"),
          (4, "IV"), (1, "I"))  # fmt: skip
_ONES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen",
         "fifteen", "sixteen", "seventeen", "eighteen", "nineteen")  # fmt: skip
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


def roman(number: int) -> str:
    """The Roman numeral of a positive integer."""
    text = ""
    for value, mark in _ROMAN:
        count, number = divmod(number, value)
        text += mark * count
    return text


def spelled(number: int) -> str:
    """An integer from 0 to 99 in words."""
    if number < 20:
        return _ONES[number]
    tens, ones = divmod(number, 10)
    return _TENS[tens] + (f"-{_ONES[ones]}" if ones else "")


def ordinal(number: int) -> str:
    """`1st`, `22nd`, `13th`."""
    suffix = "th" if 10 < number % 100 < 14 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix}"
