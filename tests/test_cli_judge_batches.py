"""`judge --batch` from the command line: at a provider, as files for `vllm run-batch`, and beside online calls in one run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.release import Release
from llmfusionbench.validation import validate
from tests.helpers.batch_server import EXPIRE, serving_batches
from tests.helpers.command import Command
from tests.helpers.judges import llms_file, sums_release


def right(body: dict[str, Any], _: int) -> Any:
    """A judge of sums that knows them."""
    return f"<score>{int('by ant' in body['messages'][-1]['content'])}</score>"


def command(file: Path, *more: object) -> list[object]:
    return ["judge", "r", "--judge", "owl", "--llms", file, "--out", "o", "--workers", 1, *more]


def scores(place: Path) -> list[tuple[str, float | None]]:
    assert list(validate(place / "o")) == []
    rows = Release(place / "o").rows("judge_scores", columns=["llm", "score"]).to_pylist()
    return sorted((row["llm"], row["score"]) for row in rows)


def test_a_batch_is_submitted_once_and_taken_later(place: Path, lfb: Command) -> None:
    sums_release(place / "r", queries=3)
    with serving_batches(right) as server:
        server.held.add("in_progress")
        file = llms_file(place, server, "owl")
        for more in (["--batch", "--no-wait", "--max-cost", 1], [], ["--batch", "--no-wait"]):  # [] asks nothing twice online
            status, _, err = lfb(*command(file, *more))
            assert status == 1
            assert "0 of 6 questions have a reply (6 of them are in batches of the provider)" in err
        server.held.clear()
        while status:
            status, out, _ = lfb(*command(file))
        assert "6 of 6 answers that can be judged" in out
        assert (len(server.batches), server.charged) == (1, 6)
        assert not any(path.endswith("/chat/completions") for _, path, _ in server.seen)
    assert scores(place) == [("ant", 1.0)] * 3 + [("bee", 0.0)] * 3


def test_what_a_batch_leaves_is_asked_online_by_the_next_run(place: Path, lfb: Command) -> None:
    sums_release(place / "r", queries=3)
    with serving_batches(lambda body, n: EXPIRE if "by bee" in str(body) else right(body, n)) as server:
        file = llms_file(place, server, "owl")
        err = ""
        while "3 of 6 questions have a reply" not in err:
            status, _, err = lfb(*command(file, "--batch", "--no-wait"))
            assert status == 1
        server.answer = right
        status, _, _ = lfb(*command(file))
        assert (status, server.charged) == (0, 6)
    assert scores(place) == [("ant", 1.0)] * 3 + [("bee", 0.0)] * 3


def test_files_for_vllm_run_batch(place: Path, lfb: Command) -> None:
    sums_release(place / "r", queries=3)
    with serving_batches(right) as server:
        file = llms_file(place, server, "owl")
        status, _, err = lfb(*command(file, "--batch", "--batch-files", "owl"))
        assert status == 1
        assert "(6 of them wait for vllm run-batch in 1 file: " in err
        assert "Remedy: run vllm run-batch on this file, then run the same command again" in err
        (requests,) = (place / "o.run" / "batches").glob("*.input.jsonl")
        lines = []
        for line in map(json.loads, requests.read_text(encoding="utf-8").splitlines()):
            message = {"role": "assistant", "content": right(line["body"], 0)}
            body = {"model": line["body"]["model"], "choices": [{"index": 0, "finish_reason": "stop", "message": message}]}
            response = {"status_code": 200, "request_id": "r", "body": body}
            lines.append(json.dumps({"id": "v", "custom_id": line["custom_id"], "response": response, "error": None}) + "\n")
        (place / "half.jsonl").write_text("".join(lines[:4]), encoding="utf-8")
        status, _, err = lfb(*command(file, "--batch-results", "half.jsonl"))
        assert status == 1
        assert "4 of 6 questions have a reply (the others were not asked)" in err
        assert server.seen == []
        status, _, _ = lfb(*command(file))
        assert (status, server.charged) == (0, 2)
    assert scores(place) == [("ant", 1.0)] * 3 + [("bee", 0.0)] * 3


def test_a_forecast_of_batches_has_their_discount(place: Path, lfb: Command) -> None:
    sums_release(place / "r", queries=3)
    with serving_batches(right) as server:
        file = llms_file(place, server, "owl")
        whole, part = (lfb(*command(file, "--dry-run", *more))[1] for more in ((), ("--batch",)))
        assert server.seen == []
    assert whole != part


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["--no-wait"], 2, "--no-wait needs --batch"),
        (["--batch-files", "owl"], 2, "--batch-files needs --batch"),
        (["--batch", "--batch-files", "own"], 1, 'No judge "own". Did you mean "owl"?'),
        (["--batch-results", "half.jsonl", "--batch"], 2, "--batch-results asks nothing"),
        (["--batch-results", "half.jsonl"], 1, "half.jsonl"),
    ],
)
def test_options_that_do_not_go_together(arguments: list[str], status: int, words: str, place: Path, lfb: Command) -> None:
    sums_release(place / "r", queries=3)
    with serving_batches(right) as server:
        found, _, err = lfb(*command(llms_file(place, server, "owl"), *arguments))
        assert server.seen == []
    assert (found, words in err) == (status, True), err
