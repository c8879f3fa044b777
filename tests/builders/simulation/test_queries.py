"""The generators: counts, determinism, distinct prompts, and the shape every query has to have."""

import itertools
import json
from collections import Counter

import pytest

from llmfusionbench.builders.known.tasks import DOMAINS
from llmfusionbench.builders.simulation import SimulatedQuery, simulate_queries, task_queries
from llmfusionbench.builders.simulation.queries import shares
from llmfusionbench.builders.simulation.tasks import TASKS
from llmfusionbench.errors import InputError, UnknownNameError

METRICS = {
    "gsm8k": "GSM8K",
    "math": "MATH",
    "mbpp": "code_eval",
    "human_eval": "code_eval",
    "natural_qa": "cem",
    "trivia_qa": "f1_score",
    "squad": "f1_score",
    "boolq": "em",
}
FULL = 460


@pytest.fixture(scope="module")
def queries() -> dict[str, list[SimulatedQuery]]:
    """As many queries a task as a simulation at full size has."""
    return {task: list(task_queries(task, FULL, seed=0)) for task in TASKS}


def test_tasks_are_the_fourteen() -> None:
    assert list(TASKS) == list(DOMAINS)
    assert len(TASKS) == 14


@pytest.mark.parametrize("task", TASKS)
def test_full_scale_has_distinct_prompts(task: str, queries: dict[str, list[SimulatedQuery]]) -> None:
    mine = queries[task]
    assert len(mine) == FULL
    assert len({query.prompt for query in mine}) == FULL
    assert {query.task for query in mine} == {task}
    assert {query.metric for query in mine} == {METRICS.get(task, "em_mc")}
    assert {query.skill for query in mine} == set(TASKS[task].skills)
    assert len({query.task_description for query in mine}) == 1
    # Uniform difficulty is what the calibration rests on.
    tenths = Counter(int(query.difficulty * 10) for query in mine)
    assert all(0.4 * FULL / 10 < tenths[tenth] < 1.8 * FULL / 10 for tenth in range(10))


@pytest.mark.parametrize("task", TASKS)
def test_every_query_is_whole(task: str, queries: dict[str, list[SimulatedQuery]]) -> None:
    for query in queries[task]:
        assert query.question
        assert query.steps
        assert query.wrong_answers
        assert query.answer not in query.wrong_answers
        assert "\r" not in query.prompt
        assert "{}" not in query.prompt.replace("= {}", "").replace("== {}", "").replace("    {}\n", "")
        assert (query.task_id is not None) == (query.metric == "code_eval")
        assert (query.choices is not None) == (query.metric == "em_mc")
        if query.metric != "code_eval":
            assert query.question in query.prompt


def test_ten_times_the_full_scale_is_still_distinct() -> None:
    for task in ("commonsense_qa", "openbook_qa", "natural_qa", "mbpp"):
        assert len({query.prompt for query in task_queries(task, 4_600)}) == 4_600


def test_same_seed_same_queries_and_another_seed_others() -> None:
    first = list(simulate_queries(3, seed=5))
    assert len(first) == 42
    assert first == list(simulate_queries(3, seed=5))
    assert not {query.prompt for query in first} & {query.prompt for query in simulate_queries(3, seed=6)}


def test_more_queries_begin_with_the_same_ones() -> None:
    assert list(task_queries("math", 5)) == list(itertools.islice(task_queries("math", 50), 5))


def test_task_ids_name_a_query() -> None:
    ids = [query.task_id for task in ("mbpp", "human_eval") for query in task_queries(task, 300)]
    assert len(set(ids)) == len(ids)
    assert all(name is not None and name.startswith("SIM/") for name in ids)


def test_lists_of_answers_are_json() -> None:
    for task in ("mbpp", "natural_qa", "trivia_qa", "squad"):
        for query in task_queries(task, 20):
            accepted = json.loads(query.ground_truth)
            assert accepted
            assert all(isinstance(text, str) for text in accepted)


def test_shares_add_up() -> None:
    full = shares(1.0)
    assert sum(share.train + share.partial_test for share in full) == 6_400
    assert sum(share.train for share in full) == 5_700
    assert sum(share.train + share.partial_test for share in shares(0.01)) == 64


def test_errors_name_the_remedy() -> None:
    with pytest.raises(UnknownNameError, match='Did you mean "gsm8k"'):
        list(task_queries("gsm8", 1))
    with pytest.raises(InputError, match=r"scale is 0\.0"):
        shares(0.0)
