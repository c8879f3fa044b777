"""Finds where a text commits to an option: who is named, how strongly, and where. What is withdrawn or denied is left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import IntEnum

from llmfusionbench.scoring.answers.choices import dismissal_words, mark_words, mention_places
from llmfusionbench.scoring.answers.choices import words as choice_words
from llmfusionbench.scoring.answers.choices.dismissals import (
    REACH,
    after_text,
    dismissed,
    dismissed_later,
    ruled_out,
    supposed,
    taken_back,
)
from llmfusionbench.scoring.answers.choices.graded_list import graded_before
from llmfusionbench.scoring.answers.choices.mentions import ANY, CLEAR, STRONG, label_of
from llmfusionbench.scoring.answers.choices.option_numbers import named_by_number
from llmfusionbench.scoring.answers.choices.option_texts import named_by_text
from llmfusionbench.scoring.answers.choices.options import Options
from llmfusionbench.scoring.answers.marks import boxed, lowered, tagged

_ANY, _CLEAR, _STRONG = re.compile(ANY), re.compile(CLEAR), re.compile(STRONG)
_WINDOW = 80
"""Characters before a mention that may choose it."""
_ASIDE = re.compile(r"\s?\([^()]{1,60}\)\s?")
"""Words in brackets after an option: "B (40 K) is the nearest"."""
_SIGNED = re.compile(r"-?\.?\d")
"""The sign or the point of a number."""
_SIGNS = tuple(":=>\u2192\u2013\u2014-")
_MARKS = 12
"""Most marks that are read, from the end."""
_CONTENT = 400
_SHORT = {"is": 160, ":": 60}
"""Longest marked answer, after a verb or a sign, that counts as an answer though it names no option."""
_REASON = re.compile(r"\b(?:because|since|as|while|whereas|rather than|not|unlike|but|which|so that)\b")


_FORMS = {"chosen": _ANY, "best": _ANY, "foreign": _ANY, "chinese": _ANY, "match": _STRONG, "only": _STRONG}
"""The forms of a mention that a way to choose takes; otherwise all that are not weak."""


class Strength(IntEnum):
    """How strongly an option is named."""

    NEAREST = 0
    """"A comes closest", which what is right outdoes."""
    STATEMENT = 1
    """"A is correct", which may be an aside about a statement."""
    VERDICT = 2
    """"A is the best option", "this matches option A", "the reason is **A. text**"."""
    CHOICE = 3
    """"I choose A", "so A", "wait, it is A", or announced by a colon."""
    MARK = 4
    """"The answer is A", \\boxed{A}, <answer>A</answer>."""


@dataclass(frozen=True, slots=True)
class Commitment:
    """One place where options are named as the answer."""

    place: int
    """Where it ends, in characters."""
    labels: tuple[str, ...]
    """The options named; empty for a marked answer that is none of them."""
    strength: Strength


def named(content: str, options: Options) -> tuple[str, ...]:
    """The labels that a marked answer names: usually one, none if it is no option, several for a list or a hedge."""
    low = lowered(content)
    sentence = content[: end.start()] if (end := mention_places.CLAUSE_END.search(low)) else content
    if options.texts and len(sentence) > 3 and (label := named_by_text(written(sentence, options), options, whole=True)):
        return (label,)
    found = mark_words.LEADING.match(low)
    if found is not None and not dismissed(low, found.end()):
        return _labels(_listed(content, low, found.end("mention"), options), options)
    sentence = low[: len(sentence)]
    if (reason := _REASON.search(sentence)) is not None and reason.start() > 0:
        sentence = sentence[: reason.start()]
    strong = [found for found in _CLEAR.finditer(sentence) if _is_answer(sentence, found)]
    if strong:
        mentions = [mention for found in strong for mention in (found[0], *joined(sentence, found.end()))]
        return _labels(mentions, options)
    if (place := mention_places.ORDINAL.match(low)) is not None:
        number = mention_places.ORDINALS.index(place[1])
        return options.labels[number : number + 1]
    if not options.texts:
        return ()
    plain = written(sentence, options)
    label = named_by_number(plain, options) or named_by_text(plain, options)
    return () if label is None else (label,)


def joined(low: str, place: int) -> list[str]:
    """The mentions that a list goes on with from `place`."""
    rest = mention_places.LIST.match(low, place)
    return [] if rest is None else _ANY.findall(rest[0])


def _is_answer(sentence: str, found: re.Match[str]) -> bool:
    if ruled_out(sentence, found.start()) or dismissed(sentence, found.end()):
        return False
    at_end = not sentence[found.end() :].strip(" .)*,")
    return _STRONG.match(found[0]) is not None or (
        at_end and sentence[: found.start()].rstrip()[-1:] in ("/", ":", ",", "=", "-")
    )


def written(marked: str, options: Options) -> str:
    """A marked text with labels for its mentions."""
    return _ANY.sub(lambda found: label_of(found[0], options.labels), marked)


def _labels(mentions: list[str], options: Options) -> tuple[str, ...]:
    return tuple(dict.fromkeys(label_of(mention, options.labels) for mention in mentions))


def _listed(marked: str, low: str, place: int, options: Options) -> list[str]:
    """The mention that ends at `place`, and those that it is joined with: "A or B", "(A) the quay, (C) the market"."""
    mentions = [low[place - 1]]
    if (other := mention_places.ALTERNATIVE.match(low, place)) is not None:
        return [*mentions, other["mention"]]
    while len(mentions) < 10:
        start = after_text(marked, place, mentions[-1], options)
        found = mention_places.HOP.match(low, start)
        if found is None:
            break
        place = found.end()
        if mention_places.PREDICATE.match(low, place) is not None:
            return mentions[:1]
        mentions.append(found["mention"])
    return mentions


def marks(marked: str, low: str, options: Options) -> list[Commitment]:
    """The marked answers of a text, in order; of those that name no option only the short ones."""
    found: list[Commitment] = []
    if (tag := tagged(marked, low) if "<answer>" in low else None) is not None:
        found.append(Commitment(tag[0] + 8 + len(tag[1]), named(tag[1], options), Strength.MARK))
    if "\\boxed" in marked or "\\fbox" in marked:
        before = marked
        for _ in range(3):
            if (box := boxed(before)) is None:
                break
            found.append(Commitment(box[0] + 7 + len(box[1]), named(box[1], options), Strength.MARK))
            before = before[: box[0]]
    found += _phrases(marked, low, options)
    return sorted(found, key=lambda mark: mark.place)


def _phrases(marked: str, low: str, options: Options) -> Iterator[Commitment]:
    known = "answer" in low
    english = (known and low.isascii()) or not mark_words.has_foreign_word(low)
    if english and not known:
        return
    for found in list(mark_words.MARK[english].finditer(low))[-_MARKS:]:
        if supposed(low, found.start()) or (
            "would be" in found[0]
            and mark_words.CONDITIONAL.search(low, max(0, found.start() - 240), found.start()) is not None
        ):
            continue
        place = found.end()
        while place < len(low) and low[place] in " \t\n\r*_`:>#-.\u2026" and not _SIGNED.match(low, place):
            place += 1
        if "\\boxed" in low[place : place + 12]:
            continue
        line = low.find("\n", place)
        end = min(len(low) if line < 0 else line, place + _CONTENT)
        content = marked[place:end]
        labels = named(content, options)
        if labels and line >= 0 and "\n" in low[found.end() - 1 : place]:
            plural = low[found.start() : found.end()].rstrip(" :").endswith("are")
            labels = _block(marked, low, place, labels, options, plural=plural)
        sign = ":" if low[found.end() - 1] in ":=" else "is"
        clause = mention_places.CLAUSE_END.search(low, place, end)
        length = (end if clause is None else clause.start()) - place
        if labels or (0 < length <= _SHORT[sign] and mark_words.REMARK.match(low, place) is None):
            yield Commitment(place + 1, labels, Strength.MARK)


def _block(marked: str, low: str, place: int, labels: tuple[str, ...], options: Options, *, plural: bool) -> tuple[str, ...]:
    """The labels of consecutive lines that begin with a mention, the first at `place`; blank lines part them if `plural`."""
    found = list(labels)
    lines = mention_places.LINE_MENTION if low[place] <= mention_places.LAST_CLEAR else mention_places.LINE_WEAK_MENTION
    line = low.find("\n", place)
    while line >= 0 and len(found) < 10:
        start = line + 1
        while plural and start < len(low) and low[start] in " \n":
            start += 1
        following = lines.match(low, start)
        if following is None or dismissed_later(marked, low, following.start("mention"), options):
            break
        if mention_places.PREDICATE.match(low, following.end("mention")) is not None:
            break
        found.append(label_of(following["mention"], options.labels))
        line = low.find("\n", following.end())
    return tuple(dict.fromkeys(found))


def sentences(marked: str, low: str, options: Options) -> list[Commitment]:
    """What the sentences of a text commit to, other than marked answers."""
    found = [*_announced(marked, low, options)]
    floor = 0
    for mention in _ANY.finditer(low):
        place = mention.start()
        strength = _chosen(marked, low, max(floor, place - _WINDOW), place, options)
        if strength is not None:
            alone = choice_words.ONLY_ONE.match(low, place + 1) is not None
            mentions = [mention[0]] if alone else _listed(marked, low, place + 1, options)
            found.append(Commitment(place + 1, _labels(mentions, options), strength))
        elif mention[0] <= mention_places.LAST_CLEAR and (verdict := _verdict(marked, low, place, options)) is not None:
            found.append(Commitment(verdict[0], _labels([mention[0]], options), verdict[1]))
        floor = place + 1
    graded = graded_before(low, options)
    found = [replace(one, labels=graded.get(one.place, one.labels)) for one in found] if len(graded) > 1 else found
    return sorted(found, key=lambda commitment: commitment.place)


def _chosen(marked: str, low: str, start: int, place: int, options: Options) -> Strength | None:
    """How strongly the words from `start` on choose the mention at `place`, if they do."""
    end = place + 1
    before = low[max(start, place - 16) : place].rstrip(" :=$\"'(\n*,.;!\u2014-")
    if (
        before.isascii()
        and (before.rsplit(None, 1) or [""])[-1] not in choice_words.BEFORE_CHOICE
        and low[start:place].rstrip()[-1:] not in _SIGNS
    ):
        return None
    found = choice_words.CHOICE.search(low, start, place)
    if found is not None:
        group = str(found.lastgroup)
        fits = _FORMS.get(group, _CLEAR).match(low[place]) is not None
        if group == "hence":
            fits = (fits or "choose" in found[0] or "pick" in found[0]) and choice_words.CHOICE_ENDS.match(low, end) is not None
        clear = low[place] <= mention_places.LAST_CLEAR
        if group == "only":
            fits = fits and choice_words.ONLY_ONE.match(low, end) is not None
            fits = fits or (clear and choice_words.ONLY_FITS.match(low, end) is not None)
            fits = fits or (clear and "statement" in found[0] and choice_words.ONLY_ONE.match(low, end) is not None)
        if group == "instead":
            fits = fits and ruled_out(low, found.start() - 1) and mention_places.PREDICATE.match(low, end) is None
        if group == "match" and not fits:
            fits = (
                clear
                and choice_words.MATCHES.match(found[0]) is not None
                and mention_places.MENTION_ENDS.match(low, end) is not None
            )
        if group in ("thought", "match", "hence"):
            fits = fits and mention_places.PREDICATE.match(low, end) is None
        if fits and not (
            (group == "chosen" and _hedged(low, found.start()))
            or (_denied(low, found.start()) and ", which" not in found[0])
            or (group != "except" and (ruled_out(low, place) or dismissed(low, end)))
            or taken_back(marked, low, end, options)
        ):  # fmt: skip
            if group not in ("match", "only", "except"):
                return Strength.CHOICE
            return Strength.VERDICT if choice_words.CORRECTION.search(low, start, place) is None else Strength.CHOICE
    if choice_words.CORRECTION.search(low, start, place) is not None and not (dismissed(low, end) or ruled_out(low, place)):
        return Strength.CHOICE
    found = choice_words.COPULA.search(low, max(start, place - 30), place)
    if found is None or _denied(low, found.start()) or ruled_out(low, place):
        return None
    if after_text(marked, end, low[place], options) > end:
        return None if taken_back(marked, low, end, options) else Strength.VERDICT
    if found.lastgroup == "paired" or dismissed_later(marked, low, place, options, surely=True):
        return None
    last = not low[end:].strip(" ).!*\n") and (
        low[place] <= mention_places.LAST_CLEAR or found.lastgroup == "its" or low.startswith("it ", max(0, found.start() - 3))
    )
    return Strength.VERDICT if last or _STRONG.match(low[place]) is not None else None


def _verdict(marked: str, low: str, place: int, options: Options) -> tuple[int, Strength] | None:
    """Where a statement ends that the mention at `place` is right, and how strong it is."""
    match = choice_words.VERDICT.match(low, place)
    if match is None and mention_places.LINE_START.search(low, max(0, place - 12), place) is not None:
        right = choice_words.RIGHT_IN_LIST.match(low, place)
        return None if right is None else (right.end(), Strength.STATEMENT)
    nearest = match is not None and match[0].endswith(("closest", "nearest"))
    if (
        match is None
        or (_denied(low, place) and not (nearest and low[max(0, place - 7) : place] == "though "))
        or mention_places.JOINED.search(low, max(0, place - 12), place) is not None
    ):
        return None
    if match["text"].strip(' ).,:*"') and not (_STRONG.match(low[place]) or _ASIDE.fullmatch(match["text"])):
        return None
    if taken_back(marked, low, place + 1, options):
        return None
    if nearest:
        return None if choice_words.NOT_RIGHT.match(low, match.end()) is not None else (match.end(), Strength.NEAREST)
    aside = choice_words.AS_STATEMENT.search(match[0]) is not None and not _contrasted(low, place, match.end())
    return match.end(), Strength.STATEMENT if aside else Strength.VERDICT


def _contrasted(low: str, start: int, end: int) -> bool:
    """Whether "A is right", from `start` to `end`, is set against what was said before: "but A is right."."""
    return (
        choice_words.CONTRAST.search(low, max(0, start - 16), start) is not None
        and choice_words.CONTRASTED.fullmatch(low, start, min(end + 2, len(low))) is not None
    )


def _hedged(low: str, place: int) -> bool:
    start = max(0, place - REACH)
    if dismissal_words.FIRST_PERSON.search(low, start, place) is not None:
        return False
    return dismissal_words.HEDGED.search(low, start, place) is not None


def _denied(low: str, place: int) -> bool:
    start = max(0, place - REACH)
    return (
        dismissal_words.NOT_A_VERDICT.search(low, start, place) is not None
        or dismissal_words.NONE_OF.search(low, start, place) is not None
    )


def _announced(marked: str, low: str, options: Options) -> Iterator[Commitment]:
    """Options on the line after one that ends with "the most likely product is:"."""
    if ":\n" not in low and ": \n" not in low:
        return
    for match in mention_places.LINE_MENTION.finditer(low):
        before = low[max(0, match.start() - 200) : match.start()].rstrip()
        if not before.endswith(":") or match.start() == 0:
            continue
        line = before.rsplit("\n", 1)[-1]
        if mention_places.LEAD_IN.search(line) is None or mention_places.NOT_LEAD_IN.search(line) is not None:
            continue
        start, place = match.start("mention"), match.end("mention")
        if dismissed_later(marked, low, start, options, surely=True) or mention_places.PREDICATE.match(low, place) is not None:
            continue
        labels = _labels(_listed(marked, low, place, options), options)
        plural = line.rstrip(" :").endswith("are")
        yield Commitment(place, _block(marked, low, start, labels, options, plural=plural), Strength.CHOICE)
