"""`build auto` and `inspect-log` on the command line: what they print, what they write, and what they refuse."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import yaml

import llmfusionbench as lfb
from llmfusionbench.cli.main import run
from tests.contracts.test_source_contract import HOSTILE
from tests.helpers.reading import write, write_json, write_lines

SESSION = {"output": ["a"], "generator": "x/m", "dataset": "d", "model_input": "q", "configs": {}, "question": "q"}


def logs(place: Path, *names: str) -> Path:
    for name in names:
        write_json(place / f"{name}.json", [SESSION | {"session_id": f"{i}", "chat_history": [f"q{i}"]} for i in range(3)])
    return place


def fails(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert run(list(arguments)) == 1
    printed = capsys.readouterr()
    assert printed.err.startswith("llmfusionbench: error: ")
    assert "Traceback" not in printed.err
    assert printed.out == ""
    return printed.err


def test_build_auto_tells_what_it_takes_the_files_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = logs(tmp_path / "logs", "a", "b")
    assert run(["build", "auto", str(place), "--option", "hosts=replicates", "--out", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("Taken for zeroeval:\n  a.json, b.json: answers of ZeroEval, score 1.00: it has session_id, ")
    assert "Nearest sources" in printed
    assert "Wrote" in printed
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["source"]["name"] == "zeroeval"
    assert manifest["source"]["options"]["hosts"] == "replicates"
    assert manifest["source"]["recognised"]["scores"]["zeroeval"] == 1.0
    assert lfb.validate(tmp_path / "out") == []


def test_options_of_another_source_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = logs(tmp_path / "logs", "a")
    assert run(["build", "auto", str(place), "--option", "filter=x", "--out", str(tmp_path / "out")]) == 1
    assert 'option of zeroeval "filter"' in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_build_auto_of_an_unknown_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "log.csv", b"question,model,answer,score\nq,m,a,1\n")
    lines = fails(capsys, "build", "auto", str(path), "--out", str(tmp_path / "out")).splitlines()
    assert lines[0] == f"llmfusionbench: error: {path}: its format is not known. The nearest:"
    assert lines[-1].startswith(f"Remedy: llmfusionbench build table {path} --map prompt=question --map llm=model")
    assert 3 <= len(lines) <= 5


def test_the_remedy_of_an_unknown_file_works(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "log.csv", b"question,model,answer,score\nq,m,a,1\n")
    remedy = fails(capsys, "build", "auto", str(path), "--out", "DIR").splitlines()[-1]
    arguments = remedy.removeprefix("Remedy: llmfusionbench ").replace("--out DIR", f"--out {tmp_path / 'out'}").split()
    assert run(arguments) == 0
    assert lfb.validate(tmp_path / "out") == []


def test_build_auto_of_two_formats(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    logs(tmp_path, "a")
    write_lines(tmp_path / "m.jsonl", [{"question_id": 1, "model_id": "m", "answer_id": "x", "choices": [{"turns": ["a"]}]}])
    error = fails(capsys, "build", "auto", str(tmp_path), "--out", str(tmp_path / "out"))
    assert "the inputs are of 2 formats:\n  mt_bench: m.jsonl\n  zeroeval: a.json\nRemedy: build each by itself" in error
    assert "llmfusionbench merge DIR-mt_bench DIR-zeroeval --out DIR" in error


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / name
    path.write_bytes(HOSTILE[name])
    assert name in fails(capsys, "build", "auto", str(path), "--out", str(tmp_path / "out"))
    status = run(["inspect-log", str(path)])
    printed = capsys.readouterr()
    assert status in (0, 1)
    assert (status == 1) == printed.err.startswith(f"llmfusionbench: error: {path}: ")


def test_inspect_log_shows_fields_format_and_mapping(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    records = [
        {"question": f"What is {i}?", "model": "m", "reply": {"text": "a"}, "api_key": "abcdefgh", "score": 1} for i in range(9)
    ]
    path = write_lines(tmp_path / "log.jsonl", [*records, {"question": "q", "model": "m"}])
    assert run(["inspect-log", str(path), "--records", "10"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"{path}: its format is not known; the nearest is ")
    rows = [line.split() for line in printed.splitlines()]
    assert ["reply.text", "text", "90%", '"a"'] in rows
    assert ["api_key", "text", "90%", "[secret]"] in rows
    assert "abcdefgh" not in printed
    found = yaml.safe_load(printed[printed.index("# A mapping proposed") :])
    assert found["map"]["prompt"] == "question"
    assert found["map"]["performance"] == "score"


def test_inspect_log_writes_a_mapping_and_never_over_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "log.csv", b"question,model,answer,score\nq,m,a,1\n")
    out = tmp_path / "my.yaml"
    assert run(["inspect-log", str(path), "--out", str(out)]) == 0
    assert "llmfusionbench build table" in capsys.readouterr().out
    written = out.read_text(encoding="utf-8")
    assert "it exists. Remedy: set --overwrite" in fails(capsys, "inspect-log", str(path), "--out", str(out))
    assert out.read_text(encoding="utf-8") == written
    out.write_text("other", encoding="utf-8")
    assert run(["inspect-log", str(path), "--out", str(out), "--overwrite"]) == 0
    assert out.read_text(encoding="utf-8") == written
    assert run(["build", "table", str(path), "--map-file", str(out), "--out", str(tmp_path / "out")]) == 0


def test_inspect_log_names_the_source_of_a_known_format(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = logs(tmp_path, "a") / "a.json"
    assert run(["inspect-log", str(path)]) == 0
    assert f"{path}: answers of ZeroEval, score 1.00. Build it with llmfusionbench build zeroeval." in capsys.readouterr().out


def test_inspect_log_refuses_what_it_cannot_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    numbered = write_json(tmp_path / "p.json", {"0": {"origin_prompt": "q", "prediction": "a", "gold": "b"}})
    assert "No such file" in fails(capsys, "inspect-log", str(tmp_path / "gone.csv"))
    assert "a directory, expected a file" in fails(capsys, "inspect-log", str(tmp_path))
    assert run(["inspect-log", str(numbered), "--out", str(tmp_path / "my.yaml")]) == 1
    assert "the source table cannot read it" in capsys.readouterr().err
    assert not (tmp_path / "my.yaml").exists()
    assert run(["inspect-log"]) == 2


@pytest.mark.parametrize("command", [["inspect-log"], ["build", "auto", "--out", "out"]])
def test_a_pipe_is_no_file(tmp_path: Path, command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(tmp_path / "pipe.jsonl")
    assert run([*command, str(tmp_path / "pipe.jsonl")]) == 1
    assert "pipe.jsonl: not a file. Remedy: check the path" in capsys.readouterr().err
