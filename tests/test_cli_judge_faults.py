"""`judge` with a key that expires and a disk that gets full: nothing that was paid for is lost or asked again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.builders.reading.run_files import JOURNAL
from llmfusionbench.release import Release
from tests.helpers.chat_server import serving
from tests.helpers.command import Command
from tests.helpers.judges import asked, llms_file, sums_release
from tests.helpers.small_disk import on_a_small_disk

KEY = "sk-secret-of-a-test"
ROOM = 6 * 2**20
"""Bytes of a file: the journal's reserve of 4 MiB, and some replies."""


def right(body: dict[str, Any], reason: str = "I checked it.") -> str:
    return f"{reason}\n<score>{int('by ant' in body['messages'][-1]['content'])}</score>"


def scores() -> list[tuple[str, float]]:
    rows = Release("o").rows("judge_scores").to_pylist()
    return sorted((row["llm"], row["score"]) for row in rows)


def test_replies_of_unknown_cost_count_once_prices_are_known(place: Path, lfb: Command) -> None:
    sums_release(place / "r", queries=4)
    with serving(lambda body, _: right(body) if len(server.requests) <= 3 else (401, b"{}")) as server:
        file = llms_file(place, server, "owl", more="  concurrency: 1\n")
        priced = file.read_text()
        file.write_text(priced.replace("  prices: [{input_price: 1, output_price: 1}]\n", ""))
        command = ["judge", "r", "--judge", "owl", "--llms", file, "--out", "o", "--workers", 1]
        assert (lfb(*command)[0], len(server.requests)) == (1, 4)
        file.write_text(priced.replace("_price: 1", "_price: 1000"))  # a reply has 10 tokens
        status, out, _ = lfb(*command, "--max-cost", 0.031)
        assert (status, len(server.requests)) == (1, 4)
        assert "Note: 3 earlier attempts of unknown cost count against the cap by tokens" in out
        assert "owl ($0.0300)." in out


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, f"Incorrect API key provided: {KEY}"),
        (403, f"The API key {KEY} has expired"),
        (400, "API key expired. Please renew the API key."),
    ],
)
def test_a_key_that_expires_stops_at_once(
    status: int, said: str, place: Path, lfb: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    sums_release(place / "r", queries=4)
    monkeypatch.setenv("SOME_KEY", KEY)
    expired = (status, json.dumps({"error": {"message": said}}).encode())
    with serving(lambda body, _: right(body) if len(server.requests) <= 3 else expired) as server:
        file = llms_file(place, server, "owl", more="  concurrency: 1\n  key_variable: SOME_KEY\n")
        command = ["judge", "r", "--judge", "owl", "--llms", file, "--out", "o", "--workers", 1]
        exit_status, out, err = lfb(*command)
        assert (exit_status, len(server.requests)) == (1, 4)
        assert "3 of 8 questions have a reply" in err
        assert "the server does not accept the API key in $SOME_KEY" in err
        assert all(line.count("SOME_KEY") <= 1 for line in err.splitlines())
        assert KEY not in out + err
        assert not (place / "o").exists()
        before = set(asked(server)[:3])
        server.answer = lambda body, _: right(body)
        assert lfb(*command)[0] == 0
        assert len(server.requests) == 4 + 5
        assert not before & set(asked(server)[4:])
    assert scores() == [("ant", 1.0)] * 4 + [("bee", 0.0)] * 4


def test_a_disk_that_gets_full_keeps_what_was_acknowledged(place: Path, lfb: Command) -> None:
    sums_release(place / "r", queries=30)
    long = "It is long. " * 20_000
    with serving(lambda body, _: right(body, long)) as server:
        file = llms_file(place, server, "owl", more="  concurrency: 4\n")
        command = ["judge", "r", "--judge", "owl", "--llms", str(file), "--out", "o", "--workers", "1"]
        done = on_a_small_disk(ROOM, *command)
        assert done.returncode == 1
        assert "journal.jsonl: File too large. All answers that were recorded are kept. Remedy: free space" in done.stderr
        assert "Traceback" not in done.stderr
        assert not (place / "o").exists()
        lines = (place / "o.run" / JOURNAL).read_bytes().splitlines()
        kept = {record["key"] for line in lines if (record := json.loads(line))["kind"] == "attempt"}
        first = len(server.requests)
        assert 20 < len(kept) < 60
        assert first - len(kept) <= 4
        assert lfb(*command)[0] == 0
        assert len(server.requests) == first + 60 - len(kept)
    assert scores() == [("ant", 1.0)] * 30 + [("bee", 0.0)] * 30


@pytest.mark.parametrize(("cap", "prices"), [("1", ""), ("nan", "  prices: [{input_price: 1, output_price: 1}]\n")])
def test_a_setting_that_is_refused_leaves_no_run(cap: str, prices: str, place: Path, lfb: Command) -> None:
    sums_release(place / "r", queries=1)
    with serving(lambda body, _: right(body)) as server:
        file = llms_file(place, server, "owl")
        file.write_text(file.read_text().replace("  prices: [{input_price: 1, output_price: 1}]\n", prices))
        status, _, err = lfb("judge", "r", "--judge", "owl", "--llms", file, "--out", "o", "--max-cost", cap)
        assert (status, server.requests) == (1, [])
    assert err.startswith(f"llmfusionbench: error: {'max_cost: nan' if prices else '--max-cost: the price of owl on'}")
    assert sorted(path.name for path in place.iterdir()) == ["llms.yaml", "r"]


def test_a_cap_of_nothing_asks_nothing(place: Path, lfb: Command) -> None:
    sums_release(place / "r", queries=1)
    with serving(lambda body, _: right(body)) as server:
        file = llms_file(place, server, "owl")
        status, _, err = lfb("judge", "r", "--judge", "owl", "--llms", file, "--out", "o", "--max-cost", 0)
        assert (status, server.requests) == (1, [])
    assert "0 of 2 questions have a reply (owl: its next call does not fit into --max-cost). Remedy: raise --max-cost" in err


@pytest.mark.parametrize("with_key", [True, False])
def test_the_remedy_for_a_key_that_is_not_accepted(
    with_key: bool, place: Path, lfb: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    sums_release(place / "r", queries=1)
    monkeypatch.setenv("SOME_KEY", KEY)
    with serving(lambda *_: (401, b"{}")) as server:
        file = llms_file(place, server, "owl", more="  key_variable: SOME_KEY\n" if with_key else "")
        _, _, err = lfb("judge", "r", "--judge", "owl", "--llms", file, "--out", "o")
    assert (
        "Remedy: set an API key that the server accepts in the variable that key_variable names, then run the same command "
        "again, which asks only what is missing\n"
    ) in err


def test_the_file_of_a_template_without_the_reference_is_named(place: Path, lfb: Command) -> None:
    sums_release(place / "r", queries=1)
    (place / "mine.yaml").write_text('name: x\ninstructions: y\nreference: true\nprompt: "{answer}"\n')
    with serving(lambda body, _: right(body)) as server:
        file = llms_file(place, server, "owl")
        _, _, err = lfb("judge", "r", "--judge", "owl", "--llms", file, "--out", "o", "--rubric", "mine.yaml")
        assert server.requests == []
    assert "error: mine.yaml: prompt has no field {reference}, but is used with a reference. Remedy: change the template" in err


def test_a_dry_run_without_a_place_reads_no_run(place: Path, lfb: Command) -> None:
    sums_release(place / "r", queries=1)
    (place / "run.json").write_text("{broken")
    (place / JOURNAL).write_text("{broken")
    with serving(lambda body, _: right(body)) as server:
        file = llms_file(place, server, "owl")
        for more in ([], ["--retry", "unparsed"]):
            status, out, err = lfb("judge", "r", "--judge", "owl", "--llms", file, "--dry-run", *more)
            assert (status, err) == (0, "")
            assert "2 of 2 answers that can be judged" in out
        assert server.requests == []


@pytest.mark.parametrize(
    ("out", "said"),
    [
        (".", ".: is the directory that this command runs in. Remedy: choose another --out"),
        ("/", "/: is the root of a file system. Remedy: choose another --out"),
        ("sub/..", "sub/..: is the directory that this command runs in. Remedy: choose another --out"),
    ],
)
def test_a_place_that_cannot_be_replaced(out: str, said: str, place: Path, lfb: Command, monkeypatch: Any) -> None:
    sums_release(place / "r", queries=1)
    (place / "work" / "sub").mkdir(parents=True)
    with serving(lambda body, _: right(body)) as server:
        file = llms_file(place, server, "owl")
        monkeypatch.chdir(place / "work")
        status, _, err = lfb("judge", place / "r", "--judge", "owl", "--llms", file, "--out", out)
        assert (status, err, server.requests) == (1, f"llmfusionbench: error: {said}\n", [])
    assert sorted(path.name for path in place.iterdir()) == ["llms.yaml", "r", "work"]
