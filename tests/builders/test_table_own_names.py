"""Columns of a table that bear our names: taken if most of their values fit, else left alone with a warning."""

import json
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.builders.build import build
from llmfusionbench.builders.sources.table import Table
from llmfusionbench.cli.main import run
from llmfusionbench.errors import InputError
from tests.helpers.reading import read, write, write_lines

BASE = {"llm": "x", "response": "y"}


def rows(name: str, *values: Any) -> list[dict[str, Any]]:
    return [{"prompt": f"{i}?", **BASE, name: value} for i, value in enumerate(values)]


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("status", "green", "translate its words with --values status=WORD:VALUE"),
        ("status", 200, "translate its words"),
        ("mode", "chat", "translate its words"),
        ("mode", "Chain of Thought", "translate its words"),
        ("split", "main", "translate its words"),
        ("provenance", "crowd", "translate its words"),
        ("judge", 7, "map what is judge with --map judge=NAME"),
        ("judge", True, "map what is judge"),
        ("metric", 0.5, "map what is metric"),
        ("replicate", "first", "map what is replicate"),
        ("replicate", -1, "map what is replicate"),
        ("epoch", 1.5, "map what is replicate"),
        ("choices", [{"index": 0, "turns": ["y"]}], "map the text in it with --map 'response=choices[0].turns[0]'"),
        ("response", {"body": {"text": "y"}}, "map the text in it with --map 'response=response.body.text'"),
        ("sampling", "greedy", "map what is sampling"),
        ("messages", 3, "map what is messages"),
        ("reasoning", True, "map what is reasoning"),
        ("input_tokens", "n/a", "map what is input_tokens"),
        ("task", {"id": "sums"}, "map the text in it with --map 'task=task.id'"),
    ],
)
def test_a_column_that_does_not_fit_is_left_alone(tmp_path: Path, name: str, value: Any, remedy: str) -> None:
    path = write_lines(tmp_path / "t.jsonl", rows(name, value, value))
    found = read(Table(), path)
    assert len(found.rows) == 2
    assert found.rejected == []
    (note,) = found.notes
    assert note.startswith(f"the column {name} is left alone, since 2 of 2 values do not fit ")
    assert remedy in note
    ours = "replicate" if name == "epoch" else name
    assert note.endswith(f"or leave it out without a warning with --map {ours}=")
    assert read(Table(map={ours: ""}), path).notes == []
    assert read(Table(map=write(tmp_path / "m.yaml", f"map: {{{ours}: }}".encode())), path).notes == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("status", "Timed out"), ("mode", "high"), ("split", "test"), ("judge", "gpt-x"), ("replicate", 3),
     ("choices", ["a", "b"]), ("task", 5), ("response", 7), ("metric", "em"), ("provenance", "collected")],
)  # fmt: skip
def test_a_column_that_fits_is_taken(tmp_path: Path, name: str, value: Any) -> None:
    found = read(Table(), write_lines(tmp_path / "t.jsonl", rows(name, value)))
    assert found.notes == []
    assert found.rejected == []
    assert str(found.column(name)[0]) == str(value)


def test_if_only_some_values_do_not_fit_their_records_are_rejected(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "t.jsonl", rows("status", "ok", "green", "success"))
    release = build("table", [path], tmp_path / "out", workers=1)
    (rejected,) = map(json.loads, (release.path / "rejected.jsonl").open())
    assert rejected["row"] == 1
    assert rejected["reason"].endswith(". Remedy: correct it, or leave the column out with --map status=")
    found = read(Table(), write_lines(tmp_path / "n.jsonl", rows("input_tokens", 1, "many", 2)))
    assert found.reasons == [
        (
            "n.jsonl",
            1,
            'input_tokens is "many", expected a number. Remedy: correct it, or leave the column out with --map input_tokens=',
        )
    ]


def test_words_make_a_column_fit(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "t.jsonl", rows("status", "green", "red"))
    found = read(Table(values={"status": {"green": "ok", "red": "error"}}), path)
    assert (found.column("status"), found.notes) == (["ok", "error"], [])


def test_scores_that_are_words_are_refused_with_a_remedy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_lines(tmp_path / "t.jsonl", rows("performance", "right", "wrong"))
    assert run(["build", "table", str(path), "--out", str(tmp_path / "out")]) == 1
    assert "--values performance=correct:1,incorrect:0" in capsys.readouterr().err


def test_validation_data_are_partial_test(tmp_path: Path) -> None:
    words = ["validation", "Valid", "val", "dev", "partial_test"]
    found = read(Table(), write_lines(tmp_path / "t.jsonl", rows("split", *words)))
    assert set(found.column("split")) == {"partial_test"}
    assert found.notes == ["split: words for validation data are taken as partial_test"]


def test_a_log_that_lacks_its_query_without_a_column_that_does_not_fit(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "t.jsonl", [{"prompt": {"text": "A?"}, **BASE}])
    with pytest.raises(InputError) as caught:
        read(Table(), path)
    assert "no column identifies the query" in str(caught.value)
    assert "map the text in it with --map 'prompt=prompt.text'" in str(caught.value)


def test_the_first_records_decide(tmp_path: Path) -> None:
    values = ["ok"] * 4096 + ["green"] * 4097
    found = read(Table(), write_lines(tmp_path / "t.jsonl", rows("status", *values)))
    assert found.notes == []
    assert len(found.rejected) == 4097


def test_epochs_are_replicates_counted_from_0(tmp_path: Path) -> None:
    for name in ("epoch", "trial"):
        found = read(Table(), write_lines(tmp_path / "t.jsonl", rows(name, 1, 2, 3)))
        assert found.column("replicate") == [0, 1, 2]
        assert found.notes == [f"{name} is taken as replicate, counted from 0 in place of 1"]
        found = read(Table(), write_lines(tmp_path / "t.jsonl", rows(name, 0, 1)))
        assert found.column("replicate") == [0, 1]
    mapped = read(Table(map={"replicate": "epoch"}), write_lines(tmp_path / "t.jsonl", rows("epoch", 1, 2)))
    assert mapped.column("replicate") == [1, 2]


@pytest.mark.parametrize("start", [0, 1])
def test_files_of_one_epoch_each_are_counted_together(tmp_path: Path, start: int) -> None:
    paths = [
        write_lines(tmp_path / f"epoch_{epoch}.jsonl", [{"prompt": "A?", **BASE, "task": "t", "epoch": epoch}])
        for epoch in range(start, start + 3)
    ]
    assert read(Table(), *paths).column("replicate") == [0, 1, 2]
