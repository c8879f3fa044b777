"""A proposed mapping: fields are chosen by their names and values, and a guess that does not fit is not made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.builders.recognising.fields import fields_of, written
from llmfusionbench.builders.recognising.head import read_head
from llmfusionbench.builders.recognising.proposal import Proposal, propose
from tests.helpers.reading import write, write_lines


def of_csv(tmp_path: Path, text: str) -> Proposal:
    return propose(read_head(write(tmp_path / "log.csv", text.encode())))


def of_records(tmp_path: Path, *records: dict[str, Any]) -> Proposal:
    return propose(read_head(write_lines(tmp_path / "log.jsonl", [*records, *records[-1:]])))


def mapped(proposal: Proposal) -> dict[str, str]:
    return {line.ours: line.theirs for line in proposal.sure}


@pytest.mark.parametrize(
    ("header", "row", "expected"),
    [
        ("question,model,answer,score", "q,m,a,1",
         {"prompt": "question", "llm": "model", "response": "answer", "performance": "score"}),
        ("question,answer,model,output,correct", "q,g,m,a,True",
         {"prompt": "question", "ground_truth": "answer", "llm": "model", "response": "output", "performance": "correct"}),
        ("q,model_name,resp,acc", "q,m,a,0.5", {"prompt": "q", "llm": "model_name", "response": "resp", "performance": "acc"}),
        ("prompt,llm_name,label", "q,m,1", {"prompt": "prompt", "llm": "llm_name", "performance": "label"}),
        ("prompt,output,score", "q,a,1", {"prompt": "prompt", "response": "output", "performance": "score", "llm": "{parent}"}),
        ("prompt,model,rating", "q,m,7", {"prompt": "prompt", "llm": "model", "performance": "rating 1:10"}),
        ("prompt,model,score", "q,m,85.5", {"prompt": "prompt", "llm": "model", "performance": "score 0:100"}),
        ("prompt,model,score", "q,m,-3", {"prompt": "prompt", "llm": "model"}),
        ("prompt,model,score", "q,m,good", {"prompt": "prompt", "llm": "model"}),
        ("Question,Model Name,Prompt Tokens,completionTokens,Cost", "q,m,12,3,0.01",
         {"prompt": "Question", "llm": "Model Name", "input_tokens": "Prompt Tokens", "output_tokens": "completionTokens",
          "cost_usd": "Cost"}),
        ("prompt,model,latency_ms", "q,m,12", {"prompt": "prompt", "llm": "model", "latency_s": "latency_ms/1000"}),
        ("prompt,model,latency", "q,m,1250", {"prompt": "prompt", "llm": "model", "latency_s": "latency/1000"}),
        ("prompt,model,latency", "q,m,1.25", {"prompt": "prompt", "llm": "model", "latency_s": "latency"}),
        ("prompt,model,cost_cents", "q,m,1", {"prompt": "prompt", "llm": "model"}),
        ("prompt,model,timestamp", "q,m,2026-01-02T03:04:05", {"prompt": "prompt", "llm": "model", "created_at": "timestamp"}),
        ("prompt,model,timestamp", "q,m,yesterday", {"prompt": "prompt", "llm": "model"}),
        ("prompt,model,tokens", "q,m,5", {"prompt": "prompt", "llm": "model"}),
    ],
)  # fmt: skip
def test_columns_of_csv(tmp_path: Path, header: str, row: str, expected: dict[str, str]) -> None:
    assert mapped(of_csv(tmp_path, f"{header}\n{row}\n")) == expected


def test_paths_into_records(tmp_path: Path) -> None:
    record = {
        "custom_id": "c1",
        "response": {"body": {"model": "m", "choices": [{"message": {"role": "assistant", "content": "a"}}],
                              "usage": {"prompt_tokens": 3, "completion_tokens": 4}}},
        "meta": {"a.b": {"question": "q"}},
    }  # fmt: skip
    assert mapped(of_records(tmp_path, record)) == {
        "source_id": "custom_id",
        "llm": "response.body.model",
        "response": "response.body.choices[0].message.content",
        "input_tokens": "response.body.usage.prompt_tokens",
        "output_tokens": "response.body.usage.completion_tokens",
        "prompt": 'meta."a.b".question',
    }


def test_messages_are_prompts_unless_they_end_with_the_answer(tmp_path: Path) -> None:
    asked = [{"role": "user", "content": "q"}]
    answered = [*asked, {"role": "assistant", "content": "a"}]
    assert mapped(of_records(tmp_path, {"messages": asked, "model": "m"}))["messages"] == "messages"
    assert mapped(of_records(tmp_path, {"messages": answered, "model": "m"})) == {"llm": "model", "messages": ""}


def test_words_are_translated(tmp_path: Path) -> None:
    proposal = of_csv(tmp_path, "prompt,model,verdict,status,split\nq,m,Correct,success,validation\nr,m,wrong,FAILED,test\n")
    words = {line.ours: dict(line.words) for line in proposal.sure if line.words}
    assert words == {
        "performance": {"Correct": 1, "wrong": 0},
        "status": {"FAILED": "error", "success": "ok"},
        "split": {"test": "test", "validation": "partial_test"},
    }
    assert "--values performance=Correct:1,wrong:0" in " ".join(proposal.arguments())


def test_words_that_are_not_known_are_left(tmp_path: Path) -> None:
    proposal = of_csv(tmp_path, "prompt,model,status\nq,m,success\nr,m,wobbly\n")
    line = next(line for line in proposal.sure if line.ours == "status")
    assert line.theirs == ""
    assert "do not fit" in line.why


def test_multiple_choice(tmp_path: Path) -> None:
    record = {"question": "q", "choices": ["a", "b"], "answer": 1, "model": "m", "output": "B"}
    assert mapped(of_records(tmp_path, record)) == {
        "prompt": "question", "choices": "choices", "ground_truth": "answer", "llm": "model", "response": "output",
    }  # fmt: skip


def test_a_set_of_questions_has_no_answers(tmp_path: Path) -> None:
    proposal = of_records(tmp_path, {"question": "q", "answer": "a"})
    assert mapped(proposal) == {"prompt": "question", "ground_truth": "answer", "llm": "{parent}"}
    assert proposal.lacking == ["response or performance"]


def test_ids_of_calls_are_not_ids_of_queries(tmp_path: Path) -> None:
    calls = [{"prompt": "q", "model": f"m{i}", "response": "a", "id": f"call-{i}"} for i in range(3)]
    queries = [record | {"id": "query-1"} for record in calls]
    assert "source_id" not in mapped(of_records(tmp_path, *calls))
    assert mapped(of_records(tmp_path, *queries))["source_id"] == "id"


def test_lists_of_token_ids_are_not_counts(tmp_path: Path) -> None:
    record = {"prompt": "q", "model": "m", "output": ["a"], "input_tokens": [1, 2, 3], "output_tokens": [[4]]}
    proposal = of_records(tmp_path, record)
    assert mapped(proposal)["response"] == "output[0]"
    assert mapped(proposal)["input_tokens"] == ""


def test_one_of_several_filters_is_chosen(tmp_path: Path) -> None:
    records = [{"q": "q", "model": "m", "resp": "a", "exact_match": 1.0, "filter": name} for name in ("strict", "flexible")]
    assert of_records(tmp_path, *records).arguments()[-2:] == ["--where", "filter=strict"]


def test_judges(tmp_path: Path) -> None:
    record = {"prompt": "q", "model": "m", "answer": "a", "judge": "j", "score": 8}
    assert mapped(of_records(tmp_path, record)) == {
        "prompt": "prompt", "llm": "model", "response": "answer", "judge": "judge", "judge_score": "score 1:10",
    }  # fmt: skip


def test_wide_tables(tmp_path: Path) -> None:
    scores = of_csv(tmp_path, "prompt,gpt-4o,claude-3.5,llama-3\nq,0.5,1,0\n")
    assert (scores.wide, scores.wide_as, scores.is_enough) == (("gpt-4o", "claude-3.5", "llama-3"), "performance", True)
    texts = of_csv(tmp_path, "prompt,gpt-4o,llama-3\nq,one,other\n")
    assert (texts.wide, texts.wide_as) == (("gpt-4o", "llama-3"), "response")
    assert of_csv(tmp_path, "prompt,gpt-4o,llama-3\nq,one,0.5\n").wide == ()


def test_secrets_and_people_are_neither_shown_nor_mapped() -> None:
    key = "sk-proj-" + "aB3dE5gH7jK9mN1pQ3sT5vX7"
    fields = {
        f.path: f for f in fields_of([{"api_key": key, "user_id": "u-1", "a": f"call with {key} please", "prompt_tokens": 5}])
    }
    assert fields["api_key"].example() == fields["user_id"].example() == "[secret]"
    assert key not in str(fields["a"].example())
    assert fields["prompt_tokens"].example() == "5"


def test_examples_are_one_short_line() -> None:
    (field,) = fields_of([{"a": "x\x1b[31m\n\u202e" + "y" * 1_000_000}])
    assert len(str(field.example())) < 120
    assert str(field.example()).isprintable()


def test_json_in_a_cell_is_listed_with_what_is_in_it() -> None:
    fields = fields_of([{"body": '{"a": {"b": 1}}', "bad": "{not json}"}], cells=True)
    assert [(field.path, field.type) for field in fields] == [("body", "text"), ("body.a.b", "whole number"), ("bad", "text")]


def test_paths_are_quoted_where_needed() -> None:
    assert written(("a", "b", 0, "c")) == "a.b[0].c"
    assert written(("a", "x.y", 'q"', "3")) == 'a."x.y"."q\\""."3"'
    assert written(("a.b",)) == "a.b"


def test_many_and_deep_fields_are_bounded() -> None:
    deep: dict[str, Any] = {}
    for _ in range(200):
        deep = {"a": deep}
    fields = fields_of([{"deep": deep, **{f"f{i}": i for i in range(50_000)}}])
    assert len(fields) <= 1_000
    assert max(len(field.steps) for field in fields) < 12
