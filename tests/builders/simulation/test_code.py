"""Code tasks: reference programs pass, mistaken ones fail, and so do the programs inside the replies."""

import json
import re
from typing import Any

import pytest

from llmfusionbench.builders.simulation import SimulatedQuery, answers, task_queries


def passes(query: SimulatedQuery, program: str) -> bool:
    """Run a program against the query's tests; the programs are the simulator's own, so running them here is safe."""
    names: dict[str, Any] = {}
    try:
        exec(program, names)
        if query.task == "mbpp":
            for line in json.loads(query.ground_truth):
                exec(line, names)
        else:
            entry = re.match(r"def (\w+)", query.prompt)
            assert entry is not None
            exec(query.ground_truth, names)
            names["check"](names[entry[1]])
    except Exception:  # whatever a wrong program raises, it has not passed
        return False
    return True


def program_in(reply: str) -> str:
    """The code between the tags or in the first fence, closed or not, else the whole reply."""
    reply = reply.split("</think>")[-1]
    for pattern in (r"\[BEGIN\]\n(.*?)\[DONE\]", r"```\w*\n(.*?)(?:```|\Z)"):
        found = re.search(pattern, reply, re.DOTALL)
        if found is not None:
            return found[1]
    return reply


@pytest.mark.parametrize("task", ["mbpp", "human_eval"])
@pytest.mark.parametrize("seed", [0, 1])
def test_reference_passes_and_wrong_programs_fail(task: str, seed: int) -> None:
    for query in task_queries(task, 460, seed):
        assert passes(query, query.answer), query.answer
        for program in query.wrong_answers:
            assert not passes(query, program), program


@pytest.mark.parametrize("task", ["mbpp", "human_eval"])
def test_logged_results_are_those_of_running_the_replies(task: str) -> None:
    results = []
    for query in task_queries(task, 60, seed=2):
        for answer in answers(query, seed=2):
            if answer.status == "ok":
                assert passes(query, program_in(answer.response)) == (answer.performance == 1.0), answer.response
                results.append(answer.performance)
    assert {0.0, 1.0} == set(results)


def test_prompts_show_the_task_and_a_test() -> None:
    for query in task_queries("mbpp", 50):
        first = json.loads(query.ground_truth)[0]
        assert first in query.prompt
        assert "[BEGIN]" in query.prompt
    for query in task_queries("human_eval", 50):
        assert query.prompt.startswith(query.answer.split("\n")[0])
        compile(query.prompt, "prompt", "exec")
