"""The detectors of numbers on real logs: they find what is known to be wrong or odd there, and nothing in scores of our own."""

from __future__ import annotations

import pytest

import llmfusionbench as lfb
from llmfusionbench.builders import build
from tests.helpers.reading import real_logs


@pytest.fixture(scope="module")
def llmrouter(tmp_path_factory: pytest.TempPathFactory) -> lfb.Audit:
    paths = real_logs(
        "llmrouter/dcrouter_train.json.gz", "llmrouter/default_query_train.jsonl.gz", "llmrouter/default_llm.json"
    )
    return lfb.audit(build("llmrouter", paths, tmp_path_factory.mktemp("llmrouter") / "release"), near_duplicates=False)


@pytest.fixture(scope="module")
def wildbench(tmp_path_factory: pytest.TempPathFactory) -> lfb.Audit:
    paths = real_logs("wildbench/judge=*/*.json.gz")
    return lfb.audit(build("wildbench", paths, tmp_path_factory.mktemp("wildbench") / "release"), near_duplicates=False)


def test_an_llm_that_hardly_scores_in_multiple_choice_is_named(llmrouter: lfb.Audit) -> None:
    (finding,) = [f for f in llmrouter.findings if f.detector == "score_outliers"]
    assert {place.name for place in finding.places} == {
        "llama3-chatqa-1.5-70b / arc_challenge",
        "llama3-chatqa-1.5-70b / commonsense_qa",
        "llama3-chatqa-1.5-70b / openbook_qa",
        "mistral-7b-instruct-v0.3 / mbpp",
    }


def test_tasks_below_a_constant_answer_are_named(llmrouter: lfb.Audit) -> None:
    (finding,) = [f for f in llmrouter.findings if f.detector == "constant_answers"]
    assert finding.severity == "medium"
    assert {place.name for place in finding.places} == {"agentverse-logicgrid", "gpqa"}


def test_both_judges_prefer_long_answers(wildbench: lfb.Audit) -> None:
    (finding,) = [f for f in wildbench.findings if f.detector == "judge_length"]
    assert {place.name for place in finding.places} == {"gpt-4o-2024-05-13", "gpt-4-turbo-2024-04-09"}


def test_no_other_fault_of_numbers_is_reported(llmrouter: lfb.Audit, wildbench: lfb.Audit) -> None:
    quiet = {"served_model", "errors", "scores_disagree", "costs", "token_counts", "judge_modes"}
    assert quiet <= set(wildbench.data["detectors"])
    assert not quiet & {finding.detector for found in (llmrouter, wildbench) for finding in found.findings}
