"""What a mapping of a table may state beside columns: places, words, conditions, joins, scales; and as a YAML file."""

import json
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.builders.build import build
from llmfusionbench.builders.sources.table import Table
from llmfusionbench.cli.main import run
from llmfusionbench.errors import InputError, LLMFusionBenchError, UnknownNameError
from tests.helpers.reading import read, write, write_lines

ROW = {"prompt": "A?", "llm": "x", "response": "y"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{parent}", "org__m1"),
        ("{stem}", "day.1"),
        ("run-{file}", "run-day.1.jsonl.gz"),
        ("{path:results/([^/]+)__}", "org"),
        ("{path:(m[0-9]{1,2})/}-{stem}", "m1-day.1"),
        ("a { brace} {parent}", "a { brace} org__m1"),
    ],
)
def test_values_from_the_place_of_a_file(tmp_path: Path, text: str, value: str) -> None:
    path = write(tmp_path / "results" / "org__m1" / "day.1.jsonl.gz", json.dumps({"prompt": "A?", "response": "y"}).encode())
    assert read(Table(map={"llm": text}), path).column("llm") == [value]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{path:runs/(.*)/}", 'the pattern "runs/(.*)/" of llm is not in the path'),
        ("{path:t.jsonl}", "the regexp only has 0 parenthesized subexpressions"),
        ("{path:(}", "cannot be used"),
        ("{path:(?=x)(y)}", "cannot be used"),
        ("{path:(x*)t.jsonl}", "is empty. Remedy: write (.+) for (.*)"),
        ("{path:(t", "a brace is not closed"),
        ("{parent}-{folder}", "{folder} is not known, expected {file}, {stem}, {parent} or {path:PATTERN}. Remedy: correct it"),
        (
            "{folder}",
            "{folder} is no placeholder of a mapping, expected {file}, {stem}, {parent} or {path:PATTERN}".replace(
                "{folder} is", '"{folder}" is'
            ),
        ),
        (f"{{path:({'a' * 1001})}}", "1,003 characters, expected up to 1,000"),
    ],
)
def test_patterns_that_cannot_be(tmp_path: Path, text: str, message: str) -> None:
    path = write_lines(tmp_path / "t.jsonl", [{"prompt": "A?"}])
    with pytest.raises(InputError) as caught:
        read(Table(map={"llm": text}), path)
    assert message in str(caught.value)


def test_a_hostile_pattern_takes_no_time(tmp_path: Path) -> None:
    folder = tmp_path / ("a" * 200)
    path = write_lines(folder / "t.jsonl", [{"prompt": "A?"}])
    with pytest.raises(InputError, match="is not in the path"):
        read(Table(map={"llm": "{path:(a|a)*(a+)+$}"}), path)


def test_words_have_meanings(tmp_path: Path) -> None:
    rows = [
        {**ROW, "prompt": f"{i}?", "verdict": v, "split": "main"} for i, v in enumerate(["Right", " wrong", True, None, "odd"])
    ]
    source = Table(
        map={"performance": "verdict"},
        values={"performance": {"right": 1, "wrong": 0, "true": 1.0}, "split": {"main": "test"}},
    )
    found = read(source, write_lines(tmp_path / "t.jsonl", rows))
    assert found.column("performance") == [1.0, 0.0, 1.0, None]
    assert set(found.column("split")) == {"test"}
    assert [(row, reason) for _, row, reason in found.reasons] == [
        (
            4,
            'verdict (performance) is "odd", which the values of performance lack; they have right, wrong, true. Remedy: add '
            "it to the section values, or to --values performance=WORD:VALUE",
        )
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"values": {"performence": {"a": 1}}}, "values has no column"),
        ({"values": {"performance": "a"}}, "values of performance is"),
        ({"values": {"performance": {"a": [1]}}}, "expected a text or a number"),
        ({"where": "a"}, "where is"),
        ({"where": {"response": {"a": 1}}}, "where of response is"),
        ({"where": {"respons": "y"}}, 'no column "respons" for the condition respons is y. Did you mean "response"?'),
        ({"join": "a:b"}, "join is"),
        ({"join": ["a"]}, "expected FILE:KEY"),
        ({"join": ["none.csv:prompt"]}, "none.csv: no such file to join"),
        ({"scale": {"judge_score": [3, 1]}}, "expected the lower one first"),
        ({"scale": {"judge_score": "x"}}, 'such as "1:10"'),
    ],
)
def test_options_that_cannot_be(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        read(Table(**options), write_lines(tmp_path / "t.jsonl", [ROW]))
    assert message in str(caught.value)


def test_records_that_do_not_fulfil_a_condition_are_left_out(tmp_path: Path) -> None:
    rows = [{**ROW, "prompt": f"{i}?", "about": {"filter": f}} for i, f in enumerate(["strict", "flexible", None, "other"])]
    path = write_lines(tmp_path / "t.jsonl", rows)
    found = read(Table(where={"about.filter": ["strict", "other"]}), path)
    assert found.column("prompt") == ["0?", "3?"]
    assert found.column("row") == [0, 3]
    assert found.notes == ["2 of 4 records are left out by the condition that about.filter is strict or other"]
    assert read(Table(where={"about.filter": ""}), path).column("prompt") == ["2?"]


def test_files_joined_by_a_key(tmp_path: Path) -> None:
    questions = [{"qid": i, "question": f"{i}?", "about": {"level": ["easy"]}, "model": "other"} for i in range(3)]
    write_lines(tmp_path / "questions.jsonl", questions)
    answers = write(tmp_path / "a.csv", b"id,model,answer\n0,x,a\n2,x,b\n7,x,c\n")
    join = [f"{tmp_path / 'questions.jsonl'}:qid=id"]
    mapping = {"prompt": "question", "llm": "model", "response": "answer", "domain": "about.level[0]", "source_id": "id"}
    found = read(Table(map=mapping, join=join), answers)
    assert found.column("prompt") == ["0?", "2?", None]
    assert found.column("llm") == ["x"] * 3
    assert found.column("domain") == ["easy", "easy", None]
    assert found.notes == ["joined with questions.jsonl by id (3 keys), 1 of 3 records have no partner"]
    assert read(Table(map={**mapping, "llm": "questions.model"}, join=join), answers).column("llm") == ["other", "other"]
    nested = read(Table(map={**mapping, "domain": "about"}, join=join), answers)
    assert "Remedy: map a text in it, such as --map 'domain=about.level[0]'" in nested.reasons[0][2]


def test_a_key_that_stands_twice_in_a_joined_file(tmp_path: Path) -> None:
    other = write(tmp_path / "q.csv", b"id,question\n1,a\n2,b\n1,c\n")
    with pytest.raises(InputError, match=r'q\.csv: several records have the same id: "1", expected each value once'):
        read(Table(join=[f"{other}:id"]), write(tmp_path / "a.csv", b"id,llm,prompt\n1,x,A?\n"))


YAML = """
map:                 # ours: theirs
  prompt: question
  response: body.text
  llm: "{parent}"
  task: "=sums"
  judge: "=j"
  judge_score: rating
  status:            # not read
values:
  performance: {yes: 1, no: 0}
  split: {main: test}
where: {kind: [chat, 3]}
scale: {judge_score: 1:10}
join: [questions.csv:id]
"""


def test_a_mapping_in_yaml_with_all_sections(tmp_path: Path) -> None:
    write(tmp_path / "maps" / "questions.csv", b"id,question\n1,A?\n2,B?\n")
    mapping = write(tmp_path / "maps" / "my.yaml", YAML.encode())
    rows = [
        {
            "id": 1,
            "body": {"text": "y"},
            "performance": "yes",
            "split": "main",
            "kind": "chat",
            "rating": 10,
            "status": "green",
        },
        {"id": 2, "body": {"text": "z"}, "performance": "No", "split": "main", "kind": 3, "rating": 1, "status": "red"},
        {"id": 1, "body": {"text": "z"}, "performance": "no", "split": "main", "kind": "else", "rating": 1, "status": "red"},
    ]
    log = write_lines(tmp_path / "m1" / "log.jsonl", rows)
    out = tmp_path / "out"
    assert run(["build", "table", str(log), "--mapping", str(mapping), "--out", str(out), "--workers", "1"]) == 0
    import llmfusionbench as lfb

    release = lfb.open_release(out)
    logs = release.table("logs").to_table().to_pylist()
    assert sorted((r["prompt"], r["llm"], r["response"], r["performance"], r["judge_score"], r["split"]) for r in logs) == [
        ("A?", "m1", "y", 1.0, 1.0, "test"), ("B?", "m1", "z", 0.0, 0.0, "test")
    ]  # fmt: skip
    assert str(tmp_path) not in (out / "manifest.json").read_text("utf-8")


def test_all_mistakes_of_a_mapping_are_named_at_once(tmp_path: Path) -> None:
    text = (
        b"map: {prompt: [1], promt: a}\nwhere: {a: {b: c}}\njoin: [x]\nscale: {judge_score: [1]}\nvalue: {a: b}\nsplit: dev\n"
    )
    with pytest.raises(InputError) as caught:
        read(Table(map=write(tmp_path / "m.yaml", text)), tmp_path / "none")
    message = str(caught.value)
    for part in (
        'no section "value" (did you mean "values"?)',
        'map names no column "promt" of ours (did you mean "prompt"?)',
        "map of prompt is [1], expected the name of a column",
        "where of a is an object, expected a value, or a list of values",
        'join of 0 is "x", expected FILE:KEY',
        "scale of judge_score is [1], expected two numbers",
        'split is "dev", expected train, test or partial_test',
    ):
        assert part in message
    assert "\n" not in message


def test_the_options_of_the_command(tmp_path: Path) -> None:
    rows = [{"q": "A?", "m": "x", "a": "y", "verdict": w, "kind": k, "status": "green"} for w, k in (("pass", 1), ("fail", 2))]
    log = write_lines(tmp_path / "log.jsonl", rows)
    common = ["build", "table", str(log), "--map", "prompt=q", "--map", "llm=m", "--map", "response=a", "--workers", "1"]
    words = ["--map", "performance=verdict", "--values", "performance=pass:1,fail:0", "--map", "status="]
    assert run([*common, *words, "--where", "kind=1", "--out", str(tmp_path / "out")]) == 0
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text("utf-8"))
    assert manifest["records"] == {"taken": 1, "folded": 0, "rejected": 0}
    assert "warnings" not in manifest or not any("status" in line for line in manifest["warnings"])
    assert run([*common, "--values", "performance=pass", "--out", str(tmp_path / "other")]) == 2


def test_a_scale_in_a_mapping_names_itself(tmp_path: Path) -> None:
    log = write_lines(tmp_path / "t.jsonl", [{**ROW, "judge": "j", "rating": 11}])
    with pytest.raises(InputError, match="expected 1 to 10 as the mapping states"):
        build("table", [log], tmp_path / "out", options={"map": {"judge_score": "rating 1:10"}}, workers=1)
    with pytest.raises(UnknownNameError):
        read(Table(scale={"score": (1, 2)}), log)
    assert issubclass(UnknownNameError, LLMFusionBenchError)
