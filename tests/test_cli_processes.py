"""The command as a process of its own: pipes that nothing reads, a terminal, a full disk, Ctrl-C, and the tour."""

from __future__ import annotations

import os
import pty
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from datasets import load_dataset

from llmfusionbench.cli.main import run
from tests.helpers.tiny_release import LOG, write_tiny_release

PROJECT = Path(__file__).parents[1]


def environment(**more: str) -> dict[str, str]:
    """Offline, from an empty cache."""
    return {**os.environ, "PYTHONPATH": str(PROJECT), "HF_HUB_OFFLINE": "1", "COLUMNS": "100", **more}


def command(*arguments: str, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "llmfusionbench", *arguments], capture_output=True, text=True, cwd=cwd, env=environment(**more)
    )


def test_python_m(place: Path) -> None:
    done = command("--version", cwd=place)
    assert (done.returncode, done.stderr) == (0, "")
    done = command("validte", cwd=place)
    assert done.returncode == 2
    assert 'Did you mean "validate"?' in done.stderr
    done = command("info", "nowhere", cwd=place)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("llmfusionbench: error: nowhere: no such directory")


@pytest.mark.parametrize("arguments", [["info", "sample"], ["info", "sample", "--json"], ["--help"], ["validate", "sample"]])
@pytest.mark.parametrize("reader", ["head -1", "true"])
def test_a_broken_pipe_is_quiet(arguments: list[str], reader: str, place: Path) -> None:
    line = f"{shlex.join([sys.executable, '-m', 'llmfusionbench', *arguments])} | {reader}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, cwd=place, env=environment())
    assert done.stderr == ""
    assert done.returncode == 0


@pytest.mark.parametrize("rest", [" | true", " >&-", " >&- 2>&-", " | head -c 10"])
def test_a_result_is_written_though_nothing_reads_the_output(place: Path, rest: str) -> None:
    words = ["evaluate", "sample", "--router", "cheapest", "--baseline", "best_single", "--resamples", "2", "--out", "r"]
    line = f"set -o pipefail; {shlex.join([sys.executable, '-m', 'llmfusionbench', *words])}{rest}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, cwd=place, env=environment())
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(p.name for p in (place / "r").iterdir()) == ["leaderboard.csv", "report.html", "report.json"]


def test_a_terminal_of_few_characters(place: Path) -> None:
    write_tiny_release(place / "r", LOG.replace("sums", "süms").replace("big", "日本"))
    done = command("info", "r", cwd=place, PYTHONIOENCODING="ascii", PYTHONUTF8="0", LC_ALL="C")
    assert (done.returncode, done.stderr) == (0, "")
    assert "s\\xfcms" in done.stdout


@pytest.mark.parametrize(
    "words",
    [
        ["build", "table", "in.csv"],
        ["simulate", "--scale", "0.001"],
        ["evaluate", "sample", "--router", "cheapest", "--baseline", "best_single", "--resamples", "2"],
        ["evaluate", "sample", "--router", "cheapest", "--resamples", "2", "--scenario", "judge", "--scenario", "balance"],
        ["export", "sft", "sample"],
        ["export", "routing", "sample", "--format", "llmrouter"],
        ["rescore", "sample", "--workers", "1"],
        ["templates", "build", "sample"],
        ["quickstart"],
    ],
    ids=lambda words: "-".join(word for word in words[:2] if word.isalpha()),
)
def test_a_full_disk(place: Path, words: list[str]) -> None:
    """As a limit on the size of files, which any user can set: the write fails, and nothing is left."""
    (place / "in.csv").write_text(LOG + "".join(f"{os.urandom(900).hex()},train,t,a,x,1,,,em,1\n" for _ in range(50)))
    line = f"ulimit -f 20; exec {shlex.join([sys.executable, '-m', 'llmfusionbench', *words, '--out', 'r'])}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, cwd=place, env=environment())
    assert done.returncode == 1
    assert done.stderr.startswith("llmfusionbench: error: ")
    assert "Traceback" not in done.stderr
    assert f"{place / 'r'}: " in done.stderr
    left = [p.name for p in place.iterdir()]
    assert [name for name in left if not re.fullmatch(r"\.r\.\w+\.work", name)] == ["in.csv"]
    assert len(left) == 1 or words[0] == "rescore", "what a run resumes with is kept"


STOPPED = """
import os, signal, sys

def hook(event, arguments):
    if event == "open" and str(arguments[0]).endswith(".parquet"):
        os.kill(os.getpid(), signal.SIGINT)

from llmfusionbench.cli.main import run
signal.signal(signal.SIGINT, signal.default_int_handler)  # a suite in the background of a shell has it ignored
sys.addaudithook(hook)
sys.exit(run(sys.argv[1:]))
"""


def test_stopping_by_hand_leaves_nothing(place: Path) -> None:
    """The signal of Ctrl-C, when the first table is written."""
    (place / "in.csv").write_text("prompt,llm,response\n1?,a,1\n")
    arguments = ["build", "table", "in.csv", "--out", "r"]
    stopped = subprocess.run(
        [sys.executable, "-c", STOPPED, *arguments], cwd=place, env=environment(), capture_output=True, text=True
    )
    assert (stopped.returncode, stopped.stdout, stopped.stderr.strip()) == (1, "", "llmfusionbench: error: stopped")
    assert [p.name for p in place.iterdir()] == ["in.csv"]


def test_progress_goes_to_the_terminal_and_not_into_the_output(place: Path) -> None:
    write_tiny_release(place / "r")
    plain = command("validate", "r", cwd=place)
    mine, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "llmfusionbench", "validate", "r"],
        cwd=place, env=environment(TERM="xterm"), stdout=subprocess.PIPE, stderr=theirs, text=True,
    )  # fmt: skip
    out, _ = process.communicate()
    os.close(theirs)
    shown = os.read(mine, 100_000)
    os.close(mine)
    assert out == plain.stdout == "r: valid, 23 rows checked.\n"
    assert plain.stderr == ""
    assert b"rows checked" in shown


def test_quickstart_into_a_file(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "tour").write_text("x")
    assert run(["quickstart", "--out", "tour"]) == 1
    assert capsys.readouterr().err.startswith("llmfusionbench: error: ")
    assert (place / "tour").read_text() == "x"


def test_quickstart_writes_what_it_shows(place: Path) -> None:
    for _ in range(2):  # a second tour takes the place of the first
        assert run(["quickstart", "--out", "tour"]) == 0
    assert {p.name for p in (place / "tour").iterdir()} == {
        "candidates.csv", "corpus", "leaderboard.csv", "report.html", "report.json",
    }  # fmt: skip
    corpus = load_dataset(str(place / "tour" / "corpus"), split="train", cache_dir=str(place / "cache"))
    assert len(corpus) == 386
    assert {"simulated"} == set(corpus["provenance"])
    (place / "other" / "corpus").mkdir(parents=True)
    (place / "other" / "corpus" / "mine").write_text("x")
    assert run(["quickstart", "--out", "other"]) == 1
    assert (place / "other" / "corpus" / "mine").read_text() == "x"


def test_quickstart_says_what_it_shows(place: Path) -> None:
    done = command("quickstart", cwd=place, COLUMNS="")
    assert (done.returncode, done.stderr) == (0, "")
    assert "SIMULATED" in done.stdout
    assert "no issues" in done.stdout
    assert "llmfusionbench build --help" in done.stdout
    assert "The 3 thought templates of the train queries most like it (SIMULATED)" in done.stdout
    assert "A corpus of the best answer to each train query: 386 records (SIMULATED)" in done.stdout
    records = [line for line in done.stdout.splitlines() if line.startswith('  {"messages": [{"role": "user", "content": ')]
    assert len(records) == 2
    assert list(place.iterdir()) == [], "nothing is written unless asked for"
