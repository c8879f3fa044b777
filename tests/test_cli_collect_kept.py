"""What a run of `collect` keeps: the cap on its cost, and files that are whole or refused."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import gettempdir

import pytest

from llmfusionbench.builders.reading.run_files import JOURNAL, LOCK, QUERIES, RUN
from llmfusionbench.cli.main import run
from tests.helpers.chat_server import ChatServer, serving
from tests.helpers.collecting_desk import collect, reply, write_llms, write_prompts
from tests.helpers.importable import importable

KEPT = "--max-cost of the run counts: 0.002 USD. Another value replaces it, --max-cost none removes it.\n"


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with ten prompts, in which commands run."""
    write_prompts(tmp_path, 10)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with serving(reply) as running:
        yield running


def cap(desk: Path) -> float | None:
    kept: float | None = json.loads((desk / "run" / RUN).read_text())["max_cost"]
    return kept


@pytest.mark.parametrize("command", [["collect", "run"], ["collect", "run", "--replicates", "2"]])
def test_a_resumed_run_has_the_cap_that_it_keeps(
    desk: Path, server: ChatServer, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    write_llms(desk, server.url, "good", max_tokens=1000)  # the worst case of one call is more than 0.002 USD
    assert collect("--max-cost", "0.002") == 1
    assert KEPT not in capsys.readouterr().err
    assert run(command) == 1
    printed = capsys.readouterr().err
    assert printed.count(KEPT) == 1
    assert "good: its next call does not fit into --max-cost" in printed
    assert "--max-cost HIGHER" in printed
    assert (server.requests, cap(desk)) == ([], 0.002)


def test_another_cap_replaces_the_one_that_is_kept(desk: Path, server: ChatServer, capsys: pytest.CaptureFixture[str]) -> None:
    write_llms(desk, server.url, "good", max_tokens=1000)
    assert collect("--max-cost", "0.002") == 1
    assert run(["collect", "run", "--max-cost", "0.004"]) == 0
    assert (len(server.requests), cap(desk)) == (10, 0.004)
    assert KEPT not in capsys.readouterr().err
    assert run(["collect", "run", "--replicates", "2", "--max-cost", "0.002"]) == 1
    assert (len(server.requests), cap(desk)) == (10, 0.002)
    assert run(["collect", "run"]) == 1
    capsys.readouterr()
    assert run(["collect", "run", "--max-cost", "none"]) == 0
    assert (len(server.requests), cap(desk)) == (20, None)
    assert run(["collect", "run"]) == 0
    assert KEPT not in capsys.readouterr().err


def test_what_was_spent_before_counts_against_the_kept_cap(desk: Path, server: ChatServer) -> None:
    """A call can cost nearly as much as the cap, so that a few answers leave no room for another one."""
    write_llms(desk, server.url, "good", max_tokens=1000)
    assert collect("--max-cost", "0.0024") == 1
    assert 0 < (asked := len(server.requests)) < 10
    assert run(["collect", "run"]) == 1
    assert len(server.requests) == asked


def test_answers_of_unknown_cost_count_once_prices_are_known(
    desk: Path, server: ChatServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ten answers of 7 and 3 tokens each, which cost 0.13 USD together at the price that is given later."""
    write_llms(desk, server.url, "good", prices=[])
    assert collect() == 0
    assert len(server.requests) == 10
    capsys.readouterr()
    write_llms(desk, server.url, "good", prices=[{"input_price": 1000, "output_price": 2000}])
    assert collect("--replicates", "2", "--max-cost", "0.131") == 1
    assert len(server.requests) == 10
    printed = capsys.readouterr()
    assert printed.err.count("Note: 10 earlier attempts of unknown cost count against the cap") == 1
    assert "at the prices known now: good ($0.1300)." in printed.err
    assert "$0.1300 of $0.1310 spent" in printed.out
    assert run(["collect", "run"]) == 1
    assert "good ($0.1300)" in capsys.readouterr().err
    assert len(server.requests) == 10


def test_a_cap_names_llms_whose_answers_it_cannot_count(
    desk: Path, server: ChatServer, capsys: pytest.CaptureFixture[str]
) -> None:
    write_llms(desk, server.url, "good", prices=[])
    assert collect() == 0
    write_llms(desk, server.url, "good", "bad")
    capsys.readouterr()
    assert run(["collect", "run", "--replicates", "1"]) == 0
    assert "unknown cost" not in capsys.readouterr().err
    write_llms(desk, server.url, "bad")
    assert collect("--max-cost", "1") == 0
    assert "Warning: 10 attempts of unknown cost are not in the cap: good (10)." in capsys.readouterr().err
    write_llms(desk, server.url, "good", "bad")
    assert collect("--max-cost", "1", "--only", "bad") == 0
    assert "Note: 10 earlier attempts of unknown cost count against the cap" in capsys.readouterr().err


def test_a_kept_cap_needs_the_prices_of_further_llms(
    desk: Path, server: ChatServer, capsys: pytest.CaptureFixture[str]
) -> None:
    write_llms(desk, server.url, "good")
    assert collect("--max-cost", "1") == 0
    write_llms(desk, server.url, "bad", prices=[])
    assert collect() == 1
    assert "the price of bad" in capsys.readouterr().err
    assert len(server.requests) == 10


@pytest.mark.parametrize(("value", "status"), [("-1", 1), ("nan", 1), ("inf", 1), ("much", 2), ("", 2)])
def test_a_cap_that_is_no_amount_is_not_kept(desk: Path, server: ChatServer, value: str, status: int) -> None:
    write_llms(desk, server.url, "good")
    assert collect("--max-cost", "1") == 0
    for more in ([], ["--retry", "error"], ["--batch-results", "nix.jsonl"]):
        assert run(["collect", "run", "--max-cost", value, *more]) == status
    assert cap(desk) == 1


def test_a_dry_run_keeps_no_cap(desk: Path, server: ChatServer) -> None:
    write_llms(desk, server.url, "good")
    assert collect("--max-cost", "1") == 0
    before = (desk / "run" / RUN).read_bytes()
    assert run(["collect", "run", "--max-cost", "2", "--dry-run"]) == 0
    assert (desk / "run" / RUN).read_bytes() == before


@pytest.mark.parametrize(
    ("name", "keep", "words"),
    [
        (QUERIES, -1, f"run/{QUERIES} line 10: not a query. Remedy: restore the file from a copy"),
        (QUERIES, None, f"run/{QUERIES}: 9 queries, expected 10 as run.json states. Remedy: restore the file from a copy"),
        (QUERIES, 0, f"run/{QUERIES}: 0 queries, expected 10 as run.json states. Remedy: restore the file from a copy"),
        (RUN, 20, f"run/{RUN}: cannot be read"),
    ],
)
def test_a_file_that_is_cut_is_refused_by_collect_and_build(
    desk: Path, server: ChatServer, capsys: pytest.CaptureFixture[str], name: str, keep: int | None, words: str
) -> None:
    """Before anything is asked. `keep` is the end of the bytes that are left; None: all lines but the last one."""
    write_llms(desk, server.url, "good")
    assert collect() == 0
    path = desk / "run" / name
    data = path.read_bytes()
    path.write_bytes(data[: data[:-1].rindex(b"\n") + 1] if keep is None else data[: keep - 1] if keep < 0 else data[:keep])
    files = {each: each.read_bytes() for each in (desk / "run").iterdir()}
    for command in (
        ["collect", "run"],
        ["collect", "run", "--replicates", "2"],
        ["collect", "run", "--retry", "error"],
        ["collect", "run", "--dry-run"],
        ["collect", "--prompts", "prompts.jsonl", "--llms", "llms.yaml", "--out", "run"],
        ["build", "collected", "run", "--out", "release"],
    ):
        capsys.readouterr()
        assert run(command) == 1, command
        assert words in capsys.readouterr().err, command
    assert {each: each.read_bytes() for each in (desk / "run").iterdir()} == files
    assert len(server.requests) == 10
    assert not (desk / "release").exists()


@pytest.mark.parametrize(
    ("name", "is_directory", "words"),
    [
        (QUERIES, False, "no such file, expected the queries of the run"),
        (JOURNAL, False, "no such file, expected the answers of the run, which would be lost"),
        (JOURNAL, True, "a directory, expected the answers of the run, which would be lost"),
    ],
)
def test_a_file_that_is_missing_is_refused_by_collect_and_build(
    desk: Path, server: ChatServer, capsys: pytest.CaptureFixture[str], name: str, is_directory: bool, words: str
) -> None:
    """A release that was made before stays, also where it was to be replaced."""
    write_llms(desk, server.url, "good")
    assert collect() == 0
    build = ["build", "collected", "run", "--out", "release"]
    assert run([*build, "--workers", "1"]) == 0
    made = {path: path.read_bytes() for path in (desk / "release").rglob("*") if path.is_file()}
    (desk / "run" / name).unlink()
    if is_directory:
        (desk / "run" / name).mkdir()
    for command in (
        ["collect", "run"],
        ["collect", "run", "--retry", "error"],
        ["collect", "run", "--dry-run"],
        ["collect", "--prompts", "prompts.jsonl", "--llms", "llms.yaml", "--out", "run"],
        [*build, "--overwrite"],
    ):
        capsys.readouterr()
        assert run(command) == 1, command
        assert f"run/{name}: {words}. Remedy: restore the file from a copy\n" in capsys.readouterr().err, command
    assert len(server.requests) == 10
    assert {path: path.read_bytes() for path in (desk / "release").rglob("*") if path.is_file()} == made


def test_a_journal_without_its_last_bytes_is_taken_by_collect_and_build(desk: Path, server: ChatServer) -> None:
    write_llms(desk, server.url, "good", concurrency=1)
    assert collect() == 0
    path = desk / "run" / JOURNAL
    path.write_bytes(path.read_bytes()[:-9])
    assert run(["build", "collected", "run", "--out", "release", "--workers", "1"]) == 0
    assert run(["collect", "run"]) == 0
    assert len(server.requests) == 11


def in_little_room(desk: Path, room: int, *arguments: str) -> str:
    """The last line of a command that cannot write files of more than `room` bytes."""

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    command = [sys.executable, "-B", "-m", "llmfusionbench", "collect", *arguments]
    options = {"cwd": desk, "env": importable(), "capture_output": True, "text": True}
    ended = subprocess.run(command, preexec_fn=limited, check=False, **options)  # type: ignore[call-overload]
    assert ended.returncode == 1
    line: str = ended.stderr.splitlines()[-1]
    return line


FULL = "File too large. Remedy: check the path, its permissions and the free disk space"


@pytest.mark.parametrize(("room", "place"), [(0, f"run/{LOCK}"), (64, gettempdir())])
def test_a_disk_that_is_full_at_the_start_of_a_new_run_is_named(desk: Path, server: ChatServer, room: int, place: str) -> None:
    write_llms(desk, server.url, "good")
    last = in_little_room(desk, room, "--prompts", "prompts.jsonl", "--llms", "llms.yaml", "--out", "run")
    assert last == f"llmfusionbench: error: {place}: {FULL}"
    assert server.requests == []
    assert not (desk / "run").exists()


def test_a_disk_that_is_full_when_a_run_is_asked_for_more_is_named(desk: Path, server: ChatServer) -> None:
    write_llms(desk, server.url, "good")
    assert collect() == 0
    before = {name: (desk / "run" / name).read_bytes() for name in (RUN, QUERIES, JOURNAL)}
    last = in_little_room(desk, 64, "run", "--max-cost", "5")
    assert last == f"llmfusionbench: error: {desk / 'run' / RUN}: {FULL}"
    write_prompts(desk, 11)
    last = in_little_room(desk, 1024, "--prompts", "prompts.jsonl", "--out", "run")
    assert last == f"llmfusionbench: error: {desk / 'run' / QUERIES}: {FULL}"
    assert {name: (desk / "run" / name).read_bytes() for name in before} == before
    assert len(server.requests) == 10
