"""`collect` against servers with every fault of a network and a provider, with answers in one piece and in streams."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.builders.reading.run_files import JOURNAL
from llmfusionbench.cli.main import run
from tests.helpers.collecting_desk import reply, write_llms, write_prompts
from tests.helpers.faulty_chat_server import (
    DROP,
    HANG,
    RESET,
    USAGE,
    Received,
    Step,
    completion,
    delta,
    events,
    faulty,
    http,
    status,
    streamed,
)  # fmt: skip
from tests.helpers.small_disk import on_a_small_disk

COUNT = 4
BEGIN = ("collect", "--prompts", "prompts.jsonl", "--llms", "llms.yaml", "--out", "run")
KEY = "sk-secret-of-a-test"
ROOM = 6 * 2**20
"""Bytes of a file: the journal's reserve of 4 MiB, and some answers."""


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with some prompts, in which commands run."""
    write_prompts(tmp_path, COUNT)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def whole(request: Received, text: str | None = None) -> Step:
    """The answer that was asked for: a stream if it was to be one."""
    said, model = text or reply(request.body, 1), request.body["model"]
    if request.body.get("stream"):
        parts = [delta(part, model=model) for part in (said[:1], said[1:]) if part]
        return streamed(events(*parts, delta(reason="stop", model=model), USAGE | {"model": model}))
    return replace(http(json.dumps(completion(said, model=model), ensure_ascii=False).encode()), charged=True)


def in_pieces(step: Step, size: int) -> Step:
    """The same in pieces of so many bytes, each sent by itself."""
    data = b"".join(step.pieces)
    return replace(step, pieces=[data[at : at + size] for at in range(0, len(data), size)], pause=0.0)


def cut(request: Received, end: Any) -> Step:
    """An answer that breaks off after a part of it."""
    if request.body.get("stream"):
        return streamed(events(delta("4"), done=False), end)
    return replace(http(json.dumps(completion("4")).encode()[:40], headers={"Content-Length": "400"}), end=end, charged=True)


def broken_json(request: Received) -> Step:
    if request.body.get("stream"):
        return streamed(events(delta("4"), 'data: {"choices": [{"delta"\n\n'))
    return http(b'{"choices": [{"message"', charged=True)


PAGE = b"<html><body>Welcome to the gateway</body></html>"
FAULTS: dict[str, tuple[Callable[[Received], Step], str]] = {
    "500": (lambda _: status(500, "oops"), "status 500"),
    "503 with a time to wait": (lambda _: status(503, "later", {"Retry-After": "0.01"}), "status 503"),
    "a hang": (lambda _: HANG, "no answer within"),
    "a hang in an answer": (lambda request: cut(request, "hang"), "no answer within"),
    "a reset": (lambda _: RESET, ""),
    "a closed connection": (lambda _: DROP, ""),
    "a reset in an answer": (lambda request: cut(request, "reset"), "broke off"),
    "an end in an answer": (lambda request: cut(request, "close"), "broke off"),
    "malformed JSON": (broken_json, "JSON"),
    "a page": (lambda _: http(PAGE, kind="text/html"), "not JSON but text/html"),
    "a page called JSON": (lambda _: http(PAGE), "not JSON"),
}


def script(fault: Callable[[Received], Step], times: int = 1) -> Callable[[Received], Step]:
    """The first answers to each request are faulty."""
    return lambda request: fault(request) if request.count <= times else whole(request)


def attempts() -> list[dict[str, Any]]:
    records = map(json.loads, Path("run", JOURNAL).read_bytes().splitlines())
    return [record for record in records if record["kind"] == "attempt"]


def answers() -> dict[str, int]:
    """Text of each answer -> how often it is recorded."""
    return Counter(record["response"] for record in attempts() if record["final"] and record["status"] == "ok")


RIGHT = {str(2 * i): 1 for i in range(1, COUNT + 1)}
both_ways = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


@both_ways
@pytest.mark.parametrize("name", FAULTS)
def test_what_passes_is_asked_again_and_recorded(name: str, stream: bool, desk: Path) -> None:
    fault, said = FAULTS[name]
    with faulty(script(fault)) as server:
        write_llms(desk, server.url, "good", stream=stream, timeout=0.5 if "hang" in name else 60)
        assert run(BEGIN) == 0
        assert server.received == dict.fromkeys(server.received, 2)
        assert len(server.received) == COUNT
        assert run(BEGIN) == 0
        assert len(server.requests) == 2 * COUNT
    assert answers() == RIGHT
    failed = [record for record in attempts() if record["status"] == "error"]
    assert len(failed) == COUNT
    assert not any(record["final"] for record in failed)
    assert all(said in record["error"] for record in failed)


@both_ways
def test_a_storm_of_429(stream: bool, desk: Path) -> None:
    with faulty(script(lambda _: status(429, "slow down", {"Retry-After": "0.01"}), 3)) as server:
        write_llms(desk, server.url, "good", stream=stream)
        assert run(BEGIN) == 0
        assert server.received == dict.fromkeys(server.received, 4)
        assert sum(server.charged.values()) == COUNT
    assert answers() == RIGHT
    assert all(record["cost_usd"] == 0 for record in attempts() if record["status"] == "error")


@both_ways
@pytest.mark.parametrize("size", [1, 3])
def test_characters_split_across_pieces(size: int, stream: bool, desk: Path) -> None:
    text = "é 漢字 😀 \u2028 ß"
    with faulty(lambda request: in_pieces(whole(request, text), size)) as server:
        write_llms(desk, server.url, "good", stream=stream)
        assert run(BEGIN) == 0
        assert len(server.requests) == COUNT
    assert answers() == {text: COUNT}


@both_ways
def test_answers_of_10_mb(stream: bool, desk: Path) -> None:
    write_prompts(desk, 1)
    text = "é and what follows. " * 500_000
    with faulty(lambda request: in_pieces(whole(request, text), 2**16)) as server:
        write_llms(desk, server.url, "good", stream=stream)
        assert run(BEGIN) == 0
        assert len(server.requests) == 1
        assert run(BEGIN) == 0
        assert len(server.requests) == 1
    assert answers() == {text: 1}


@both_ways
@pytest.mark.parametrize(
    "refusal",
    [
        status(401, f"Incorrect API key provided: {KEY}"),
        status(403, f"The API key {KEY} has expired"),
        status(400, "API key expired. Please renew the API key."),
    ],
    ids=["401", "403", "400"],
)
def test_an_expired_key_stops_at_once_with_one_line(
    refusal: Step, stream: bool, desk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SOME_KEY", KEY)
    with faulty(lambda request: whole(request) if request.place == 0 else refusal) as server:
        write_llms(desk, server.url, "good", stream=stream, key_variable="SOME_KEY", concurrency=1)
        assert run(BEGIN) == 1
        assert len(server.requests) == 2
        printed = capsys.readouterr()
        assert printed.err.count("good: status") == 2  # when it happens, and at the end
        assert "the server does not accept the API key in $SOME_KEY. It gets no more calls" in printed.err
        assert printed.err.count("SOME_KEY") == 2
        assert KEY not in printed.err + printed.out
        server.script = whole
        assert run(BEGIN) == 0
        assert len(server.requests) == 2 + COUNT - 1
    assert answers() == RIGHT


@pytest.mark.parametrize("key_variable", [None, "SOME_KEY"])
def test_a_line_on_a_refused_key_says_each_thing_once(
    key_variable: str | None, desk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SOME_KEY", KEY)
    with faulty(lambda request: status(401, "No auth credentials found")) as server:
        write_llms(desk, server.url, "good", key_variable=key_variable, concurrency=1)
        assert run(BEGIN) == 1
    about = " in $SOME_KEY" if key_variable else "; none was sent, name its variable with key_variable"
    line = f"good: status 401: the server does not accept the API key{about}. It gets no more calls; the others go on"
    assert line in capsys.readouterr().err.splitlines()


@both_ways
@pytest.mark.parametrize("code", [302, 307, 308])
def test_a_redirect_to_another_host_gets_neither_key_nor_prompt(
    code: int, stream: bool, desk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SOME_KEY", KEY)
    with faulty(whole) as other:
        place = {"Location": f"http://localhost:{other.port}/v1/chat/completions"}
        with faulty(lambda _: http(b"", f"{code} Moved", place)) as server:
            write_llms(desk, server.url, "good", stream=stream, key_variable="SOME_KEY", concurrency=1)
            assert run(BEGIN) == 1
            assert len(server.requests) == 1
        assert (other.connections, len(other.requests)) == (0, 0)
    err = capsys.readouterr().err
    assert f"a redirect to another server (http://localhost:{other.port}" in err
    assert KEY not in err


@both_ways
def test_a_disk_that_gets_full_keeps_what_was_acknowledged(stream: bool, desk: Path) -> None:
    write_prompts(desk, 60)
    long = "It is long. " * 20_000
    with faulty(lambda request: whole(request, f"{reply(request.body, 1)}: {long}")) as server:
        write_llms(desk, server.url, "good", stream=stream, concurrency=4)
        done = on_a_small_disk(ROOM, *BEGIN)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        kept, asked = answers(), len(server.requests)
        left, stopped = 60 - len(kept), done.stderr.splitlines()[-1]
        assert f"run: stopped, {left} calls have no outcome (run/journal.jsonl: File too large). All answers" in stopped
        assert stopped.endswith("Remedy: free space on this disk, then go on with llmfusionbench collect run")
        assert re.search(rf"^good +{len(kept)} +0 +0 +0 +{left} ", done.stdout, re.MULTILINE)
        assert 20 < len(kept) < 60
        assert asked - len(kept) <= 4
        assert run(BEGIN) == 0
        assert len(server.requests) == asked + 60 - len(kept)
    assert set(kept.values()) == {1}
    assert len(answers()) == 60


@pytest.mark.parametrize("lines", ["cut", "without its end", "repeated", "damaged"])
def test_a_journal_that_was_damaged_costs_only_the_damaged_line(
    lines: str, desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with faulty(whole) as server:
        write_llms(desk, server.url, "good", concurrency=1)
        assert run(BEGIN) == 0
        path = Path("run", JOURNAL)
        data = path.read_bytes()
        *_, last = data.splitlines(keepends=True)
        assert b'"kind":"attempt"' in last
        path.write_bytes(
            {
                "cut": data[: -len(last) // 2],
                "without its end": data[:-1],
                "repeated": data + last,
                "damaged": data.replace(last, last.replace(b'"ok"', b'"oK"')),
            }[lines]
        )
        capsys.readouterr()
        assert run(BEGIN) == 0
        assert len(server.requests) == COUNT + (lines in ("cut", "damaged"))
    err = capsys.readouterr().err
    assert bool(re.search("1 lines? of the journal (is|are) damaged", err)) == (lines == "damaged")
    assert ("in flight when an earlier run ended" in err) == (lines in ("cut", "damaged"))
