"""Units in the names of columns, factors in a mapping, prices per token, and counts of 0 tokens beside a text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.builders import build
from llmfusionbench.builders.reading.price_units import PriceColumn, price_column
from llmfusionbench.errors import InputError
from llmfusionbench.release import Release
from tests.helpers.reading import write, write_lines


def row(**more: Any) -> dict[str, Any]:
    return {"prompt": "How far is it?", "llm": "tiny", "response": "Ten miles.", "performance": 1, **more}


def built(folder: Path, *rows: dict[str, Any], **options: Any) -> Release:
    return build("table", [write_lines(folder / "log.jsonl", rows)], folder / "out", workers=1, overwrite=True, **options)


def answer(release: Release) -> dict[str, Any]:
    (found,) = release.table("logs").to_table().to_pylist()
    return dict(found)


@pytest.mark.parametrize(
    ("name", "value", "seconds"),
    [
        ("latencyMs", 700, 0.7),
        ("latency_ms", "1500", 1.5),
        ("duration_ns", 2_500_000_000, 2.5),
        ("response_time_us", 1e6, 1.0),
        ("elapsed_milliseconds", 20, 0.02),
        ("latency_s", 700, 700.0),
    ],
)
def test_a_latency_in_a_unit_that_its_name_states(tmp_path: Path, name: str, value: Any, seconds: float) -> None:
    release = built(tmp_path, row(**{name: value}))
    assert answer(release)["latency_s"] == pytest.approx(seconds)
    notes = release.manifest["source"].get("notes", [])
    assert [name in note for note in notes] == ([] if name == "latency_s" else [True])


@pytest.mark.parametrize(
    ("ours", "theirs", "value", "expected"),
    [
        ("latency_s", "tookMs", 250, 0.25),
        ("latency_s", "took/1000", 250, 0.25),
        ("latency_s", "took * 2", 250, 500.0),
        ("latency_s", "tookMs/500", 250, 0.5),
        ("cost_usd", "price_cents", 3, 0.03),
        ("cost_usd", "usd_cents", 3, 0.03),
        ("cost_usd", "paid_usd", 3, 3.0),
        ("cost_usd", "credits*0.01", 50, 0.5),
        ("output_tokens", "kilo*1e3", 1.5, 1500),
        ("output_tokens", "a/b", 3, 3),
    ],
)
def test_a_mapped_column_in_another_unit(tmp_path: Path, ours: str, theirs: str, value: Any, expected: float) -> None:
    column = theirs if theirs == "a/b" else theirs.partition("/")[0].partition("*")[0].strip()
    assert answer(built(tmp_path, row(**{column: value}), options={"map": {ours: theirs}}))[ours] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        (
            {"latency_s": "took/0"},
            'latency_s is mapped to "took/0", expected a column, NAME/NUMBER or NAME*NUMBER with a number above 0',
        ),
        ({"latency_s": "took/-1"}, "Remedy: put a number in place of -1, such as 10"),
        ({"latency_s": "took/ten"}, "Remedy: put a number in place of ten, such as 10"),
        ({"latency_s": "took*1e999"}, "Remedy: put a number in place of 1e999, such as 10"),
        ({"latency_s": "tok/1000"}, 'no column "tok/1000" for latency_s'),
        ({"response": "took/2"}, 'response is mapped to "took/2", but is not a number. Remedy: name a column alone'),
        ({"cost_usd": "cost_per_token"}, "cost_per_token is a price, not the cost of an answer. Remedy: give the prices"),
        ({"cost_usd": "cost_eur"}, "cost_eur is in eur, expected USD. Remedy: convert it with --map cost_usd=cost_eur*RATE"),
        ({"latency_s": "took"}, "took (latency_s) has 1 values from 90000 to 90000, of which 1 is above 300 seconds"),
        (
            {"cost_usd": "took"},
            "state the unit with --map cost_usd=took/100 for cents, or with --map cost_usd=took*1 if the values",
        ),
    ],
)
def test_mappings_in_units_that_cannot_be(tmp_path: Path, mapping: dict[str, str], message: str) -> None:
    with pytest.raises(InputError) as caught:
        built(tmp_path, row(took=90_000, cost_per_token=1e-6, cost_eur=0.1), options={"map": mapping})
    assert message in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_unit_that_is_implausible_for_few_answers_is_taken(tmp_path: Path) -> None:
    rows = [row(prompt=f"{i}?", took=2 + 500 * (i == 0)) for i in range(4)]
    release = built(tmp_path, *rows, options={"map": {"latency_s": "took"}})
    assert sorted(r["latency_s"] for r in release.table("logs").to_table().to_pylist()) == [2.0, 2.0, 2.0, 502.0]


def test_a_wide_table_in_milliseconds(tmp_path: Path) -> None:
    path = write(tmp_path / "wide.csv", b"prompt,a,a|ms,b,b|ms\nA?,1,100,0,250\n")
    wide = {"performance": "{llm}", "latency_s": "{llm}|ms"}
    release = build("table", [path], tmp_path / "out", options={"wide": wide, "llms": ["a", "b"]}, workers=1)
    assert sorted(r["latency_s"] for r in release.table("logs").to_table().to_pylist()) == [0.1, 0.25]


# --- prices


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("input_cost_per_token", PriceColumn(("input_price",), 1e6)),
        ("outputPricePer1K", PriceColumn(("output_price",), 1e3)),
        ("prompt_price_per_1k_tokens", PriceColumn(("input_price",), 1e3)),
        ("completion_usd_per_million_tokens", PriceColumn(("output_price",), 1.0)),
        ("price_per_1k", PriceColumn(("input_price", "output_price"), 1e3)),
        ("input_cents_per_1k", PriceColumn(("input_price",), 10.0)),
        ("input_price", None),
        ("cost_usd", None),
        ("input_cost_per_token_above_200k_tokens", None),
        ("price_per_image", None),
    ],
)
def test_names_of_prices(name: str, expected: PriceColumn | None) -> None:
    assert price_column(name) == expected


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"llm": "tiny", "input_cost_per_token": 1.5e-6, "output_cost_per_token": "6e-06"}),
        json.dumps({"llm": "tiny", "input_price_per_1k": 0.0015, "output_price_per_1k": 0.006, "family": "t"}),
        json.dumps({"id": "tiny", "pricing": {"prompt": "0.0000015", "completion": "0.000006"}, "context_length": 5}),
        json.dumps({"llm": "tiny", "input_price": 1.5, "output_price": 6}),
        json.dumps({"llm": "tiny", "input_price": 1.5, "input_cost_per_token": 1.5e-6, "output_price_per_1k": 0.006}),
        json.dumps({"llm": "tiny", "input_price": 1.5, "input_cost_per_token": None, "output_price": 6, "pricing": ""}),
        json.dumps({"llm": "tiny", "input_price_per_1m": 1.5, "output_price_per_1m": 6}),
    ],
)
def test_prices_in_any_unit(tmp_path: Path, text: str) -> None:
    prices = write(tmp_path / "prices.jsonl", text.encode())
    found = answer(built(tmp_path, row(input_tokens=1000, output_tokens=100), llms=prices))
    assert (found["input_price"], found["output_price"]) == pytest.approx((1.5, 6.0))
    assert found["cost_usd"] == pytest.approx(0.0021)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            '{"llm": "tiny", "input_price": 1.5e-06, "output_price": 6e-06}',
            "expected USD per 1M tokens: the unit is likely another one",
        ),
        ('{"llm": "tiny", "input_price_per_token": 3}', "input_price would be 3e+06 USD per 1M tokens. Remedy: check the unit"),
        ('{"llm": "tiny", "price_per_1k": "cheap"}', 'record 0: price_per_1k is "cheap", expected a number'),
        ('{"llm": "tiny", "price_per_1k": -1}', "record 0: input_price is -1000.0, expected number of at least 0"),
        ('{"model_name": "tiny", "price_per_1k": 1}', "no column llm; it has model_name, price_per_1k"),
        ('{"id": "tiny", "pricing": [1]}', "pricing is "),
        ('{"id": "tiny", "pricing": "not json"}', 'record 0: pricing is "not json", expected an object'),
        (
            '{"llm": "tiny", "input_price": 5, "input_price_per_1k": 0.002, "prompt_cost_per_token": 0.000003}',
            "input_price is 5 USD per 1M tokens by input_price, but 2 by input_price_per_1k, expected one price",
        ),
        (
            '{"llm": "tiny", "price_per_1k": 0.002, "output_price_per_1m": 3}',
            "output_price is 2 USD per 1M tokens by price_per_1k, but 3 by output_price_per_1m",
        ),
        (
            '{"llm": "tiny", "input_price": 5, "pricing": {"prompt": "0.000002"}}',
            "but 2 by pricing.prompt",
        ),
    ],
)
def test_prices_that_cannot_be(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        built(tmp_path, row(), llms=write(tmp_path / "prices.jsonl", text.encode()))
    assert message in str(caught.value)


# --- tokens


def test_no_tokens_beside_a_text_are_unknown(tmp_path: Path) -> None:
    release = built(
        tmp_path,
        row(input_tokens=0, output_tokens=3),
        row(prompt="And back?", input_tokens=4, output_tokens=0),
        row(prompt="Nothing?", response="", input_tokens=4, output_tokens=0),
        row(prompt="Failed?", response=None, performance=None, status="error", input_tokens=0, output_tokens=0),
    )
    rows = sorted(release.table("logs").to_table().to_pylist(), key=lambda r: r["prompt"])
    assert [(r["input_tokens"], r["output_tokens"]) for r in rows] == [(4, None), (0, 0), (None, 3), (4, 0)]
    assert release.manifest["warnings"][1:] == [
        "input_tokens is 0 beside a prompt in 1 answer: taken as unknown (null)",
        "output_tokens is 0 beside a response in 1 answer: taken as unknown (null)",
    ]


# --- names that need no mapping


@pytest.mark.parametrize(
    ("name", "ours", "value", "expected"),
    [
        *((name, "latency_s", 3, 3.0) for name in ("duration_s", "latency_seconds", "latency_sec", "elapsed_s", "time_s")),
        *((name, "latency_s", 3000, 3.0) for name in ("elapsed_ms", "time_ms", "latency_in_ms")),
        *((name, "cost_usd", 0.2, 0.2) for name in ("costUsd", "total_cost_usd", "cost_in_usd", "COST-USD")),
        *((name, "input_tokens", 7, 7) for name in ("prompt_tokens", "promptTokens", "usage.prompt_tokens")),
        *((name, "output_tokens", 7, 7) for name in ("completion_tokens", "outputTokens")),
    ],
)
def test_well_known_names_are_taken(tmp_path: Path, name: str, ours: str, value: Any, expected: float) -> None:
    release = built(tmp_path, row(**{name: value}))
    assert answer(release)[ours] == pytest.approx(expected)


@pytest.mark.parametrize("name", ["time", "timestamp_s", "costume_usd", "latency_p95", "cost_center"])
def test_names_of_something_else_are_not_taken(tmp_path: Path, name: str) -> None:
    release = built(tmp_path, row(**{name: 3}))
    assert (answer(release)["latency_s"], answer(release)["cost_usd"]) == (None, None)
    assert not [w for w in release.manifest.get("warnings", []) if name in w]


def test_a_name_without_a_unit_is_not_read_and_gives_a_warning(tmp_path: Path) -> None:
    release = built(tmp_path, row(latency=4, total_cost=5))
    assert (answer(release)["latency_s"], answer(release)["cost_usd"]) == (None, None)
    assert [w for w in release.manifest["warnings"] if w.startswith("log.jsonl")] == [
        "log.jsonl: latency is not read as latency_s, since its name states no unit. Remedy: map it with "
        "--map latency_s=latency if it is in seconds, or with --map latency_s=latency/1000 for milliseconds",
        "log.jsonl: total_cost is not read as cost_usd, since its name states no unit. Remedy: map it with "
        "--map cost_usd=total_cost if it is in USD, or with --map cost_usd=total_cost/100 for cents",
    ]
    mapped = built(tmp_path, row(latency=4, total_cost=5, cost_usd=1), options={"map": {"latency_s": "latency"}})
    assert (answer(mapped)["latency_s"], answer(mapped)["cost_usd"]) == (4.0, 1.0)
    assert not [w for w in mapped.manifest["warnings"] if w.startswith("log.jsonl")]


def test_of_two_columns_of_a_quantity_ours_counts(tmp_path: Path) -> None:
    release = built(tmp_path, row(latency_ms=2500, latency_s=2, duration_ms=2600))
    assert answer(release)["latency_s"] == 2.0
    assert release.manifest["source"]["notes"] == [
        "log.jsonl: latency_ms is not read, for latency_s is taken as latency_s",
        "log.jsonl: duration_ms is not read, for latency_s is taken as latency_s",
    ]
    other = built(tmp_path, row(latency_ms=2500, elapsed_s=2))
    assert answer(other)["latency_s"] == 2.0
    assert other.manifest["source"]["notes"] == ["log.jsonl: latency_ms is not read, for elapsed_s is taken as latency_s"]


@pytest.mark.parametrize("as_text", [False, True])
def test_counts_of_tokens_in_an_object(tmp_path: Path, as_text: bool) -> None:
    usages: list[Any] = [
        {
            "prompt_tokens": 5, "completion_tokens": 8, "completion_tokens_details": {"reasoning_tokens": 3},
            "prompt_tokens_details": {"cached_tokens": 2},
        },
        {"input_tokens": 6, "output_tokens": None},
        "much",
        None,
    ]  # fmt: skip
    rows = [row(prompt=f"{i}?", usage=str(u) if as_text and u else u) for i, u in enumerate(usages)]
    found = sorted(built(tmp_path, *rows).table("logs").to_table().to_pylist(), key=lambda r: r["prompt"])
    names = ("input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens")
    assert [tuple(r[n] for n in names) for r in found] == [(5, 8, 3, 2), (6, None, None, None), (None,) * 4, (None,) * 4]
    stated = built(tmp_path, row(input_tokens=40, usage={"prompt_tokens": 5, "completion_tokens": 8}))
    assert (answer(stated)["input_tokens"], answer(stated)["output_tokens"]) == (40, 8)
