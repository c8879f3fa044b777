"""Exact match for multiple choice: the response commits to the option that the ground truth names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from llmfusionbench.scoring.answers.booleans.boolean import as_boolean
from llmfusionbench.scoring.answers.choices.choices import read_choice
from llmfusionbench.scoring.answers.choices.options import DEFAULT_LABELS, Options, options_of, read_options
from llmfusionbench.scoring.answers.choices.patterns import choice_patterns
from llmfusionbench.scoring.answers.marks import final_text, plain_width
from llmfusionbench.scoring.answers.normalise import normalise
from llmfusionbench.scoring.answers.refusal import no_answer_reason
from llmfusionbench.scoring.answers.truths import choice_answers, whole_number
from llmfusionbench.scoring.metrics.em import em
from llmfusionbench.scoring.outcome import Score, binary, missing, right, wrong

NO_OPTION: Final = "the ground truth names no option"
NO_TEXTS: Final = "the ground truth is a text, the answer a letter, and the options are not known"
MAY_BE_INDEX: Final = "the ground truth names no option; it may be an index, counted from 0 or from 1"


def em_mc(response: str, ground_truth: str, context: Mapping[str, object]) -> Score:
    """1 if the single option that a response commits to is the right one.

    The context has the options as `choices`; without them they are read from its `prompt`, unless the ground truth is none of
    those. A ground truth that names no option gives no score. A text is compared as in `em` where the options are not known; a
    letter cannot be compared with it.
    """
    truths = choice_answers(ground_truth)
    if not truths:
        return missing("the ground truth has no answer")
    options = options_of(context.get("choices"), context.get("prompt"))
    labels = _named(truths, options)
    if not labels and options != Options() and read_options(context.get("choices")) == Options():
        options = Options()  # those of the prompt are not all, or not those of this question
        labels = _named(truths, options)
    if not labels and any(whole_number(truth) is not None for truth in truths):
        return missing(MAY_BE_INDEX)
    if not labels:
        return _as_text(response, ground_truth, context) if options == Options() else missing(NO_OPTION)
    if response.strip() == ground_truth.strip():
        return right(min(labels))
    known = set(options.labels)
    if not labels <= known:  # the options lack the right label, or it is beyond J
        options = Options(options.labels + tuple(sorted(labels - known)))
    text = plain_width(final_text(response))
    choice = read_choice(text, options)
    if choice.label is None:
        return wrong(None, "several options in the response" if choice.several else no_answer_reason(text, "option"))
    return binary(choice.label in labels, choice.label)


def _named(truths: Iterable[str], options: Options) -> set[str]:
    return {label for truth in truths if (label := truth_label(truth, options)) is not None}


def _as_text(response: str, ground_truth: str, context: Mapping[str, object]) -> Score:
    """The score of a text where no options are known."""
    found = em(response, ground_truth, context)
    if found.value == 0 and read_choice(plain_width(final_text(response)), Options()).label is not None:
        return missing(NO_TEXTS)
    return found


@lru_cache(maxsize=8192)
def truth_label(truth: str, options: Options) -> str | None:
    """The label that a ground truth names: "C", "(c)", "C. text" or the option's text; true and yes are one text."""
    patterns = choice_patterns(options.labels)
    label = patterns.alone(truth)
    if label is None:
        label = text_label(truth, options)
    if label is None:
        label = patterns.opening(truth)
    if label is None and len(truth) == 1 and truth.isupper() and options.labels == DEFAULT_LABELS:
        return truth
    return label


def text_label(truth: str, options: Options) -> str | None:
    """The label of the option whose text is a ground truth: as it is, else normalised, else as true or false."""
    if truth.strip() in options.texts:
        return options.labels[options.texts.index(truth.strip())]
    plain = normalise(truth)
    if plain and plain in options.plain:
        return options.labels[options.plain.index(plain)]
    value = as_boolean(truth)
    same = [name for name, text in zip(options.labels, options.texts, strict=False) if as_boolean(text) is value]
    return same[0] if value is not None and len(same) == 1 else None
