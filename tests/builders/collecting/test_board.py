"""Progress as it is shown: lines without a terminal, a live table in one, and the table at the end."""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import sys
import threading
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from llmfusionbench.builders.collecting.board import Board
from llmfusionbench.builders.collecting.calls import Attempt
from llmfusionbench.builders.collecting.shown import duration, usd

OK = Attempt("ok", response="yes", finish_reason="stop", input_tokens=100, output_tokens=50)
CUT = replace(OK, finish_reason="length")
EMPTY = Attempt("empty", finish_reason="stop", input_tokens=100, output_tokens=0)
FAILED = Attempt("error", error="broken")
EVIL = "\x1b]0;title\x07[bold red]x[/]\r\u202eabc\nall: 9 of 9"
RAW = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def drawn(board: Board, width: int = 140) -> list[str]:
    """The lines of the live table."""
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(board.picture())
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def told(**settings: Any) -> tuple[Board, Clock, list[str]]:
    """A board without a terminal, its clock, and the lines that it prints."""
    clock, lines = Clock(), list[str]()
    console = Console(file=io.StringIO())
    return Board(clock=clock, say=lines.append, console=console, **settings), clock, lines


def ask(
    board: Board, llm: str, attempt: Attempt = OK, cost: float | None = 0.001, *, final: bool = True, again: bool = False
) -> None:
    board.started(llm)
    board.finished(llm, attempt, cost, final, again=again)


def test_the_live_table() -> None:
    board, clock, _ = told(llms=["alpha", "beta"], max_cost=5.0, spent=1.0)
    board.expect("alpha", 100)
    board.expect("beta", 10)
    for llm in ("alpha", "beta"):
        board.started(llm)
        board.tallies[llm].in_flight -= 1
    clock.now += 30
    for attempt in [OK] * 7 + [CUT] * 2 + [EMPTY]:
        ask(board, "alpha", attempt)
    ask(board, "alpha", FAILED, 0.0, final=False)
    ask(board, "alpha", FAILED, 0.0)
    board.started("beta")
    clock.now += 30
    lines = drawn(board)
    header = r"LLM +done +failed +cut off +in flight +tokens +cost +per minute +time left"
    assert re.fullmatch(header, lines[0])
    assert lines[1].split() == ["alpha", "10", "of", "100", "1", "2", "0", "1,450", "$0.0100", "11", "9", "min"]
    assert lines[2].split() == ["beta", "0", "of", "10", "0", "0", "1", "0", "$0.00", "0.0", "-"]
    assert lines[3] == "all: 11 of 110 finished, $1.01 of $5.00 spent (20%)"


def test_lines_at_intervals_and_when_an_llm_is_complete() -> None:
    board, clock, lines = told(max_cost=2.0, every_s=30.0)
    with board:
        board.expect("alpha", 60)
        board.expect("beta", 3)
        for second in range(60):
            clock.now += 1
            ask(board, "alpha", CUT if second == 3 else OK)
            if second in (5, 6, 7):
                ask(board, "beta", FAILED if second == 5 else OK)
    assert lines == [
        "beta: 2 of 3 done, 1 failed, 0 cut off, 300 tokens, $0.0030, 90 per minute",
        "alpha: 30 of 60 done, 0 failed, 1 cut off, 4,500 tokens, $0.0300, 62 per minute, 29 s left",
        "all: 33 of 63 finished, $0.0330 of $2.00 spent (2%), 29 s left",
        "alpha: 60 of 60 done, 0 failed, 1 cut off, 9,000 tokens, $0.0600, 61 per minute",
        "all: 63 of 63 finished, $0.0630 of $2.00 spent (3%)",
    ]


def test_no_line_without_news_and_the_last_state_at_the_end() -> None:
    board, clock, lines = told(every_s=10.0)
    with board:
        board.expect("alpha", 5)
        for _ in range(4):
            clock.now += 11
            board.started("alpha")
        assert lines == []
        board.finished("alpha", OK, None, True)
    assert lines == [
        "alpha: 1 of 5 done, 0 failed, 0 cut off, 150 tokens, -, 1.8 per minute, 3 min left",
        "all: 1 of 5 finished, cost not known, 3 min left",
    ]


def test_names_cannot_move_the_cursor_or_pass_for_a_line() -> None:
    board, _, lines = told()
    with board:
        board.expect(EVIL, 1)
        ask(board, EVIL)
        for line in drawn(board, 200):
            assert not RAW.search(line), line
    assert len(lines) == 1
    assert not RAW.search(lines[0])
    assert "\n" not in lines[0]
    assert "[bold red]x[/]" in lines[0]
    assert not any(RAW.search(str(cell)) for row in board.summary().rows for cell in row)


@pytest.mark.parametrize("colour", [True, False])
def test_a_terminal_gets_a_live_table_and_no_lines(colour: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    if not colour:
        monkeypatch.setenv("NO_COLOR", "1")
    screen, lines = Terminal(), list[str]()
    with Board([EVIL], say=lines.append, console=Console(file=screen, width=200)) as board:
        board.expect(EVIL, 2)
        ask(board, EVIL)
    shown = screen.getvalue()
    assert "1 of 2" in shown
    assert shown.endswith("\x1b[?25h") or "\x1b[?25h" in shown  # the cursor is back
    own = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown).replace("\r", "").replace("\n", "")
    assert not RAW.search(own), RAW.search(own)
    assert lines == []
    assert colour or not re.search(r"\x1b\[[0-9;]*3[0-7]", shown)


LINES = """
import warnings
from llmfusionbench.builders.collecting.board import Board
from llmfusionbench.cli.console import print_all_like_us, say
print_all_like_us()
with Board(["alpha"]) as board:
    board.expect("alpha", 3)
    say("then the table is drawn", err=True)
    say("first line", err=True)
    say("a result")
    warnings.warn("second line")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="has no pseudo-terminals")
def test_lines_stand_above_the_live_table_and_results_go_to_their_file() -> None:
    import pty

    own, its = pty.openpty()
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    done = subprocess.Popen([sys.executable, "-c", LINES], stdout=subprocess.PIPE, stderr=its, env=kept | {"TERM": "xterm"})
    os.close(its)
    shown = b""
    with contextlib.suppress(OSError):  # the other end is closed
        while part := os.read(own, 65536):
            shown += part
    os.close(own)
    out, _ = done.communicate()
    assert (done.returncode, out.strip()) == (0, b"a result")
    erased = rb"\x1b\[1A\x1b\[2K"
    assert re.search(erased + rb"first line\r\n", shown), shown
    assert re.search(erased + rb"[^\r\n]*second line\r\n", shown), shown


def test_a_terminal_that_cannot_draw_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    screen, lines = Terminal(), list[str]()
    with Board(say=lines.append, console=Console(file=screen)) as board:
        board.expect("alpha", 1)
        ask(board, "alpha")
    assert screen.getvalue() == ""
    assert lines[0].startswith("alpha: 1 of 1 done")


def test_forced_colours_do_not_make_a_file_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    file, lines = io.StringIO(), list[str]()
    with Board(say=lines.append, console=Console(file=file)) as board:
        ask(board, "alpha")
    assert file.getvalue() == ""
    assert not any("\x1b" in line or "\r" in line for line in lines)


def test_the_rate_is_that_of_the_last_minute() -> None:
    board, clock, _ = told()
    board.expect("alpha", 10_000)
    board.started("alpha")
    for _ in range(200):
        clock.now += 1
        ask(board, "alpha")
    assert board.tallies["alpha"].per_minute(clock.now) == pytest.approx(60)
    for _ in range(70):
        clock.now += 1
        for _ in range(10):
            ask(board, "alpha")
    assert board.tallies["alpha"].per_minute(clock.now) == pytest.approx(600, rel=0.05)
    assert board.tallies["alpha"].seconds_left(clock.now) == pytest.approx(9_100 / 10, rel=0.06)


def test_the_summary() -> None:
    board, clock, _ = told(max_cost=1.0)
    board.expect("alpha", 6)
    board.expect("beta", 2)
    for attempt in (OK, CUT, EMPTY):
        ask(board, "alpha", attempt)
    ask(board, "alpha", FAILED, 0.0, final=False)
    ask(board, "alpha", FAILED, 0.002, again=True)
    ask(board, "beta", OK, None)
    clock.now += 125
    found = board.summary()
    assert found.title == "Answers in 3 min, $0.0050 of $1.00 spent (0%), the cost of 1 attempt is not known"
    assert [dict(zip(found.header, row, strict=True)) for row in found.rows] == [
        {"LLM": "alpha", "answered": 3, "empty": 1, "failed": 1, "cut off": 1, "not asked": 2, "repeated": 1,
         "input tokens": 300, "output tokens": 100, "cost": "$0.0050"},
        {"LLM": "beta", "answered": 1, "empty": 0, "failed": 0, "cut off": 0, "not asked": 1, "repeated": 0,
         "input tokens": 100, "output tokens": 50, "cost": "-"},
        {"LLM": "all", "answered": 4, "empty": 1, "failed": 1, "cut off": 1, "not asked": 3, "repeated": 1,
         "input tokens": 400, "output tokens": 150, "cost": "$0.0050"},
    ]  # fmt: skip


def test_tokens_that_no_server_states_are_not_0() -> None:
    """Neither do attempts that took none make a sum unknown."""
    board, clock, lines = told()
    silent = replace(OK, input_tokens=None, output_tokens=None)
    half = Attempt("error", error="the stream broke off", input_tokens=None, output_tokens=7, charged=True)
    with board:
        for llm, attempts in {"none": [silent, silent], "some": [OK, silent, half], "free": [FAILED]}.items():
            board.expect(llm, len(attempts))
            for attempt in attempts:
                clock.now += 1
                ask(board, llm, attempt, 0.0)
    cells = {line.split()[0]: line.split()[7] for line in drawn(board)[1:4]}
    assert cells == {"none": "-", "some": "157", "free": "0"}
    assert [line.split(", ")[3] for line in lines[:3]] == ["- tokens", "157 tokens", "0 tokens"]
    assert drawn(board)[-1] == "all: 6 of 6 finished, $0.00 spent, the tokens of 4 attempts are not known"
    found = board.summary()
    assert [(row[0], row[7], row[8]) for row in found.rows] == [
        ("none", "-", "-"), ("some", 100, 57), ("free", 0, 0), ("all", 100, 57),
    ]  # fmt: skip
    assert found.title.endswith("the tokens of 4 attempts are not known")


def test_amounts_as_people_read_them() -> None:
    assert [usd(x) for x in (None, float("nan"), 0.0, 0.00001, 0.01234, 1.5, 12345.678)] == [
        "-", "-", "$0.00", "<$0.0001", "$0.0123", "$1.50", "$12,345.68",
    ]  # fmt: skip
    assert [duration(x) for x in (None, float("inf"), 0.2, 99, 100, 3600, 7200.5, 360_000)] == [
        "-", "-", "1 s", "99 s", "2 min", "60 min", "2 h 1 min", "100 h 0 min",
    ]  # fmt: skip


def test_a_sign_of_life_while_no_answer_comes() -> None:
    """Without it, a server that hangs would look like a command that hangs. The pauses between signs grow."""
    board, clock, lines = told(llms=["alpha"])
    board.expect("alpha", 5)
    board.started("alpha")
    board.started("alpha")
    signs = []
    for second in range(1, 301):
        clock.now += 1
        board.sign()
        signs += [second] * (len(lines) > len(signs))
    assert signs == [30, 60, 120, 240]
    assert lines[1] == "all: 0 of 5 finished, $0.00 spent, 2 calls in flight, no answer for 60 s"
    board.finished("alpha", OK, 0.001, True)
    board.finished("alpha", replace(FAILED, retry_after_s=7200.0), 0.0, False)
    clock.now += 29
    board.sign()
    assert len(lines) == 4
    clock.now += 1
    board.sign()
    assert lines[4].endswith("0 calls in flight, no answer for 30 s; alpha: broken, 1 in a row; alpha asked to wait 2 h 0 min")


def test_a_sign_of_life_states_why_a_server_gives_no_answers() -> None:
    board, clock, lines = told(llms=["alpha", "down"])
    board.expect("alpha", 1)
    board.expect("down", 5)
    refused = replace(FAILED, error="status 503: \x1b[2Jdown")
    ask(board, "alpha", FAILED, 0.0)
    for final in (False, True, False, True):
        ask(board, "down", refused, 0.0, final=final)
    clock.now += 31
    board.sign()
    text = "0 calls in flight, no answer for 31 s; down: status 503: "
    assert text in lines[0]
    assert lines[0].endswith("down, 4 in a row")
    assert not RAW.search(lines[0])
    ask(board, "down")
    ask(board, "down", replace(refused, retry_after_s=90.0), 0.0, final=False)
    clock.now += 31
    board.sign()
    assert lines[1].endswith("down, 1 in a row; down asked to wait 59 s")


def test_no_sign_of_life_when_all_is_done() -> None:
    board, clock, lines = told()
    board.expect("alpha", 1)
    ask(board, "alpha")
    clock.now += 1000
    board.sign()
    assert lines == []


def test_the_signs_of_life_come_by_themselves() -> None:
    """The loop of the calls may wait for a server, so a thread of the board prints them; it ends with the board."""
    said = threading.Event()
    with Board(["alpha"], say=lambda line: said.set(), console=Console(file=io.StringIO()), every_s=0.01) as board:
        board.started("alpha")
        assert said.wait(300)
    assert not any(thread.name == "board" for thread in threading.enumerate())
