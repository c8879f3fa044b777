"""What is printed is harmless: no text of a release, a file name or an argument reaches the terminal as a control sequence."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from llmfusionbench.builders import build
from llmfusionbench.cli.console import progress, say_json_text, show_table
from llmfusionbench.cli.main import COMMANDS, cli, run
from llmfusionbench.cli.options import OutPath
from llmfusionbench.release import Release
from llmfusionbench.texts.printable import printable
from tests.helpers.tiny_release import change_manifest

CLI = Path(__file__).parents[1] / "llmfusionbench" / "cli"
EVIL = "\x1b]0;title\x07\x1b[31m\x9b2J\x85\r\x08\x7f\u202eabc\u2066\u200b\ufeff[bold red]x[/]"
RAW = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
"""What moves a cursor, changes the order of characters or is invisible."""


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A valid release in which every string that can be hostile is."""
    folder = tmp_path_factory.mktemp("hostile")
    rows = [
        {
            "prompt": f"{q} {EVIL}", "task": f"{EVIL} {q % 2}", "domain": f"{EVIL} d", "split": ("train", "test")[q % 3 == 0],
            "llm": f"{EVIL} {llm}", "mode": mode, "family": f"{EVIL} f", "license": f"{EVIL} l", "query_license": f"{EVIL} q",
            "response": f"{EVIL} {q % 3}", "performance": (q + llm) % 2, "cost_usd": 0.5 + llm, "judge": f"{EVIL} j",
            "judge_score": 1, "metric": "em", "ground_truth": f"{EVIL} {q % 3}", "tokenizer": f"{EVIL} t", "input_tokens": 3,
            "output_tokens": 2, "input_price": 1, "output_price": 1,
        }
        for q in range(12) for llm in range(2) for mode in ("direct", "think")
    ]  # fmt: skip
    source = folder / f"log {EVIL.replace('/', '')}.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    place = folder / f"r {EVIL.replace('/', '')}"
    build("table", [source], place, workers=1)
    change_manifest(place, lambda m: m["source"].update(name=EVIL, revision=EVIL))
    return place


def printed(capsys: pytest.CaptureFixture[str], *arguments: object, status: int = 0) -> str:
    """What a command prints on both streams, with nothing raw in it."""
    found = run([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    assert found == status, err
    assert "Traceback" not in err
    assert not RAW.search(out), repr(RAW.search(out))
    assert not RAW.search(err), repr(RAW.search(err))
    return out + err


RUNS = {
    0: [
        "info R", "info R --json", "audit R --workers 1", "audit R --json --out OUT/audit", "validate R", "validate R --json",
        "diff R R", "evaluate R --router knn --router oracle",
        "evaluate R --router knn --json", "evaluate R --router knn --out OUT/evaluate", "fuse R", "fuse R --json",
        "fuse R --out OUT/fuse.csv", "rescore R --out OUT/rescore", "tokens R --tokenizer cl100k_base --out OUT/tokens",
        "append R sample --out OUT/append",
        "templates build R --out OUT/templates", "templates retrieve OUT/templates --prompt {E}",
        "templates retrieve OUT/templates --out OUT/prompts.jsonl",
        "export sft R --format messages --include-test --out OUT/sft", "export sft R --format messages --out OUT/s",
        "export preference R --format trl --include-test --duplicates keep --out OUT/preference",
        "export kto R --format trl --include-test --out OUT/kto",
        "export routing R --format embedllm --threshold 0.5 --out OUT/routing",
        "export routing R --format routerbench --out OUT/{E}", "build table LOG --out OUT/build", "plugins",
        "evaluate-prompts OUT/templates --retrieval-only --out OUT/retrieved",
    ],
    1: [
        "diff R sample", "diff R sample --json", "evaluate R --router {E}", "evaluate R --router knn --scenario {E}",
        "evaluate R --router knn --split {E}", "fuse R --fusion {E}", "fuse R --candidate {E}", "fuse R --split {E}",
        "tokens R --tokenizer {E} --out OUT/t", "templates build R --criterion {E} --out OUT/t",
        "templates retrieve OUT/templates --prompt {E} --task {E}", "templates retrieve R --out OUT/t.jsonl",
        "export sft R --format {E} --out OUT/s",
        "evaluate-prompts R --retrieval-only --out OUT/p", "build table OUT/{E}.csv --out OUT/b", "build {E} x --out OUT/b",
        "build table LOG --out OUT/b --map {E}={E}", "info {E}", "validate {E}", "info {E}/{E}", "quickstart --out R",
        "audit {E}", "append R R --out OUT/a", "append R {E} --out OUT/a",
    ],
    2: ["simulate --scale {E} --out OUT/s", "{E}", "info R --{E}", "evaluate R --split {E}"],
}  # fmt: skip
"""Exit status -> commands."""


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("out")


@pytest.mark.parametrize(("status", "line"), [(status, line) for status, lines in RUNS.items() for line in lines])
def test_no_command_prints_anything_raw(
    status: int, line: str, hostile: Path, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (log,) = hostile.parent.glob("*.jsonl")
    words = {"R": str(hostile), "LOG": str(log)}
    arguments = [words.get(w, w.replace("OUT", str(out)).replace("{E}", EVIL.replace("/", ""))) for w in line.split()]
    assert not RAW.search(printed(capsys, *arguments, status=status))


def test_hostile_texts_are_shown_escaped(hostile: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = printed(capsys, "info", hostile)
    assert r"\x1b]0;title\x07\x1b[31m\x9b2J\x85\r\x08\x7f\u202eabc\u2066\u200b\ufeff[bold red]x[/] 0" in re.sub(
        r"\n +", "", shown
    )
    assert Release(hostile).info().tasks, "the release itself keeps them"


def test_a_name_prints_no_line_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "log.csv"
    source.write_text("prompt,llm,response\n1+1?,small,2\n")
    release = tmp_path / "a\nWrote all of it."
    for command in (["build", "table", source, "--workers", "1", "--out", release], ["info", release], ["validate", release]):
        assert not re.search("^Wrote all", printed(capsys, *command), re.MULTILINE)


def test_titles_headers_and_cells_of_tables(capsys: pytest.CaptureFixture[str]) -> None:
    show_table(f"title {EVIL}", [f"header {EVIL}"], [[f"cell {EVIL}\nnext\trow"]])
    shown = capsys.readouterr().out
    assert not RAW.search(shown)
    assert r"next\trow" in shown
    for place in ("title", "header", "cell"):
        assert rf"{place} \x1b]0;title\x07" in shown


def test_json_stays_json(capsys: pytest.CaptureFixture[str]) -> None:
    text = json.dumps({"é": EVIL + "\U000e0001 é 漢"}, ensure_ascii=False, indent=1) + "\n"
    say_json_text(text)
    shown = capsys.readouterr().out
    assert not RAW.search(shown)
    assert "漢" in shown
    assert json.loads(shown) == json.loads(text)


def test_every_character_is_printable_or_escaped() -> None:
    for code in range(0x110000):
        shown = printable(chr(code))
        assert shown in "\n\t" or shown.isprintable()


def test_stages_of_a_progress_bar_are_no_markup(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "240")
    with progress() as tell:
        tell(EVIL, 1, 2)
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", capsys.readouterr().err).replace("\r", "")  # the bar's own
    assert not RAW.search(shown)
    assert r"\x1b]0;title" in shown
    assert "[bold red]x[/]" in shown


OUTSIDE = f"""
import logging, sys, warnings
from llmfusionbench.cli.console import print_all_like_us
print_all_like_us()
evil = {EVIL!r}
warnings.warn(evil)
logging.getLogger(evil).warning("%s %s", evil, "logged")
raise KeyError if len(sys.argv) > 9 else RuntimeError(evil)
"""


def test_warnings_log_lines_and_tracebacks() -> None:
    """Of Python itself, in a process of our own."""
    done = subprocess.run([sys.executable, "-c", OUTSIDE], capture_output=True, check=False, env={**os.environ})
    shown = done.stderr.decode()
    assert not RAW.search(shown)
    assert shown.count(r"\x1b]0;title") == 3
    assert "logged" in shown
    assert "RuntimeError" in shown


def test_a_process_of_others_is_not_changed() -> None:
    ask = "import logging, sys, warnings; before = logging.getLogRecordFactory(), sys.excepthook, warnings.showwarning; "
    ask += "from llmfusionbench.cli.main import run; run(['--version']); "
    ask += "assert before == (logging.getLogRecordFactory(), sys.excepthook, warnings.showwarning)"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=False, env={**os.environ})
    assert (done.returncode, done.stderr) == (0, "")


PRINTING = {"print", "echo", "secho", "Console", "stdout", "stderr", "print_exc", "echo_via_pager", "input", "writelines"}


@pytest.mark.parametrize("path", sorted(p for p in CLI.glob("*.py") if p.name != "console.py"), ids=lambda p: p.name)
def test_only_one_module_writes_to_the_terminal(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else None
        assert name not in PRINTING, f"{path.name} line {node.lineno}: {name}"  # type: ignore[attr-defined]


def commands(group: click.Group, *path: str) -> list[tuple[tuple[str, ...], click.Command]]:
    found = []
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        found += commands(command, *path, name) if isinstance(command, click.Group) else [((*path, name), command)]
    return found


def test_every_out_is_checked_before_any_work(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A name that is not UTF-8 cannot be in a manifest, a report or a message."""
    name = os.fsdecode(b"caf\xe9")
    checked = set()
    for words, command in commands(cli):  # type: ignore[arg-type]
        for option in command.params:
            if option.name in ("out", "calls"):
                assert isinstance(option.type, OutPath), words
                given = [p for p in command.params if isinstance(p, click.Argument)]
                arguments = [*words, *("x" for _ in given), f"--{option.name}", str(tmp_path / name)]
                assert run(arguments) == 1
                error = capsys.readouterr().err
                assert error.startswith("llmfusionbench: error: ")
                assert r"caf\udce9: the name of the place to write is not UTF-8. Remedy: choose another name" in error
                checked.add(words[0])
    assert set(COMMANDS) - checked == {"diff", "info", "plugins", "publish", "status", "validate"}
    assert not list(tmp_path.iterdir())
