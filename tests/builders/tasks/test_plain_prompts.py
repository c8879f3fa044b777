"""Plain prompts from JSON Lines: messages pass through, and what is no prompt is listed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.baselines.prompting.prompts import Prompt, write_prompts
from llmfusionbench.builders.records import Rejected
from llmfusionbench.builders.tasks.chosen import chosen
from llmfusionbench.builders.tasks.query import Query, turns_of
from llmfusionbench.errors import InputError
from llmfusionbench.types import query_id

PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}}


def read(path: Path, *records: Any) -> tuple[list[Query], list[str]]:
    path.write_text("".join((r if isinstance(r, str) else json.dumps(r)) + "\n" for r in records), encoding="utf-8")
    left_out: list[Rejected] = []
    found = list(chosen([], prompts=path, modes=("direct", "think"), rejected=left_out.append))
    return found, [f"{one.row}: {one.reason}" for one in left_out]


def asking(*content: Any, **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(content)}], **more}


def test_prompts_with_templates_are_asked_as_they_are(tmp_path: Path) -> None:
    made = Prompt(
        "a" * 24, "gsm8k", "thought_template", [{"role": "user", "content": "Notes.\n\nHow many?"}], ["t" * 24], [0.5], 7
    )
    write_prompts([made], tmp_path / "prompts.jsonl")
    (query,) = chosen([], prompts=tmp_path / "prompts.jsonl")
    assert query.prompts == {"direct": made.messages}
    assert (query.task, query.metric, query.domain, query.split, query.source_id) == (
        "gsm8k",
        "gsm8k",
        "math",
        "test",
        "a" * 24,
    )
    assert query.ground_truth is None


def test_a_prompt_with_all_fields(tmp_path: Path) -> None:
    record = {"prompt": "Which one?\n(A) tin\n(B) oak", "task": "metals", "domain": "craft", "split": "train", "source_id": 7,
              "metric": "em_mc", "ground_truth": "A", "choices": ["tin", "oak"], "license": "CC0-1.0",
              "settings": {"temperature": 0}, "response_format": {"type": "json_object"}}  # fmt: skip
    ((query,), left_out) = read(tmp_path / "p.jsonl", record)
    assert left_out == []
    assert (query.task, query.domain, query.split, query.source_id, query.license) == (
        "metals",
        "craft",
        "train",
        "7",
        "CC0-1.0",
    )
    assert (query.metric, query.ground_truth, query.choices) == ("em_mc", "A", ["tin", "oak"])
    assert query.settings == {"temperature": 0, "response_format": {"type": "json_object"}}


def test_a_metric_that_is_stated_as_unknown_is_not_that_of_the_catalog(tmp_path: Path) -> None:
    """Its ground truth may be of another form."""
    ((query,), _) = read(tmp_path / "p.jsonl", {"prompt": "a", "task": "gsm8k", "metric": "unknown", "ground_truth": "4"})
    assert (query.metric, query.ground_truth) == ("unknown", "4")


def test_the_task_is_the_name_of_the_file_if_none_is_stated(tmp_path: Path) -> None:
    ((query,), _) = read(tmp_path / "probe.jsonl", {"prompt": "Say hello."})
    assert (query.task, query.metric, query.domain) == ("probe", "unknown", "other")


def test_messages_with_pictures_pass_through(tmp_path: Path) -> None:
    text = {"type": "text", "text": "What is this?", "cache_control": {"type": "ephemeral"}}
    system = {"role": "system", "content": "Be brief.", "name": "s"}
    record = {"messages": [system, {"role": "user", "content": [text, PICTURE]}]}
    ((query,), left_out) = read(tmp_path / "p.jsonl", record)
    assert left_out == []
    assert query.prompts["direct"] == record["messages"]
    suffix = {"type": "text", "text": "Let's think step by step."}
    assert query.prompts["think"] == [system, {"role": "user", "content": [text, PICTURE, suffix]}]
    assert query_id("p", "", turns_of(query.prompts["think"])) == query.query_id


def test_a_message_that_calls_a_tool_may_have_no_content(tmp_path: Path) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "clock", "arguments": "{}"}}
    asked = {"role": "user", "content": "What time is it?"}
    turns = [
        asked,
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "It is noon."},
    ]
    ((query,), left_out) = read(tmp_path / "p.jsonl", {"messages": turns})
    assert left_out == []
    assert query.prompts["direct"] == [asked, {"role": "assistant", "content": None, "tool_calls": [call]}, turns[2]]


def test_think_ends_the_last_text(tmp_path: Path) -> None:
    text = {"type": "text", "text": "What is this?"}
    ((query,), _) = read(tmp_path / "p.jsonl", asking(PICTURE, text))
    assert query.prompts["think"][0]["content"] == [
        PICTURE,
        {"type": "text", "text": "What is this?\nLet's think step by step."},
    ]


def test_two_pictures_are_two_queries(tmp_path: Path) -> None:
    text = {"type": "text", "text": "What is this?"}
    other = {"type": "image_url", "image_url": {"url": "https://example.org/b.png"}}
    found, left_out = read(tmp_path / "p.jsonl", asking(text, PICTURE), asking(text, other), asking(text, PICTURE))
    assert len({query.query_id for query in found}) == len(found) == 2
    assert left_out == ["2: the prompt asks the same as an earlier one of its task"]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({}, "prompt is missing, expected a text"),
        ({"prompt": " "}, "prompt is blank, expected a text"),
        ({"prompt": ["a"]}, "prompt is a list, expected a text"),
        ({"prompt": "\ud800"}, "prompt is broken at character 0"),
        ({"messages": []}, "messages is a list, expected a list of one or more messages"),
        ({"messages": "hi"}, 'messages is "hi", expected a list'),
        ({"messages": ["hi"]}, 'messages[0] is "hi", expected an object with role and content'),
        ({"messages": [{"content": "hi"}]}, "messages[0].role is null, expected a text such as user"),
        ({"messages": [{"role": "user"}]}, "messages[0].content is null, expected a text or a list of parts"),
        ({"messages": [{"role": "user", "content": ""}]}, "messages have no text, expected one or more"),
        (asking("hi"), 'messages[0].content[0] is "hi", expected a part with its type'),
        (asking({"type": "text"}), "messages[0].content[0] is an object, expected a part with its type"),
        (asking({"type": "x", "x": {"y": ["\udfff"]}}), "messages[0].content.x.y is broken at character 0"),
        ({"prompt": "a", "metric": "bleu"}, 'metric is "bleu", expected em,'),
        ({"prompt": "a", "split": "middle"}, 'split is "middle", expected train, test or partial_test'),
        ({"prompt": "a", "settings": [1]}, "settings is a list, expected an object"),
        ({"prompt": "a", "settings": {"model": "other"}}, "settings has model, expected fields of a request without model,"),
        ({"prompt": "a", "settings": {"messages": []}}, "settings has messages, expected fields of a request without"),
        ({"prompt": "a", "settings": {"n": 9}}, "settings has n, expected fields of a request without"),
        ({"prompt": "a", "settings": {"stream": True}}, "settings has stream, expected fields of a request without"),
        ({"prompt": "a", "response_format": "json"}, 'response_format is "json", expected an object'),
        ('{"prompt": "a", "settings": {"top_p": 1e999}}', "settings.top_p is inf, expected a finite number"),
        ('{"messages": [{"role": "user", "content": "a", "x": 1e999}]}', "messages[0].x is inf, expected a finite number"),
        ("[1]", "the record is a list, expected a JSON object"),
        ('{"prompt": ', "the line is not JSON"),
    ],
)
def test_what_is_no_prompt_is_listed(record: Any, reason: str, tmp_path: Path) -> None:
    (query,), (left_out,) = read(tmp_path / "p.jsonl", {"prompt": "Say hello."}, record)
    assert query.prompts["direct"][0]["content"] == "Say hello."
    assert left_out.startswith(f"1: {reason}")


def test_a_file_without_prompts(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"p\.jsonl: no record is a prompt"):
        read(tmp_path / "p.jsonl", {"question": "a"})


def test_deep_nesting_is_a_reason(tmp_path: Path) -> None:
    deep = '{"messages": [{"role": "user", "content": [{"type": "x", "x": ' + "[" * 900 + "]" * 900 + "}]}]}"
    found, left_out = read(tmp_path / "p.jsonl", {"prompt": "Say hello."}, deep)
    assert len(found) + len(left_out) == 2
