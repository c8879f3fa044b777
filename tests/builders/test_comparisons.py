"""Comparisons of two answers are a judge's scores of each against the other, and enter no mean."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.builders import build
from llmfusionbench.errors import InputError
from llmfusionbench.release import Release
from tests.helpers.reading import real_logs, write, write_json, write_lines


def annotation(asked: str, preference: Any, **more: Any) -> dict[str, Any]:
    answers = {"output_1": "Old.", "generator_1": "old", "output_2": "New.", "generator_2": "new"}
    return {"instruction": asked, **answers, "annotator": "judge-7", "preference": preference, **more}


def judged(release: Release, *columns: str) -> list[tuple[Any, ...]]:
    """The judgements by query: its prompt or source_id, and `columns`."""
    queries = {row["query_id"]: row for row in release.table("queries").to_table().to_pylist()}
    rows = release.table("judge_scores").to_table().to_pylist()
    names = [(queries[row["query_id"]]["prompt"] or queries[row["query_id"]]["source_id"], row) for row in rows]
    return sorted(((name, *(row[c] for c in columns)) for name, row in names), key=str)


SIDES = ("llm", "opponent", "order", "score")


def test_annotations_of_alpaca_eval(tmp_path: Path) -> None:
    rows = [annotation("A?", 1), annotation("B?", 2.0), annotation("C?", 0), annotation("D?", 1.5), annotation("E?", 1.75)]
    release = build("table", [write_json(tmp_path / "new.json", [*rows, annotation("F?", None)])], tmp_path / "out", workers=1)
    shares = {"A?": 0.0, "B?": 1.0, "C?": 0.5, "D?": 0.5, "E?": 0.75, "F?": None}
    assert judged(release, *SIDES) == sorted(
        [(asked, "new", "old", None, share) for asked, share in shares.items()]
        + [(asked, "old", "new", None, None if share is None else 1 - share) for asked, share in shares.items()],
        key=str,
    )
    logs = release.table("logs").to_table().to_pylist()
    assert {(r["llm"], r["response"], r["task"], r["metric"]) for r in logs} == {
        ("new", "New.", "alpaca_eval", "judge"), ("old", "Old.", "alpaca_eval", "judge"),
    }  # fmt: skip
    assert {(r["judge_score"], r["performance"]) for r in logs} == {(None, None)}
    assert "are taken as a judge's scores of each answer against the other" in release.manifest["source"]["notes"][0]


def test_annotations_that_name_no_reference(tmp_path: Path) -> None:
    row = annotation("A?", 2)
    del row["output_1"], row["generator_1"]
    release = build("table", [write_json(tmp_path / "new.json", [row])], tmp_path / "out", workers=1)
    assert judged(release, *SIDES, "judge") == [("A?", "new", "reference", None, 1.0, "judge-7")]
    assert release.manifest["source"]["notes"][0].endswith("each answer against that of an opponent, reference")
    known = {"map": {"judge_opponent": "=old"}}
    release = build("table", [tmp_path / "new.json"], tmp_path / "known", options=known, workers=1)
    assert judged(release, *SIDES) == [("A?", "new", "old", None, 1.0)]
    del row["generator_2"]
    path = write_json(tmp_path / "new.json", [row])
    with pytest.raises(InputError, match=r"no column generator_2 names the LLM(?s:.*)--map llm==NAME"):
        build("table", [path], tmp_path / "no")
    release = build("table", [path], tmp_path / "named", options={"map": {"llm": "=mine"}}, workers=1)
    assert judged(release, *SIDES) == [("A?", "mine", "reference", None, 1.0)]


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"performance": "preference"}, "performance cannot be preference, for the file has AlpacaEval's annotations"),
        ({"judge_score": "preference/2"}, "judge_score cannot be preference"),
        ({"output_tokens": "annotator"}, "output_tokens cannot be annotator"),
        ({"prompt": "instrction"}, 'no column "instrction" for prompt. Did you mean "instruction"?'),
        ({"judge_opponent": "=old"}, "judge_opponent cannot be mapped"),
        ({"latency_s": "=3"}, "latency_s cannot be mapped, for the file has AlpacaEval's annotations: each record has two"),
    ],
)
def test_what_a_comparison_is_not(tmp_path: Path, mapping: dict[str, str], message: str) -> None:
    path = write_json(tmp_path / "new.json", [annotation("A?", 1)])
    with pytest.raises(InputError) as caught:
        build("table", [path], tmp_path / "out", options={"map": mapping})
    assert message in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_mapping_of_the_query_and_of_the_judge(tmp_path: Path) -> None:
    mapping = {"judge": "=me", "task": "topic", "prompt": "instruction", "llm": "generator_2", "judge_score": "preference"}
    path = write_json(tmp_path / "new.json", [annotation("A?", 2, topic="poems")])
    release = build("table", [path], tmp_path / "out", options={"map": mapping}, workers=1)
    assert judged(release, "judge", *SIDES) == [("A?", "me", "new", "old", None, 1.0), ("A?", "me", "old", "new", None, 0.0)]
    assert release.table("queries").to_table()["task"].to_pylist() == ["poems"]


@pytest.mark.parametrize("preference", [0.98, -1, 3, 55])
def test_a_preference_on_another_scale(tmp_path: Path, preference: float) -> None:
    path = write_json(tmp_path / "new.json", [annotation("A?", 1), annotation("B?", preference)])
    with pytest.raises(InputError, match=rf"preference of record 1 is {preference}, expected 1 \(the first answer\) to 2"):
        build("table", [path], tmp_path / "out")


def battle(number: int, winner: Any, **more: Any) -> dict[str, Any]:
    said = [{"role": "user", "content": f"Why {number}?"}, {"role": "assistant", "content": "Because."}]
    other = [said[0], {"role": "assistant", "content": "Why not."}]
    names = {"question_id": f"b{number}", "model_a": "x", "model_b": "y_think", "winner": winner, "judge": "user_5"}
    return {**names, "conversation_a": said, "conversation_b": other, "turn": 1, **more}


def test_battles_of_an_arena(tmp_path: Path) -> None:
    winners = ("model_a", "model_b", "tie", "tie (bothbad)", "y_think", "", "nobody")
    path = write_lines(tmp_path / "battles.jsonl", [battle(i, winner) for i, winner in enumerate(winners)])
    release = build("table", [path], tmp_path / "out", workers=1)
    first = [row for row in judged(release, *SIDES, "judge") if row[1] == "x"]
    assert first == [
        (f"Why {i}?", "x", "y_think", "first", share, "user_5") for i, share in enumerate((1.0, 0.0, 0.5, 0.5, 0.0, None))
    ]
    second = [row for row in judged(release, "llm", "mode", "opponent", "order", "score") if row[1] == "y"]
    assert second[0] == ("Why 0?", "y", "think", "x", "second", 0.0)
    assert {(r["llm"], r["response"]) for r in release.table("logs").to_table().to_pylist()} == {
        ("x", "Because."),
        ("y", "Why not."),
    }
    ((reason,),) = [(release.path / "rejected.jsonl").read_text().splitlines()]
    assert 'winner is \\"nobody\\", expected model_a, model_b or tie' in reason


def test_votes_in_three_columns(tmp_path: Path) -> None:
    text = b"id,model_a,model_b,prompt,response_a,response_b,winner_model_a,winner_model_b,winner_tie\n"
    text += b"1,x,y,A?,1,2,1,0,0\n2,x,y,B?,1,2,0,1,0\n3,x,y,C?,1,2,0,0,1\n4,x,y,D?,1,2,0,0,0\n"
    release = build(
        "table", [write(tmp_path / "votes.csv", text)], tmp_path / "out", options={"map": {"judge": "=crowd"}}, workers=1
    )
    assert [row[1:] for row in judged(release, "llm", "score", "judge") if row[1] == "y"] == [
        ("y", 0.0, "crowd"), ("y", 1.0, "crowd"), ("y", 0.5, "crowd"), ("y", None, "crowd"),
    ]  # fmt: skip


def test_pairs_of_mt_bench_in_both_orders(tmp_path: Path) -> None:
    pair = {
        "question_id": 9,
        "model_1": "x",
        "model_2": "y",
        "judge": ["big", "pair-v2"],
        "g1_judgment": "[[A]]",
        "g2_judgment": "[[C]]",
    }
    rows = [
        {**pair, "g1_winner": "model_1", "g2_winner": "tie", "turn": 1},
        {**pair, "g1_winner": "error", "g2_winner": "model_2", "turn": 2},
    ]
    release = build("table", [write_lines(tmp_path / "pair.jsonl", rows)], tmp_path / "out", workers=1)
    assert [row for row in judged(release, *SIDES, "judge", "reason") if row[1] == "x"] == [
        ("9", "x", "y", "first", 1.0, "big/pair-v2", "[[A]]"),
        ("9", "x", "y", "second", 0.5, "big/pair-v2", "[[C]]"),
        ("9-turn-2", "x", "y", "first", None, "big/pair-v2", "[[A]]"),
        ("9-turn-2", "x", "y", "second", 0.0, "big/pair-v2", "[[C]]"),
    ]


def test_a_stated_scale_does_not_touch_comparisons(tmp_path: Path) -> None:
    path = write_json(tmp_path / "new.json", [annotation("A?", 2)])
    with pytest.raises(InputError, match="no judge_score on a scale of their own"):
        build("table", [path], tmp_path / "out", scale={"judge_score": (1, 2)})
    other = write_lines(tmp_path / "log.jsonl", [{"prompt": "A?", "llm": "z", "judge": "j", "judge_score": 5}])
    release = build("table", [path, other], tmp_path / "out", scale={"judge_score": (1, 5)}, workers=1)
    assert sorted(row["score"] for row in release.table("judge_scores").to_table().to_pylist()) == [0.0, 1.0, 1.0]


def test_real_annotations_of_alpaca_eval(tmp_path: Path) -> None:
    (path,) = real_logs("formats/alpaca_eval/*.annotations.json.gz")
    release = build("table", [path], tmp_path / "out", workers=1)
    rows = release.table("judge_scores").to_table().to_pylist()
    given = [row["score"] for row in rows if row["llm"] == "alpaca-7b" and row["opponent"] == "text_davinci_003"]
    assert {score: given.count(score) for score in (1.0, 0.0, 0.5)} == {1.0: 205, 0.0: 584, 0.5: 16}
    assert release.manifest["rejected"] == 0
    assert release.table("logs").to_table()["judge_score"].null_count == 1610


def test_a_candidate_is_not_compared_with_itself(tmp_path: Path) -> None:
    rows = [annotation("A?", 1, generator_1="new"), annotation("B?", 2)]
    release = build("table", [write_json(tmp_path / "new.json", rows)], tmp_path / "out", workers=1)
    assert {row[0] for row in judged(release, *SIDES)} == {"B?"}
    (line,) = (tmp_path / "out" / "rejected.jsonl").read_text(encoding="utf-8").splitlines()
    assert 'generator_1 and generator_2 are both \\"new\\", expected two LLMs' in line


def test_a_problem_of_both_sides_is_listed_once(tmp_path: Path) -> None:
    nameless = annotation("A?", 1, generator_1="", generator_2="")
    release = build("table", [write_json(tmp_path / "new.json", [nameless, annotation("B?", 2)])], tmp_path / "a", workers=1)
    assert (release.manifest["rejected"], release.manifest["records"]["rejected"]) == (1, 1)
    untimed, unasked = battle(3, "model_a", tstamp="soon"), battle(4, "model_b", question_id="", conversation_a=None)
    rows = [battle(1, "model_a", model_a="", model_b=""), battle(2, "model_a"), untimed, unasked]
    release = build("table", [write_lines(tmp_path / "battles.jsonl", rows)], tmp_path / "b", workers=1)
    assert (release.manifest["rejected"], release.manifest["records"]["rejected"]) == (3, 3)


@pytest.mark.parametrize(
    "winners",
    ["a b tie", "A B Tie", "left right draw", "1 2 both", "model_1 model_2 tie", "[[A]] [[B]] [[C]]", "x y_think neither"],
)
def test_other_words_for_the_winner(tmp_path: Path, winners: str) -> None:
    rows = [battle(i, int(word) if word.isdigit() else word) for i, word in enumerate(winners.split())]
    release = build("table", [write_lines(tmp_path / "battles.jsonl", rows)], tmp_path / "out", workers=1, strict=True)
    assert [row[1] for row in judged(release, "score", "llm") if row[2] == "x"] == [1.0, 0.0, 0.5]


def test_llms_with_names_of_sides_are_named_by_their_names(tmp_path: Path) -> None:
    rows = [battle(i, word, model_a="B", model_b="A") for i, word in enumerate(("A", "B", "model_a"))]
    release = build("table", [write_lines(tmp_path / "battles.jsonl", rows)], tmp_path / "out", workers=1, strict=True)
    assert [row[1] for row in judged(release, "score", "llm") if row[2] == "B"] == [0.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("winners", "message"),
    [
        (
            ("alpha", "beta", "beta", "tie"),
            'battles.jsonl: winner is none of model_a, model_b or tie in 3 of 4 records; it is "alpha", "beta". '
            "The file is refused as a whole. Remedy: write model_a, model_b or tie in its place",
        ),
        ((*map(str, "qwertz"), "tie"), 'it is "q", "w", "e", "r", "t" and others. The file'),
        ((0, 1, 1, 1), "winner is 0 in some records and 1 or 2 in others, so it is not known whether 1 is the first answer"),
        ((True, False), 'winner is none of model_a, model_b or tie in 2 of 2 records; it is "true", "false"'),
    ],
)
def test_winners_that_cannot_be_read_refuse_the_file(tmp_path: Path, winners: tuple[Any, ...], message: str) -> None:
    path = write_lines(tmp_path / "battles.jsonl", [battle(i, word) for i, word in enumerate(winners)])
    with pytest.raises(InputError) as caught:
        build("table", [path], tmp_path / "out", workers=1)
    assert message in str(caught.value)
    assert not (tmp_path / "out").exists()
