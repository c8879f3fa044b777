"""OpenAI's rules: each broken one is found, with its place, its value and what is allowed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from llmfusionbench.baselines.exporters.corpora.formats import openai_issues, openai_rules

USER, BOT = {"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi"}
GOOD: dict[str, Any] = {"messages": [USER, BOT]}
PAIR: dict[str, Any] = {"input": {"messages": [USER]}, "preferred_output": [BOT], "non_preferred_output": [BOT]}

BROKEN: dict[str, tuple[Any, str]] = {
    "no object": ([USER, BOT], "[{'role': 'user', 'content': 'Hello'}, {'role': 'assistan..., expected a JSON object"),
    "no messages": ({}, "messages is missing, expected a list of one message or more"),
    "empty": ({"messages": []}, "messages is [], expected a list of one message or more"),
    "no list": ({"messages": "Hello"}, 'messages is "Hello", expected a list of one message or more'),
    "no message": ({"messages": [USER, "Hi"]}, 'messages[1] is "Hi", expected an object with role and content'),
    "unknown role": ({"messages": [{"role": "gpt", "content": "x"}, BOT]}, 'messages[0].role is "gpt", expected system, user,'),
    "no role": ({"messages": [{"content": "x"}, BOT]}, "messages[0].role is missing, expected system, user,"),
    "null": ({"messages": [USER, {**BOT, "content": None}]}, "messages[1].content is null, expected a text that is not blank"),
    "blank": ({"messages": [USER, {**BOT, "content": " \n"}]}, 'messages[1].content is " \\n", expected a text'),
    "parts": ({"messages": [{**USER, "content": [1]}, BOT]}, "messages[0].content is [1], expected a text"),
    "user last": ({"messages": [BOT, USER]}, 'messages[1].role is "user", expected assistant: the last message'),
    "unknown key": ({**GOOD, "query_id": "q"}, 'query_id is "q", expected no such key; known: functions, messages,'),
    "key of a message": ({"messages": [{**USER, "from": "x"}, BOT]}, 'messages[0].from is "x", expected no such key'),
    "weight of a user": ({"messages": [{**USER, "weight": 1}, BOT]}, "messages[0].weight is 1, expected no such key"),
    "weight": ({"messages": [USER, {**BOT, "weight": 0.5}]}, "messages[1].weight is 0.5, expected 0 or 1"),
    "key with a control": ({**GOOD, "\x1b[2J": 1}, "\\x1b[2J is 1, expected no such key"),
}
BROKEN_PAIRS: dict[str, tuple[Any, str]] = {
    "no object": (7, "7, expected a JSON object"),
    "no input": (
        {**PAIR, "input": [USER]},
        "input is [{'role': 'user', 'content': 'Hello'}], expected an object with messages",
    ),
    "one side": ({k: v for k, v in PAIR.items() if k[0] != "n"}, "non_preferred_output is missing, expected a list of one"),
    "user's side": (
        {**PAIR, "preferred_output": [USER, BOT]},
        'preferred_output[0].role is "user", expected assistant or tool',
    ),
    "key": ({**PAIR, "chosen": 1}, "chosen is 1, expected no such key; known: input, non_preferred_output, preferred_output"),
    "key of input": ({**PAIR, "input": {"messages": [USER], "n": 1}}, "input.n is 1, expected no such key"),
}


def lines(*examples: Any, filler: Any = GOOD) -> list[str]:
    written = [example if isinstance(example, str) else json.dumps(example) for example in examples]
    return written + [json.dumps(filler)] * 10


def test_good_files() -> None:
    called = {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]}
    answer = {"role": "tool", "tool_call_id": "1", "content": "8"}
    weighed = {"messages": [{"role": "system", "content": "Be brief."}, USER, {**BOT, "weight": 0}, USER, {**BOT, "weight": 1}]}
    assert (
        openai_issues(lines(weighed, {"messages": [USER, called, answer, BOT], "tools": [], "parallel_tool_calls": True})) == []
    )
    assert openai_issues(lines(PAIR, filler=PAIR), method="dpo") == []
    assert openai_issues([line.encode() + b"\r\n" for line in lines()]) == []


@pytest.mark.parametrize("name", BROKEN)
def test_broken_examples(name: str) -> None:
    example, message = BROKEN[name]
    [issue] = openai_issues(lines(GOOD, example))
    assert str(issue).startswith(f"train.jsonl line 2: {message}")


@pytest.mark.parametrize("name", BROKEN_PAIRS)
def test_broken_pairs(name: str) -> None:
    example, message = BROKEN_PAIRS[name]
    [issue] = openai_issues(lines(example, filler=PAIR), method="dpo", file="pairs.jsonl")
    assert str(issue).startswith(f"pairs.jsonl line 1: {message}")


def test_no_assistant_in_a_pair() -> None:
    found = openai_issues(lines({**PAIR, "preferred_output": [{"role": "tool", "content": "x"}]}, filler=PAIR), method="dpo")
    assert [issue.expected for issue in found] == ["an assistant's message"]


def test_broken_lines() -> None:
    found = openai_issues(["{", b'{"messages": "\xff"}', "", "[" * 100_000, *lines()])
    assert [(issue.line, issue.expected) for issue in found] == [(n, "one JSON object in UTF-8") for n in (1, 2, 3, 4)]
    [issue] = openai_issues(lines('{"messages": [{"role": "assistant", "content": "\\ud800"}]}'))
    assert issue.expected == "a text without half surrogates"


def test_rules_for_the_whole_file(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [str(i) for i in openai_issues([])] == ["train.jsonl: 0 examples, expected at least 10"]
    assert [str(i) for i in openai_issues(lines()[:9])] == ["train.jsonl: 9 examples, expected at least 10"]
    monkeypatch.setattr(openai_rules, "MOST_BYTES", 100)
    assert "expected at most 100; export in shards" in str(openai_issues(lines())[0])


def test_all_issues_are_found_up_to_a_limit() -> None:
    assert len(openai_issues(lines({"messages": [{}, {}], "x": 1}))) == 3
    found = openai_issues([json.dumps({})] * 9, most=4)
    assert [issue.line for issue in found] == [1, 2, 3, 4, None]
