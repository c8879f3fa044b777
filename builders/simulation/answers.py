"""One simulated answer: right or wrong by the latent-skill model, then a text, and figures that agree with the text."""

from __future__ import annotations

import random
from dataclasses import dataclass

from llmfusionbench.builders.simulation import phrases
from llmfusionbench.builders.simulation.codereplies import code_reply, wrong_code_reply
from llmfusionbench.builders.simulation.forms import final, hedge
from llmfusionbench.builders.simulation.grading import grade
from llmfusionbench.builders.simulation.latent import expected, generator, is_right, query_key, share_known, uniform
from llmfusionbench.builders.simulation.llms import LLMS, SimulatedLlm
from llmfusionbench.builders.simulation.query import SimulatedQuery
from llmfusionbench.builders.simulation.replies import reasoned
from llmfusionbench.builders.simulation.tokens import estimate_tokens
from llmfusionbench.types import DIRECT, THINK

MODES = (DIRECT, THINK)
_EMPTY, _ERROR = 0.006, 0.002
_THINK_SUFFIXES = (
    "\nLet's think step by step.",
    " Let's think step by step.",
    "\nLet's think step by step",
    " let's think step by step",
    "\nLet's Think Step By Step.",
    "\n\nLET'S THINK STEP BY STEP.",
)


@dataclass(frozen=True, slots=True)
class SimulatedAnswer:
    """An answer of one LLM in one mode; None stands for what the log lacks."""

    llm: SimulatedLlm
    mode: str
    prompt: str
    """The prompt as sent; in think mode with the request to think."""
    status: str
    """`ok`, `empty` (no text came back, logged as wrong) or `error` (no answer at all)."""
    response: str
    performance: float | None
    judge_score: float | None

    @property
    def input_tokens(self) -> int | None:
        """Estimated, as all tokens here; None for an error."""
        return None if self.status == "error" else estimate_tokens(self.prompt)

    @property
    def output_tokens(self) -> int | None:
        """None for an error."""
        return None if self.status == "error" else estimate_tokens(self.response)


def answer(query: SimulatedQuery, llm: SimulatedLlm, mode: str, seed: int = 0) -> SimulatedAnswer:
    """The answer of an LLM in a mode (`direct` or `think`); the same arguments give the same answer."""
    return _answer(query, query_key(query, seed), llm, mode)


def answers(query: SimulatedQuery, seed: int = 0) -> list[SimulatedAnswer]:
    """All candidates' answers in the order of the logs: each LLM direct, then think."""
    key = query_key(query, seed)
    return [_answer(query, key, llm, mode) for llm in LLMS for mode in MODES]


def _answer(query: SimulatedQuery, key: bytes, llm: SimulatedLlm, mode: str) -> SimulatedAnswer:
    rng = generator(key, "text", llm.name, mode)
    prompt = query.prompt + ("" if mode == "direct" else _THINK_SUFFIXES[int(uniform(key, "suffix") * len(_THINK_SUFFIXES))])
    fate = rng.random()
    if fate < _ERROR:
        return SimulatedAnswer(llm, mode, prompt, "error", "", None, None)
    if fate < _ERROR + _EMPTY:
        return SimulatedAnswer(llm, mode, prompt, "empty", "", 0.0, None)
    text, performance = _reply(query, key, llm, mode, rng)
    judge = _judge(performance, text, llm, rng)
    return SimulatedAnswer(llm, mode, prompt, "ok", text, performance, judge)


def _reply(query: SimulatedQuery, key: bytes, llm: SimulatedLlm, mode: str, rng: random.Random) -> tuple[str, float]:
    goal = expected(query, llm, mode)
    right = is_right(query, key, llm, mode, share_known(query, goal))
    if query.metric == "code_eval":
        return (
            (code_reply(query, query.answer, llm, mode, rng), 1.0) if right else (wrong_code_reply(query, llm, mode, rng), 0.0)
        )
    if query.metric == "f1_score":
        text = _overlapping(query, goal, llm, mode, rng) if right else _wrong_name(query, rng)
        return text, round(grade(query, text), 4)
    if right:
        text = (
            final(query, query.answer, rng, llm.manner)
            if query.metric == "em"
            else reasoned(query, query.answer, llm, mode, rng)
        )
        # Where the wrapping has hidden the answer from a plain scorer, the bare final line stays.
        return (text if grade(query, text) == 1 else _plain(query, rng)), 1.0
    text = _wrong(query, goal, llm, mode, rng)
    return (text if grade(query, text) == 0 else rng.choice(phrases.REFUSALS)), 0.0


def _plain(query: SimulatedQuery, rng: random.Random) -> str:
    if query.metric == "em":
        return query.answer
    return final(query, query.answer, rng, "plain")


def _overlapping(query: SimulatedQuery, goal: float, llm: SimulatedLlm, mode: str, rng: random.Random) -> str:
    """A right answer whose expected F1, given that it is known, brings the LLM to its goal: bare or inside a sentence."""
    wordy = [final(query, query.answer, rng, "plain")]
    if mode == "think" or goal < 0.3 or rng.random() < 0.2 * llm.talk:
        wordy.insert(0, query.steps[0])
    if mode == "think":
        wordy.insert(0, rng.choice(phrases.FILLERS["recall"] if query.task == "trivia_qa" else phrases.PLANS["recall"]))
    sentence = " ".join(wordy)
    inside = grade(query, sentence)
    wanted = goal / share_known(query, goal)
    bare = (wanted - inside) / (1 - inside) if inside < 1 else 1.0
    return rng.choice(("{}", "{}", "{}.", "**{}**")).format(query.answer) if rng.random() < bare else sentence


def _wrong_name(query: SimulatedQuery, rng: random.Random) -> str:
    value = rng.choice(query.wrong_answers)
    draw = rng.random()
    if draw < 0.55:
        return value
    if draw < 0.85:
        return rng.choice(phrases.WRONG_MEMORIES).format(value)
    return rng.choice((*phrases.REFUSALS, *phrases.NON_ANSWERS))


def _wrong(query: SimulatedQuery, goal: float, llm: SimulatedLlm, mode: str, rng: random.Random) -> str:
    value = rng.choice(query.wrong_answers)
    if query.metric == "em":
        if rng.random() < 0.75:
            return final(query, value, rng, llm.manner)
        word = "supports" if value == "true" else "does not support"
        return rng.choice(
            ("According to the passage the statement is {0}.", "The passage {1} this, so the reply has to be {0}.")
        ).format(value, word)
    draw = rng.random()
    # Scores far below chance come from replies that ignore the form asked for.
    formless = 0.55 if query.metric == "em_mc" and goal < 0.2 else 0.08
    if draw < formless:
        return hedge(query, rng)
    if draw < formless + 0.04:
        return rng.choice(phrases.REFUSALS)
    if draw < formless + 0.06:
        return rng.choice(phrases.NON_ANSWERS)
    if draw < formless + 0.10:
        return " ".join(rng.sample(phrases.RAMBLES, 2))
    text = reasoned(query, value, llm, mode, rng)
    return _truncated(text, rng) if draw < formless + 0.18 else text


def _truncated(text: str, rng: random.Random) -> str:
    """The text as it looks when the limit of tokens was reached."""
    return text[: int(len(text) * rng.uniform(0.35, 0.85))]


def _judge(performance: float, text: str, llm: SimulatedLlm, rng: random.Random) -> float | None:
    """A judge's score in steps of 0.05: mostly correctness, a little size and care, and noise; sometimes there is none."""
    if rng.random() < 0.015:
        return None
    care = min(1.0, len(text) / 1200)
    size = min(1.0, llm.parameters_b / 70)
    score = 0.30 + 0.45 * performance + 0.10 * care + 0.08 * size + rng.gauss(0, 0.10)
    return round(min(1.0, max(0.0, score)) * 20) / 20
