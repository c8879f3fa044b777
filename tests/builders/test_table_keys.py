"""Keys, conditions and words of a table whose files write the same number in different ways, and what the manifest lists."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from llmfusionbench.builders.build import build
from llmfusionbench.builders.sources.table import Table
from llmfusionbench.errors import InputError, RejectedError
from tests.helpers.reading import read, write, write_lines

Printed = pytest.CaptureFixture[str]
KEYS = (1, "1", 1.0, "1.0", None, "", 2)


def log(folder: Path, *keys: Any) -> Path:
    rows = [{"prompt": f"{i}?", "llm": "x", "response": "y", "key": key} for i, key in enumerate(keys)]
    return write_lines(folder / "log.jsonl", rows)


@pytest.mark.parametrize("kind", ["csv", "csv of floats", "jsonl", "parquet"])
def test_a_key_is_the_same_number_in_any_format(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"k.{kind.partition(' ')[0]}"
    match kind:
        case "csv":
            write(path, b"key,ground_truth\n1,one\n,none\n")
        case "csv of floats":
            write(path, b"key,ground_truth\n1.0,one\n,none\n,nothing\n")
        case "jsonl":
            write_lines(path, [{"key": 1, "ground_truth": "one"}, {"key": None, "ground_truth": "none"}])
        case _:
            pq.write_table(pa.table({"key": [1.0, None], "ground_truth": ["one", "none"]}), path)
    found = read(Table(join=[f"{path}:key"]), log(tmp_path, *KEYS))
    assert found.column("ground_truth") == ["one"] * 4 + [None] * 3
    assert found.notes[-1] == f"joined with {path.name} by key (1 keys), 3 of 7 records have no partner"


def test_keys_that_differ_only_as_texts_stay_apart(tmp_path: Path) -> None:
    path = write(tmp_path / "k.csv", b"key,ground_truth\n1,one\n1.0,version 1.0\n")
    found = read(Table(join=[f"{path}:key"]), log(tmp_path, "1", "1.0", "1.00"))
    assert found.column("ground_truth") == ["one", "version 1.0", None]


@pytest.mark.parametrize("value", ["1", "1.0", 1, 1.0])
def test_a_condition_takes_a_number_as_it_is_written_in_any_way(tmp_path: Path, value: Any) -> None:
    assert read(Table(where={"key": value}), log(tmp_path, *KEYS)).column("prompt") == ["0?", "1?", "2?", "3?"]


def test_words_that_are_numbers(tmp_path: Path) -> None:
    table = Table(map={"performance": "key"}, values={"performance": {"1": 0, 2: 1}})
    assert read(table, log(tmp_path, *KEYS)).column("performance") == [0, 0, 0, 0, None, None, 1]


def test_a_condition_that_no_record_fulfils_is_named(tmp_path: Path) -> None:
    with pytest.raises(RejectedError) as caught:
        build("table", [log(tmp_path, 1, 2)], tmp_path / "out", options={"where": {"key": "3"}}, workers=1)
    assert "log.jsonl: 2 of 2 records are left out by the condition that key is 3" in str(caught.value)


def test_words_for_a_column_that_is_not_filled(tmp_path: Path) -> None:
    found = read(Table(values={"performance": {"right": 1}}), log(tmp_path, 1))
    assert found.notes == [
        "the values of performance are not used, since no column fills it. Remedy: map it with --map performance=NAME"
    ]


def test_a_column_that_has_words_is_never_left_alone(tmp_path: Path) -> None:
    found = read(Table(values={"response": {"n": "no"}}), log(tmp_path, 1, 2))
    assert [reason.partition(";")[0] for _, _, reason in found.reasons] == [
        'response is "y", which the values of response lack'
    ] * 2


def test_words_for_the_place_of_a_file(tmp_path: Path) -> None:
    table = Table(map={"performance": "{parent}"}, values={"performance": {"good": 1, "bad": 0}})
    assert read(table, log(tmp_path / "bad", 1)).column("performance") == [0]
    with pytest.raises(InputError, match='performance is "other", which the values of performance lack'):
        read(table, log(tmp_path / "other", 1))


def test_the_manifest_lists_every_file_that_was_read(tmp_path: Path) -> None:
    keys = write(tmp_path / "far" / "k.csv", b"key,ground_truth\n1,one\n")
    mapping = write(tmp_path / "my.yaml", b"map: {task: =t}\njoin: [far/k.csv:key]\n")
    release = build("table", [log(tmp_path, 1)], tmp_path / "out", options={"map": mapping}, workers=1)
    assert [(i["name"], i["bytes"], i["sha256"]) for i in release.manifest["source"]["inputs"]] == [
        (path.name, path.stat().st_size, sha256(path.read_bytes()).hexdigest())
        for path in (tmp_path / "log.jsonl", mapping, keys)
    ]


def test_a_release_never_replaces_a_file_to_join(tmp_path: Path) -> None:
    build("table", [log(tmp_path, 1)], tmp_path / "out", workers=1)
    keys = write(tmp_path / "out" / "k.csv", b"key,ground_truth\n1,one\n")
    with pytest.raises(InputError, match="holds the input"):
        build("table", [log(tmp_path, 1)], tmp_path / "out", options={"join": [f"{keys}:key"]}, overwrite=True, workers=1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("said[0", 'the path "said[0" cannot be read from character 5 on. Remedy: write it like choices[0].message.content'),
        ("said.", "cannot be read from character 5 on"),
        ('said."a', "cannot be read from character 5 on"),
        ("said[x]", "cannot be read from character 5 on"),
        ("{folder}", '"{folder}" is no placeholder of a mapping, expected {file}, {stem}, {parent} or {path:PATTERN}'),
        ("saif[0]", 'no column "saif[0]" for response. Did you mean "said"?'),
    ],
)
def test_a_path_or_a_placeholder_that_is_none_is_explained(tmp_path: Path, text: str, message: str) -> None:
    path = write_lines(tmp_path / "t.jsonl", [{"prompt": "A?", "llm": "x", "said": ["y"]}])
    with pytest.raises(InputError) as caught:
        read(Table(map={"response": text}), path)
    assert message in str(caught.value)
