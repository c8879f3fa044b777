"""Finds the option that a response commits to in a multiple-choice task.

Looked for in this order: the whole response, an answer field or mark, a sentence such as "B is correct", a letter in brackets
or bold, a line with only a letter, an option's text, a letter as a word. The last one counts, unless it is ruled out ("not A").
"""

from __future__ import annotations

import re

from llmfusionbench.scoring.answers.choice_patterns import ChoicePatterns, choice_patterns
from llmfusionbench.scoring.answers.marks import answer_field, last_mark
from llmfusionbench.scoring.answers.normalise import contains_words, normalise
from llmfusionbench.scoring.answers.options import Options
from llmfusionbench.scoring.answers.refusal import declines

WHOLE_LIMIT = 1000
"""Longest response that is compared with the options as a whole, in characters."""
TAIL = 4000
"""Length of the end of a response that is searched for unmarked answers, in characters."""

_LATEX_TEXT = re.compile(r"\\(?:text|textbf|textit|mathrm|mathbf|mbox)\s?\{([^{}]*+)\}")
_SENTENCE_END = re.compile(r"(?<=[\w)*])[.;!?](?:\s|$)|\n")


def read_choice(text: str, options: Options) -> str | None:
    """The label that `text` commits to, as written in `options.labels`; None if it does not name an option."""
    patterns = choice_patterns(options.labels)
    if len(text) <= WHOLE_LIMIT and (label := _whole(text, options, patterns)) is not None:
        return label
    field = answer_field(text)
    if field is not None and (label := _marked(field, options, patterns)) is not None:
        return label
    mark = last_mark(text) if field is None else None
    tail = text[-TAIL:]
    if mark is not None and (label := _marked(mark[1], options, patterns)) is not None:
        later = text[text.find(mark[1], mark[0]) + 1 :]
        return patterns.last_sentence(later[-TAIL:]) or label
    if (label := patterns.last_sentence(tail)) is not None:
        return label
    if len(text) <= TAIL and (label := patterns.opening(text)) is not None:
        return label
    if declines(text):
        return None
    bracketed = patterns.bracketed(tail)
    if bracketed:
        return bracketed[-1]
    return patterns.last_line(tail) or _only_text(tail, options) or patterns.last_bare(tail)


def _marked(marked: str, options: Options, patterns: ChoicePatterns) -> str | None:
    marked = _LATEX_TEXT.sub(r"\1", marked)
    sentence = _SENTENCE_END.split(marked, maxsplit=1)[0]
    label = patterns.leading(marked) or _whole(sentence, options, patterns)
    return label if label is not None else _only_text(sentence, options)


def _whole(text: str, options: Options, patterns: ChoicePatterns) -> str | None:
    """The option whose label or text is all of `text`."""
    label = patterns.alone(text)
    if label is not None or not options.texts:
        return label
    # First as written: -1/4 and 1/4, or pV and pv, are the same once normalised.
    written, plain = text.strip(), normalise(text)
    for wanted, texts in ((written, options.texts), (plain, options.plain)):
        same = [label for label, option in zip(options.labels, texts, strict=True) if option == wanted]
        if len(same) == 1 and wanted:
            return same[0]
    return None


def _only_text(text: str, options: Options) -> str | None:
    """The only option whose text is contained in `text`, if there is exactly one."""
    if not options.texts:
        return None
    plain = normalise(text)
    pairs = zip(options.labels, options.plain, strict=True)
    named = [(label, words) for label, words in pairs if contains_words(plain, words)]
    # "green tea" names the option "green tea" and not also the option "tea".
    longest = [label for label, words in named if not any(words != other and words in other for _, other in named)]
    return longest[0] if len(longest) == 1 else None
