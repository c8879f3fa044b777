"""Rows that refer to rows which are not there, and numbers out of range: an error that names them, whatever the digests say."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench import validate
from llmfusionbench.builders import rescore
from llmfusionbench.cli.main import run
from llmfusionbench.errors import ReleaseError
from tests.helpers.tiny_release import change_rows, write_tiny_release

Rows = list[dict[str, Any]]
TRAIN = "{}/train-00000-of-00001.parquet"
NONE = "f" * 24


def judged_but_never_asked(rows: Rows) -> None:
    """Its score must not become that of the next answer in order."""
    rows[0].update(llm="middle")


def judged_last(rows: Rows) -> None:
    rows[-1].update(llm="zebra", query_id=max(row["query_id"] for row in rows))


def worse_than_nothing(rows: Rows) -> None:
    rows[0].update(performance=-1e300)


def impossible(table: str, line: str) -> tuple[str, Callable[[Rows], None], str, str]:
    return table, worse_than_nothing, line, rf"r: table {table}, performance is -1e\+300, expected what its schema allows"


CASES: dict[str, tuple[str, Callable[[Rows], None], str, str]] = {
    "rescore": (
        "judge_scores",
        judged_but_never_asked,
        "rescore R --out OUT",
        r'refers to ".* middle .*, which responses',
    ),
    "tokens": ("judge_scores", judged_last, "tokens R --out OUT --tokenizer cl100k_base", "zebra .* which responses does not"),
    "templates": (
        "logs",
        lambda rows: rows[0].update(query_id=NONE),
        "templates build R --out OUT",
        f'{NONE}", which',
    ),
    "a text of templates": (
        "responses",
        lambda rows: [row.update(response=None) for row in rows],
        "templates build R --out OUT",
        r"logs of the release refers to .*, which responses, with a text, does not have",
    ),
    "a score in fuse": impossible("responses", "fuse R"),
    "a score in rescore": impossible("responses", "rescore R --out OUT"),
    "a score in tokens": impossible("responses", "tokens R --out OUT --tokenizer cl100k_base"),
    "a score in templates": impossible("logs", "templates build R --out OUT"),
    "a score in sft": impossible("responses", "export sft R --format openai --out OUT"),
    "a score in routing": impossible("logs", "export routing R --format embedllm --out OUT"),
}


@pytest.mark.parametrize("name", CASES)
def test_rows_that_cannot_be_right_are_refused(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, change, line, message = CASES[name]
    release = write_tiny_release(tmp_path / "r")
    change_rows(release, TRAIN.format(table), change)
    words = [{"R": str(release), "OUT": str(tmp_path / "out")}.get(word, word) for word in line.split()]
    assert run([*words, *(["--workers", "1"] if words[0] in ("rescore", "tokens") else [])]) == 1
    error = capsys.readouterr().err
    assert error.startswith("llmfusionbench: error: ")
    assert error.count("\n") == 1
    assert "Remedy: run llmfusionbench validate on it" in error
    assert re.search(message, error), error
    assert validate(release) or name == "a text of templates", "validate does not compare texts"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("table", "column"), [("queries", "metric"), ("responses", "status"), ("llms", "llm")])
def test_a_value_that_the_tables_require_and_that_is_missing(tmp_path: Path, table: str, column: str) -> None:
    """Though the manifest was changed to match."""
    release = write_tiny_release(tmp_path / "release")
    name = f"{table}/train-00000-of-00001.parquet"
    change_rows(release, name, lambda rows: rows[0].update({column: None}))
    with pytest.raises(ReleaseError, match=rf"table {table}, {column} is missing in 1 rows, expected a value"):
        rescore(release, tmp_path / "out", workers=1)
    assert not (tmp_path / "out").exists()
