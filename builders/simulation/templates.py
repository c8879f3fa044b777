"""Thought templates for simulated queries: what a summariser would distil from the best answers to a query."""

# ruff: noqa: E501 - sentences and rows of tables are kept whole

from __future__ import annotations

from dataclasses import dataclass

from llmfusionbench.builders.simulation.answers import SimulatedAnswer, answers
from llmfusionbench.builders.simulation.latent import generator, query_key
from llmfusionbench.builders.simulation.query import SimulatedQuery
from llmfusionbench.builders.simulation.replies import kind
from llmfusionbench.types import CRITERIA, POOLS, Candidate

SUMMARIZER = "simulated"
_SOURCES = 3

_TASKS = {
    "math": 'This is a calculation of the kind "{}": a few given quantities determine one exact value.',
    "code": 'This asks for one Python function of the kind "{}", fixed by its name, its arguments and examples.',
    "choice": 'This is a question on "{}" in which exactly one of the options agrees with the situation.',
    "recall": 'This asks for one fact about "{}", to be given as briefly as possible.',
}
_METHODS = {
    "math": ("List the given quantities, connect them one operation at a time, and write down each intermediate result.",
             "Translate the text sentence by sentence into small calculations and carry every result over to the next one.",
             "Name the wanted quantity first, then work towards it, and check the size of the result by a rough estimate."),
    "code": ("Derive the rule from the examples, write the shortest readable body, and try it on an empty input.",
             "Handle the ordinary case in one pass, then go through the boundary cases that the tests may contain."),
    "choice": ("Find the deciding detail, recall the rule that governs it, and test every option against this rule.",
               "Form an answer before reading the options, then pick the one that matches it and say why the others fail."),
    "recall": ("Spot the key words, find the one entry that fits all of them, and beware of similar names.",
               "Locate the sentence or the list entry that mentions the key words and take the name from there."),
}  # fmt: skip
_FORMS = {
    "GSM8K": "Finish with the number on a line of its own after four hash signs.", "MATH": "Finish with the exact value in a LaTeX box, fractions in lowest terms.",
    "em_mc": "Finish with the letter of the option in parentheses.", "cem": "Reply with the name alone.", "f1_score": "Reply with the bare span, without a sentence around it.",
    "em": "Reply with the single word true or false.", "code_eval": "Return the whole function and nothing that would keep it from running.",
}  # fmt: skip
_CAUTIONS = (
    "Do not use a given quantity twice.", "Read the instruction at the end before replying.", "Keep the chain of reasoning short.",
)  # fmt: skip


@dataclass(frozen=True)
class SimulatedTemplate:
    """A thought template, without the id of its query."""

    criterion: str
    pool: str
    template: str
    """One to five sentences: the kind of task, how to reason, the form of the answer."""
    sources: list[str]
    """The candidates whose answers rank first under the criterion, best first."""
    summarizer: str = SUMMARIZER


def simulate_templates(query: SimulatedQuery, seed: int = 0) -> list[SimulatedTemplate]:
    """Six templates of a query, one for each criterion and pool."""
    key, entries = query_key(query, seed), answers(query, seed)
    return [_template(query, key, entries, criterion, pool) for criterion in CRITERIA for pool in POOLS]


def _value(entry: SimulatedAnswer, criterion: str) -> float:
    performance, judge = entry.performance or 0.0, entry.judge_score or 0.0
    return {"performance": performance, "judge": judge, "hybrid": (performance + judge) / 2}[criterion]


def _template(
    query: SimulatedQuery, key: bytes, entries: list[SimulatedAnswer], criterion: str, pool: str
) -> SimulatedTemplate:
    # An answer without the figure cannot be ranked by it, so it is not a source.
    known = [
        entry for entry in entries
        if (pool == "all" or entry.llm.scale == "small")
        and (criterion == "judge" or entry.performance is not None)
        and (criterion == "performance" or entry.judge_score is not None)
    ]  # fmt: skip
    known.sort(key=lambda entry: (-_value(entry, criterion), len(entry.response), entry.llm.name, entry.mode))
    rng = generator(key, "template", criterion, pool)
    stock = kind(query.task)
    sentences = [_TASKS[stock].format(query.skill), rng.choice(_METHODS[stock])]
    if rng.random() < 0.4:
        sentences.append(rng.choice(_CAUTIONS))
    sentences.append(_FORMS[query.metric])
    return SimulatedTemplate(
        criterion, pool, " ".join(sentences), [Candidate(entry.llm.name, entry.mode).name for entry in known[:_SOURCES]]
    )
