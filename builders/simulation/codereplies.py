"""Replies to code tasks: a whole function in a fence, between tags or bare, with or without an explanation."""

from __future__ import annotations

import random

from llmfusionbench.builders.simulation import phrases
from llmfusionbench.builders.simulation.llms import SimulatedLlm
from llmfusionbench.builders.simulation.query import SimulatedQuery
from llmfusionbench.builders.simulation.replies import wanted_length


def code_reply(query: SimulatedQuery, program: str, llm: SimulatedLlm, mode: str, rng: random.Random) -> str:
    """A reply whose one program is `program`."""
    length = wanted_length(query, llm, mode, rng)
    draw = rng.random()
    if query.task == "mbpp" and draw < 0.6:
        block = f"[BEGIN]\n{program}[DONE]"
    elif length < 400 and draw > 0.9:
        return program
    else:
        block = f"```{rng.choice(('python', 'python', 'Python', ''))}\n{program}```"
    room = length - len(block)
    head: list[str] = []
    tail: list[str] = []
    if room > 0 and rng.random() < 0.5:
        head.append(rng.choice(phrases.OPENINGS))
    if room > 150:
        head.append(rng.choice(phrases.PLANS["code"]))
        room -= len(head[-1])
    if room > len(query.question) and rng.random() < 0.5:
        head.append(rng.choice(phrases.RESTATE).format(query.question))
        room -= len(head[-1])
    if room > 100:
        steps = "\n".join(
            f"{mark}{step}"
            for mark, step in zip(rng.choice((("1. ", "2. "), ("- ", "- "), ("", ""))), query.steps, strict=True)
        )
        (head if rng.random() < 0.5 else tail).append(steps)
        room -= len(steps)
    fillers = list(phrases.FILLERS["code"])
    rng.shuffle(fillers)
    musings = list(phrases.MUSINGS)
    rng.shuffle(musings)
    thoughts: list[str] = []
    for text in [*fillers, *musings]:
        if room < len(text) / 2:
            break
        (thoughts if text in phrases.MUSINGS else tail).append(text)
        room -= len(text)
    if llm.manner == "thinker":
        return "\n\n".join(["<think>\n" + "\n\n".join([*head, *thoughts, *tail]) + "\n</think>", block])
    if rng.random() < 0.3:
        tail.append(rng.choice(phrases.CHECKS["code"]))
    return "\n\n".join([*head, *thoughts, block, *tail])


def wrong_code_reply(query: SimulatedQuery, llm: SimulatedLlm, mode: str, rng: random.Random) -> str:
    """A reply that fails the tests: a program with a mistake, a broken or cut one, or none at all."""
    draw = rng.random()
    if draw < 0.72:
        return code_reply(query, rng.choice(query.wrong_answers), llm, mode, rng)
    if draw < 0.82:
        head, body = query.answer.split("\n", 1)
        cut = f"{head}\n{body[: max(8, int(len(body) * rng.uniform(0.3, 0.7)))]}"
        return f"{rng.choice(phrases.PLANS['code'])}\n\n```python\n{cut}"
    if draw < 0.90:
        return code_reply(
            query, query.answer.replace("):", ")", 1).replace(" ->", "  ->", 1).replace(":\n", "\n", 1), llm, mode, rng
        )
    if draw < 0.95:
        return "\n".join([rng.choice(phrases.PLANS["code"]), *query.steps])
    return rng.choice((*phrases.REFUSALS, *phrases.RAMBLES))
