"""A person's own tasks in YAML: what they become, every mistake at once, and templates that cannot run code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from llmfusionbench.builders.reading.fields import BadRecordError
from llmfusionbench.builders.records import Rejected
from llmfusionbench.builders.tasks.chosen import chosen
from llmfusionbench.builders.tasks.own_tasks import read_tasks, tasks_schema
from llmfusionbench.builders.tasks.query import Query
from llmfusionbench.builders.tasks.template import Template
from llmfusionbench.errors import InputError, UnknownNameError

RIDDLES = """
tasks:
  riddles:
    file: riddles.jsonl
    system: You answer riddles of level {meta.level}.
    prompt: |-
      Riddle: {text}
      {options}
      End your reply with the letter of the right option in parentheses. Not a field: {{text}}, \\boxed{}.
    choices: options
    ground_truth: right
    truth: index1
    metric: em_mc
    id: number
    domain: play
    license: CC0-1.0
    group: meta.kind
    train: 1
    settings: {temperature: 0}
"""


def written(folder: Path, text: str, rows: list[Any] | None = None) -> Path:
    (folder / "tasks.yaml").write_text(text, encoding="utf-8")
    (folder / "riddles.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows or []), encoding="utf-8")
    return folder / "tasks.yaml"


def riddle(i: int, **more: Any) -> dict[str, Any]:
    return {"text": f"What has {i} keys?", "options": ["a map", "a piano"], "right": 2, "number": i,
            "meta": {"kind": "objects", "level": 3}, **more}  # fmt: skip


def read(path: Path) -> tuple[list[Query], list[str]]:
    left_out: list[Rejected] = []
    found = list(chosen(["riddles"], own=path, modes=("direct", "think"), rejected=left_out.append))
    return found, [one.reason for one in left_out]


def test_a_task_of_ones_own(tmp_path: Path) -> None:
    found, left_out = read(written(tmp_path, RIDDLES, [riddle(1), riddle(2, meta={"kind": "places", "level": 4})]))
    assert left_out == []
    assert [query.split for query in found] == ["train", "train"]
    query = next(query for query in found if query.source_id == "1")
    system, user = query.prompts["direct"]
    assert system == {"role": "system", "content": "You answer riddles of level 3."}
    assert user["content"].splitlines()[:3] == ["Riddle: What has 1 keys?", "(A) a map", "(B) a piano"]
    assert user["content"].endswith("Not a field: {text}, \\boxed{}.")
    assert query.prompts["think"] == [system, {**user, "content": f"{user['content']}\nLet's think step by step."}]
    stated = (query.ground_truth, query.choices, query.metric, query.domain, query.license, query.settings)
    assert stated == ("B", ("a map", "a piano"), "em_mc", "play", "CC0-1.0", {"temperature": 0})


def test_a_file_on_the_command_line_counts_before_that_of_the_task(tmp_path: Path) -> None:
    path = written(tmp_path, RIDDLES, [riddle(1)])
    (tmp_path / "other.jsonl").write_text(json.dumps(riddle(7)))
    (query,) = chosen(["riddles"], own=path, files={"riddles": tmp_path / "other.jsonl"})
    assert query.source_id == "7"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"text": None}, "text is missing, expected a value"),
        ({"text": " "}, "text is blank, expected a text"),
        ({"text": {"a": 1}}, "text is an object, expected a text, a number or a list of texts"),
        ({"right": 3}, "right is 3, expected a whole number from 1 to 2"),
        ({"right": 0}, "right is 0, expected a whole number from 1 to 2"),
        ({"options": ["one"]}, "options has 1 options, expected 2 to 26"),
        ({"meta": {"kind": "x"}}, "meta.level is missing, expected a value"),
    ],
)
def test_a_bad_row_is_listed(change: dict[str, Any], reason: str, tmp_path: Path) -> None:
    found, left_out = read(written(tmp_path, RIDDLES, [riddle(1, **change), riddle(2)]))
    assert len(found) == 1
    assert left_out == [reason]


@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        ("{text}", "{txet}", 'tasks.riddles.prompt names the field "txet" (did you mean "text"?)'),
        ("{text}", "{riddle}", 'tasks.riddles.prompt names the field "riddle"'),
        ("level {meta.level}", "level {mta.level}", 'tasks.riddles.system names the field "mta.level"'),
        (
            "ground_truth: right",
            "ground_truth: rigth",
            'tasks.riddles.ground_truth names the field "rigth" (did you mean "right"?)',
        ),
        ("id: number", "id: numbers", 'tasks.riddles.id names the field "numbers" (did you mean "number"?)'),
        ("group: meta.kind", "group: meat.kind", 'tasks.riddles.group names the field "meat.kind"'),
    ],
)
def test_a_wrong_field_is_named_with_its_place(old: str, new: str, wrong: str, tmp_path: Path) -> None:
    path = written(tmp_path, RIDDLES.replace(old, new), [riddle(1)])
    with pytest.raises(InputError) as caught:
        read(path)
    assert str(caught.value) == (
        f"{path}: {wrong}, which {path.with_name('riddles.jsonl')} does not have; its fields are text, options, right, number, "
        "meta. Remedy: correct the file of tasks"
    )


def test_all_wrong_fields_are_named_at_once(tmp_path: Path) -> None:
    path = written(
        tmp_path, RIDDLES.replace("{text}", "{txet} {more}").replace("choices: options", "choices: option"), [riddle(1)]
    )
    with pytest.raises(InputError) as caught:
        read(path)
    for name, line in (("txet", "prompt"), ("more", "prompt"), ("option", "choices")):
        assert f'{path}: tasks.riddles.{line} names the field "{name}"' in str(caught.value)


def test_a_wrong_field_within_a_field(tmp_path: Path) -> None:
    path = written(tmp_path, RIDDLES.replace("{meta.level}", "{meta.levl}"), [riddle(1), riddle(2)])
    with pytest.raises(InputError) as caught:
        read(path)
    assert str(caught.value) == (
        f'{path}: tasks.riddles.system names the field "meta.levl" (did you mean "meta.level"?), which row 0 of riddles.jsonl '
        "does not have; its fields are meta.kind, meta.level. Remedy: correct the file of tasks"
    )


BAD = """
tasks:
  gsm8k: {prompt: "{a}", metric: em, ground_truth: a, file: x.csv}
  "two words": {prompt: "{a}", metric: em, ground_truth: a, file: x.csv}
  one:
    promt: "{a}"
    metric: emm
    train: -1
    truth: index2
    file: a.csv
    dataset: b/c
  two:
    prompt: no field
    metric: cem
    config: main
  three: {prompt: "{a..b}", metric: judge, file: x.csv, settings: 3}
  five: {prompt: "{a}", metric: judge, file: x.csv, settings: {top_p: .inf}}
  six: {prompt: "{a}", metric: judge, file: x.csv, settings: {model: other}}
  four: 7
extra: 1
"""


def test_every_mistake_is_named_at_once(tmp_path: Path) -> None:
    path = written(tmp_path, BAD)
    with pytest.raises(InputError) as caught:
        read_tasks(path)
    words = str(caught.value)
    for part in (
        'the file has an unknown line "extra", expected tasks',
        "tasks.gsm8k has the name of a task of the catalog, expected another one",
        'tasks has the name "two words", expected letters, digits, dots, dashes and underscores',
        'tasks.one has an unknown line "promt" (did you mean "prompt"?)',
        "tasks.one has no prompt",
        "tasks.one.train is -1, expected a whole number from 0",
        'tasks.one.truth is "index2", expected as_is, index0 or index1',
        "tasks.one: expected one of file and dataset",
        'tasks.one: metric is "emm" (did you mean "em"?)',
        "tasks.two: expected one of file and dataset",
        "tasks.two: config without dataset",
        "tasks.two: no ground_truth, which the metric cem needs",
        'tasks.two: prompt is "no field", expected a field of the row in braces in it',
        "tasks.three.settings is 3, expected fields of the request body",
        'tasks.three: prompt: the path "a..b" cannot be read',
        "tasks.five: settings.top_p is inf, expected a finite number",
        "tasks.six: settings has model, expected fields of a request without model, messages, n, stream",
        "tasks.four is 7, expected lines such as `prompt: ...`",
    ):
        assert part in words
    assert "\n" not in words
    assert words.endswith("Remedy: correct the file")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the file is null, expected tasks"),
        ("tasks:", "tasks is null, expected names of tasks"),
        ("tasks: {}", "tasks is an object, expected names of tasks"),
        ("- a", "the file is"),
        ("tasks: [", "not a readable YAML file"),
        ("a: &x [1]\nb: *x", "an alias in line 2"),
        ("tasks: {a: 1, a: 2}", "is given twice"),
        ("tasks: !!python/object/apply:os.system ['true']", "could not determine a constructor"),
        ("[" * 100_000, "nested too deep"),
        ("tasks: " + "x" * (1 << 20), "more than 1,048,576 characters"),
        ("tasks: \x00", "not a readable YAML file"),
    ],
)
def test_a_file_that_is_no_file_of_tasks(text: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"tasks\.yaml: ") as caught:
        read_tasks(written(tmp_path, text))
    assert reason in str(caught.value)


def test_a_missing_file_and_an_unknown_task(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a readable YAML file"):
        read_tasks(tmp_path / "none.yaml")
    with pytest.raises(UnknownNameError, match='Did you mean "riddles"'):
        chosen(["riddle"], own=written(tmp_path, RIDDLES))


def test_the_schema_is_one() -> None:
    schema = tasks_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["properties"]["tasks"]["additionalProperties"]["required"] == ["prompt", "metric"]


def test_a_template_reaches_no_attribute_and_calls_nothing() -> None:
    class Trap(dict[str, Any]):
        secret = "hidden"

        def __format__(self, spec: str) -> str:
            raise AssertionError("was called")

    row = {"a": Trap(b="inner"), "c": "{a.b} {{c}}"}
    assert Template("{a.b} {c}").filled(row) == "inner {a.b} {{c}}"
    for text in ("{a.secret}", "{a.__class__}", "{a.b.__class__.__init__.__globals__}", "{a.b!r}", "{a.b:>100000000}"):
        with pytest.raises(BadRecordError, match="is missing"):
            Template(text).filled(row)


@pytest.mark.parametrize("text", ["{" * 300_000, "{a" * 200_000, "{a}" * 100_000, "{{" * 300_000])
def test_a_long_template_is_read_once(text: str) -> None:
    assert len(Template(text).filled({"a": "x"})) <= len(text)


def test_a_task_may_read_the_field_split_as_its_text(tmp_path: Path) -> None:
    """Its words are then those of the text; those of a split still count as one."""
    task = 'tasks: {riddles: {file: riddles.jsonl, prompt: "{text} Split it: {split}", ground_truth: right, metric: em}}'
    rows = [{"text": f"Number {i}.", "right": "x", "split": word} for i, word in enumerate(("in halves", "test"))]
    found, left_out = read(written(tmp_path, task, rows))
    assert left_out == []
    assert [(query.split, query.prompts["direct"][0]["content"]) for query in found] == [
        ("train", "Number 0. Split it: in halves"),
        ("partial_test", "Number 1. Split it: test"),
    ]
