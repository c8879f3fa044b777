"""Battles of an arena: two judgements of each, and no id of a user."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import llmfusionbench as lfb
from llmfusionbench.builders import build
from llmfusionbench.builders.sources.arena import Arena
from llmfusionbench.errors import InputError
from llmfusionbench.release import Release
from tests.helpers.reading import Read, read, real_logs, write, write_json, write_lines


def talk(asked: str, *said: str) -> list[dict[str, str]]:
    """Turns of the user and the LLM: `asked`, an answer, what the user says next, ..."""
    return [{"role": ("user", "assistant")[i % 2], "content": text} for i, text in enumerate((asked, *said))]


def battle(number: int = 0, winner: Any = "model_a", **changes: Any) -> dict[str, Any]:
    record = {
        "question_id": f"q{number}", "model_a": "x", "model_b": "y_think", "winner": winner, "judge": f"arena_user_{number}",
        "conversation_a": talk(f"Why {number}?", "Because."), "conversation_b": talk(f"Why {number}?", "Why not."),
        "turn": 1, "anony": True, "language": "English", "tstamp": 1682351591.5,
    }  # fmt: skip
    return {k: v for k, v in (record | changes).items() if v is not ...}


def sides(found: Read, *columns: str) -> list[tuple[Any, ...]]:
    return [tuple(row[c] for c in columns) for row in found.rows]


SIDES = ("llm", "response", "judge_opponent", "judge_order", "judge_score")


def test_a_battle_in_our_columns(tmp_path: Path) -> None:
    found = read(Arena(split="test"), write_json(tmp_path / "clean_battle_2023.json.gz", [battle(3)]))
    first, second = ({k: v for k, v in row.items() if v is not None} for row in found.rows)
    common = {
        "file": "clean_battle_2023.json.gz", "row": 0, "task": "arena", "split": "test", "source_id": "q3", "prompt": "Why 3?",
        "metric": "judge", "replicate": 0, "judge": "human", "judge_created_at": "1682351591.5",
    }  # fmt: skip
    assert first == common | {
        "llm": "x", "response": "Because.", "judge_opponent": "y_think", "judge_order": "first", "judge_score": 1.0,
    }  # fmt: skip
    assert second == common | {
        "llm": "y", "mode": "think", "response": "Why not.", "judge_opponent": "x", "judge_order": "second", "judge_score": 0.0,
    }  # fmt: skip
    (note,) = found.notes
    assert note.startswith("judge is taken as human in 1 record: a name that is not that of an LLM may identify a user")


def test_winners(tmp_path: Path) -> None:
    words = ("model_a", "model_b", "tie", "tie (bothbad)", "both_bad", "y_think", None, "nobody")
    found = read(Arena(), write_lines(tmp_path / "b.jsonl", [battle(i, word) for i, word in enumerate(words)]))
    assert found.column("judge_score")[::2] == [1.0, 0.0, 0.5, 0.5, 0.5, 0.0, None]
    assert found.column("judge_reason")[::2] == [None, None, None, "both bad", "both bad", None, None]
    assert found.reasons == [("b.jsonl", 7, 'winner is "nobody", expected model_a, model_b or tie')]


def test_no_id_of_a_user_is_in_a_release(tmp_path: Path) -> None:
    names = ("arena_user_97", "a1b2c3d4e5f60718", "10.1.2.3", "someone@example.org", 4711)
    rows = [battle(i, judge=name, ip="10.9.9.9", user_id="u-1") for i, name in enumerate(names)]
    rows += [battle(9, "who", judge="arena_user_98")]
    release = build("arena", [write_lines(tmp_path / "b.jsonl", rows)], tmp_path / "out", workers=1)
    assert set(release.table("judge_scores").to_table()["judge"].to_pylist()) == {"human"}
    texts = [json.dumps(release.table(n).to_table().to_pylist(), default=str) for n in ("queries", "responses", "judge_scores")]
    whole = "".join([*texts, (release.path / "manifest.json").read_text(), (release.path / "rejected.jsonl").read_text()])
    assert not [name for name in (*map(str, names), "arena_user_98", "10.9.9.9", "u-1") if name in whole]


@pytest.mark.parametrize(
    ("given", "name", "rubric"),
    [
        ("gpt-4-turbo", "gpt-4-turbo", None),
        ("anthropic/claude-3-opus", "anthropic/claude-3-opus", None),
        (["big", "pair-v2"], "big", "pair-v2"),
        ("['big', 'pair-v2']", "big", "pair-v2"),
        ("expert_7", "human", None),
        ("philip", "human", None),
        ("claude_fan", "human", None),
        ("qwen2.5-72b", "qwen2.5-72b", None),
        ("o3", "o3", None),
        ("", "human", None),
        (None, "human", None),
    ],
)
def test_judges(tmp_path: Path, given: Any, name: str, rubric: str | None) -> None:
    path = write_json(tmp_path / "b.json", [battle(judge=given)])
    found = read(Arena(), path)
    assert (found.column("judge"), found.column("judge_rubric")) == ([name] * 2, [rubric] * 2)
    assert read(Arena(judge="crowd"), path).column("judge") == ["crowd"] * 2
    assert bool(found.notes) == (given in ("expert_7", "philip", "claude_fan"))


def test_names_that_were_shown(tmp_path: Path) -> None:
    found = read(Arena(), write_json(tmp_path / "b.json", [battle(anony=False), battle(judge=["big", "v1"], anony=False)]))
    assert found.column("judge_rubric")[::2] == ["the names of the LLMs were shown", "v1; the names of the LLMs were shown"]


def test_several_turns_are_messages(tmp_path: Path) -> None:
    one, other = talk("Hi.", "Hello.", "Why?", "So."), talk("Hi.", "Hi!", "Why?", "No idea.")
    rows = [
        battle(1, conversation_a=one, conversation_b=other, turn=2),
        battle(2, conversation_a=one, conversation_b=other, turn=1),
        battle(3, conversation_a=talk("Hi.", "a"), conversation_b=talk("Ho.", "b")),
        battle(4, conversation_a=[{"role": "system", "content": "Rhyme."}, *talk("Hi.", "Bye.")], conversation_b=None),
        battle(5, conversation_a=json.dumps(one), conversation_b=json.dumps(other), turn="2"),
    ]
    found = read(Arena(), write_lines(tmp_path / "b.jsonl", rows))
    asked = [{"role": "user", "content": "Hi."}, {"role": "user", "content": "Why?"}]
    rhyme = [{"role": "system", "content": "Rhyme."}, {"role": "user", "content": "Hi."}]
    assert sides(found, "source_id", "prompt", "messages", "response") == [
        ("q1-turn-2", None, asked, "So."), ("q1-turn-2", None, asked, "No idea."),
        ("q2", "Hi.", None, "Hello."), ("q2", "Hi.", None, "Hi!"),
        ("q4", None, rhyme, "Bye."), ("q4", None, rhyme, None),
        ("q5-turn-2", None, asked, "So."), ("q5-turn-2", None, asked, "No idea."),
    ]  # fmt: skip
    (reason,) = [reason for _, _, reason in found.reasons]
    assert reason == "conversation_a and conversation_b differ in what was asked, expected the same prompt"


def test_flags_and_lists_of_turns(tmp_path: Path) -> None:
    flags = b"id,model_a,model_b,prompt,response_a,response_b,winner_model_a,winner_model_b,winner_tie\n"
    rows = [
        b'1,x,y,"[""Hi.""]","[""a""]","[null]",1,0,0', b'2,x,y,"[""Hi."",""Why?""]","[""a"",""b""]","[""c"",""d""]",0,1,0',
        b'3,x,y,"[""a"", ""b""] is what?",JSON.,"[""a""]",0,0,1', b"4,x,y,Plain?,a,b,0,0,0",
    ]  # fmt: skip
    found = read(Arena(), write(tmp_path / "train.csv", flags + b"\n".join(rows) + b"\n"))
    assert sides(found, "source_id", "prompt", "response", "judge_score") == [
        ("1", "Hi.", "a", 1.0), ("1", "Hi.", None, 0.0), ("2", None, "b", 0.0), ("2", None, "d", 1.0),
        ("3", '["a", "b"] is what?', "JSON.", 0.5), ("3", '["a", "b"] is what?', '["a"]', 0.5),
        ("4", "Plain?", "a", None), ("4", "Plain?", "b", None),
    ]  # fmt: skip


def test_parquet_with_parts_that_have_columns_of_nulls(tmp_path: Path) -> None:
    def said(*texts: str) -> list[dict[str, Any]]:
        return [
            {"role": role, "content": [{"type": "text", "text": part, "image": None} for part in (text, "End.")]}
            for role, text in zip(("user", "assistant"), texts, strict=True)
        ]  # fmt: skip

    rows = [
        {"id": f"v{i}", "model_a": "tiny", "model_b": "other", "winner": "model_b",
         "conversation_a": said(f"Name {i}.", f"a{i}"), "conversation_b": said(f"Name {i}.", f"b{i}")}
        for i in range(5)
    ]  # fmt: skip
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "train-0.parquet")
    found = read(Arena(), tmp_path / "train-0.parquet")
    assert found.rejected == []
    assert found.column("prompt")[::2] == [f"Name {i}.\nEnd." for i in range(5)]
    assert found.column("response") == [f"{side}{i}\nEnd." for i in range(5) for side in "ab"]


def test_conversations_that_are_called_messages_and_a_time_that_is_none(tmp_path: Path) -> None:
    row = {
        "model_a": "tiny", "model_b": "other", "winner": "model_a", "turn": 1, "judge": "user_7", "timestamp": 0,
        "messages_a": talk("Name a sea.", "Baltic."), "messages_b": talk("Name a sea.", "North."),
    }  # fmt: skip
    found = read(Arena(), write_lines(tmp_path / "arena.jsonl", [row, row | {"timestamp": "2025-03-18T01:00:00"}]))
    assert found.rejected == []
    assert found.column("response") == ["Baltic.", "North."] * 2
    assert set(found.column("prompt")) == {"Name a sea."}
    assert found.column("judge_created_at") == [None, None, *["2025-03-18T01:00:00"] * 2]


def test_parquet_with_parts_of_contents(tmp_path: Path) -> None:
    def parts(asked: str, said: str) -> list[dict[str, Any]]:
        rows = talk(asked, said)
        return [{"role": t["role"], "content": [{"type": "text", "text": t["content"], "image": ""}]} for t in rows]

    rows = [
        {
            "id": "v1", "model_a": "x", "model_b": "y", "winner": "both_bad", "evaluation_session_id": "s", "is_code": True,
            "conversation_a": parts("Code?", "a"), "conversation_b": parts("Code?", "b"), "language": "en",
            "category_tag": {"math_v0.1": {"math": True}}, "timestamp": "2025-06-01 10:00:00",
        }
    ]  # fmt: skip
    pq.write_table(pa.Table.from_pylist([*rows, rows[0] | {"id": "v2", "is_code": False}]), tmp_path / "train-0.parquet")
    release = build("arena", [tmp_path / "train-0.parquet"], tmp_path / "out", workers=1)
    assert lfb.validate(release.path) == []
    assert [(q["source_id"], q["prompt"], q["domain"]) for q in release.table("queries").to_table().to_pylist()] == [
        ("v1", "Code?", "code"),
    ]  # fmt: skip
    rows = release.table("judge_scores").to_table().to_pylist()
    assert {(r["judge"], r["created_at"]) for r in rows} == {(j, "2025-06-01T10:00:00.000Z") for j in ("human", "human 2")}
    assert read(Arena(), tmp_path / "train-0.parquet").column("domain") == ["code", "code", "math", "math"]


def test_battles_without_prompts(tmp_path: Path) -> None:
    bare = {"conversation_a": ..., "conversation_b": ..., "judge": ..., "turn": 3}
    named = write_json(tmp_path / "a.json", [battle(i, **bare) for i in range(2)])
    unnamed = write_lines(tmp_path / "b.jsonl", [battle(0, question_id=..., **bare), 7, battle(1, question_id=..., **bare)])
    release = build("arena", [named, unnamed], tmp_path / "out", workers=1)
    ids = [q["source_id"] for q in release.table("queries").to_table().to_pylist()]
    assert sorted(ids) == ["b.jsonl#0", "b.jsonl#2", "q0-turn-3", "q1-turn-3"]
    assert release.table("judge_scores").count_rows() == 8
    assert release.manifest["source"]["notes"] == [
        "b.jsonl: 2 records without a prompt and an id: each is a query named by its place in the file"
    ]


def votes(release: Release, llm: str) -> list[tuple[Any, ...]]:
    names = ("replicate", "judge", "opponent", "order", "score")
    rows = [row for row in release.table("judge_scores").to_table().to_pylist() if row["llm"] == llm]
    return sorted((tuple(row[n] for n in names) for row in rows), key=str)


def test_battles_on_one_query_all_come_in(tmp_path: Path) -> None:
    def again(number: int, winner: str, said: str, **more: Any) -> dict[str, Any]:
        return battle(number, winner, conversation_a=talk("Hi.", said), conversation_b=talk("Hi.", "Hi!"), **more)

    rows = [
        again(0, "model_a", "Hello."), again(1, "model_b", "Hello."), again(2, "tie", "Hello, you."),
        again(3, "model_a", " Hello.\n", model_b="z"), again(1, "model_b", "Hello."),
        again(4, "model_a", "Hi!", model_a="y_think", model_b="x"),
    ]  # fmt: skip
    release = build("arena", [write_lines(tmp_path / "b.jsonl", rows)], tmp_path / "out", workers=1)
    assert release.manifest["records"] == {"taken": 5, "folded": 1, "rejected": 0}
    assert votes(release, "x") == [
        (0, "human 2", "y_think", "first", 0.0), (0, "human", "y_think", "first", 1.0), (0, "human", "z", "first", 1.0),
        (1, "human 3", "y_think", "first", 0.5), (2, "human", "y_think", "second", 0.0),
    ]  # fmt: skip
    assert votes(release, "y") == [
        (0, "human 2", "x", "second", 1.0), (0, "human 3", "x", "second", 0.5), (0, "human", "x", "first", 1.0),
        (0, "human", "x", "second", 0.0),
    ]  # fmt: skip
    assert release.table("responses").count_rows() == 5


def test_other_names_of_columns(tmp_path: Path) -> None:
    row = {"instruction": "Why?", "llm_1": "x", "llm_2": "y", "answer_1": "a", "answer_2": "b", "verdict": "B", "idx": 4.0}
    found = read(Arena(task="duels"), write_json(tmp_path / "b.json", [row]))
    assert sides(found, "task", "source_id", "prompt", *SIDES) == [
        ("duels", "4", "Why?", "x", "a", "y", "first", 0.0), ("duels", "4", "Why?", "y", "b", "x", "second", 1.0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("row", "lacks"),
    [
        ({"model_a": "x", "winner": "a"}, "two LLMs, such as model_a and model_b"),
        ({"model_a": "x", "model_b": "y"}, "a winner"),
    ],
)
def test_files_that_are_none(tmp_path: Path, row: dict[str, Any], lacks: str) -> None:
    path = write_json(tmp_path / "b.json", [row])
    with pytest.raises(InputError, match=f"b.json: no battle in it \\(its first records lack {lacks}\\)"):
        list(Arena().read([path]))
    with pytest.raises(InputError, match=r"none of its columns is known, they are \"a\", \"b\""):
        list(Arena().read([write(tmp_path / "b.csv", b"a,b\n1,2\n")]))


def test_words_that_are_no_verdicts_refuse_the_file(tmp_path: Path) -> None:
    rows = [battle(0, "model_a"), *(battle(i, f"odd {i}") for i in range(3))]
    with pytest.raises(InputError, match="winner is none of model_a, model_b or tie in 3 of 4 records"):
        build("arena", [write_lines(tmp_path / "b.jsonl", rows)], tmp_path / "out", workers=1)
    with pytest.raises(InputError, match="have no judge_score on a scale of their own"):
        build(
            "arena", [write_lines(tmp_path / "c.jsonl", rows[:1])], tmp_path / "out", scale={"judge_score": (0, 2)}, workers=1
        )


def test_a_bad_battle_costs_no_other(tmp_path: Path) -> None:
    rows = [
        {"question_id": "q"}, battle(0), 7, battle(1, model_b="x"), battle(2, model_a=""), battle(3, conversation_a="[x"),
        battle(4, turn=1.5), battle(5, winner=["a"]), battle(6, judge={"a": 1}), battle(7, question_id=[]), battle(8),
    ]  # fmt: skip
    found = read(Arena(), write_lines(tmp_path / "b.jsonl", rows))
    assert found.column("row") == [1, 1, 10, 10]
    assert [row for _, row, _ in found.reasons] == [0, *range(2, 10)]


def test_the_documented_layout(tmp_path: Path) -> None:
    (path,) = real_logs("formats/shapes/arena_shape/battles.json")
    release = build("arena", [path.parent], tmp_path / "out", workers=1)
    (raw,) = json.loads(path.read_text())
    assert lfb.validate(release.path) == []
    rows = release.table("judge_scores").to_table().to_pylist()
    assert {(r["llm"], r["opponent"], r["score"], r["judge"]) for r in rows} == {
        (raw["model_a"], raw["model_b"], 0.0, "human"), (raw["model_b"], raw["model_a"], 1.0, "human"),
    }  # fmt: skip
