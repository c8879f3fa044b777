"""One name for each unit that stands after a number: "54 Mbit/s", "54Mbps" and "54 megabits per second"."""

from __future__ import annotations

import re

from llmfusionbench.texts.lazy_pattern import lazy_pattern
from llmfusionbench.texts.number_names import TEENS, UNITS

_NAMES = {
    "mph": r"mph|miles? per hour|miles? hour",
    "kmh": r"kmh|kph|km h|kilomet(?:er|re)s? per hour|km per hour",
    "degreec": r"\u00b0 ?c|degrees? (?:c|celsius|centigrade)",
    "degreef": r"\u00b0 ?f|degrees? (?:f|fahrenheit)",
    "mile": r"mi|miles?",
    "km": r"kms?|kilomet(?:er|re)s?",
    "degree": r"\u00b0|degrees?|deg",
    "meter": r"met(?:er|re)s?",
    "cm": r"cms?|centimet(?:er|re)s?",
    "mm": r"mm|millimet(?:er|re)s?",
    "inch": r"inch(?:es)?",
    "ft": r"ft|feet|foot",
    "yard": r"yds?|yards?",
    "kg": r"kgs?|kilograms?|kilos?",
    "gram": r"grams?|grammes?",
    "lb": r"lbs?",
    "pound": r"pounds?",
    "litre": r"lit(?:er|re)s?",
    "hour": r"hrs?|hours?",
    "minute": r"mins?|minutes?",
    "second": r"secs?|seconds?",
    "percent": r"percent|per cent",
    "kbit": r"kbps|kbit(?: s)?|kilobits?(?: per second)?",
    "mbit": r"mbps|mbit(?: s)?|megabits?(?: per second)?",
    "gbit": r"gbps|gbit(?: s)?|gigabits?(?: per second)?",
    "oz": r"oz|ounces?",
    "ml": r"ml|millilit(?:er|re)s?",
    "kb": r"kb|kilobytes?",
    "mb": r"mb|megabytes?",
    "gb": r"gb|gigabytes?",
    "tb": r"tb|terabytes?",
    "kw": r"kw|kilowatts?",
    "mw": r"mw|megawatts?",
    "bc": r"bce?|b c(?: e)?",
    "pm": r"p ?m",
    "am": r"am",
    "ghz": r"ghz|gigahertz",
    "mhz": r"mhz|megahertz",
}
"""The name of a unit and the ways to write it; where one is the start of another, the longer comes first."""
_SHORT = {"m": "meter", "in": "inch", "g": "gram", "l": "litre", "h": "hour", "s": "second"}
"""Symbols that are other words as well, and are units only at the end of an answer."""
_UNIT = lazy_pattern(rf"(\d) ?(?=[a-z\u00b0])(?:{'|'.join(f'({name})' for name in _NAMES.values())})(?![^\W_])")
_LAST = lazy_pattern(rf"(\d) ?(?<!\d0)({'|'.join(_SHORT)})\Z")
_ALSO = {"lb": ("pound",), "pound": ("lb", "sterling"), "pounds": ("sterling",), "sterling": ("pound", "pounds")}
"""Last words of an answer that may mean another unit: pounds are a weight and money, but £5 is no weight."""
_MONEY = lazy_pattern(r"([$\u00a3\u20ac])\s?(\d[\d,.]{0,20}(?:\s(?:thousand|million|billion|trillion)\b)?)", re.IGNORECASE)
_HOURS = "|".join((*UNITS, *TEENS[:3]))
_HALF_DAY = lazy_pattern(rf"(\d|\b(?:{_HOURS}|o'?clock))\s?([ap])\.\s?m\b\.?", re.IGNORECASE)
_CURRENCIES = {"$": "dollars", "\u00a3": "sterling", "\u20ac": "euros"}
_CANONICAL = tuple(_NAMES)


def named_signs(letters: str) -> str:
    """`letters` with words for the signs of money and percent: "$5 million" -> "5 million dollars"."""
    if "%" in letters:
        letters = letters.replace("%", " percent ")
    return letters if letters.isascii() and "$" not in letters else _MONEY.sub(_priced, letters)


def whole_hours(letters: str) -> str:
    """`letters` with one word for the half of the day: "9 a.m." -> "9 am", of which the article "a" would get lost."""
    if ".m" in letters or ".M" in letters or ". m" in letters or ". M" in letters:
        return _HALF_DAY.sub(r"\1 \2m", letters)
    return letters


def one_unit(text: str) -> str:
    """A normal form with one name for each unit after a number: "50km" -> "50 km", "5 metres" -> "5 meter"."""
    return _UNIT.sub(_named, text)


def whole_units(text: str) -> tuple[str, ...]:
    """The same for an answer, whose last word may be a symbol, "12 m" -> ("12 meter",), or have two meanings: "5 pounds"."""
    text = one_unit(_LAST.sub(_lengthened, text))
    start, gap, unit = text.rpartition(" ")
    return text, *(f"{start}{gap}{other}" for other in _ALSO.get(unit, ()))


def _named(found: re.Match[str]) -> str:
    return f"{found[1]} {_CANONICAL[(found.lastindex or 2) - 2]}"


def _priced(found: re.Match[str]) -> str:
    return f"{found[2]} {_CURRENCIES[found[1]]} "


def _lengthened(found: re.Match[str]) -> str:
    return f"{found[1]} {_SHORT[found[2]]}"
