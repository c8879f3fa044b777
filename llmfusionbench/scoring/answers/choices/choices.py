"""Finds the option that a response commits to in a multiple-choice task.

Every mention of an option is found (`mentions`), and every commitment to one, with its strength (`commitments`). One rule
decides: the last commitment of the highest strength counts, where a marked answer and a choice in words are equal. What
names several options, and a marked answer that is no option, is not an answer, unless another choice settles it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from llmfusionbench.scoring.answers.choices import dismissal_words
from llmfusionbench.scoring.answers.choices.commitments import Commitment, Strength, marks, named, sentences
from llmfusionbench.scoring.answers.choices.dismissals import supposed
from llmfusionbench.scoring.answers.choices.graded_list import graded_options
from llmfusionbench.scoring.answers.choices.look_alikes import latin_labels
from llmfusionbench.scoring.answers.choices.mentions import with_mentions
from llmfusionbench.scoring.answers.choices.option_texts import equal_text
from llmfusionbench.scoring.answers.choices.options import Options
from llmfusionbench.scoring.answers.choices.patterns import choice_patterns
from llmfusionbench.scoring.answers.choices.plain_mentions import alone, last_plain, lone_line, opening
from llmfusionbench.scoring.answers.choices.run_on import continuations, without_end_token
from llmfusionbench.scoring.answers.marks import answer_field, lowered

_SHORT = 40
"""Longest text that is compared with the labels as a whole, in characters."""
_SENTENCE = 120
"""Longest last sentence that may name several options, in characters."""
HEAD, TAIL = 3000, 9000
"""Lengths of the beginning and the end that are read where a response is longer than both, in characters."""
_PROMPTED = re.compile(r"(\A\s{0,4}|\n)A:[ \t]{1,2}(?=[(*\[]{0,3}[A-Z][)\]*.]{0,3}\s{0,4}(?:\n|\Z))")
"""The "A:" of a prompt with questions and answers, before an answer that is a letter."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What a response chose."""

    label: str | None
    """As written in the options; None without a single answer."""
    several: bool = False
    """Whether it names several options as its answer."""


_RIGHT = ("correct", "right")
_NONE, _SEVERAL = Choice(None), Choice(None, several=True)


def read_choice(text: str, options: Options) -> Choice:
    """The single option that `text` commits to."""
    text = without_end_token(text)
    if not text.isascii():
        text = latin_labels(text)
    if "A:" in text:
        text = _PROMPTED.sub(r"\1Answer: ", text)
    plainest = choice_patterns(options.labels)
    if len(text) <= _SHORT and (label := plainest.alone(text)) is not None:
        return Choice(label)
    comparable = options.texts and len(text) <= 2 * max(map(len, options.texts)) + _SHORT
    if comparable and (label := equal_text(text, options)) is not None:
        return Choice(label)
    field = answer_field(text)
    if field is not None and (labels := named(with_mentions(field, options.labels), options)):
        return _of(labels)
    if len(text) > HEAD + TAIL:
        text = f"{text[:HEAD]}\n\n{text[-TAIL:]}"
    low = lowered(text)
    ends = list(continuations(low))
    if not ends and (closing := plainest.closing(text)) is not None and not supposed(low, closing[0]):
        return Choice(closing[1])
    for end in ends:
        choice = _read(text[:end], options)
        if choice is not None and choice.label is not None:
            return choice
    marked = with_mentions(text, options.labels)
    if (label := alone(marked, options)) is not None:
        return Choice(label)
    if len(text) <= _SENTENCE and plainest.several(text) and not any(map(plainest.several, options.texts)):
        return _SEVERAL
    low = lowered(marked)
    choice = _committed(marked, low, options)
    choice = Choice(*last_plain(marked, low, options)) if choice is None else choice
    return _SEVERAL if choice.label is None and plainest.several(_last_sentence(text)) else choice


def _last_sentence(text: str) -> str:
    text = text[-_SENTENCE:].rstrip()
    return text[max(text.rfind("\n"), text.rfind(". ", 0, -1)) + 1 :]


def _read(text: str, options: Options) -> Choice | None:
    marked = with_mentions(text, options.labels)
    label = alone(marked, options)
    return Choice(label) if label is not None else _committed(marked, lowered(marked), options)


def _of(labels: tuple[str, ...]) -> Choice:
    return Choice(labels[0]) if len(labels) == 1 else _SEVERAL


def _committed(marked: str, low: str, options: Options) -> Choice | None:
    """What the text commits to in a mark, in words or by its beginning; None if it does neither."""
    found = marks(marked, low, options)
    if found and len(found[-1].labels) == 1 and not low[found[-1].place :].strip(" .)*\n$}"):
        return Choice(found[-1].labels[0])
    if (label := lone_line(marked, low, options)) is not None:
        return Choice(label)
    said = sentences(marked, low, options)
    if said and (others := dismissal_words.others(low)) is not None:
        said = [one for one in said if one.place < others.start() or one.strength == Strength.CHOICE]
    decisive = sorted(
        [one for one in (*found, *said) if one.strength >= Strength.CHOICE and one.labels],
        key=lambda one: (one.place, len(one.labels)),
    )
    verdicts = _verdicts(low, said)
    settled = any(one.labels for one in found) or (decisive and len(decisive[-1].labels) == 1)
    if not settled and (graded := graded_options(low, options)) is not None:
        return _of(graded) if graded else _NONE
    if decisive:
        last = decisive[-1]
        if len(last.labels) > 1:
            later = [one for one in verdicts if one.place > last.place and len(one.labels) == 1]
            return _of(later[-1].labels) if later else _SEVERAL
        return _NONE if _given_up(low, last, found) else Choice(last.labels[0])
    if verdicts:
        return _NONE if _given_up(low, verdicts[-1], found) else _of(verdicts[-1].labels)
    if found:
        return _NONE
    first = opening(marked, low, options)
    stated = {label for one in said for label in one.labels if one.strength == Strength.STATEMENT}
    if len(stated) == 1:
        return Choice(stated.pop()) if dismissal_words.OPEN_OPTIONS.search(low, said[-1].place) is None else _SEVERAL
    return None if first is None else Choice(first)


def _verdicts(low: str, said: list[Commitment]) -> list[Commitment]:
    """The verdicts, or else what comes nearest, unless one other option is called right: "B comes closest but C is right."."""
    verdicts = [one for one in said if one.strength == Strength.VERDICT]
    right = {one.labels for one in said if one.strength == Strength.STATEMENT and low.endswith(_RIGHT, 0, one.place)}
    return verdicts or ([] if len(right) == 1 else [one for one in said if one.strength == Strength.NEAREST])


def _given_up(low: str, last: Commitment, found: list[Commitment]) -> bool:
    """Whether the text goes on to say that it cannot answer, or that none of the options fits what it has not marked."""
    if dismissal_words.GIVES_UP.search(low, last.place) is not None:
        return True
    if found and not found[-1].labels and found[-1].place > last.place:
        return dismissal_words.NONE_FITS.match(low, found[-1].place - 1) is not None
    return last.strength != Strength.MARK and dismissal_words.NO_OPTION_FITS.search(low, last.place) is not None
