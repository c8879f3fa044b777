"""Reads the option that a response commits to in a multiple-choice task.

Order of trust: the whole response, an answer field or mark, a sentence such as "B is correct", a bracketed or bold
letter, a line with a letter alone, a letter as a word, an option's text. In each the last one named counts, and one
that is ruled out ("not A") does not.
"""

from __future__ import annotations

import re

from llmfusionbench.scoring.answers.choice_patterns import ChoicePatterns, choice_patterns
from llmfusionbench.scoring.answers.marks import answer_field, last_mark
from llmfusionbench.scoring.answers.normalise import contains_words, normalise
from llmfusionbench.scoring.answers.options import Options
from llmfusionbench.scoring.answers.refusal import declines

WHOLE_LIMIT = 1000
"""Longest text that can be an option as a whole, in characters."""
TAIL = 4000
"""How much of the end of a response is searched for what is not marked, in characters."""

_LATEX_TEXT = re.compile(r"\\(?:text|textbf|textit|mathrm|mathbf|mbox)\s?\{([^{}]*+)\}")
_SENTENCE_END = re.compile(r"(?<=[\w)*])[.;!?](?:\s|$)|\n")


def read_choice(text: str, options: Options) -> str | None:
    """The label that `text` commits to, as written in `options.labels`; None where it names no option."""
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
    """The option that `text` is, as a whole: its label or its text."""
    label = patterns.alone(text)
    if label is not None or not options.texts:
        return label
    # As written first: normalising makes one of -1/4 and 1/4, of pV and pv.
    written, plain = text.strip(), normalise(text)
    for wanted, texts in ((written, options.texts), (plain, options.plain)):
        same = [label for label, option in zip(options.labels, texts, strict=True) if option == wanted]
        if len(same) == 1 and wanted:
            return same[0]
    return None


def _only_text(text: str, options: Options) -> str | None:
    """The one option whose text stands in `text`, if there is just one."""
    if not options.texts:
        return None
    plain = normalise(text)
    pairs = zip(options.labels, options.plain, strict=True)
    named = [(label, words) for label, words in pairs if contains_words(plain, words)]
    # "green tea" names the option "green tea" and not also the option "tea".
    longest = [label for label, words in named if not any(words != other and words in other for _, other in named)]
    return longest[0] if len(longest) == 1 else None
