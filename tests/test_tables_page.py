"""The examples of docs/tables.md and of "Any table" in docs/getting_started.md, run on logs that fit them."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

import llmfusionbench as lfb
from llmfusionbench.cli.main import run
from tests.helpers.reading import write_lines

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "tables.md").read_text(encoding="utf-8")
START = (ROOT / "docs" / "getting_started.md").read_text(encoding="utf-8").partition("### Any table\n")[2]
Printed = pytest.CaptureFixture[str]


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def command(text: str, **files: list[str]) -> list[str]:
    """The arguments of a command; a pattern of file names stands for the files."""
    words = shlex.split(text.replace("\\\n", " ").partition("#")[0].removeprefix("llmfusionbench "))
    return [one for word in words for one in files.get(word, [word])]


def call(question: str, answer: str, verdict: str, **more: Any) -> dict[str, Any]:
    """A record of the log in the first example."""
    message = {"role": "assistant", "content": answer}
    asked = [{"role": "system", "content": "Answer."}, {"role": "user", "content": question}]
    return {"request": {"messages": asked}, "response": {"choices": [{"message": message}]}, "verdict": verdict, **more}


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_first_example(capsys: Printed) -> None:
    logs = {}
    for llm, words in {"small-7b": ("correct", "incorrect"), "large-70b": ("correct", " Correct")}.items():
        rows = [call(question, "5", word) for question, word in zip(("2 + 3?", "1 + 4?"), words, strict=True)]
        logs[llm] = write_lines(Path("runs", llm, "log.jsonl"), rows)
    text = blocks(PAGE, "bash")[0]
    assert run(command(text, **{"runs/*/log.jsonl": [str(path) for path in logs.values()]})) == 0, capsys.readouterr()
    table = lfb.open_release("from-log").routing()
    assert dict(zip(table.candidates, table.performance.mean(axis=0).tolist(), strict=True)) == {
        "large-70b": 1,
        "small-7b": 0.5,
    }
    assert set(table.tasks) == {"quiz"}


def test_the_mapping_in_a_file(capsys: Printed) -> None:
    long, _ = blocks(PAGE, "yaml")
    Path("my.yaml").write_text(long, encoding="utf-8")
    rows = [
        {
            "question": "2 + 3?",
            "question_id": i,
            "response": {"body": {"choices": [{"message": {"content": "5"}}]}},
            "performance": "correct",
            "status": "whatever",
            "filter": kept,
        }
        for i, kept in enumerate(("strict-match", "none", "loose"))
    ]
    write_lines(Path("small-7b", "log.jsonl"), rows)
    write_lines(Path("questions.jsonl"), [{"question_id": i, "ground_truth": "5"} for i in range(3)])
    assert run(["build", "table", "small-7b/log.jsonl", "--mapping", "my.yaml", "--out", "out"]) == 0, capsys.readouterr()
    release = lfb.open_release("out")
    assert [i["name"] for i in release.manifest["source"]["inputs"]] == ["log.jsonl", "questions.jsonl"]
    assert (release.splits, release.table("queries").to_table()["ground_truth"].to_pylist()) == (["test"], ["5"])
    assert "1 of 3 records are left out" in capsys.readouterr().out


def test_the_mapping_of_a_table_with_one_row_per_query() -> None:
    _, wide = blocks(PAGE, "yaml")
    Path("my.yaml").write_text(wide, encoding="utf-8")
    columns = "sample_id,eval_name,small-7b,large-70b,small-7b|model_response,large-70b|model_response\n"
    Path("wide.csv").write_text(columns + "1,quiz,0,1,4,5\n", encoding="utf-8")
    assert run(["build", "table", "wide.csv", "--mapping", "my.yaml", "--out", "out"]) == 0
    rows = lfb.open_release("out").table("responses").to_table().to_pylist()
    assert {(row["llm"], row["response"], row["performance"]) for row in rows} == {("small-7b", "4", 0), ("large-70b", "5", 1)}


MAPPED = {
    "answer": (["z"], "response"), "choices[0].message.content": (["said"], "response"), "took/1000": ([1.5], "latency_s"),
    "credits*0.01": ([0.02], "cost_usd"), "'rating 1:10'": ([1.0], "performance"), "=quiz": (["quiz"], "task"),
    "{parent}": (["nightly"], "source_id"), "{stem}": (["log"], "source_id"), "{file}": (["log.jsonl"], "source_id"),
    "run-{stem}": (["run-log"], "source_id"), "{path:results/(.*)/samples}": (["m1"], "source_id"),
}  # fmt: skip
"""What may stand on the right of `--map`, in the table of the page -> the value of one of our columns that it gives."""


@pytest.mark.parametrize("text", MAPPED)
def test_what_a_column_can_be_made_of(text: str, capsys: Printed) -> None:
    listed = PAGE.partition("## What a column of ours can be made of")[2].partition("\n### ")[0]
    assert f"`{text}`" in listed
    values, ours = MAPPED[text]
    folder = "results/m1/samples/nightly" if "path" in text else "nightly"
    row = {"question": "2 + 3?", "answer": "z", "took": 1500, "credits": 2, "rating": 10}
    write_lines(Path(folder, "log.jsonl"), [row | {"choices": [{"message": {"content": "said"}}]}])
    columns = ["--map", "prompt=question", "--map", "llm==m", "--map", "choices=", "--map", f"{ours}={text.strip(chr(39))}"]
    assert run(["build", "table", f"{folder}/log.jsonl", *columns, "--out", "out"]) == 0, capsys.readouterr()
    release = lfb.open_release("out")
    tables = [release.table(name).to_table() for name in ("responses", "queries")]
    assert next(table[ours].to_pylist() for table in tables if ours in table.column_names) == values


def test_a_table_by_options_and_from_python(capsys: Printed) -> None:
    Path("answers.csv").write_text(blocks(START, "csv")[0], encoding="utf-8")
    assert run(command(blocks(START, "bash")[0])) == 0, capsys.readouterr()
    capsys.readouterr()
    exec(compile(blocks(START, "python")[0], "docs/getting_started.md", "exec"), {})
    assert "table" in capsys.readouterr().out
    by_options, from_python = (lfb.open_release(name).routing().performance for name in ("from-table", "from-python"))
    assert by_options.tolist() == from_python.tolist()
