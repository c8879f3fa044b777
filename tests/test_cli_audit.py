"""`llmfusionbench audit`: the table, the files, the exit status, and the lines at the end of a build."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import llmfusionbench as lfb
from llmfusionbench.cli.main import run
from tests.helpers.sample_part import write_part
from tests.helpers.tiny_release import LOG, write_tiny_release

FAST = ("--no-near-duplicates", "--workers", "1")


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six answers: one is empty, and two scores are wrong."""
    log = LOG.replace("1+1?,train,sums,tiny,2,1", "1+1?,train,sums,tiny,2,0").replace("sums,tiny,3,1", "sums,tiny,3,0")
    return write_tiny_release(tmp_path_factory.mktemp("audit") / "r", log)


def printed(capsys: pytest.CaptureFixture[str], *arguments: object, status: int = 0) -> tuple[str, str]:
    capsys.readouterr()
    assert run(["audit", *map(str, arguments), *FAST]) == status
    said = capsys.readouterr()
    return said.out, said.err


def test_the_table(release: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, err = printed(capsys, release)
    assert err == ""
    lines = out.splitlines()
    assert lines[0].startswith("2 findings in 6 answers of 2 LLMs to 3 queries")
    assert lines[1].split() == ["severity", "finding", "rows", "of", "where", "what", "to", "do"]
    assert "Scores that our scorer disagrees with" in lines[2]
    assert "sums 2 of 4" in lines[2]
    assert "llmfusionbench rescore" in out
    assert "Note: Near-duplicates were not looked for." in out


def test_simulated_data_is_marked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_part(tmp_path / "part", tasks=["boolq"], llms=2)
    out, _ = printed(capsys, tmp_path / "part")
    assert out.startswith("SIMULATED DATA")
    assert "(SIMULATED)" in out


def test_json_is_what_the_file_holds(release: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, err = printed(capsys, release, "--json", "--out", tmp_path / "a")
    assert json.loads(out) == lfb.Audit.read(tmp_path / "a").data
    assert [line.split("/")[-1] for line in err.splitlines()] == ["audit.json.", "audit.html."]


def test_files_and_where_they_are(release: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = printed(capsys, release, "--out", tmp_path / "a")
    assert f"Wrote {tmp_path / 'a' / 'audit.html'}." in out
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["audit.html", "audit.json"]


def test_strict_fails_on_findings(release: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, err = printed(capsys, release, "--strict", "--out", tmp_path / "a", status=1)
    assert "Scores that our scorer disagrees with" in out
    assert err == ""
    assert (tmp_path / "a" / "audit.json").is_file()


def test_strict_passes_without_findings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clean = write_tiny_release(tmp_path / "r", LOG.replace("1+2?,train,sums,big,,0,,,em,3\n", "").replace(",two,0", ",2,1"))
    out, _ = printed(capsys, clean, "--strict")
    assert out.startswith("0 findings")


def test_one_line_for_a_fault(release: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ((tmp_path / "nowhere",), (release, "--out", release), (release, "--out", release / "logs" / "a")):
        out, err = printed(capsys, *arguments, status=1)
        assert out == ""
        assert err.startswith("llmfusionbench: error: ")
        assert len(err.splitlines()) == 1


def test_an_audit_is_not_replaced_without_overwrite(release: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    printed(capsys, release, "--out", tmp_path / "a")
    _, err = printed(capsys, release, "--out", tmp_path / "a", status=1)
    assert "a report of an audit is there already. Remedy: add --overwrite" in err
    printed(capsys, release, "--out", tmp_path / "a", "--overwrite")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "audit.json").write_text('{"mine": 1}')
    _, err = printed(capsys, release, "--out", tmp_path / "b", "--overwrite", status=1)
    assert "exists and is not a report of an audit" in err
    assert (tmp_path / "b" / "audit.json").read_text() == '{"mine": 1}'


def test_a_build_ends_with_the_worst_findings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "log.csv"
    log.write_text(LOG.replace("sums,tiny,3,1", "sums,tiny,3,0"))
    assert run(["build", "table", str(log), "--out", str(tmp_path / "r")]) == 0
    lines = capsys.readouterr().out.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("Audit: "))
    assert lines[start] == "Audit: 2 findings. The worst:"
    assert lines[start + 1].startswith("  high: Scores that our scorer disagrees with: 1 of 4 (25.0%), sums 1 of 4")
    assert lines[start + 2].startswith("  medium: Empty answers: 1 of 6")
    assert lines[start + 3] == f"See all with examples: llmfusionbench audit {tmp_path / 'r'} --out DIR"


def test_a_clean_build_says_that_nothing_was_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "log.csv"
    log.write_text("prompt,task,llm,response\n1+1?,sums,a,It is two.\n1+1?,sums,b,That gives two.\n")
    assert run(["build", "table", str(log), "--out", str(tmp_path / "r")]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "Audit: no findings."


def test_a_build_from_python_prints_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_tiny_release(tmp_path / "r")
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "")
