"""Prices of LLMs in other units than USD per 1M tokens: per token, as LiteLLM and OpenRouter have them, and per 1K tokens."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from llmfusionbench.builders.reading.factors import words_of
from llmfusionbench.builders.reading.fields import BadRecordError, literal, number, text
from llmfusionbench.builders.reading.tables import read_chunks
from llmfusionbench.builders.reading.written_numbers import NumberReader, all_plain
from llmfusionbench.builders.records import Rejected
from llmfusionbench.errors import InputError
from llmfusionbench.schema import table_schema
from llmfusionbench.validation.explain import explain
from llmfusionbench.validation.issue import shorten

PRICES: Final = ("input_price", "output_price")
PRICING: Final = "pricing"
"""OpenRouter's object of prices per token, `{"prompt": "0.0000015", "completion": ...}`."""
_PRICED: Final = ("prompt", "completion")
"""Its names of `PRICES`."""

_SIDES: Final = {"input": 0, "prompt": 0, "in": 0, "output": 1, "completion": 1, "out": 1}
_PER: Final = {
    **dict.fromkeys(("1k", "1000", "ktok", "thousand"), 1e3),
    **dict.fromkeys(("1m", "1000000", "million", "mtok", "m"), 1.0),
}
"""Word for a number of tokens -> what makes a price of 1M tokens of the price of that number."""
_TOKENS: Final = ("token", "tokens", "tok")
_PER_TOKEN: Final = 1e6
_MONEY: Final = {"cost": 1.0, "price": 1.0, "usd": 1.0, "dollars": 1.0, "cents": 0.01}
_NAMES: Final = ("llm", "id")
_TEXTS: Final = ("family", "scale", "endpoint", "license", "description")
_LEAST: Final = 1e-3
_MOST: Final = 1e4
"""USD per 1M tokens: list prices lie between."""
_SHOWN: Final = 10
_NO_PRICE: Final = ("", "null", "none", "nan")
_REMEDY: Final = "Remedy: correct them, and write prices in USD with a point before the decimals, such as 0.15 or $0.15"
_ROUNDING: Final = 1e-6
"""Share by which two columns of one price may differ."""


@dataclass(frozen=True)
class PriceColumn:
    """What a column with prices in a stated unit holds."""

    ours: tuple[str, ...]
    """`input_price`, `output_price`, or both."""
    times: float
    """What makes USD per 1M tokens of its numbers."""
    of_usd: float = field(default=1.0, compare=False)
    """The same for numbers that state USD themselves."""


_AS_OURS: Final = PriceColumn(PRICES, 1.0)
_OF_TOKEN: Final = PriceColumn(PRICES, _PER_TOKEN, _PER_TOKEN)


def price_column(name: str) -> PriceColumn | None:
    """What a column such as `input_cost_per_token` or `price_per_1k` holds; None if its name states no unit of a price."""
    words = words_of(name)
    sides = {_SIDES[word] for word in words if word in _SIDES}
    money = [_MONEY[word] for word in words if word in _MONEY]
    units = [_PER[word] for word in words if word in _PER]
    token = any(word in _TOKENS for word in words)
    if not money or len(sides) > 1 or len(units) > 1 or not (units or (token and "per" in words)):
        return None
    if {*words} - {*_SIDES, *_MONEY, *_PER, *_TOKENS, "per"}:
        return None
    ours = PRICES if not sides else (PRICES[sides.pop()],)
    per = units[0] if units else _PER_TOKEN
    return PriceColumn(ours, per * min(money), per)


def are_written(path: Path, columns: Sequence[str]) -> bool:
    """Whether one of our columns of prices has a text that is not a plain number, such as $0.15 or 0,15."""
    ours = [name for name in PRICES if name in columns]
    chunks = read_chunks(path, path.name, ours) if ours else iter(())
    arrays = (column for chunk in chunks if not isinstance(chunk, Rejected) for column in chunk.batch.columns)
    return any(_is_text(array) and all_plain(array) is None for array in arrays)


def _is_text(array: pa.Array) -> bool:
    return bool(pa.types.is_string(array.type) or pa.types.is_large_string(array.type))


def converted(path: Path, columns: Sequence[str]) -> tuple[list[dict[str, Any]], list[str]]:
    """Rows of the table `llms` from a file some of whose columns have prices in a stated unit, and what was done with them.

    Raises:
        InputError: a row is not as the schema says, or a price is not plausible in its unit.
    """
    priced = {name: found for name in columns if (found := price_column(name))}
    name = next((n for n in _NAMES if n in columns), None)
    if name is None:
        raise InputError(f"{path}: no column llm; it has {', '.join(columns[:40])}. Remedy: name the LLMs in a column llm")
    kept = [name, *(c for c in columns if c in (*_TEXTS, "parameters_b", *PRICES, *priced, PRICING))]
    rows: list[dict[str, Any]] = []
    wrong: list[str] = []
    for chunk in read_chunks(path, path.name, list(dict.fromkeys(kept))):
        if isinstance(chunk, Rejected):
            wrong.append(f"record {chunk.row}: {chunk.reason}")
            continue
        for place, record in zip(chunk.rows.tolist(), chunk.batch.to_pylist(), strict=True):
            try:
                row = _row(record, name, priced)
                faults = explain(table_schema("llms").json_schema, row)
                wrong += [f"record {place}: {column} is {value}, expected {expected}" for column, value, expected in faults]
                rows.append(row)
            except BadRecordError as error:
                wrong.append(f"record {place}: {error}")
    if wrong:
        more = f"; and {len(wrong) - _SHOWN:,} more" if len(wrong) > _SHOWN else ""
        raise InputError(f"{path}: not rows of the table llms: {'; '.join(wrong[:_SHOWN])}{more}. {_REMEDY}")
    for ours in PRICES:
        top = max((row[ours] for row in rows if row.get(ours) is not None), default=0.0)
        if top > _MOST:
            raise InputError(f"{path}: {ours} would be {top:g} USD per 1M tokens. Remedy: check the unit in the column's name")
    notes = [f"{n} is taken as {' and '.join(p.ours)}, multiplied by {p.times:,g}" for n, p in priced.items() if p.times != 1]
    notes += [f"{PRICING} is taken as prices per token"] if PRICING in columns else []
    left = [c for c in columns if c not in kept]
    return rows, [*notes, *([f"columns left out: {', '.join(left)}"] if left else [])]


def check_plausible(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Check prices in columns whose names state no unit.

    Raises:
        InputError: all prices of a column are so low that they are likely those of a token or of 1K tokens.
    """
    for ours in PRICES:
        prices = [row[ours] for row in rows if row.get(ours)]
        if prices and max(prices) < _LEAST:
            raise InputError(
                f"{path}: {ours} is from {min(prices):g} to {max(prices):g}, expected USD per 1M tokens: the unit is likely "
                f"another one. The column is refused as a whole. Remedy: name it {ours}_per_token or {ours}_per_1k, or "
                f"{ours}_per_1m if the values are right"
            )


def _row(record: Mapping[str, Any], name: str, priced: Mapping[str, PriceColumn]) -> dict[str, Any]:
    row: dict[str, Any] = {"llm": record[name]}
    row |= {c: text(record, c) or None for c in _TEXTS if c in record}
    row |= {c: _size(record, c) for c in ("parameters_b",) if c in record}
    row |= {c: _price(record, c) for c in PRICES if c in record}
    stated = {ours: ours for ours in PRICES if row.get(ours) is not None}
    found = [(ours, column, _price(record, column, kind)) for column, kind in priced.items() for ours in kind.ours]
    pricing = _pricing(record)
    found += [(o, f"{PRICING}.{t}", _price(pricing, t, _OF_TOKEN)) for o, t in zip(PRICES, _PRICED, strict=True)]
    for ours, column, price in found:
        if price is None:
            continue
        first = stated.setdefault(ours, column)
        if first == column:
            row[ours] = price
        elif not math.isclose(row[ours], price, rel_tol=_ROUNDING):
            raise BadRecordError(
                f"{ours} is {row[ours]:g} USD per 1M tokens by {first}, but {price:g} by {column}, expected one price"
            )
    return row


def _size(record: Mapping[str, Any], name: str) -> float | None:
    return number(record, name) if not isinstance(record[name], str) else NumberReader("", name).of(_said(record, name), name)


def _pricing(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """OpenRouter's object of prices; empty if there is none."""
    value = record.get(PRICING)
    if value is None or (isinstance(value, str) and value.strip().lower() in _NO_PRICE):
        return {}
    found = literal(value) if isinstance(value, str) else value
    if not isinstance(found, Mapping):
        raise BadRecordError(f"{PRICING} is {shorten(value)}, expected an object with prompt and completion")
    return found


def _price(record: Mapping[str, Any], name: str, kind: PriceColumn = _AS_OURS) -> float | None:
    """A price in USD per 1M tokens. It may be written with a sign of USD, as the costs in a table may."""
    value = record.get(name)
    if not isinstance(value, str):
        price = number(record, name)
        return None if price is None else price * kind.times
    reader = NumberReader("cost_usd", name)
    price = reader.of(_said(record, name), name)
    return None if price is None else price * (kind.of_usd if reader.seen.units else kind.times)


def _said(record: Mapping[str, Any], name: str) -> str:
    """A text that is not a word for true or false, which is not a number of anything here."""
    found = str(record[name])
    if found.strip().lower() in ("true", "false"):
        raise BadRecordError(f"{name} is {shorten(found)}, expected a number")
    return found
