"""Scores in Inspect's logs: which of a sample's scorers counts, and its value as a number."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

from llmfusionbench.builders.known.tasks import UNKNOWN
from llmfusionbench.builders.reading.fields import BadRecordError, named
from llmfusionbench.builders.reading.metric_names import metric_word

_WORDS: Final = {"C": 1.0, "I": 0.0, "P": 0.5, "N": 0.0}
"""Inspect's words: correct, incorrect, partial, no answer. As in its metrics, no answer counts 0."""
_TRUTH: Final = {"yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}
_METRICS: Final = {"exact": "em", "f1": "f1_score"}
"""Inspect's scorers that mean the same as a metric of ours."""
_LABELS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Chosen(NamedTuple):
    """The score that counts."""

    scorer: str | None
    """Name of its scorer, with the key behind a dot where the value is an object; None if the sample has no scorer."""
    value: float | None
    """None if the sample is unscored, or the value is not a number."""
    odd: str | None
    """A value that is not a number, as it is shown to the user."""
    explanation: Any


def scores_of(sample: Mapping[str, Any], scorers: Sequence[str]) -> dict[str, Any]:
    """The scores of a sample by scorer: an object, a list of scores that have names, or the only score of older logs."""
    found = sample.get("scores")
    if found is None and sample.get("score") is not None:
        return {scorers[0] if scorers else "score": sample["score"]}
    if found is None:
        return {}
    if isinstance(found, list):
        names = [s.get("name") or s.get("scorer") if isinstance(s, dict) else None for s in found]
        return {
            str(name or (scorers[i] if i < len(scorers) else i)): s
            for i, (name, s) in enumerate(zip(names, found, strict=True))
        }
    if not isinstance(found, dict):
        raise BadRecordError(f"scores is {named(found)}, expected an object from scorers to scores")
    return found


def choose(
    scores: Mapping[str, Any],
    scorers: Sequence[str],
    wanted: str | None,
    words: Mapping[str, float],
    beyond: Collection[str] = (),
) -> Chosen:
    """The score of the scorer `wanted`, or else of the first of `scorers` that the sample has, or else of the first.

    Args:
        scores: Scorer -> its score, an object with a `value`.
        scorers: The scorers of the log in their order.
        wanted: `scorer`, or `scorer.key` for one whose value is an object. By default, the first key counts whose value is a
            number.
        words: Words for values, in addition to Inspect's own.
        beyond: Scorers and keys whose mean is outside 0 to 1, which come after all others.
    """
    key: str | None = None
    if wanted is None:
        known = [*(s for s in scorers if s in scores), *scores]
        first = known[0] if known else scorers[0] if scorers else None
        name = next((s for s in known if any(one not in beyond for one in keys_of({s: scores[s]}))), first) if beyond else first
    elif wanted in scores:
        name = wanted
    else:
        name = next((s for s in scores if wanted.startswith(f"{s}.")), None)
        key = None if name is None else wanted[len(name) + 1 :]
    if name is None or name not in scores:
        return Chosen(wanted or name, None, None, None)
    score = scores[name]
    value, explanation = (score.get("value"), score.get("explanation")) if isinstance(score, dict) else (score, None)
    if isinstance(value, dict) and value:
        numbers = (k for k, v in value.items() if f"{name}.{k}" not in beyond and (v is None or _number(v, words) is not None))
        key = key or next(numbers, next(iter(value)))
        value, name = value.get(key), f"{name}.{key}"
    number = _number(value, words)
    return Chosen(name, number, None if number is not None or value is None else _shown(value), explanation)


def metric_of_scorer(scorer: str | None, has_letter: bool) -> str:
    """The metric that a scorer stands for: ours if it means the same, else the scorer's own name in small letters."""
    if scorer is None:
        return UNKNOWN
    bare = scorer.rpartition("/")[2].lower()
    if bare == "choice" and has_letter:
        return "em_mc"
    return _METRICS.get(bare) or metric_word(bare)


def is_letter(target: Any, choices: Sequence[str] | None) -> bool:
    """Whether a target is the letter of one of the choices."""
    return isinstance(target, str) and bool(choices) and target.strip() in set(_LABELS[: len(choices or ())])


def keys_of(scores: Mapping[str, Any]) -> list[str]:
    """All that `choose` may be asked for."""
    found = []
    for name, score in scores.items():
        value = score.get("value") if isinstance(score, dict) else score
        found += [f"{name}.{key}" for key in value] if isinstance(value, dict) and value else [name]
    return found


def parsed_words(given: Sequence[str]) -> dict[str, float]:
    """`WORD:NUMBER` pairs as a mapping. Raises ValueError if one is not such a pair."""
    return {word: float(number) for word, _, number in (pair.rpartition(":") for pair in given)}


def _number(value: Any, words: Mapping[str, float]) -> float | None:
    """A value as Inspect's `value_to_float` has it, but None where that warns and counts 0."""
    if isinstance(value, str):
        if value in words:
            return words[value]
        if value in _WORDS:
            return _WORDS[value]
        said = value.strip().lower()
        if said in _TRUTH:
            return _TRUTH[said]
        try:
            value = float(said)
        except ValueError:
            return None
    if isinstance(value, (int, float)):
        try:
            found = float(value)
        except OverflowError:
            return None
        return found if math.isfinite(found) else None
    return None


def _shown(value: Any) -> str:
    return repr(value[:40]) if isinstance(value, str) else named(value)
