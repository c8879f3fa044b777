"""Names of retests, and the family of a judge."""

from __future__ import annotations

import pytest

from llmfusionbench.evaluation.judges.families import family_of, kin, llm_name
from llmfusionbench.release.retests import retest_name, retest_of

FAMILIES = {"llama-3-8b": "llama", "gpt-3.5-turbo": "gpt", "gemma-7b": "gemma", "odd": None}


@pytest.mark.parametrize("number", [0, 1, 9])
@pytest.mark.parametrize("name", ["gpt-4o", "a#b", "odd\nname", "x#2"])
def test_a_name_is_read_back(name: str, number: int) -> None:
    assert retest_of(retest_name(name, number), {name}) == (name, number)


@pytest.mark.parametrize("name", ["gpt-4o#2", "gpt-4o#1", "gpt-4o#02", "gpt-4o#", "#2", "x#9999999"])
def test_a_number_without_its_judge_is_a_name(name: str) -> None:
    assert retest_of(name, {name, "gpt-4"}) == (name, 0)


def test_the_first_judgement_has_the_plain_name() -> None:
    assert retest_name("gpt-4o", 0) == "gpt-4o"
    assert retest_of("gpt-4o#1", {"gpt-4o"}) == ("gpt-4o#1", 0)


@pytest.mark.parametrize(
    ("judge", "models", "family"),
    [
        ("gpt-4o-2024-05-13", [], "gpt"),
        ("openai/gpt-4-turbo", [], "gpt"),
        ("meta/Llama-3-8B", [], "llama"),
        ("llamaguard", [], None),
        ("jury", ["gemma-7b"], "gemma"),
        ("odd", [], None),
    ],
)
def test_family(judge: str, models: list[str], family: str | None) -> None:
    assert family_of(judge, models, FAMILIES) == family


@pytest.mark.parametrize(
    ("judge", "rubrics", "name"),
    [
        ("llama-3-8b/paper", ["paper (sha256 0123456789abcdef, without reference). Judge it."], "llama-3-8b"),
        ("llama-3-8b/paper", ["paper"], "llama-3-8b"),
        ("org/llama-3-8b/paper", ["other", "paper"], "org/llama-3-8b"),
        ("llama-3-8b/paper", [], "llama-3-8b/paper"),
        ("org/llama-3-8b", ["paper"], "org/llama-3-8b"),
        ("org/newspaper", ["paper"], "org/newspaper"),
        ("/paper", ["paper"], "/paper"),
        ("llama-3-8b", ["paper"], "llama-3-8b"),
    ],
)
def test_the_rubric_is_no_part_of_the_name_of_the_llm(judge: str, rubrics: list[str], name: str) -> None:
    assert llm_name(judge, rubrics) == name


def test_kin_are_the_family_and_the_judge_itself() -> None:
    llms = ["llama-3-8b", "gpt-3.5-turbo", "odd"]
    assert kin("gpt-4o", [], llms, FAMILIES).tolist() == [False, True, False]
    assert kin("odd", [], llms, FAMILIES).tolist() == [False, False, True]
    assert kin("stranger", [], llms, FAMILIES).tolist() == [False, False, False]
