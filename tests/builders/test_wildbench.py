from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pytest

from llmfusionbench.builders.build import build
from llmfusionbench.builders.sources.wildbench import RUBRIC, WildBench
from llmfusionbench.errors import InputError
from tests.helpers.reading import read, real_logs, write_json, write_lines


def scored(session: str = "s0", score: Any = "7", **changes: Any) -> dict[str, Any]:
    record = {
        "session_id": session,
        "parsed_result": {"strengths": "Short.", "weaknesses": "Wrong."},
        "meta_data": {"usage": {"prompt_tokens": 10}},
        "model_test": "lab/tiny",
        "score": score,
        "model_output": "An answer.",
    }
    return {k: v for k, v in (record | changes).items() if v is not ...}


def test_a_score_in_our_columns(tmp_path: Path) -> None:
    found = read(WildBench(), write_json(tmp_path / "judge=strict" / "tiny.json.gz", [scored()]))
    assert {k: v for k, v in found.rows[0].items() if v is not None} == {
        "file": "tiny.json.gz",
        "row": 0,
        "task": "wildbench",
        "split": "train",
        "source_id": "s0",
        "metric": "judge",
        "llm": "tiny",
        "mode": "direct",
        "response": "An answer.",
        "requested_model": "lab/tiny",
        "judge": "strict",
        "judge_score": pytest.approx(6 / 9),
        "judge_reason": "Strengths: Short.\nWeaknesses: Wrong.",
        "judge_rubric": RUBRIC,
    }
    assert found.llms == {"tiny": {"llm": "tiny", "endpoint": "lab/tiny"}}
    assert found.rejected == []


@pytest.mark.parametrize(
    ("score", "expected"),
    [("1", 0.0), ("10", 1.0), (" 5 ", 4 / 9), (5, 4 / 9), ("5.5", 0.5), ("N/A", None), ("", None), (None, None), (..., None)],
)
def test_scores(tmp_path: Path, score: Any, expected: float | None) -> None:
    found = read(WildBench(judge="j"), write_json(tmp_path / "tiny.json", [scored(score=score)]))
    assert found.column("judge_score") == [expected if expected is None else pytest.approx(expected)]
    assert found.column("judge") == ["j"]
    assert found.rejected == []


@pytest.mark.parametrize("score", ["11", "0", "-3", "seven", "7 out of 10", True, [7], "1e1"])
def test_a_score_that_is_none_leaves_the_answer(tmp_path: Path, score: Any) -> None:
    found = read(WildBench(judge="j"), write_json(tmp_path / "tiny.json", [scored(score=score), scored("s1")]))
    assert found.column("response") == ["An answer.", "An answer."]
    assert found.column("judge") == [None, "j"]
    assert [(r.row, r.record) for r in found.rejected] == [(0, {"source_id": "s0", "llm": "tiny", "judge": "j"})]
    assert "expected a number from 1 to 10; the answer is kept without it" in found.rejected[0].reason


def test_blank_and_missing_answers(tmp_path: Path) -> None:
    records = [scored("a", model_output=""), scored("b", model_output="\n\n"), scored("c", model_output=None)]
    found = read(WildBench(judge="j"), write_json(tmp_path / "tiny.json", records))
    assert found.normal_table["status"].to_pylist() == ["empty", "empty", "missing"]


def test_reasons_as_far_as_they_are_there(tmp_path: Path) -> None:
    parsed = [{"weaknesses": ["a", "b"]}, {"strengths": "", "weaknesses": None}, None, "words"]
    records = [scored(f"s{i}", parsed_result=p) for i, p in enumerate(parsed)]
    found = read(WildBench(judge="j"), write_json(tmp_path / "tiny.json", records))
    assert found.column("judge_reason") == ['Weaknesses: ["a", "b"]', None, None, None]


def test_who_judged(tmp_path: Path) -> None:
    assert read(WildBench(judge="x"), write_json(tmp_path / "eval=strict" / "t.json", [scored()])).column("judge") == ["strict"]
    path = write_json(tmp_path / "scores" / "tiny.json", [scored()])
    with pytest.raises(InputError, match=r'folder "scores" names no judge\. Remedy: rename it to judge=NAME, or'):
        read(WildBench(), path)


def test_prompts_join_by_session(tmp_path: Path) -> None:
    tasks = [
        {"session_id": "s1", "conversation_input": [{"role": "user", "content": "Write a line."}]},
        {
            "session_id": "s0",
            "conversation_input": [
                {"role": "user", "content": "Hi"},
                {"role": "assistant", "content": "Hello"},
                {"role": "user", "content": "Bye"},
            ],
        },
        {"session_id": "s2", "conversation_input": [{"role": "user", "content": "Write a line."}]},
        {"session_id": "s3", "conversation_input": []},
    ]
    scores = write_json(tmp_path / "judge=j" / "tiny.json", [scored(f"s{i}") for i in range(4)])
    for path in (write_lines(tmp_path / "v2.jsonl.gz", tasks), write_json(tmp_path / "v2.json", tasks)):
        found = read(WildBench(), scores, path)
        assert [None if m is None else [t["role"] for t in m] for m in found.column("messages")] == [
            ["user", "assistant", "user"], None, None, None
        ]  # fmt: skip
        assert found.column("prompt") == ["USER: Hi\n\nASSISTANT: Hello\n\nUSER: Bye", "Write a line.", None, None]
        assert found.reasons == [
            (path.name, 2, "the prompt is that of session s1; this session is kept by its id alone"),
            (path.name, 3, "conversation_input is empty, expected a list of turns [{role, content}]"),
        ]
        with pytest.raises(InputError, match="tasks alone, expected score files"):
            read(WildBench(), path)


def test_a_bad_record_costs_no_other(tmp_path: Path) -> None:
    records = [scored("a"), scored(""), scored("c", model_output=5), 7, scored("e", model_test="lab/other"), scored("f")]
    found = read(WildBench(judge="j"), write_json(tmp_path / "tiny.json", records))
    assert found.column("source_id") == ["a", "f"]
    assert [(row, reason) for _, row, reason in found.reasons] == [
        (1, "session_id is empty, expected a text"),
        (2, "model_output is 5, expected a text"),
        (3, "the record is 7, expected a JSON object"),
        (4, 'model_test is "lab/other", expected "lab/tiny" as before in this file'),
    ]


def test_a_file_without_answers(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no WildBench answer in it \(session_id is missing"):
        read(WildBench(judge="j"), write_json(tmp_path / "x.json", [{"a": 1}]))


def test_a_file_of_another_format_needs_no_judge_to_be_refused(tmp_path: Path) -> None:
    path = write_json(tmp_path / "logs" / "out.jsonl", {"id": "b1", "response": {"body": {}}})
    with pytest.raises(InputError, match=r"out\.jsonl: no WildBench answer in it"):
        read(WildBench(), path)


def test_two_judges_meet_whatever_the_white_space(tmp_path: Path) -> None:
    paths = [
        write_json(tmp_path / "judge=a" / "tiny.json", [scored("s0", "4"), scored("s1", "5")]),
        write_json(tmp_path / "judge=b" / "tiny.json", [scored("s0", "10", model_output="\nAn answer. "), scored("s2", "1")]),
    ]
    release = build(WildBench(), paths, tmp_path / "out", workers=1)
    assert release.manifest["rejected"] == 0
    assert release.table("responses").count_rows() == 3
    logs = release.table("logs").to_table(columns=["judge_score", "judges"]).to_pylist()
    assert sorted((len(r["judges"]), round(r["judge_score"], 4)) for r in logs) == [(1, 0.0), (1, 0.4444), (2, 0.6667)]


def test_the_real_logs() -> None:
    found = read(WildBench(), *real_logs("wildbench/judge=*/*.json.gz"), rows=False)
    table = found.normal_table
    assert found.rejected == []
    assert table.num_rows == 10_232
    assert table["judge_score"].null_count == 0
    assert len(table["query_id"].unique()) == 1_024
    assert sorted(table["llm"].unique().to_pylist()) == [
        "Phi-3-mini-128k-instruct", "gemma-2b-it", "gemma-7b-it", "gpt-3.5-turbo-0125", "reka-flash-20240226",
    ]  # fmt: skip
    answers = table.group_by(["query_id", "llm"]).aggregate([("response", "count_distinct"), ("judge", "count_distinct")])
    assert len(answers) == 5_119
    assert answers["response_count_distinct"].unique().to_pylist() == [1]
    assert answers.filter(pc.equal(answers["judge_count_distinct"], 2)).num_rows == 5_113


def test_a_file_named_after_the_think_mode(tmp_path: Path) -> None:
    found = read(WildBench(), write_json(tmp_path / "judge=strict" / "tiny_think.json", [scored()]))
    assert [(row["llm"], row["mode"], row["judge"]) for row in found.rows] == [("tiny", "think", "strict")]
    assert list(found.llms) == ["tiny"]
    assert found.rejected == []
