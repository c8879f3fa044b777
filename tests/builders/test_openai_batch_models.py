"""Batches of several models with the same ids: the models tell the files of requests, and names those of files of errors."""

from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.builders.sources.openai_batch import OpenAIBatch
from llmfusionbench.errors import InputError
from tests.helpers.reading import read, write_lines

SERVED = {"gpt-4o": "gpt-4o-2024-08-06", "gpt-4o-mini": "gpt-4o-mini-2024-07-18"}


def request(name: str, model: str) -> dict[str, Any]:
    asked = {"model": model, "messages": [{"role": "user", "content": f"Name {name} as {model}."}]}
    return {"custom_id": name, "method": "POST", "url": "/v1/chat/completions", "body": asked}


def result(name: str, served: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": f"From {served}."}
    body = {"model": served, "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    return {"custom_id": name, "response": {"status_code": 200, "body": body}, "error": None}


def expired(name: str) -> dict[str, Any]:
    return {"custom_id": name, "response": None, "error": {"code": "batch_expired", "message": "It is over."}}


def asked(folder: Path) -> list[Path]:
    return [write_lines(folder / f"ask_{m}.jsonl", [request(n, m) for n in ("a", "b")]) for m in SERVED]


@pytest.mark.parametrize("step", [1, -1])
def test_the_longest_model_that_begins_the_served_one_decides(tmp_path: Path, step: int) -> None:
    made = [
        write_lines(tmp_path / f"batch_{i}_output.jsonl", [result(n, served) for n in ("a", "b")])
        for i, served in enumerate(SERVED.values())
    ]
    found = read(OpenAIBatch(), *(asked(tmp_path) + made)[::step])
    assert sorted((r["llm"], r["served_model"], r["prompt"], r["status"]) for r in found.rows) == sorted(
        (model, served, f"Name {name} as {model}.", None) for model, served in SERVED.items() for name in ("a", "b")
    )


@pytest.mark.parametrize("step", [1, -1])
def test_errors_belong_to_the_requests_of_the_results_of_the_same_name(tmp_path: Path, step: int) -> None:
    paths = [
        *asked(tmp_path),
        write_lines(tmp_path / "batch_bb_error.jsonl", [expired("b")]),
        write_lines(tmp_path / "batch_aa_output.jsonl", [result(n, SERVED["gpt-4o"]) for n in ("a", "b")]),
        write_lines(tmp_path / "batch_bb_output.jsonl", [result("a", SERVED["gpt-4o-mini"])]),
    ]
    found = read(OpenAIBatch(), *paths[::step])
    assert sorted((r["llm"], r["source_id"], r["status"] or "ok") for r in found.rows) == [
        ("gpt-4o", "a", "ok"),
        ("gpt-4o", "b", "ok"),
        ("gpt-4o-mini", "a", "ok"),
        ("gpt-4o-mini", "b", "error"),
    ]


def test_errors_belong_to_the_results_in_their_folder_where_names_are_the_same(tmp_path: Path) -> None:
    paths = asked(tmp_path / "requests")
    for folder, served in zip(("one", "two"), SERVED.values(), strict=True):
        paths.append(write_lines(tmp_path / folder / "output.jsonl", [result("a", served)]))
    paths.append(write_lines(tmp_path / "two" / "error.jsonl", [expired("b")]))
    found = read(OpenAIBatch(), *paths)
    assert {(r["llm"], r["status"]) for r in found.rows if r["source_id"] == "b"} == {
        ("gpt-4o", "missing"),
        ("gpt-4o-mini", "error"),
    }


def test_errors_without_results_of_their_name_are_refused(tmp_path: Path) -> None:
    made = write_lines(tmp_path / "batch_aa_output.jsonl", [result("a", SERVED["gpt-4o"])])
    with pytest.raises(InputError, match=r"batch_cc_error\.jsonl: its results could be those of"):
        read(OpenAIBatch(), *asked(tmp_path), made, write_lines(tmp_path / "batch_cc_error.jsonl", [expired("b")]))
