"""`collect --retry` from the command line: the model of a mode, refusals that end with `stop`, and failures that stay."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.cli.main import run
from tests.helpers.chat_server import completion, serving
from tests.helpers.collecting_desk import collect, release, reply, rows, write_llms, write_prompts

MODES = {"think": {"model": "reasoner"}}


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with three prompts, in which commands run."""
    write_prompts(tmp_path, 3)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_model_of_a_mode_is_asked_again(desk: Path) -> None:
    """Its answer replaces one of the same model, and not of the model that the other modes ask."""

    def cutting(body: dict[str, Any], tries: int) -> Any:
        said = json.loads(completion(reply(body, tries), body["model"]))
        if body["max_tokens"] < 4096 and body["model"] == "reasoner":
            said["choices"][0] |= {"finish_reason": "length"}
        return 200, json.dumps(said).encode()

    with serving(cutting) as server:
        write_llms(desk, server.url, "a", modes=MODES)
        assert collect("--mode", "direct,think") == 0
        assert len(server.requests) == 6
        assert run(["collect", "--retry", "length", "--max-tokens", "4096", "run"]) == 0
        assert [(body["model"], body["max_tokens"]) for _, body, _ in server.requests[6:]] == [("reasoner", 4096)] * 3
    columns = ("mode", "requested_model", "served_model", "finish_reason")
    assert set(rows(release(), *columns)) == {
        ("direct", "a-model", "a-model", "stop"), ("think", "reasoner", "reasoner", "stop"),
    }  # fmt: skip


def test_what_the_server_calls_a_refusal_is_asked_again(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def declining(body: dict[str, Any], tries: int) -> Any:
        said = json.loads(completion(None if tries == 1 else reply(body, tries), body["model"]))
        said["choices"][0]["message"]["refusal"] = "I cannot" if tries == 1 else None
        return 200, json.dumps(said).encode()

    with serving(declining) as server:
        write_llms(desk, server.url, "a")
        assert collect() == 0
        found = rows(release("first"), "status", "response", "finish_reason")
        assert found == [("ok", "I cannot", "content_filter")] * 3
        assert run(["collect", "--retry", "refusal", "run"]) == 0
        assert len(server.requests) == 6
        assert {row[2] for row in rows(release(), "status", "response", "finish_reason")} == {"stop"}
        capsys.readouterr()
        assert run(["collect", "--retry", "refusal", "run"]) == 0
        assert "Nothing was left to ask." in capsys.readouterr().out


def test_a_retry_in_vain_states_what_failed_again(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(lambda body, _: (400, b'{"error": {"message": "too hard"}}')) as server:
        write_llms(desk, server.url, "good")
        assert collect() == 0
        capsys.readouterr()
        assert run(["collect", "--retry", "error", "run"]) == 0
        printed = capsys.readouterr()
        assert "3 calls failed again. The rest of the run: llmfusionbench collect run\n" in printed.out
        assert "Failed calls are asked again with" in printed.err
        assert "No call of this kind is left" not in printed.out
        server.answer = reply
        assert run(["collect", "--retry", "error", "run"]) == 0
        assert "No call of this kind is left." in capsys.readouterr().out
