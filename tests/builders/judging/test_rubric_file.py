"""Rubrics by name and from files: what is read, and every fault at once."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest

from llmfusionbench.builders.judging.prompts import Shown, judge_prompt
from llmfusionbench.builders.judging.rubric_file import RUBRICS, read_rubric, rubric_schema
from llmfusionbench.builders.judging.verdict import read_verdict
from llmfusionbench.errors import InputError, UnknownNameError

HELPFUL = """\
name: helpful
instructions: Score how much the answer helps.
scale: {low: 1, high: 5, whole: true}
anchors: {1: no help, 5: all that was asked}
criteria:
  - {name: facts, description: The facts are right., weight: 2}
  - {name: style, description: It reads well.}
temperature: 0.2
max_tokens: 300
max_characters: 2000
reply: json
"""


def written(folder: Path, text: str) -> str:
    path = folder / "rubric.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(rubric_schema())
    assert rubric_schema()["required"] == ["name", "instructions"]


@pytest.mark.parametrize("name", RUBRICS)
def test_our_rubrics(name: str) -> None:
    rubric = read_rubric(name)
    assert rubric.name == name
    assert rubric.reference
    assert (rubric.scale.low, rubric.scale.high) == (0, 1)


def test_the_anchors_of_the_paper() -> None:
    paper = read_rubric("paper")
    assert [value for value, _ in paper.anchors] == [0, 0.3, 0.6, 0.8, 1]
    assert paper.temperature == 0.1
    assert paper.scale.values is None
    assert read_rubric("correctness").scale.values == (0, 1)


def test_a_file(tmp_path: Path) -> None:
    rubric = read_rubric(written(tmp_path, HELPFUL))
    assert rubric.scale.values == (1, 2, 3, 4, 5)
    assert rubric.scale.words() == "a whole number from 1 to 5"
    assert rubric.anchors == ((1, "no help"), (5, "all that was asked"))
    assert rubric.mean({"facts": 1, "style": 0.25}) == 0.75
    assert (rubric.max_tokens, rubric.max_characters, rubric.reply) == (300, 2000, "json")
    assert not rubric.reference


def test_a_digest_for_every_wording(tmp_path: Path) -> None:
    one = read_rubric(written(tmp_path, HELPFUL))
    assert read_rubric(written(tmp_path, HELPFUL)).sha256 == one.sha256
    other = read_rubric(written(tmp_path, HELPFUL.replace("no help", "no use")))
    assert other.sha256 != one.sha256
    texts = {r.text(reference=ref, pairwise=p) for r in (one, other) for ref in (True, False) for p in (True, False)}
    assert len(texts) == 8


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: [", ["not a readable YAML file"]),
        ("- 1", ["the rubric is [1], expected an object with name and instructions, see docs/judge.md. Remedy"]),
        ("", ["yaml: is empty, expected an object with name and instructions"]),
        ("name: x\ninstructions: y\nscale: {low: 0, high: 1, values: [1, 1]}", ["scale.values is [1, 1], expected a list"]),
        ("name: x\ninstructions: y\nscale: {low: 0, high: 1, values: [a, 1]}", ['scale.values[0] is "a", expected a number']),
        ("name: x", ["the rubric has no instructions, expected an object with name and instructions"]),
        (
            "name: Bad Name\ninstructions: 5\nscale: {low: a, high: 1}\ntemprature: 0\nreply: xml\ncriteria: []",
            ['name is "Bad Name", expected a short name', "instructions is 5", 'scale.low is "a", expected a number',
             'the rubric has no field "temprature" (did you mean "temperature"?)',
             'reply is "xml", expected tag, json or number', "criteria is []"],
        ),
        (
            "name: x\ninstructions: y\nscale: {low: 5, high: 1, values: [9, 2], whole: true}\nanchors: {z: a}\n",
            ["scale.high is 1, expected more than scale.low (5)", "both values and whole", "scale.values has 9",
             'anchors has "z"'],
        ),
        (
            "name: Bad Name\nscale: {low: 5, high: 1, values: [9, a], steps: 2}\nanchors: {z: a, 7: 4}\nreply: number\n"
            'criteria: [{name: a}, {name: a, description: e}]\ntemperature: hot\nprompt: "{anser}"',
            ['name is "Bad Name"', "the rubric has no instructions", 'scale has no field "steps", expected low, high, val',
             "scale.values[1] is",
             "scale.high is 1, expected more than scale.low (5)", "scale.values has 9, expected numbers from 5 to 1",
             'anchors has "z", expected numbers from 5 to 1', 'anchors has "7"', "anchors.7 is 4",
             "criteria[0] has no description",
             "criteria has two of the name a", "reply is number", 'temperature is "hot"', "prompt has the field {anser}",
             "prompt has no field {answer}"],
        ),
        (
            "name: x\ninstructions: y\nscale: {low: 5}\nanchors: {z: a}\npair_prompt: 5",
            ["scale has no high, expected an object with low, high", 'anchors has "z", expected numbers. Remedy',
             "pair_prompt is 5, expected a text"],
        ),
        (f"name: x\ninstructions: y\nscale: {{low: 0, high: 1{'0' * 400}}}", ["are 0 and inf, expected finite numbers"]),
        ("name: x\ninstructions: y\nscale: {low: 0, high: 1000, whole: true}", ["whole ends at most 100 apart"]),
        ("name: x\ninstructions: y\nscale: {low: .inf, high: .nan}", ["scale.low and scale.high are inf and nan"]),
        (
            "name: x\ninstructions: y\nreply: number\ncriteria: [{name: a, description: d}, {name: a, description: e}]",
            ["criteria has two of the name a", "reply is number, which holds one score"],
        ),
        (
            'name: x\ninstructions: y\nprompt: "{anser} {query}"\npair_prompt: "{answer_a}"',
            ["prompt has the field {anser}, expected {instructions}", "prompt has no field {answer}",
             "pair_prompt has no field {answer_b}"],
        ),
        (
            "name: x\ninstructions: y\nscale: {low: 0, high: 1, values: [0, 0.5, 1]}\nanchors: {0.4: a, 0.5: b, 2: c}",
            ['anchors has "0.4", expected numbers of scale.values', 'anchors has "2", expected numbers from 0 to 1'],
        ),
        (
            "name: x\ninstructions: y\nscale: {low: 1, high: 3, whole: true}\nanchors: {1.5: a, 2: b}",
            ['anchors has "1.5", expected whole numbers. Remedy'],
        ),
        (
            "name: x\ninstructions: y\nscale: {low: 0, high: 1000000000, values: [0, 1.0e-18, 5]}",
            ["scale.high is 1000000000.0, expected a number that a reply can state: up to 9 digits before the point",
             "scale.values has 1e-18, expected a number that a reply can state"],
        ),
        ("name: x\nname: y\ninstructions: z", ["given twice"]),
        ("name: &a x\ninstructions: *a", ["an alias"]),
    ],
)  # fmt: skip
def test_every_fault_is_named_at_once(text: str, words: list[str], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"rubric\.yaml: ") as caught:
        read_rubric(written(tmp_path, text))
    assert [word for word in words if word not in str(caught.value)] == []
    assert "\n" not in str(caught.value)


def test_names_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match=r'No rubric "corectness"\. Did you mean "correctness"\?'):
        read_rubric("corectness")
    with pytest.raises(InputError, match=r"absent.yaml: not a readable YAML file \(No such file or directory\)\. Remedy"):
        read_rubric(str(tmp_path / "absent.yaml"))


@pytest.mark.parametrize("name", RUBRICS)
def test_our_rubrics_speak_of_a_reference_only_where_there_may_be_none(name: str) -> None:
    rubric = read_rubric(name)
    assert "Where a reference is given" in rubric.instructions
    others = " ".join([rubric.instructions.partition("Where a reference is given")[0], *(words for _, words in rubric.anchors)])
    assert not {"reference", "truth"} & set(others.replace(".", " ").replace(",", " ").split())


def test_the_file_is_no_part_of_the_digest(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    one, other = read_rubric(written(tmp_path, HELPFUL)), read_rubric(written(tmp_path / "other", HELPFUL))
    assert (one.file, other.file) == (str(tmp_path / "rubric.yaml"), str(tmp_path / "other" / "rubric.yaml"))
    assert (one == other, one.sha256 == other.sha256) == (True, True)


def test_large_and_long_numbers_are_written_as_a_reply_can_state_them(tmp_path: Path) -> None:
    text = "name: x\ninstructions: y\nscale: {low: 0, high: 2000000, values: [0, 0.1234567, 1234567, 2000000]}\n"
    rubric = read_rubric(written(tmp_path, text + "anchors: {1234567: much, 0.1234567: little}"))
    assert rubric.scale.words() == "0, 0.1234567, 1234567 or 2000000"
    prompt = judge_prompt(rubric, Shown("q", ("a",)), "tag")
    assert "1234567: much" in prompt
    assert "1234567: much" in rubric.text(reference=False, pairwise=False)
    for said in ("0", "0.1234567", "1234567", "2000000"):
        assert said in prompt
        assert read_verdict(f"<score>{said}</score>", rubric).score == float(said) / 2_000_000
    assert not rubric.scale.ends("123456")
    assert read_rubric(written(tmp_path, "name: x\ninstructions: y\nscale: {low: -5, high: 1.0e-7}")).scale.words() == (
        "a number from -5 to 0.0000001"
    )
