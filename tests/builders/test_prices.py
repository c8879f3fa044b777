"""The price of an answer, by the model that served it and its date."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.builders import build
from llmfusionbench.errors import InputError
from llmfusionbench.llm.model_names import same_model
from tests.helpers.made_up_release import answer

DATED = [
    {"valid_from": "2025-01-01T00:00:00.000Z", "input_price": 4.0, "output_price": 8.0},
    {"valid_from": "2024-01-01T00:00:00.000Z", "input_price": 10.0, "output_price": 20.0},
]
LLMS = [
    {"llm": "small", "input_price": 1.0, "output_price": 2.0},
    {"llm": "big", "input_price": 6.0, "output_price": 12.0, "endpoint": "lab/big-v1"},
    {"llm": "dated", "input_price": 5.0, "output_price": 5.0, "prices": DATED},
]


@pytest.mark.parametrize(
    ("asked", "served", "same"),
    [
        ("gpt-4o", "gpt-4o", True),
        ("gpt-4o", "openai/GPT-4o-2024-08-06", True),
        ("openai/gpt-4o", "gpt-4o", True),
        ("claude-3-5-sonnet", "claude-3-5-sonnet-20240620", True),
        ("claude-3-opus", "claude-3-opus@20240229", True),
        ("gemini-2.0-flash", "gemini-2.0-flash-001", True),
        ("gpt-4", "gpt-4-0613", True),
        ("gpt-4", "gpt-4o", False),
        ("gpt-4", "gpt-4-turbo", False),
        ("gpt-4o", "gpt-4o-mini", False),
        ("gpt-4o-2024-08-06", "gpt-4o-2024-05-13", False),
        ("gpt-4o-2024-08-06", "gpt-4o", True),
        ("llama-3-8b", "llama-3-70b", False),
        ("", "gpt-4o", False),
    ],
)
def test_names_of_one_model(asked: str, served: str, same: bool) -> None:
    assert same_model(asked, served) is same


def costs(folder: Path, *changes: dict[str, Any], llms: list[dict[str, Any]] | None = None) -> list[float | None]:
    """USD of each answer, of 1,000,000 tokens in and out, in the order given; all are replicates of one query."""
    rows = [
        answer(0, change.pop("llm", "small"), replicate=i, input_tokens=1_000_000, output_tokens=1_000_000, **change)
        for i, change in enumerate(map(dict, changes))
    ]
    (folder / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "llms.jsonl").write_text("".join(json.dumps(row) + "\n" for row in llms or LLMS))
    release = build("table", [folder / "log.jsonl"], folder / "out", llms=folder / "llms.jsonl", workers=1)
    logs = sorted(release.table("logs").to_table().to_pylist(), key=lambda r: r["replicate"])
    for row in logs:
        known = None not in (row["input_price"], row["output_price"])
        assert row["cost_usd"] == (row["input_price"] + row["output_price"] if known else None)
    return [row["cost_usd"] for row in logs]


def test_an_answer_is_billed_as_the_model_that_served_it(tmp_path: Path) -> None:
    assert costs(
        tmp_path,
        {},
        {"served_model": "small"},
        {"served_model": "small-2025-01-01"},
        {"served_model": "big"},
        {"served_model": "lab/big-v1"},
        {"served_model": "big-0613"},
        {"served_model": "another"},
        {"served_model": "alias", "requested_model": "alias"},
    ) == [3.0, 3.0, 3.0, 18.0, 18.0, 18.0, None, 3.0]


def test_an_answer_is_billed_at_the_price_of_its_date(tmp_path: Path) -> None:
    moments = [None, "2023-12-31T23:59:59Z", "2024-01-01T00:00:00Z", "2024-12-31T23:59:59.999Z", "2025-01-01", 1767225600]
    changes = [{"llm": "dated", **({"created_at": m} if m is not None else {})} for m in moments]
    assert costs(tmp_path, *changes) == [10.0, None, 30.0, 30.0, 12.0, 12.0]


def test_a_dated_price_of_the_model_that_served(tmp_path: Path) -> None:
    served = {"served_model": "dated", "created_at": "2024-06-01"}
    assert costs(tmp_path, served, {"created_at": "2024-06-01"}) == [30.0, 3.0]


def test_a_file_of_llms_with_issues(tmp_path: Path) -> None:
    wrong = [
        {"llm": "a", "input_price": -1},
        {"llm": "b", "prices": [{"valid_from": "2024", "input_price": 1, "output_price": 1}]},
    ]
    with pytest.raises(InputError) as caught:
        costs(tmp_path, {}, llms=wrong)
    message = str(caught.value)
    assert "llms.jsonl line 1: input_price is -1" in message
    assert 'line 2: prices[0].valid_from is "2024", expected a time in UTC such as `2026-01-31T23:59:59.000Z`' in message
    assert not (tmp_path / "out").exists()


def test_no_file_of_llms(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text(json.dumps(answer(0, "a")))
    with pytest.raises(InputError, match=r"none\.jsonl: no such file"):
        build("table", [tmp_path / "log.jsonl"], tmp_path / "out", llms=tmp_path / "none.jsonl")
