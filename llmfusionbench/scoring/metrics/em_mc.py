"""Exact match for multiple choice: the response commits to the option that the ground truth names."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from llmfusionbench.scoring.answers.choice_patterns import choice_patterns
from llmfusionbench.scoring.answers.choices import read_choice
from llmfusionbench.scoring.answers.marks import final_text, plain_width
from llmfusionbench.scoring.answers.normalise import normalise
from llmfusionbench.scoring.answers.options import DEFAULT_LABELS, Options, read_options
from llmfusionbench.scoring.answers.refusal import no_answer_reason
from llmfusionbench.scoring.answers.truths import accepted_answers
from llmfusionbench.scoring.metrics.em import em
from llmfusionbench.scoring.outcome import Score, binary, missing, right, wrong


def em_mc(response: str, ground_truth: str, context: Mapping[str, object]) -> Score:
    """1 if the single option that a response commits to is the right one. The context has the options as `choices`.

    A ground truth that is neither a label nor the text of an option is compared as in `em`.
    """
    truths = accepted_answers(ground_truth)
    if not truths:
        return missing("the ground truth has no answer")
    options = read_options(context.get("choices"))
    labels = {label for truth in truths if (label := truth_label(truth, options)) is not None}
    if not labels:
        return em(response, ground_truth, context)
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


@lru_cache(maxsize=8192)
def truth_label(truth: str, options: Options) -> str | None:
    """The label that a ground truth names: "C", "(c)", "C. text" or the option's text."""
    patterns = choice_patterns(options.labels)
    label = patterns.alone(truth)
    if label is not None:
        return label
    plain = normalise(truth)
    for name, option in zip(options.labels, options.plain, strict=False):
        if plain and plain == option:
            return name
    label = patterns.opening(truth)
    if label is None and len(truth) == 1 and truth.isupper() and options.labels == DEFAULT_LABELS:
        return truth
    return label
