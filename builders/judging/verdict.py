"""Reads a judge's reply: a score, or none with the reason. Only the reply is read, never what it is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from llmfusionbench.builders.judging.excerpt import excerpt
from llmfusionbench.builders.judging.expectation import SHARES, Distribution, Tokens
from llmfusionbench.builders.judging.rubric import Rubric
from llmfusionbench.builders.judging.scale import plain_number
from llmfusionbench.builders.judging.thoughts import closed_up, is_thinking, without_thoughts
from llmfusionbench.builders.judging.values import Stated, stated_values
from llmfusionbench.texts.quoting import sendable

Fault = Literal[
    "empty", "no score", "several scores", "not a score of the scale", "reasoning without an end", "cut off", "refused"
]

LONGEST_REASON: Final = 20_000
"""Most characters of a reply that the release keeps; the journal has all of them."""


@dataclass(frozen=True)
class Verdict:
    """What a reply says."""

    score: float | None
    """From 0 to 1; of a pair, the share of the answer that was shown first. None without a score: never a 0 in its place."""
    reason: str | None
    """The judge's explanation; the whole reply where there is no score."""
    fault: Fault | None = None
    """Why there is no score."""
    distribution: Distribution | None = None
    """The probabilities behind a score that is an expectation."""
    criteria: tuple[tuple[str, float], ...] = ()
    """(name, score as a share of 1) of each criterion."""


def read_verdict(
    text: str | None,
    rubric: Rubric,
    *,
    pairwise: bool = False,
    logprobs: Any = None,
    cut_off: bool = False,
    refused: bool = False,
) -> Verdict:
    """The verdict in a reply.

    Accepted are an object of JSON with the score, a tag `<score>` around a number, and, where the rubric asks for a number
    alone, a reply that is one. All scores that the reply states must agree and be of the scale. Where the log-probabilities
    give enough mass to valid scores (`LEAST_MASS`), the score is the expectation over them.

    Args:
        text: The reply, without reasoning that came apart from it.
        rubric: The rubric that was asked by.
        pairwise: Whether two answers were compared.
        logprobs: Log-probabilities of the tokens as the OpenAI protocol has them, if the server gives them.
        cut_off: Whether the reply ended because it had no more tokens. A number alone that could go on is then no score.
        refused: Whether a filter or the judge's refusal ended the reply. The same holds.
    """
    early: Fault | None = "refused" if refused else "cut off" if cut_off else None
    if text is None or not text.strip():
        return Verdict(None, None, early or "empty")
    kept = sendable(excerpt(text.strip(), LONGEST_REASON))
    shown = without_thoughts(text)
    start = len(shown) - len(shown.lstrip())
    said, shown = text[start:], shown[start:]
    tokens = None if logprobs is None else Tokens.of(said, logprobs)
    names = ["better"] if pairwise else [c.name for c in rubric.criteria] or ["score"]
    alone = rubric.reply == "number" and not pairwise and plain_number(shown) is not None
    if alone:
        stated, reason = [Stated("score", shown.strip(), (0, len(shown.strip())))], None
    else:
        values = stated_values(shown, names, grouped=bool(rubric.criteria) and not pairwise)
        stated, reason = values.stated, values.reason
        if is_thinking(values.prose):
            return Verdict(None, kept, early if refused else "reasoning without an end")
    scores: dict[str, float] = {}
    distributions: dict[str, Distribution] = {}
    for name in names:
        mine = [value for value in stated if value.name == name]
        score = _agreed(mine, rubric, pairwise)
        if not isinstance(score, float):
            return Verdict(None, kept, early if early and score == "no score" else score)
        scores[name] = score
        span = mine[-1].span
        if tokens is not None and span is not None:
            found = tokens.side(said, span) if pairwise else tokens.number(said, span, rubric.scale, cut_off=early is not None)
            if found is not None:
                distributions[name], scores[name] = found, found.mean
    if alone and early and not distributions and not rubric.scale.ends(shown.strip()):
        return Verdict(None, kept, early)
    if reason is not None and shown != said:
        reason = closed_up(reason)
    why = None if reason is None else sendable(excerpt(reason, LONGEST_REASON))
    if len(names) == 1 and not (rubric.criteria and not pairwise):
        return Verdict(scores[names[0]], why, None, distributions.get(names[0]))
    listed = "; ".join(f"{name} {score:.3g}" for name, score in scores.items())
    why = listed if why is None else f"{listed}\n{why}"
    return Verdict(min(1.0, max(0.0, rubric.mean(scores))), why, None, None, tuple(scores.items()))


def _agreed(stated: Sequence[Stated], rubric: Rubric, pairwise: bool) -> float | Fault:
    """The one score that values of one name state, or why there is none."""
    if not stated:
        return "no score"
    found = {_share(value.value, rubric, pairwise) for value in stated}
    if None in found:
        return "not a score of the scale"
    return "several scores" if len(found) > 1 else float(next(iter(found)) or 0.0)


def _share(value: float | str | None, rubric: Rubric, pairwise: bool) -> float | None:
    if pairwise:
        return SHARES.get(value.strip().casefold()) if isinstance(value, str) else None
    number = plain_number(value) if isinstance(value, str) else value
    return None if number is None else rubric.scale.share(number)
