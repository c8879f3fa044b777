"""Each exit by itself: a secret that has come past the entrance is in no file, on no screen and in no usage error."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path

import pytest

import llmfusionbench as lfb
from llmfusionbench.cli import console
from llmfusionbench.cli.main import run
from llmfusionbench.evaluation import LiveRouter
from llmfusionbench.llm.chat import ChatClient, Reply
from llmfusionbench.llm.journal import Journal
from llmfusionbench.redaction import MARK, keep_secret
from llmfusionbench.storage.json_lines import write_lines
from tests.helpers.canary import canary
from tests.helpers.chat_server import completion
from tests.helpers.raw_server import answering, http
from tests.helpers.small_tables import Always, random_table

Leaks = Callable[..., list[str]]


def test_a_reply_holds_no_secret(secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY_KEY", secret)
    with answering(lambda _: http(completion(f"It is {secret}.", f"model-{secret}"))) as server:
        reply = ChatClient(f"http://{server.place}", model="m", key_variable="CANARY_KEY").ask(
            [{"role": "user", "content": "a"}]
        )
    assert (reply.text, reply.model) == (f"It is {MARK}.", f"model-{MARK}")


def test_json_lines(secret: str, leaks: Leaks, tmp_path: Path) -> None:
    keep_secret(secret)
    write_lines([{"a": [f"x {secret}"]}], tmp_path / "lines.jsonl")
    assert json.loads((tmp_path / "lines.jsonl").read_text()) == {"a": [f"x {MARK}"]}
    assert leaks(secret) == []


def test_a_journal(secret: str, leaks: Leaks, tmp_path: Path) -> None:
    keep_secret(secret)
    with Journal(tmp_path / "journal.jsonl", key=("id",), needs=("text",)) as journal:
        journal.add({"id": "1", "text": f"x {secret}"})
        assert journal.records[("1",)]["text"] == f"x {MARK}"
    assert leaks(secret) == []


def test_the_record_of_a_live_router(secret: str, leaks: Leaks, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_secret(secret)
    monkeypatch.setattr(ChatClient, "attempt_all", lambda *_: iter([(0, Reply(text="", model=secret, status=200))]))
    LiveRouter("http://127.0.0.1:9", record="calls.jsonl").route(["a"], ["t"])
    assert json.loads(Path("calls.jsonl").read_text())["model"] == MARK
    assert leaks(secret) == []


def test_a_report(secret: str, leaks: Leaks, tmp_path: Path) -> None:
    made = lfb.evaluate({"mine": Always("c")}, (random_table(20, prefix="train"), random_table(9, seed=1)), baselines=())
    data = copy.deepcopy(made.data)
    data["warnings"] = [f"note {secret}"]
    data["routers"][0]["name"] = secret
    keep_secret(secret)
    report = lfb.Report(data)
    report.write(tmp_path / "report")
    assert MARK in report.to_json()
    assert leaks(secret, repr(report), str(report), report.to_html(), report.summary.to_csv(), report.per_task.to_csv()) == []


def test_the_terminal(secret: str, leaks: Leaks, capsys: pytest.CaptureFixture[str]) -> None:
    keep_secret(secret)
    console.say(f"x {secret}")
    console.error_line(f"x {secret}")
    console.show_table("title", ["name"], [[f"x {secret}"]])
    printed = capsys.readouterr()
    assert (printed.out + printed.err).count(MARK) == 3
    assert leaks(secret, printed.out, printed.err) == []


@pytest.mark.parametrize("command", ["info", "evaluate", "templates", "evaluate-prompts", "fuse", "build", "export", "unknown"])
@pytest.mark.parametrize("place", ["http://user:{}@host", "--url=http://host/v1?api_key={}", "--unknown=https://{}@host"])
def test_usage_errors(command: str, place: str, capsys: pytest.CaptureFixture[str], leaks: Leaks) -> None:
    secret = canary(command + place)[3:15]
    url = place.replace("{}", secret)
    for arguments in ([command, url], [command, "a", "b", url], [url, command], ["--option", url]):
        assert run(arguments) in (1, 2)
    printed = capsys.readouterr()
    assert leaks(secret, printed.out, printed.err) == []
