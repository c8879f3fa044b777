"""Two LLMs of a run must not send the same requests; modes and queries of one LLM may."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.builders.collecting.endpoint import Endpoint
from llmfusionbench.builders.reading.run_files import RUN
from llmfusionbench.errors import InputError
from tests.helpers.run_folder import llm, made_run, planned, sums

HIGH = {"reasoning_effort": "high"}


def same(name: str, **settings: Any) -> Endpoint:
    return llm(name, **{"model": "m"} | settings)


@pytest.mark.parametrize(
    ("one", "two", "modes", "words"),
    [
        ({}, {}, ["direct"], "in direct mode"),
        ({}, {"prices": (), "concurrency": 3, "timeout": 5.0, "retries": 0}, ["direct"], "in direct mode"),
        ({}, {"url": "http://127.0.0.1:9"}, ["direct"], "in direct mode"),
        ({"temperature": 0.5}, {"extra": {"temperature": 0.5}}, ["direct"], "in direct mode"),
        ({"modes": {"think": HIGH}}, {}, ["direct", "think"], "in direct mode"),
        ({"modes": {"direct": HIGH}}, {}, ["direct", "think"], "in think mode"),
        ({"modes": {"high": HIGH}}, {"extra": HIGH}, ["direct", "high"], "in high and direct mode"),
        ({"extra": {"user": "sk-proj-3xamp1eOfAKeyThatNoOneHas"}}, {"extra": {"user": "sk-proj-3xamp1eOfAKeyThatNoOneHas"}},
         ["direct"], "in direct mode"),
    ],
)  # fmt: skip
def test_llms_with_the_same_requests_are_refused(
    one: dict[str, Any], two: dict[str, Any], modes: list[str], words: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError) as caught:
        made_run(tmp_path, sums(1, modes), [same("a", **one), same("b", **two)], modes)
    assert str(caught.value) == (
        f'LLMs "a" and "b" are the same model with the same settings at one server, {words}, so one answer would be for both. '
        "Remedy: leave one out, or give them different settings; --replicates asks an LLM several times"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("two", "modes"),
    [
        ({"model": "n"}, ["direct"]),
        ({"url": "http://127.0.0.1:10/v1"}, ["direct"]),
        ({"temperature": 0.0}, ["direct", "think"]),
        ({"modes": {"direct": HIGH, "think": {"seed": 1}}}, ["direct", "think"]),
        ({"modes": {"direct": HIGH}}, ["direct"]),
        ({"extra": {"user": "sk-proj-An0therKeyThatNoOneHas1"}}, ["direct"]),
    ],
)
def test_llms_that_differ_in_every_mode_are_asked(two: dict[str, Any], modes: list[str], tmp_path: Path) -> None:
    first = same("a", extra={"user": "sk-proj-3xamp1eOfAKeyThatNoOneHas"} if "extra" in two else {})
    run = made_run(tmp_path, sums(2, modes), [first, same("b", **two)], modes)
    if "extra" not in two:
        calls = planned(run)
        assert len({call.key for call in calls}) == len(calls) == 4 * len(modes)


def test_an_llm_that_joins_a_run_is_compared_with_those_that_it_has(tmp_path: Path) -> None:
    made_run(tmp_path, sums(1), [same("a")])
    before = (tmp_path / RUN).read_bytes()
    with pytest.raises(InputError, match='LLMs "a" and "b" are the same model'):
        made_run(tmp_path, sums(1), [same("b")])
    assert (tmp_path / RUN).read_bytes() == before
    assert len(made_run(tmp_path, sums(1), [same("b", seed=1)]).endpoints()) == 2


def test_modes_of_one_llm_may_send_the_same(tmp_path: Path) -> None:
    """Their requests are made once, for both."""
    run = made_run(tmp_path, sums(1, ("direct", "high")), [same("a", modes={"high": {}})], ["direct", "high"])
    direct, high = planned(run)
    assert direct.key == high.key
    assert direct.slot != high.slot
