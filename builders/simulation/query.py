"""One simulated query, and the loop that draws distinct ones. What a query says is left to the modules of `tasks`."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from llmfusionbench.errors import InputError

LETTERS = "ABCDE"
_PATIENCE = 400


@dataclass(frozen=True, slots=True)
class SimulatedQuery:
    """A query of our own, with everything needed to render right and wrong answers to it."""

    task: str
    """Canonical task name."""
    task_description: str
    prompt: str
    """The whole text an LLM would get, with options and the instruction about the form of the answer."""
    ground_truth: str
    """A string; several accepted answers or a list of asserts are the text of a JSON array."""
    metric: str
    """In the casing of the official logs: GSM8K, MATH, em_mc, cem, f1_score, em, code_eval."""
    difficulty: float
    """Hidden; uniform in [0, 1] over the queries of a task, which is what the calibration rests on."""
    skill: str
    """Hidden; the kind of query, on which LLMs differ."""
    answer: str
    """The right answer as an LLM would give it: a number, a letter, a span, or code that passes the tests."""
    wrong_answers: tuple[str, ...]
    """Plausible wrong answers of the same form; for code, programs that fail the tests."""
    steps: tuple[str, ...]
    """A worked solution, one sentence or two a step."""
    question: str
    """The part of the prompt that an LLM would repeat."""
    choices: tuple[str, ...] | None = None
    task_id: str | None = None
    """Only for code tasks."""

    @property
    def option(self) -> str:
        """The text of the right option of a multiple-choice query, else the answer."""
        return self.choices[LETTERS.index(self.answer)] if self.choices else self.answer


Build = Callable[[random.Random, float], SimulatedQuery]


def distinct(build: Build, rng: random.Random, n: int) -> Iterator[SimulatedQuery]:
    """Draw `n` queries with distinct prompts; the difficulty is drawn first, so it is uniform whatever the content.

    Raises InputError where the task has run out of variety.
    """
    seen: set[int] = set()
    for index in range(n):
        difficulty = rng.random()
        for _ in range(_PATIENCE):
            query = build(rng, difficulty)
            # The hash of a str differs between processes, but only collisions would show, and 64 bits have none here.
            key = hash(query.prompt)
            if key not in seen:
                seen.add(key)
                yield query
                break
        else:
            raise InputError(
                f"Task {query.task}: no new prompt after {_PATIENCE} draws at query {index} of {n}. Remedy: a lower scale."
            )


def harder(rng: random.Random, difficulty: float, easy: int, hard: int) -> int:
    """An integer between `easy` and `hard` that grows with the difficulty, give or take."""
    spread = (hard - easy) * min(1.0, max(0.0, difficulty + rng.uniform(-0.15, 0.15)))
    return easy + round(spread)


def multiple_choice(
    rng: random.Random,
    *,
    task: str,
    description: str,
    instruction: str,
    question: str,
    right: str,
    wrong: Sequence[str],
    steps: Sequence[str],
    skill: str,
    difficulty: float,
) -> SimulatedQuery:
    """Shuffle the options, letter them and write the prompt. `wrong` holds distinct texts, all unlike `right`."""
    options = [right, *wrong]
    if len(set(options)) != len(options):
        raise ValueError(f"{task}: options repeat: {options}")
    rng.shuffle(options)
    letter = LETTERS[options.index(right)]
    lines = "\n".join(f"({mark}) {text}" for mark, text in zip(LETTERS, options, strict=False))
    return SimulatedQuery(
        task=task,
        task_description=description,
        prompt=f"{question}\n{lines}\n{instruction}",
        ground_truth=letter,
        metric="em_mc",
        difficulty=difficulty,
        skill=skill,
        answer=letter,
        wrong_answers=tuple(mark for mark in LETTERS[: len(options)] if mark != letter),
        steps=tuple(steps),
        question=question,
        choices=tuple(options),
    )


def figures(value: float, digits: int) -> str:
    """A number rounded to `digits` significant digits, without an exponent below ten million."""
    return f"{float(f'{value:.{digits}g}'):.7g}"


def number_options(
    rng: random.Random, right: float, candidates: Sequence[float], show: Callable[[float], str], count: int = 3
) -> list[str]:
    """`count` wrong numbers as texts: the given slips first, then scaled values, none of which reads like the right one."""
    texts: list[str] = []
    pool = [*candidates, *(right * factor for factor in (2, 0.5, 10, 0.1, 1.5, 3, 0.25, 4, 0.75, 5))]
    for value in pool:
        text = show(value)
        if text != show(right) and text not in texts and value * right > 0:
            texts.append(text)
    if len(texts) < count:
        raise ValueError(f"not enough wrong values for {right}")
    head, tail = texts[:count], texts[count:]
    if tail and rng.random() < 0.3:
        head[-1] = rng.choice(tail)
    return head
