"""Conversations that OpenCompass led turn by turn, and lists of answers to one prompt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.builders.sources.opencompass import OpenCompass
from llmfusionbench.release import open_release
from tests.helpers.command import Command
from tests.helpers.reading import read, write_json

FIRST, SECOND = {"role": "user", "content": "1+1?"}, {"role": "user", "content": "And 1 more?"}
SYSTEM = {"role": "system", "content": "Be short."}


def said(content: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content}


def old(turns: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Turns as older models of OpenCompass have them."""
    names = {"user": "HUMAN", "assistant": "BOT", "system": "SYSTEM"}
    return [{"role": names[turn["role"]], "prompt": turn["content"]} for turn in turns]


def path_of(root: Path, *rows: dict[str, Any], details: Any = None) -> Path:
    if details is not None:
        write_json(root / "results" / "m" / "mt.json", {"accuracy": 50.0, "details": details})
    return write_json(root / "predictions" / "m" / "mt.json", {str(i): row for i, row in enumerate(rows)})


def queries(root: Path, *rows: dict[str, Any]) -> list[tuple[Any, ...]]:
    """(id, turns by role and text, answer, replicate) of each record."""
    found = read(OpenCompass(), path_of(root, *rows)).rows
    return [
        (
            row["source_id"],
            [(t["role"], t["content"]) for t in row.get("messages") or [{"role": "user", "content": row["prompt"]}]],
            row["response"],
            row["replicate"],
        )
        for row in found
    ]


LED = {
    "filled": [FIRST, said("2"), SECOND, said("3")],
    "with places that are empty": [FIRST, said(""), SECOND, said("")],
    "with places without content": [FIRST, {"role": "assistant"}, SECOND, {"role": "assistant", "content": None}],
    "whose last place is left out": [FIRST, said(""), SECOND],
    "of an older form": old([FIRST, said(""), SECOND, said("")]),
    "of an older form, filled": old([FIRST, said("2"), SECOND, said("3")]),
    "in sections": [{"section": "round", "pos": "begin"}, *old([FIRST, said(""), SECOND, said("")])],
}


@pytest.mark.parametrize("form", LED)
def test_a_conversation_of_multiround(tmp_path: Path, form: str) -> None:
    assert queries(tmp_path, {"origin_prompt": LED[form], "prediction": ["2", "3"], "gold": "x"}) == [
        ("0", [("user", "1+1?")], "2", None),
        ("0-turn-2", [("user", "1+1?"), ("user", "And 1 more?")], "3", None),
    ]


def test_a_conversation_of_one_turn_is_not_asked_with_its_answer(tmp_path: Path) -> None:
    row = {"origin_prompt": [SYSTEM, FIRST, said("2")], "prediction": ["2"]}
    assert queries(tmp_path, row) == [("0", [("system", "Be short."), ("user", "1+1?")], "2", None)]


def test_an_empty_answer_in_a_conversation(tmp_path: Path) -> None:
    row = {"origin_prompt": [FIRST, said(""), SECOND, said("3")], "prediction": ["", "3"]}
    assert [found[2] for found in queries(tmp_path, row)] == ["", "3"]


def test_turns_of_the_assistant_that_were_given_are_part_of_the_question(tmp_path: Path) -> None:
    row = {"origin_prompt": [FIRST, said("2"), SECOND, said("")], "prediction": ["2", "3"]}
    assert queries(tmp_path, row) == [
        ("0", [("user", "1+1?"), ("assistant", "2"), ("user", "And 1 more?")], "3", None),
    ]


@pytest.mark.parametrize(
    "origin",
    [
        "1+1?",
        [FIRST],
        ["1+1?"],
        [FIRST, said("")],
        [FIRST, said("2"), SECOND],
        [FIRST, said("2"), SECOND, said("4"), FIRST],
        old([FIRST, said("5"), SECOND, said("4"), FIRST]),
        old([SYSTEM, FIRST]),
    ],
)
def test_several_answers_to_one_prompt_are_replicates(tmp_path: Path, origin: Any) -> None:
    found = queries(tmp_path, {"origin_prompt": origin, "prediction": ["2", "3"]})
    assert [(key, answer, replicate) for key, _, answer, replicate in found] == [("0", "2", 0), ("0", "3", 1)]
    assert found[0][1] == found[1][1]


def test_turns_of_the_user_alone_are_a_conversation_with_a_note(tmp_path: Path) -> None:
    row = {"origin_prompt": old([SYSTEM, FIRST, SECOND]), "prediction": ["2", "3"]}
    found = read(OpenCompass(), path_of(tmp_path, row))
    assert [(r["source_id"], r["response"], len(r["messages"])) for r in found.rows] == [("0", "2", 2), ("0-turn-2", "3", 3)]
    assert found.notes[0] == (
        "1 record with a prediction for each turn of the user: taken as conversations, not as answers to all turns"
    )


@pytest.mark.parametrize(
    ("origin", "places"), [([FIRST, said(""), SECOND, said("")], 2), (["1?", "2?"], 2), ([FIRST, said(""), SECOND], 2)]
)
def test_another_number_of_answers_than_of_turns(tmp_path: Path, origin: Any, places: int) -> None:
    rows = [{"origin_prompt": origin, "prediction": ["2", "3", "4"]}, {"origin_prompt": "5?", "prediction": "5"}]
    found = read(OpenCompass(), path_of(tmp_path, *rows))
    assert [reason for _, _, reason in found.reasons] == [
        f"origin_prompt has turns for {places} answers, and prediction has 3, expected as many"
    ]
    assert found.column("response") == ["5"]


def test_scores_and_lengths_of_the_answers_of_a_conversation(tmp_path: Path) -> None:
    said_with_reasoning = [{"prediction": "2", "reasoning_content": "It is even."}, {"prediction": "3"}]
    row = {"origin_prompt": LED["with places that are empty"], "prediction": said_with_reasoning}
    row |= {"res_length": [1, 4], "all_input_length": 9}
    found = read(OpenCompass(), path_of(tmp_path, row, details=[{"correct": [True, False]}]))
    assert [(r["response"], r["performance"], r["input_tokens"], r["output_tokens"], r["reasoning"]) for r in found.rows] == [
        ("2", 1.0, None, 1, "It is even."),
        ("3", 0.0, None, 4, None),
    ]


def test_two_llms_answer_the_same_queries_of_a_conversation(tmp_path: Path, lfb: Command) -> None:
    for llm, answers in {"first": ["2", "3"], "second": ["two", "three"]}.items():
        row = {"origin_prompt": [FIRST, said(answers[0]), SECOND, said(answers[1])], "prediction": answers}
        write_json(tmp_path / "in" / "predictions" / llm / "mt.json", {"0": row})
        details = {"accuracy": 50.0, "details": [{"correct": [True, False]}]}
        write_json(tmp_path / "in" / "results" / llm / "mt.json", details)
    status, output, errors = lfb("build", "opencompass", tmp_path / "in", "--out", tmp_path / "out")
    assert status == 0, output + errors
    release = open_release(tmp_path / "out")
    assert [turns and len(turns) for turns in release.rows("queries")["messages"].to_pylist()] == [None, 2]
    responses = release.rows("responses")
    assert sorted(zip(responses["response"].to_pylist(), responses["performance"].to_pylist(), strict=True)) == [
        ("2", 1.0),
        ("3", 0.0),
        ("three", 0.0),
        ("two", 1.0),
    ]
