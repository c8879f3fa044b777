"""Batches without a provider: files for `vllm run-batch`, and the results that the user hands in."""

from __future__ import annotations

import asyncio
import json
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.builders.collecting.batch_hand_in import take_files
from llmfusionbench.builders.collecting.batch_manner import Manner
from llmfusionbench.builders.collecting.batch_run import BatchResult
from llmfusionbench.builders.collecting.board import Board
from llmfusionbench.builders.collecting.budget import Budget
from llmfusionbench.builders.collecting.journal import RunJournal
from llmfusionbench.errors import InputError
from llmfusionbench.redaction import keep_secret
from tests.helpers.batch_runs import batched, calls_of, endpoint_at, records, states, today
from tests.helpers.batch_server import serving_batches
from tests.helpers.chat_server import completion

LOCAL = endpoint_at("http://localhost:8000")


def run_batch(requests: Path, output: Path, *, skip: Iterable[int] = (), wrong: Iterable[int] = ()) -> None:
    """What `vllm run-batch` does, for these lines not at all, or with an error."""
    lines = []
    for number, line in enumerate(requests.read_text().splitlines()):
        request = json.loads(line)
        assert (request["method"], request["url"]) == ("POST", "/v1/chat/completions")
        assert "stream" not in request["body"]
        result: dict[str, Any] = {"id": f"vllm-{number}", "custom_id": request["custom_id"], "error": None}
        body = json.loads(completion(f"local {number}", request["body"]["model"]))
        result["response"] = {"status_code": 200, "request_id": "vllm-batch-1", "body": body}
        if number in wrong:
            result |= {"response": {"status_code": 400, "request_id": "r", "body": None}, "error": "prompt too long"}
        if number not in skip:
            lines.append(json.dumps(result) + "\n")
    output.write_text("".join(lines))


def hand_in(folder: Path, paths: list[Path], said: list[str] | None = None) -> BatchResult:
    with RunJournal(folder) as journal:
        budget = Budget(None, [LOCAL], today=today().date(), spent=journal.spent_usd)
        say = (said if said is not None else []).append
        return asyncio.run(take_files(paths, [LOCAL], journal, budget, Board(), say=say, today=today))


def write(folder: Path, count: int = 4, said: list[str] | None = None, **options: Any) -> BatchResult:
    return batched(folder, [LOCAL], calls_of(count, stream=True), offline={"m"}, said=said, **options)


def test_files_are_written_run_and_taken(tmp_path: Path) -> None:
    said: list[str] = []
    result = write(tmp_path, said=said, manner=Manner(most_requests=3))
    folder = tmp_path / "batches"
    assert result.files == [folder / "m-1.input.jsonl", folder / "m-2.input.jsonl"]
    assert (result.in_batches, result.answered) == (4, 0)
    command = f"vllm run-batch -i {folder}/m-1.input.jsonl -o {folder}/m-1.output.jsonl --model test-model"
    assert said[0] == f"m: run `{command}`, then start the same command again"
    again = write(tmp_path)
    assert (again.in_batches, len(again.files)) == (4, 2)
    run_batch(folder / "m-1.input.jsonl", folder / "m-1.output.jsonl")
    result = write(tmp_path)
    assert (result.answered, result.in_batches, result.files) == (3, 1, [folder / "m-2.input.jsonl"])
    assert states(tmp_path, "m-1") == ["written", "completed", "taken"]
    run_batch(folder / "m-2.input.jsonl", tmp_path / "elsewhere.jsonl")
    result = hand_in(tmp_path, [tmp_path / "elsewhere.jsonl"])
    assert (result.answered, result.in_batches) == (1, 0)
    assert {a["response"] for a in records(tmp_path, "attempt")} == {"local 0", "local 1", "local 2"}
    assert (write(tmp_path).reused, len(list(folder.glob("*.input.jsonl")))) == (4, 2)


def test_each_file_has_one_model_which_the_command_names(tmp_path: Path) -> None:
    """Calls of two modes alternate in a plan; `vllm run-batch` serves one model."""
    said: list[str] = []
    calls = [call for pair in zip(calls_of(3), calls_of(3, model="thinker"), strict=True) for call in pair]
    result = batched(tmp_path, [LOCAL], calls, offline={"m"}, said=said)
    assert result.in_batches == 6
    bodies = [[json.loads(line)["body"] for line in path.read_text().splitlines()] for path in result.files]
    assert [[body["model"] for body in each] for each in bodies] == [["test-model"] * 3, ["thinker"] * 3]
    asked = [f"What is {i}?" for i in range(3)]
    assert [[body["messages"][0]["content"] for body in each] for each in bodies] == [asked, asked]
    assert ["--model test-model`" in said[0], "--model thinker`" in said[1]] == [True, True]


def test_results_that_are_not_whole(tmp_path: Path) -> None:
    """Without a line for every request, a file is only taken when the user hands it in; the rest is asked again."""
    said: list[str] = []
    write(tmp_path)
    folder = tmp_path / "batches"
    output = folder / "m-1.output.jsonl"
    run_batch(folder / "m-1.input.jsonl", output, skip=[1], wrong=[2])
    result = write(tmp_path, said=said)
    assert (result.answered, result.in_batches) == (0, 4)
    assert said == [f"m: {output} has 3 of 4 results. Wait until the rest is there, or take what it has with --batch-results"]
    said.clear()
    result = hand_in(tmp_path, [output], said)
    assert (result.answered, result.failed, result.not_started, result.in_batches) == (2, 1, 1, 0)
    assert said == ["m: batch m-1: 2 of 4 requests are answered, 1 failed, 1 is to be asked again"]
    result = write(tmp_path)
    assert (result.in_batches, result.reused, result.failed_before) == (1, 2, 1)
    assert result.files == [folder / "m-2.input.jsonl"]


def test_an_empty_file_gives_a_batch_up(tmp_path: Path) -> None:
    write(tmp_path)
    output = tmp_path / "batches" / "m-1.output.jsonl"
    output.touch()
    result = hand_in(tmp_path, [output])
    assert (result.answered, result.not_started, result.in_batches) == (0, 4, 0)
    assert write(tmp_path).in_batches == 4


def test_files_of_several_batches_and_of_others(tmp_path: Path) -> None:
    write(tmp_path, manner=Manner(most_requests=2))
    folder = tmp_path / "batches"
    for n in (1, 2):
        run_batch(folder / f"m-{n}.input.jsonl", tmp_path / f"{n}.jsonl")
    both = tmp_path / "both.jsonl"
    foreign = json.dumps({"custom_id": "x", "response": {"status_code": 200, "body": {}}})
    both.write_text((tmp_path / "1.jsonl").read_text() + foreign + "\n{\n" + (tmp_path / "2.jsonl").read_text())
    said: list[str] = []
    result = hand_in(tmp_path, [both], said)
    assert (result.answered, result.in_batches) == (4, 0)
    assert said[0] == f"{both}: 1 result has an unknown id, and 1 line cannot be read"
    with pytest.raises(InputError, match="no result of a batch that is under way"):
        hand_in(tmp_path, [both])
    with pytest.raises(InputError, match="missing"):
        hand_in(tmp_path, [tmp_path / "missing.jsonl"])


def test_results_of_a_provider_that_were_downloaded_by_hand(tmp_path: Path) -> None:
    """Its batch stays open: what the file lacks may still come."""
    with serving_batches(lambda body, _: "yes") as server:
        server.held = {"in_progress"}
        endpoint = endpoint_at(server.url)
        batched(tmp_path, [endpoint], calls_of(3), manner=Manner(wait=False))
        by_hand = tmp_path / "by_hand.jsonl"
        run_batch(tmp_path / "batches" / "m-1.input.jsonl", by_hand, skip=[0])
        result = hand_in(tmp_path, [by_hand])
        assert (result.answered, result.in_batches) == (2, 1)
        server.held = set()
        result = batched(tmp_path, [endpoint], calls_of(3))
    assert (result.answered, result.in_batches, len(server.batches)) == (1, 0, 1)
    assert len(records(tmp_path, "attempt")) == 3


@pytest.mark.parametrize("name", ["m-1.input.jsonl", "m-1.calls.jsonl"])
def test_files_that_were_lost_or_changed(tmp_path: Path, name: str) -> None:
    write(tmp_path)
    path = tmp_path / "batches" / name
    whole = path.read_bytes()
    path.write_bytes(whole[:-40])
    with pytest.raises(InputError, match="put back the file as it was"):
        write(tmp_path)
    path.unlink()
    with pytest.raises(InputError, match="missing, but its batch is under way"):
        write(tmp_path)
    path.write_bytes(whole)
    assert write(tmp_path).in_batches == 4


@pytest.mark.parametrize("offline", [{"m"}, ()])
def test_a_setting_with_a_secret_is_in_no_file_of_a_batch(tmp_path: Path, offline: Iterable[str]) -> None:
    keep_secret("t4pir-and-0kapi")
    for fields in ({"extra": {"user": "t4pir-and-0kapi"}}, {"modes": {"think": {"user": {"x": ["t4pir-and-0kapi"]}}}}):
        with pytest.raises(InputError, match=r'm: its setting "user" holds a secret, .* Remedy: ask it without --batch'):
            batched(tmp_path, [endpoint_at("http://h", **fields)], calls_of(1), offline={*offline})
    assert not (tmp_path / "batches").exists()


def test_the_command_is_one_for_a_shell(tmp_path: Path) -> None:
    """Names with spaces and other signs stay whole."""
    run, said = tmp_path / "my $run; ls", list[str]()
    batched(run, [endpoint_at("http://h")], calls_of(1, model="org/a b"), offline={"m"}, said=said)
    command = shlex.split(said[0].partition("`")[2].rpartition("`")[0])
    folder = run / "batches"
    files = ["-i", f"{folder}/m-1.input.jsonl", "-o", f"{folder}/m-1.output.jsonl"]
    assert command == ["vllm", "run-batch", *files, "--model", "org/a b"]
