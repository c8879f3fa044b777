"""A simulated query, and a task that draws distinct ones. The modules of `tasks` write the texts."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from llmfusionbench.errors import InputError

LETTERS = "ABCDE"
_PATIENCE = 400


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A query without what its task gives it, with all that is needed to write right and wrong answers to it."""

    skill: str
    """Hidden; the kind of query, on which LLMs differ."""
    question: str
    """The part of the prompt that an LLM would repeat."""
    prompt: str
    """The whole text that an LLM gets, with options and the instruction about the form of the answer."""
    ground_truth: str
    """A string; several accepted answers or a list of asserts are the text of a JSON array."""
    answer: str
    """The right answer as an LLM would give it: a number, a letter, a span, or code that passes the tests."""
    wrong_answers: tuple[str, ...]
    """Plausible wrong answers of the same form; for code, programs that fail the tests."""
    steps: tuple[str, ...]
    """A worked solution, one or two sentences per step."""
    choices: tuple[str, ...] | None = None
    task_id: str | None = None
    """Only for code tasks."""


@dataclass(frozen=True, kw_only=True)
class SimulatedQuery(Draft):
    """A query of our own."""

    task: str
    """Canonical task name."""
    task_description: str
    metric: str
    """In the casing of the official logs: GSM8K, MATH, em_mc, cem, f1_score, em, code_eval."""
    difficulty: float
    """Hidden; uniform in [0, 1] over the queries of a task, as the calibration requires."""

    @property
    def option(self) -> str:
        """The text of the right option of a multiple-choice query, else the answer."""
        return self.choices[LETTERS.index(self.answer)] if self.choices else self.answer


@dataclass(frozen=True)
class SimulatedTask:
    """A task, and how its queries are made up."""

    name: str
    metric: str
    description: str
    skills: tuple[str, ...]
    draft: Callable[[random.Random, float], Draft]
    """Makes up a query of a difficulty."""

    def queries(self, rng: random.Random, n: int) -> Iterator[SimulatedQuery]:
        """Draw `n` queries with distinct prompts; the difficulty is drawn first, so it is uniform whatever the content.

        Raises:
            InputError: the task has run out of variety.
        """
        seen: set[int] = set()
        for index in range(n):
            difficulty = rng.random()
            for _ in range(_PATIENCE):
                draft = self.draft(rng, difficulty)
                # The hash of a str differs between processes, but only collisions would show, and 64 bits have none here.
                key = hash(draft.prompt)
                if key not in seen:
                    break
            else:
                raise InputError(
                    f"Task {self.name}: no new prompt after {_PATIENCE} draws at query {index} of {n}. "
                    "Remedy: choose a lower scale"
                )
            seen.add(key)
            yield SimulatedQuery(
                task=self.name, task_description=self.description, metric=self.metric, difficulty=difficulty, **vars(draft)
            )


def harder(rng: random.Random, difficulty: float, easy: int, hard: int) -> int:
    """An integer between `easy` and `hard` that grows with the difficulty, with some noise."""
    spread = (hard - easy) * min(1.0, max(0.0, difficulty + rng.uniform(-0.15, 0.15)))
    return easy + round(spread)


def multiple_choice(
    rng: random.Random, *, skill: str, question: str, right: str, wrong: Sequence[str], steps: Sequence[str], instruction: str
) -> Draft:
    """Shuffle the options, letter them and write the prompt. `wrong` holds distinct texts, all different from `right`."""
    options = [right, *wrong]
    if len(set(options)) != len(options):
        raise ValueError(f"{skill}: options repeat: {options}")
    rng.shuffle(options)
    letter = LETTERS[options.index(right)]
    lines = "\n".join(f"({mark}) {text}" for mark, text in zip(LETTERS, options, strict=False))
    return Draft(
        skill=skill,
        question=question,
        prompt=f"{question}\n{lines}\n{instruction}",
        ground_truth=letter,
        answer=letter,
        wrong_answers=tuple(mark for mark in LETTERS[: len(options)] if mark != letter),
        steps=tuple(steps),
        choices=tuple(options),
    )


Parts = tuple[str, str, list[str], list[str]]
"""Question, right option, wrong options and steps."""


def by_topic(
    topics: Mapping[str, Callable[[random.Random, float], Parts]], instruction: str
) -> Callable[[random.Random, float], Draft]:
    """Drafts of multiple-choice queries on a random topic."""

    def draft(rng: random.Random, difficulty: float) -> Draft:
        skill = rng.choice(list(topics))
        question, right, wrong, steps = topics[skill](rng, difficulty)
        return multiple_choice(
            rng, skill=skill, question=question, right=right, wrong=wrong, steps=steps, instruction=instruction
        )

    return draft


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
