"""Candidates, prompts and ids: what identifies a query must be the same in every rebuild, on every machine."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmfusionbench.schema import table_schema
from llmfusionbench.types import Candidate, Turn, content_id, is_mode, normalise_prompt, query_id, rendered, strip_think_suffix
from llmfusionbench.validation.explain import validator


@pytest.mark.parametrize(
    ("name", "llm", "mode"),
    [
        ("qwen2.5-7b", "qwen2.5-7b", "direct"),
        ("qwen2.5-7b_think", "qwen2.5-7b", "think"),
        ("_think_", "_think_", "direct"),
        ("a_think_b", "a_think_b", "direct"),
        ("o3@high", "o3", "high"),
        ("o3@budget-2k", "o3", "budget-2k"),
        ("o3@no_think", "o3", "no_think"),
        ("claude-3-opus@20240229", "claude-3-opus@20240229", "direct"),
        ("claude-3-opus@20240229@think", "claude-3-opus@20240229", "think"),
        ("gemma@Together", "gemma@Together", "direct"),
        ("two@x@direct", "two@x", "direct"),
        ("two@x@think", "two@x", "think"),
        ("two@x@high", "two@x", "high"),
        ("@high", "@high", "direct"),
        ("mail@host.example.org/model", "mail@host.example.org/model", "direct"),
    ],
)
def test_candidate_names(name: str, llm: str, mode: str) -> None:
    assert Candidate.parse(name) == Candidate(llm, mode)
    assert Candidate(llm, mode).name == name


names = st.one_of(st.text(min_size=1), st.text(alphabet="ab@_.-1think", min_size=1))
modes = st.one_of(st.sampled_from(["direct", "think", "low", "no_think"]), st.text(alphabet="ab1._-", min_size=1, max_size=32))


@given(names, modes.filter(is_mode))
def test_candidates_come_back_from_their_names(llm: str, mode: str) -> None:
    """Whatever their LLM is called, and two candidates never share a name."""
    assert Candidate.parse(Candidate(llm, mode).name) == Candidate(llm, mode)


@pytest.mark.parametrize("name", ["", "High", "20240229", "1.5", "a b", "a/b", "a@b", "é", "x" * 33, "low\n", "..", "_"])
def test_what_is_no_mode(name: str) -> None:
    assert not is_mode(name)
    schema = table_schema("responses").json_schema["properties"]["mode"]
    assert not validator(schema).is_valid(name)


@given(modes)
def test_modes_are_those_of_the_schema(name: str) -> None:
    assert is_mode(name) is validator(table_schema("responses").json_schema["properties"]["mode"]).is_valid(name)


def test_queries_of_turns() -> None:
    """A single turn of the user is the prompt; otherwise every role and content is part of the id."""
    alone: list[Turn] = [{"role": "user", "content": "How many?"}]
    assert query_id("t", "", alone) == query_id("t", "How many?", None)
    system: Turn = {"role": "system", "content": "Be brief."}
    thought: Turn = {"role": "user", "content": "How many?\nLet's think step by step."}
    talks: list[list[Turn]] = [
        [system, *alone], [*alone, system], [{"role": "system", "content": "How many?"}], [system, alone[0], system],
        [{"role": "user", "content": "Be brief."}, *alone], [{"role": "user", "content": rendered([system, *alone])}],
    ]  # fmt: skip
    assert len({query_id("t", "", talk) for talk in talks}) == len(talks)
    assert query_id("t", "ignored", [system, thought]) == query_id("t", "", [system, *alone]) != query_id("u", "", talks[0])
    assert rendered([system, *alone]) == "SYSTEM: Be brief.\n\nUSER: How many?"
    assert rendered(alone) == "How many?"


@pytest.mark.parametrize(
    ("prompt", "stripped"),
    [
        ("How many?\nLet's think step by step.", "How many?"),
        ("How many? let’s THINK step by step", "How many?"),
        ("How many?\n\n Let's think step by step!\n", "How many?"),
        ("Let's think step by step. How many?", "Let's think step by step. How many?"),
        ("How many? Lets think step by step.", "How many? Lets think step by step."),
        ("Let's think step by step.", ""),
        ("", ""),
    ],
)
def test_think_suffix(prompt: str, stripped: str) -> None:
    assert strip_think_suffix(prompt) == stripped


def test_think_suffix_in_linear_time() -> None:
    """Long runs of white space, which a pattern could try from every position."""
    assert strip_think_suffix(" " * 2_000_000 + "x") == " " * 2_000_000 + "x"


@pytest.mark.parametrize(
    "prompt",
    [
        "Why is caf\u00e9 spelt so?",
        "Why is cafe\u0301 spelt so?",
        "  Why is caf\u00e9 spelt so?\n\n",
        "Why is caf\u00e9 spelt so?\r\nLet's think step by step.",
    ],
)
def test_one_query_in_many_spellings(prompt: str) -> None:
    assert query_id("t", prompt) == query_id("t", "Why is caf\u00e9 spelt so?")


@pytest.mark.parametrize(
    "prompt",
    ["why is caf\u00e9 spelt so?", "Why is cafe spelt so?", "Why  is caf\u00e9 spelt so?", "Why\nis caf\u00e9 spelt so?"],
)
def test_other_queries_are_others(prompt: str) -> None:
    assert query_id("t", prompt) != query_id("t", "Why is caf\u00e9 spelt so?")


def test_ids_are_pinned() -> None:
    """An id that changes orphans every row that was ever published under it."""
    assert query_id("gsm8k", "What is 1+1?") == "01faafe64406f5f401f2b3c6"
    assert query_id("gsm8k", "") == "7542bf222b96ecf0235c36c2"
    assert content_id() == "e3b0c44298fc1c149afbf4c8"


def test_parts_cannot_run_over() -> None:
    ids = [content_id("ab", "c"), content_id("a", "bc"), content_id("abc"), content_id("abc", ""), content_id("", "abc")]
    assert len(set(ids)) == 5


@given(st.text(st.characters()), st.text(st.characters()))
def test_ids_of_any_text(task: str, prompt: str) -> None:
    """Lone surrogates, too: a log may hold half a character."""
    found = query_id(task, prompt)
    assert len(found) == 24
    assert set(found) <= set("0123456789abcdef")
    assert query_id(task, f" {prompt}\n") == found


@given(st.text())
def test_normalising_is_stable_but_for_repeated_suffixes(prompt: str) -> None:
    once = normalise_prompt(prompt)
    assert unicodedata.is_normalized("NFC", once)
    assert "\r" not in once
    assert once == once.strip()
    assert normalise_prompt(once) == once
