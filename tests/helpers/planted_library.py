"""A small library with planted near duplicates, for the tests of retrievers."""

from __future__ import annotations

from llmfusionbench.baselines.retrievers import TemplateLibrary

SUMS = [
    "Anna has three red apples and buys five more at the market; how many apples does she carry home this evening?",
    "Boris fills seven boxes with nine oranges each before noon; how many oranges are packed when the truck leaves?",
    "Carla walks two miles to school and four miles to the lake; how many miles does she walk on that day?",
    "Dora shares twelve apples among four friends at a party; how many apples does each of the friends get?",
]
CODE = [
    "Write a Python function that reverses a list of integers without using slices and returns the new list.",
    "Write a Python function that counts the vowels of a string and returns the number as an integer value.",
    "Write a Python function that merges two sorted lists of integers into one sorted list and returns it.",
]
FACTS = [
    "Which river flows through the old capital of Austria, and into which sea does it finally drain its water?",
    "Which planet of the solar system has the largest number of known moons according to recent observations?",
]


def planted() -> TemplateLibrary:
    """Nine templates, three tasks, two domains; in no order of ids."""
    texts = [*SUMS, *CODE, *FACTS]
    tasks = ["sums"] * 4 + ["code"] * 3 + ["facts"] * 2
    ids = [f"{i * 7 % 9:024x}" for i in range(9)]
    return TemplateLibrary(
        query_ids=[f"{i + 100:024x}" for i in range(9)],
        template_ids=ids,
        prompts=texts,
        tasks=tasks,
        domains=["exact"] * 7 + ["world"] * 2,
        templates=[f"Template {i}: think of it step by step." for i in range(9)],
        sources=[["small"]] * 9,
    )


def shuffled(library: TemplateLibrary, order: list[int]) -> TemplateLibrary:
    """The same templates in another order."""
    names = ("query_ids", "template_ids", "prompts", "tasks", "domains", "templates", "sources")
    return TemplateLibrary(**{name: [getattr(library, name)[i] for i in order] for name in names})
