"""Whole replies of the reasoned kind: opening, plan, worked steps, remarks and the final line, up to a wanted length."""

from __future__ import annotations

import json
import random

from llmfusionbench.builders.known.tasks import DOMAINS
from llmfusionbench.builders.simulation import phrases
from llmfusionbench.builders.simulation.forms import final
from llmfusionbench.builders.simulation.llms import SimulatedLlm
from llmfusionbench.builders.simulation.query import LETTERS, SimulatedQuery

# Tokens a reply of average talkativeness aims at, direct and think.
_LENGTHS = {"math": (400, 660), "code": (420, 650), "choice": (298, 626), "recall": (22, 170)}
_CHARACTERS_PER_TOKEN = 4.6


def kind(task: str) -> str:
    """Which stock of phrases suits a task: math, code, choice or recall."""
    domain = DOMAINS[task]
    if domain in ("math", "code"):
        return domain
    return "recall" if domain in ("world_knowledge", "reading") else "choice"


def wanted_length(query: SimulatedQuery, llm: SimulatedLlm, mode: str, rng: random.Random) -> float:
    """Characters this reply aims at; log-normal around the mean of its kind, mode and LLM."""
    tokens = _LENGTHS[kind(query.task)][mode == "think"] * llm.talk * rng.lognormvariate(0, 0.35)
    return tokens * _CHARACTERS_PER_TOKEN


def steps_for(query: SimulatedQuery, value: str, rng: random.Random) -> list[str]:
    """The worked steps that lead to `value`: the query's own where it is right, else with a wrong turn at the end."""
    if value == query.answer:
        return list(query.steps)
    if query.choices is not None:
        return [rng.choice(phrases.WRONG_REASONS).format(query.choices[LETTERS.index(value)])]
    if query.metric in ("GSM8K", "MATH"):
        shown = f"${value}$" if query.metric == "MATH" else value
        return [*query.steps[:-1], rng.choice(phrases.WRONG_TURNS).format(shown)]
    return [rng.choice(phrases.WRONG_MEMORIES).format(value)]


def reasoned(query: SimulatedQuery, value: str, llm: SimulatedLlm, mode: str, rng: random.Random) -> str:
    """A reply that argues for `value` and commits to it at its end."""
    last = final(query, value, rng, llm.manner)
    length = wanted_length(query, llm, mode, rng)
    if length < 160:
        return last
    steps = steps_for(query, value, rng)
    if llm.manner == "json" and query.metric in ("GSM8K", "em_mc") and rng.random() < 0.7:
        return _as_json(query, value, [*steps, *_padding(query, rng, length, sum(map(len, steps)))], rng)
    head, tail = _frame(query, value, rng, length - sum(map(len, steps)) - len(last))
    body = [*head, _numbered(steps, rng), *tail]
    if llm.manner == "thinker":
        thought = "\n\n".join(body)
        closing = f"{steps[-1]}\n\n{last}" if query.metric != "em" else last
        return f"<think>\n{thought}\n</think>\n\n{closing}"
    text = "\n\n".join([*body, last])
    return f"{text}\n\n{rng.choice(phrases.GOODBYES)}" if rng.random() < 0.06 else text


def _frame(query: SimulatedQuery, value: str, rng: random.Random, room: float) -> tuple[list[str], list[str]]:
    """What stands before and after the steps, filled up to `room` characters."""
    stock = kind(query.task)
    head, tail = [], []
    if room > 0:
        head.append(rng.choice(phrases.PLANS[stock]))
        room -= len(head[-1])
    if room > len(query.question) and rng.random() < 0.5:
        head.insert(0, rng.choice(phrases.RESTATE).format(query.question))
        room -= len(query.question) + 30
    if room > 0 and rng.random() < 0.5:
        head.insert(0, rng.choice(phrases.OPENINGS))
        room -= 60
    if query.choices is not None and room > 200 and rng.random() < 0.7:
        remarks = _remarks(query, value, rng)
        tail.append("\n".join(remarks))
        room -= len(tail[-1])
    fillers = list(phrases.FILLERS[stock])
    rng.shuffle(fillers)
    musings = list(phrases.MUSINGS)
    rng.shuffle(musings)
    for text in [*fillers, *musings]:
        if room < len(text) / 2:
            break
        (head if text.startswith(("Okay, so I need", "Note that")) else tail).append(text)
        room -= len(text)
    if rng.random() < 0.3:
        tail.append(rng.choice(phrases.CHECKS[stock]))
    return head, tail


def _remarks(query: SimulatedQuery, value: str, rng: random.Random) -> list[str]:
    assert query.choices is not None
    chosen = query.choices[LETTERS.index(value)]
    refute = rng.choice(phrases.OPTION_REMARKS)
    return [f"- {(rng.choice(phrases.OPTION_PRAISE) if text == chosen else refute).format(text)}" for text in query.choices]


def _padding(query: SimulatedQuery, rng: random.Random, length: float, used: int) -> list[str]:
    stock = phrases.FILLERS[kind(query.task)]
    return rng.sample(stock, min(len(stock), max(0, round((length - used) / 170))))


def _numbered(steps: list[str], rng: random.Random) -> str:
    head = rng.choice(phrases.STEP_HEADS)
    if "|" in head:
        names = head.split("|")
        return " ".join(
            f"{names[min(index, len(names) - 1)].rstrip(',')}, {step[0].lower()}{step[1:]}" for index, step in enumerate(steps)
        )
    return "\n".join(head.format(index) + step for index, step in enumerate(steps, 1))


def _as_json(query: SimulatedQuery, value: str, sentences: list[str], rng: random.Random) -> str:
    answer = f"({value})" if query.choices is not None else value
    text = json.dumps(
        {"reasoning": " ".join(sentences), "answer": answer}, ensure_ascii=rng.random() < 0.5, indent=rng.choice((None, 2))
    )
    if rng.random() < 0.05:
        text = text.rstrip("}").rstrip()  # an object left open, as real logs have them
    return f"```json\n{text}\n```" if rng.random() < 0.25 else text
