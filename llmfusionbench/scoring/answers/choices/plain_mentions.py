"""Reads a response that commits to an option without saying so: by being it, by beginning with it, or by ending with it."""

from __future__ import annotations

import re

from llmfusionbench.scoring.answers.choices import dismissal_words, mention_places
from llmfusionbench.scoring.answers.choices.commitments import joined, written
from llmfusionbench.scoring.answers.choices.dismissals import after_text, dismissed_later
from llmfusionbench.scoring.answers.choices.mentions import ANY, CLEAR, Form, form_of, label_of
from llmfusionbench.scoring.answers.choices.option_texts import named_by_text
from llmfusionbench.scoring.answers.choices.options import Options
from llmfusionbench.scoring.answers.normalise import normalise
from llmfusionbench.scoring.answers.refusal import declines
from llmfusionbench.texts.lazy_pattern import lazy_pattern

_SIGNS = "[^\\w\ue000-\uf76f]{0,12}"
_ALONE = lazy_pattern(
    rf"{_SIGNS}(?:(?:definitely|probably|likely|certainly|clearly|surely|maybe|the|final|best|correct|answer|ans"
    rf"|letter|is|it's"
    rf"|it)[\s:.]{{1,3}}){{0,4}}"
    rf"{_SIGNS}(?P<mention>{ANY})_?{_SIGNS}(?:it is)?{_SIGNS}(?<!\?)",
    re.IGNORECASE,
)
_START = lazy_pattern(r"[\s*#>_\"'(-]{0,12}")
_CLEAR = lazy_pattern(CLEAR)
_SIGN = lazy_pattern(
    r"\s?[.):,;\u2013\u2014-]|\s*(?:\n|\Z)|,?\s(?:because|since|as)\b|\s?\(|\s(?:and not|but not|not|rather than"
    r"|instead of|over)\b"
)
_TAIL = 1500
_LONG_TEXT = 10
"""An option's text of this many characters does not occur by chance."""
_NEAR = 300
"""A plain mention counts within this many characters of the end, or in a text that is not longer than twice that."""
_LOOP, _LOOPS = 16, 4
"""Characters of the end that a text repeats more often than this if it is a loop."""
_CUT_OFF = lazy_pattern(
    r"[.!]\s{1,9}[*_]{0,2}(?:(?:so|thus|hence|therefore),? )?the (?:correct |final |right )?answer(?: is)?[\s:]{0,3}\Z"
)
"""The beginning of a last sentence that was cut off. The one before is the conclusion."""
_RESULT = lazy_pattern(r"[=\u2248]|\\approx\b")
_ITEM = lazy_pattern(r"\n[ \t]{0,4}\d{1,2}[.)]\s[^\n]{1,60}:\s{0,2}\Z")
_WINDOW = 80
_CONNECTOR = lazy_pattern(
    r"(?:(?:\bso|\bis|\bbe|\bit's|\btherefore|\bthus|\bhence)\s|[:\u2014\u2013>\u2192\u21d2,]\s{0,2}|\A\s*|\n[\s*#>-]*)\Z"
)


def alone(marked: str, options: Options) -> str | None:
    """The label of the mention that is all of the text."""
    if len(marked) > 40:
        return None
    found = _ALONE.fullmatch(marked)
    return None if found is None else label_of(found["mention"], options.labels)


def lone_line(marked: str, low: str, options: Options) -> str | None:
    """The label that is all of a line near the end, if there are no lines with other labels alone."""
    found = list(mention_places.LINE_ALONE.finditer(low, max(0, len(low) - _NEAR)))
    if not found or len({label_of(match["mention"], options.labels) for match in found}) > 1:
        return None
    place = found[-1].start("mention")
    # A line that is cut off after "A" is a line of its own only where a sentence or a paragraph ended before it.
    if form_of(marked[place]) == Form.BARE and low[: found[-1].start()].rstrip(" ")[-1:] not in ("", *".:!?\n*"):
        return None
    return label_of(marked[place], options.labels)


def opening(marked: str, low: str, options: Options) -> str | None:
    """The label that the text begins with ("B. train station"), or that its first paragraph has in bold.

    A list that goes on with the next option is a list of options, not an answer.
    """
    first = _first(marked, low)
    if (
        first is None
        or dismissed_later(marked, low, first, options, surely=True)
        or mention_places.PREDICATE.match(low, first + 1) is not None
    ):
        return None
    if mention_places.LIST.match(low, first + 1) is not None:
        return None
    label = label_of(marked[first], options.labels)
    others = dismissal_words.OTHERS.search(low)
    stop = len(low) if others is None else others.start()
    after = options.labels.index(label) + 1
    line = mention_places.LINE_MENTION.search(low, first + 1, stop)
    end = low.find("\n", first)
    inline = _CLEAR.search(low, first + 1, len(low) if end < 0 else end)
    following = [place for place in (line and line.start("mention"), inline and inline.start()) if place is not None]
    names = [label_of(marked[place], options.labels) for place in following if not dismissed_later(marked, low, place, options)]
    return None if set(names) & set(options.labels[after : after + 1]) else label


def _first(marked: str, low: str) -> int | None:
    start = _START.match(low)
    line = mention_places.LINE_MENTION.match(low, 0 if start is None else low.rfind("\n", 0, start.end()) + 1)
    if line is not None and (
        form_of(line["mention"]) in (Form.BRACKETED, Form.EMPHASISED, Form.LISTED)
        or _SIGN.match(low, line.end("mention")) is not None
    ):
        return line.start("mention")
    end = low.find("\n\n")
    paragraph = marked if end < 0 else marked[:end]
    bold = [found.start() for found in _CLEAR.finditer(paragraph) if form_of(found[0]) == Form.EMPHASISED]
    return bold[0] if len({marked[place] for place in bold}) == 1 else None


def last_plain(marked: str, low: str, options: Options) -> tuple[str | None, bool]:
    """The label that the end of the text names, and whether it names several."""
    if declines(low) or _undecided(low[-2 * _NEAR :]):
        return None, False
    start = max(0, len(marked) - _TAIL)
    marked, low = marked[start:], low[start:]
    listed = {found.start("mention"): found["mention"] for found in mention_places.LINE_MENTION.finditer(low)}
    if len({label_of(mention, options.labels) for mention in listed.values()}) == 1 and not low.rstrip(" *\n").endswith(":"):
        listed = {}
    every = _without_runs(marked, low, [match for match in _CLEAR.finditer(low) if match.start() not in listed], options)
    plain = [
        match for match in every
        if _is_plain(marked, low, match, options) and not dismissed_later(marked, low, match.start(), options)
    ]  # fmt: skip
    floor = 0 if len(marked) <= 2 * _NEAR else len(marked) - _NEAR
    alone = len({label_of(match[0], options.labels) for match in every}) == 1 and not listed
    found = [match for match in plain if match.start() >= floor or (alone and form_of(match[0]) == Form.BRACKETED)]
    mentions = [mention for match in found for mention in (match[0], *joined(low, match.end()))]
    named = list(dict.fromkeys(label_of(mention, options.labels) for mention in mentions))
    if len(named) == 1:
        return named[0], False
    if not named:
        return _named_at_end(marked, low, options), False
    sentence = _sentence(low, found[-1].start())
    inside = {match[0] for match in found if sentence[0] <= match.start() < sentence[1]}
    if len(inside) == 1 and mention_places.CONCLUDES.search(low, *sentence) is not None:
        return label_of(found[-1][0], options.labels), False
    return None, True


def _without_runs(marked: str, low: str, found: list[re.Match[str]], options: Options) -> list[re.Match[str]]:
    """Without three or more options that are named one after the other, as a list of all does: "A. one B. two C. three"."""
    numbers = [options.labels.index(label_of(match[0], options.labels)) for match in found]
    kept: list[re.Match[str]] = []
    start = 0
    for place in range(1, len(found) + 1):
        if place == len(found) or numbers[place] != numbers[place - 1] + 1:
            run = found[start:place]
            if len(run) < 3 or any(dismissed_later(marked, low, match.start(), options) for match in run):
                kept += run
            start = place
    return kept


def _undecided(low: str) -> bool:
    return any(sign in low for sign in dismissal_words.UNDECIDED_SIGNS) and dismissal_words.UNDECIDED.search(low) is not None


def _named_at_end(marked: str, low: str, options: Options) -> str | None:
    """The option whose text is in a text that was not cut off, if it is the only one."""
    if not options.texts or low.count(low.rstrip()[-_LOOP:]) > _LOOPS:
        return None
    if len(marked) <= _NEAR:
        return named_by_text(marked, options)
    cut = _CUT_OFF.search(low)
    if cut is not None:
        marked, low = marked[: cut.start() + 1], low[: cut.start() + 1]
    end = marked.rstrip(" *\n\"')")
    if end[-1:] not in (".", "!", "\u3002", "$"):
        return None
    label = named_by_text(end, options) if cut is None else None
    if label is not None and len(options.plain[options.labels.index(label)]) >= _LONG_TEXT:
        return label
    start, _ = _sentence(low, len(end) - 1)
    concludes = mention_places.CONCLUDES.search(low, start) is not None or (cut is not None and _RESULT.search(low, start))
    label = named_by_text(written(end[start:], options), options) if concludes else None
    # The text of an option may be one number of several: then it is the result only at the end.
    return label if label is not None and normalise(end[start:]).endswith(options.plain[options.labels.index(label)]) else None


def _sentence(low: str, place: int) -> tuple[int, int]:
    start = max(low.rfind(". ", 0, place) + 1, low.rfind("\n", 0, place) + 1)
    end = mention_places.SENTENCE_END.search(low, place)
    return start, len(low) if end is None else end.start()


def _is_plain(marked: str, low: str, match: re.Match[str], options: Options) -> bool:
    """Whether a mention may be an answer by where it stands, and is not a name as in "the material (A) is"."""
    start, end = match.span()
    form = form_of(match[0])
    if dismissal_words.CONSIDERED.search(low, max(0, start - 20), start) is not None or _supposed(low, start):
        return False
    connected = _CONNECTOR.search(low, max(0, start - 16), start) is not None
    at_end = mention_places.MENTION_ENDS.match(low, end) is not None
    if form == Form.BARE:
        if after_text(marked, end, match[0], options) > end:
            return True
        if not low[end:].strip() and _ITEM.search(low, max(0, start - _WINDOW), start) is not None:
            return False  # "7. Heat: B" was cut off
        alone = low[:start].rstrip(" ")[-1:] in (".", "!", "?") and not low[end:].strip(" .)\n")
        return alone or (connected and (at_end or _SIGN.match(low, end) is not None))
    if form == Form.BRACKETED and not at_end and not connected and low[max(0, start - 2) : start].strip()[-1:].isalpha():
        return _own_text_before(marked, start, match[0], options)
    return True


def _supposed(low: str, place: int) -> bool:
    start, _ = _sentence(low, place)
    return dismissal_words.SUPPOSES.match(low, start, place) is not None


def _own_text_before(marked: str, start: int, mention: str, options: Options) -> bool:
    if not options.texts:
        return False
    plain = options.plain[options.labels.index(label_of(mention, options.labels))]
    return bool(plain) and normalise(marked[max(0, start - len(plain) - 40) : start]).endswith(plain)
