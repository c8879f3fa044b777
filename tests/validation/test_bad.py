"""Bad input of every kind, and exactly what `llmfusionbench validate` says of it.

A case is a folder of tests/bad with a file, or one of `DAMAGED` that a release suffers. What the command prints must be the
text of expected.txt, to the letter.
"""

from __future__ import annotations

import gzip
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import llmfusionbench as lfb
from llmfusionbench.cli.main import run
from tests.helpers.tiny_release import change_manifest, change_rows, replace_shard, restate, write_tiny_release

BAD = Path(__file__).parents[1] / "bad"
FILES = sorted(p.name for p in BAD.iterdir() if len(list(p.iterdir())) > 1)

Rows = list[dict[str, Any]]
TRAIN, TEST = "{}/train-00000-of-00001.parquet", "{}/test-00000-of-00001.parquet"


def card_of_another_release(release: Path) -> None:
    (release / "README.md").write_text("card\n")
    restate(release, "README.md")
    (release / "README.md").write_text("Card\n")


def card_cut_short(release: Path) -> None:
    (release / "README.md").write_text("card\n")
    restate(release, "README.md")
    (release / "README.md").write_text("c")


def files_missing(release: Path) -> None:
    (release / TRAIN.format("responses")).unlink()
    (release / "README.md").unlink()


def files_unlisted(release: Path) -> None:
    shutil.copy(release / TRAIN.format("queries"), release / "queries" / "train-00001-of-00002.parquet")
    (release / "notes\x1b[31m.txt").write_text("red")
    (release / ".gitattributes").write_text("*.parquet filter=lfs")  # as on the Hub: no part of the release, and no fault


def manifest_truncated(release: Path) -> None:
    (release / "manifest.json").write_text('{"schema_version": "1.0", "tables": {"que')


def manifest_no_object(release: Path) -> None:
    (release / "manifest.json").write_text("[]")


def manifest_not_utf8(release: Path) -> None:
    (release / "manifest.json").write_bytes(b'{"schema_version": "\xff"}')


def manifest_climbs_out(release: Path) -> None:
    change_manifest(release, lambda m: m["files"].update({"../../etc/passwd": {"bytes": 1, "sha256": "0" * 64}}))


def manifest_absolute(release: Path) -> None:
    change_manifest(release, lambda m: m["files"].update({"/etc/passwd": {"bytes": 1, "sha256": "0" * 64}}))


def manifest_without_files(release: Path) -> None:
    change_manifest(release, lambda m: m.pop("files"))


def manifest_odd_counts(release: Path) -> None:
    change_manifest(release, lambda m: m["tables"]["queries"]["splits"].update({"train": {"rows": "2"}}))


def manifest_odd_entry(release: Path) -> None:
    change_manifest(release, lambda m: m["files"].update({"README.md": {"bytes": -1, "sha256": None}}))


def manifest_newer(release: Path) -> None:
    change_manifest(release, lambda m: m.update(schema_version="3.0"))


def manifest_without_version(release: Path) -> None:
    change_manifest(release, lambda m: m.pop("schema_version"))


def no_release(release: Path) -> None:
    (release / "manifest.json").unlink()


def rows_miscounted(release: Path) -> None:
    """One file says too many, and the splits of another table are wrong, though their sum is right."""

    def change(manifest: dict[str, Any]) -> None:
        manifest["files"][TRAIN.format("llms")]["rows"] = 7
        splits = manifest["tables"]["responses"]["splits"]
        splits["train"]["rows"] += 1
        splits["test"]["rows"] -= 1

    change_manifest(release, change)


def tables_missing_and_unknown(release: Path) -> None:
    def change(manifest: dict[str, Any]) -> None:
        manifest["tables"].pop("judge_scores")
        manifest["tables"]["query"] = {"splits": {}}
        manifest["files"] = {k: v for k, v in manifest["files"].items() if not k.startswith("judge_scores/")}

    change_manifest(release, change)
    shutil.rmtree(release / "judge_scores")


def rows_in_the_wrong_split(release: Path) -> None:
    change_rows(release, TRAIN.format("queries"), lambda rows: rows[0].update(split="test"))


def keys_dangling(release: Path) -> None:
    change_rows(release, TRAIN.format("responses"), lambda rows: rows[1].update(llm="nobody"))
    change_rows(release, TEST.format("judge_scores"), lambda rows: rows[0].update(query_id="0" * 24))


def keys_repeated_across_files(release: Path) -> None:
    first = pq.read_table(release / TRAIN.format("queries")).to_pylist()[0]
    change_rows(release, TEST.format("queries"), lambda rows: rows.append(first | {"split": "test"}))


def values_wrong(release: Path) -> None:
    def change(rows: Rows) -> None:
        rows[0].update(performance=1.5, cost_usd=-0.1)
        rows[1].update(status=None)
        rows[2].update(response=" ", status="empty", input_tokens=-1)

    change_rows(release, TRAIN.format("responses"), change)


def columns_wrong(release: Path) -> None:
    name = TRAIN.format("judge_scores")
    table = pq.read_table(release / name)
    table = table.drop_columns(["rubric"]).append_column("grade", pa.array([1] * len(table)))
    table = table.set_column(table.schema.get_field_index("score"), "score", pa.array([1] * len(table)))
    replace_shard(release, name, table)


def columns_wrong_without_rows(release: Path) -> None:
    """A shard of no rows has columns all the same."""
    replace_shard(release, TRAIN.format("thought_templates"), pa.table({"template": pa.array([], pa.int8())}))


def parquet_truncated(release: Path) -> None:
    name = TRAIN.format("routing")
    path = release / name
    path.write_bytes(path.read_bytes()[:-7])
    restate(release, name)


def parquet_is_text(release: Path) -> None:
    name = TRAIN.format("llms")
    (release / name).write_text("llm\ntiny\nbig\n")
    restate(release, name)


DAMAGED: list[Callable[[Path], None]] = [
    card_of_another_release, card_cut_short, files_missing, files_unlisted, manifest_truncated, manifest_no_object,
    manifest_not_utf8, manifest_climbs_out, manifest_absolute, manifest_without_files, manifest_odd_counts, manifest_odd_entry,
    manifest_newer, manifest_without_version, no_release, rows_miscounted, tables_missing_and_unknown, rows_in_the_wrong_split,
    keys_dangling, keys_repeated_across_files, values_wrong, columns_wrong, columns_wrong_without_rows, parquet_truncated,
    parquet_is_text,
]  # fmt: skip


def test_every_folder_is_a_case() -> None:
    assert {p.name for p in BAD.iterdir()} == {*FILES, *(d.__name__ for d in DAMAGED)}


@pytest.mark.parametrize("case", FILES)
def test_files(case: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (file,) = (p.name for p in (BAD / case).iterdir() if p.name != "expected.txt")
    monkeypatch.chdir(BAD / case)
    assert run(["validate", file]) == 1
    printed = capsys.readouterr()
    assert printed.out == (BAD / case / "expected.txt").read_text(encoding="utf-8")
    assert printed.err == ""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_release(tmp_path_factory.mktemp("tiny") / "release")


@pytest.mark.parametrize("damage", DAMAGED, ids=lambda d: d.__name__)
def test_releases(
    damage: Callable[[Path], None],
    tiny: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copytree(tiny, tmp_path / "release")
    damage(tmp_path / "release")
    monkeypatch.chdir(tmp_path)
    assert run(["validate", "release"]) == 1
    printed = capsys.readouterr()
    assert printed.out == (BAD / damage.__name__ / "expected.txt").read_text(encoding="utf-8")
    assert printed.err == ""


def test_the_release_is_whole_before_it_is_damaged(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tiny.parent)
    assert run(["validate", "release"]) == 0
    assert capsys.readouterr().out == "release: valid, 23 rows checked.\n"


def test_a_wrong_byte_anywhere_in_a_shard_is_found(tiny: Path, tmp_path: Path) -> None:
    release = tmp_path / "release"
    shutil.copytree(tiny, release)
    name = TRAIN.format("responses")
    data = bytearray((release / name).read_bytes())
    for place in range(0, len(data), max(1, len(data) // 20)):
        changed = bytearray(data)
        changed[place] ^= 0xFF
        (release / name).write_bytes(changed)
        assert any(i.file == name and str(i.value).startswith("sha256") for i in lfb.validate(release))


def test_damage_that_the_digest_does_not_show_is_no_traceback(tiny: Path, tmp_path: Path) -> None:
    """A shard whose bytes were changed before it was digested."""
    release = tmp_path / "release"
    shutil.copytree(tiny, release)
    name = TRAIN.format("responses")
    data = (release / name).read_bytes()
    for place in range(0, len(data), max(1, len(data) // 60)):
        changed = bytearray(data)
        changed[place] ^= 0xFF
        (release / name).write_bytes(changed)
        restate(release, name)
        assert all(isinstance(issue, lfb.Issue) for issue in lfb.validate(release))


# --- options of the command


def test_max_errors(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(BAD / "wrong_type")
    assert run(["validate", "responses.jsonl", "--max-errors", "2"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Found more than 2 issues; the first are in responses.jsonl:"
    assert len(lines) == 3
    expected = (BAD / "wrong_type" / "expected.txt").read_text().splitlines()
    assert lines[1:] == expected[1:3]
    assert run(["validate", "responses.jsonl", "--max-errors", str(len(expected) - 1)]) == 1
    assert capsys.readouterr().out.splitlines() == expected


def test_json(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(BAD / "control_characters")
    assert run(["validate", "responses.jsonl", "--json"]) == 1
    out = capsys.readouterr().out
    issues = [json.loads(line) for line in out.splitlines()]
    assert issues == [i.to_dict() for i in lfb.validate("responses.jsonl")]
    assert issues[0] == {
        "file": "responses.jsonl",
        "row": 0,
        "column": "mode",
        "value": '"\\x1b[2J\\x1b[31mred"',
        "expected": "a short name in lower case, such as `direct`, `think` or `high`",
        "line": 1,
    }
    assert out.isascii()


def test_json_of_a_valid_file_is_empty(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "llms.csv").write_text("llm\ntiny\n")
    assert run(["validate", str(tmp_path / "llms.csv"), "--json"]) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["nowhere"], 1, "nowhere: no such file or directory. Remedy: check the path"),
        (["answers.jsonl"], 1, "answers.jsonl: cannot tell which table this is. Remedy: name it with --schema queries|llms|"),
        (["answers.jsonl", "--schema", "response"], 1, 'No table "response". Did you mean "responses"?'),
        (
            ["answers.txt", "--schema", "llms"],
            1,
            "answers.txt: the file ends in '.txt'. Remedy: pass a .parquet, .jsonl or .csv file",
        ),
        (["bare", "--schema", "llms"], 1, "bare: the file ends in 'nothing'. Remedy"),
        (["nul\0"], 1, "no such file or directory"),
        (["--max-errors", "0", "answers.jsonl"], 2, "0 is not in the range x>=1"),
        ([], 2, "Missing argument 'PATH'"),
    ],
)
def test_what_cannot_be_checked(
    arguments: list[str],
    status: int,
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("answers.jsonl", "answers.txt", "bare"):
        (tmp_path / name).write_text('{"llm": "tiny"}\n')
    assert run(["validate", *arguments]) == status
    printed = capsys.readouterr()
    assert words in printed.err
    assert printed.out == ""


# --- files that a folder of text cannot hold


def test_archives_cut_short(tmp_path: Path) -> None:
    lines = "".join(f'{{"llm": "{i:040d}"}}\n' for i in range(50_000)).encode()
    for name, data in (("llms.jsonl.gz", lines), ("llms.csv.gz", b"llm\n" + re.sub(rb'[{}": ]|llm', b"", lines))):
        path = tmp_path / name
        path.write_bytes(gzip.compress(data))
        assert lfb.validate(path) == []
        path.write_bytes(gzip.compress(data)[:-1000])
        issues = lfb.validate(path)
        assert [(i.file, i.row, i.expected) for i in issues] == [(name, None, "a complete, readable file")]
        assert "cannot be read to its end" in str(issues[0].value)


def test_repeated_keys_in_an_archive_cut_short(tmp_path: Path) -> None:
    """What was read before the end is checked, and reading it again for the keys is no second fault."""
    path = tmp_path / "llms.jsonl.gz"
    path.write_bytes(
        gzip.compress(b'{"llm": "a"}\n{"llm": "a"}\n' + b"".join(b'{"llm": "%d"}\n' % i for i in range(99_999)))[:-50]
    )
    issues = lfb.validate(path)
    assert [str(i.line) for i in issues] == ["None", "2"]
    assert issues[1].value == '"a"'


def test_damaged_archives(tmp_path: Path) -> None:
    for mark in (b"\x1f\x8b", b"\x28\xb5\x2f\xfd"):
        (tmp_path / "llms.jsonl").write_bytes(mark + b"nonsense" * 10)
        (issue,) = lfb.validate(tmp_path / "llms.jsonl")
        assert issue.expected == "a complete, readable file"


def test_byte_order_marks(tmp_path: Path) -> None:
    for name, text in (("llms.csv", '"llm",family\ntiny,x\n'), ("llms.jsonl", '{"llm": "tiny"}\n')):
        (tmp_path / name).write_text(text, encoding="utf-8-sig")
        assert lfb.validate(tmp_path / name) == []


def test_utf16_and_nul_bytes(tmp_path: Path) -> None:
    (tmp_path / "llms.jsonl").write_text('{"llm": "tiny"}\n', encoding="utf-16")
    assert {i.expected for i in lfb.validate(tmp_path / "llms.jsonl")} > {"UTF-8"}
    (tmp_path / "llms.csv").write_text("llm\ntiny\n", encoding="utf-16")
    assert lfb.validate(tmp_path / "llms.csv")
    (tmp_path / "llms.csv").write_bytes(b"llm\nti\0ny\n")
    lfb.validate(tmp_path / "llms.csv")


def test_lines_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from llmfusionbench.validation import rows

    monkeypatch.setattr(rows, "MAX_LINE_BYTES", 1000)
    long = "x" * 5000
    (tmp_path / "llms.jsonl").write_text(f'{{"llm": "a"}}\n{{"llm": "{long}"}}\n{{"llm": "b"}}\n')
    assert [str(i) for i in lfb.validate(tmp_path / "llms.jsonl")] == [
        "llms.jsonl line 2: 5,012 bytes, expected a shorter line"
    ]
    (tmp_path / "llms.csv").write_text(f"llm\na\n{long}\nb\n")
    (issue,) = lfb.validate(tmp_path / "llms.csv")
    assert (issue.value, issue.expected) == ("a line of 5,001 bytes", "well-formed CSV")


def test_no_rows_at_all(tmp_path: Path) -> None:
    (tmp_path / "llms.jsonl").write_text("")
    assert lfb.validate(tmp_path / "llms.jsonl") == []
    (tmp_path / "llms.csv").write_text("llm,name\n")
    assert [str(i.column) for i in lfb.validate(tmp_path / "llms.csv")] == ['"name"']
