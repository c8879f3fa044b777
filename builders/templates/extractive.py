"""Templates without an LLM: sentences of the answers themselves, those that the answers agree on, made general.

Sentence by sentence: what the query asks for, up to three steps from the one answer that shares most with the others and
with the query, and the form of the final answer. Whatever could tell that answer is left out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from llmfusionbench.builders.templates.forms import answer_form
from llmfusionbench.builders.templates.jobs import Failure, Job
from llmfusionbench.builders.templates.leaks import NUMBER_WORDS, FinalAnswer
from llmfusionbench.builders.templates.sentences import (
    NAME,
    NUMBER,
    content_words,
    count_sentences,
    generalise,
    names_in,
    prose,
    sentences,
    split,
)

_STEPS: Final = 3
_FEW: Final = 2
"""With fewer steps that are about the query, one that holds for any query is taken too."""
_MOST: Final = 5
"""Sentences of a template."""
_TERMS: Final = 4
_WORDS: Final = (4, 40)
"""Fewest and most words of a step."""
_LENGTH: Final = 500
"""Most characters of a step, and of a question."""
_READ: Final = 60
"""Sentences of an answer that are looked at, from its beginning."""
_PROMPT: Final = 4_000
"""Characters of a prompt that are looked at, from its end."""
_ABOUT: Final = 0.15
"""Share of a sentence's words that the query has, from which on it is about the query."""
_ALIKE: Final = 0.6
"""Share of common words (Dice) from which on two sentences say the same."""
_ECHO: Final = 0.7
"""Share of a sentence's word triples that the prompt has, from which on it only repeats the prompt."""
_OPENING: Final = re.compile(
    r"^(?:(?:so|then|next|now|also|first|firstly|second|secondly|third|thirdly|finally|lastly|and|okay|well|therefore|thus|hence|"
    r"first of all|alright|as a result|in total|to begin with|to start|after that)\b,?\s+)+(?=\S)",
    re.IGNORECASE,
)
_CLOSING: Final = re.compile(
    r"\b(?:final answer|answer is|the answer|we are asked|correct (?:option|answer|choice)|hope this)\b", re.IGNORECASE
)
_OPERATION: Final = re.compile(r"\[number\]\s*%?\s*(?:[a-z]+\s+)?[-+*/×÷=x]\s*\(?\[number\]|\bx\s*=")
_ACTION: Final = re.compile(
    r"\b(?:add|subtract|multipl|divid|calculat|find|comput|determin|compar|convert|sum|total|solv|substitut|simplif|factor|"
    r"recall|rule out|eliminat|check|test|choose|pick|match|identif|count|sort|iterat|loop|return|decid|locat|derive)",
    re.IGNORECASE,
)
_CALCULATES: Final = re.compile(r"\d\s*%?\s*(?:[a-z]+\s+)?[-+*/×÷=]\s*[($]*\d|=\s*[($]*\d")
_ODD: Final = re.compile(r"[\\{}<>|_^#@]")
_NO_LETTERS: Final = re.compile(r"[^\w\s]")
_INSTRUCTION: Final = re.compile(r"\b(?:answer|reply|format|json|option|instruction|respond|output|reasoning)\b", re.IGNORECASE)
_TASK: Final = re.compile(r"[^\w]+")


@dataclass(frozen=True)
class _Sentence:
    place: int
    text: str
    """Made general."""
    words: frozenset[str]


@dataclass(frozen=True)
class _Query:
    """What the sentences of a query's answers are held against."""

    sentences: list[str]
    """Of the prompt, without its instructions."""
    words: frozenset[str]
    """Of these sentences."""
    triples: set[tuple[str, ...]]
    """Of the whole prompt."""
    names: frozenset[str]
    answer: FinalAnswer


class ExtractiveSummarizer:
    """Writes templates from the sentences of the answers; the same job always gives the same template."""

    name: Final = "extractive"

    def summarize(self, jobs: Iterable[Job]) -> Iterator[tuple[int, str | Failure]]:
        """Place of each job and its template."""
        for job in jobs:
            yield job.place, extract_template(job)


def extract_template(job: Job) -> str | Failure:
    """One to five sentences on how the answers of a job go about its query, or why there are none."""
    prompt = job.prompt[-_PROMPT:]
    asked = sentences(prompt)
    plain = [s for s in asked if not _INSTRUCTION.search(s)]
    said = [sentences(prose(text))[:_READ] for text in job.answers]
    names = names_in([*asked, *(s for own in said for s in own)])
    query = _Query(plain, content_words(" ".join(plain)), _triples(prompt), names, FinalAnswer(job))
    sorted_out = [_sorted_out(own, query.words) for own in said]
    candidates = [_candidates(about, query) for about, _ in sorted_out]
    steps = _steps(candidates, query.words)
    if len(steps) < _FEW:
        steps = steps + _steps([_candidates(general, query) for _, general in sorted_out], query.words)[:1]
    answers = Counter(word for own in candidates for word in frozenset[str]().union(*(s.words for s in own)))
    parts = [_task(job, query, answers), *_told(steps, any(len(own) > 1 for own in said)), answer_form(job)]
    while len(parts) > 2 and count_sentences(" ".join(parts)) > _MOST:
        del parts[-2]
    template = " ".join(parts)
    return Failure("the template would tell the final answer") if query.answer.told_by(template) else template


_Numbered = tuple[int, str]


def _sorted_out(own: Sequence[str], asked: frozenset[str]) -> tuple[list[_Numbered], list[_Numbered]]:
    """The sentences of an answer that are about the query or calculate, and the others, each with its place."""
    about: list[_Numbered] = []
    general: list[_Numbered] = []
    for place, sentence in enumerate(own):
        words = content_words(sentence)
        if len(words) >= 2 and len(sentence) <= _LENGTH:
            is_about = len(words & asked) >= _ABOUT * len(words) or _CALCULATES.search(sentence) is not None
            (about if is_about else general).append((place, sentence))
    return about, general


def _candidates(own: Sequence[_Numbered], query: _Query) -> list[_Sentence]:
    """Those of an answer's sentences that could be steps."""
    found = []
    for place, sentence in own:
        if _CLOSING.search(sentence) or _repeats(sentence, query.triples):
            continue
        text = generalise(_OPENING.sub("", sentence), query.names).rstrip(" :.,;*").lstrip(" *-")
        if not _WORDS[0] <= len(text.split()) <= _WORDS[1] or not _is_plain(text):
            continue
        if not query.answer.option_named(sentence) and not query.answer.told_by(text, strict=True):
            found.append(_Sentence(place, text, content_words(text)))
    return [s for s in found if len(s.words) >= 2]


def _repeats(sentence: str, prompt: set[tuple[str, ...]]) -> bool:
    """Whether a sentence, or what it says after a colon, only repeats the prompt."""
    for part in (sentence, sentence.rpartition(": ")[2])[: 1 + (": " in sentence)]:
        triples = _triples(part)
        if triples and len(triples & prompt) >= _ECHO * len(triples):
            return True
    return False


def _is_plain(text: str) -> bool:
    """Words of a language rather than formulas, code or odd characters; one sentence, and not a question."""
    if _ODD.search(text) or not text.isprintable() or text.endswith("?"):
        return False
    letters = len(_NO_LETTERS.sub("", text.replace(NUMBER, "").replace(NAME, "")))
    return letters >= 0.6 * len(text) - 20 and len(split(text)) == 1


def _triples(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return set(zip(words, words[1:], words[2:], strict=False))


def _steps(candidates: Sequence[list[_Sentence]], asked: frozenset[str]) -> list[_Sentence]:
    """Up to three sentences of one answer, in its order: those that other answers share, that are about the query and that act.

    The answer is the one whose three have the highest sum; of equals the better one.
    """
    best: list[_Sentence] = []
    highest = 0.0
    for mine, own in enumerate(candidates):
        others = [c for i, c in enumerate(candidates) if i != mine and c]
        scored = sorted(((-_score(s, others, asked), s.place, s) for s in own), key=lambda item: item[:2])
        chosen: list[_Sentence] = []
        total = 0.0
        for score, _, sentence in scored:
            if len(chosen) < _STEPS and all(_dice(sentence.words, c.words) < _ALIKE for c in chosen):
                chosen.append(sentence)
                total -= score
        if total > highest:
            best, highest = sorted(chosen, key=lambda s: s.place), total
    return best


def _score(sentence: _Sentence, others: Sequence[Sequence[_Sentence]], asked: frozenset[str]) -> float:
    """How central (0 to 1), how much about the query (0 to 1/2), and whether it does something (1/2)."""
    shared = [max(_dice(sentence.words, o.words) for o in other) for other in others]
    central = sum(shared) / len(shared) if shared else 0.0
    about = len(sentence.words & asked) / len(sentence.words)
    acts = bool(_OPERATION.search(sentence.text)) + bool(_ACTION.search(sentence.text))
    return central + 0.5 * about + 0.25 * acts


def _dice(one: frozenset[str], other: frozenset[str]) -> float:
    return 2 * len(one & other) / (len(one) + len(other))


def _told(steps: Sequence[_Sentence], reasoned: bool) -> list[str]:
    """The steps as sentences that follow each other."""
    if not steps:
        nothing = "share no step that holds in general" if reasoned else "give the result at once, without written steps"
        return [f"The best answers {nothing}."]
    openings = {1: [""], 2: ["First, ", "Then, "], 3: ["First, ", "Then, ", "Finally, "]}[len(steps)]
    return [opening + _joined(s.text, opening) + "." for opening, s in zip(openings, steps, strict=True)]


def _joined(text: str, opening: str) -> str:
    if not opening:
        return text[0].upper() + text[1:]
    text = _uncapitalised(text)
    return text.replace(" then ", " ", 1) if opening == "Then, " else text


def _uncapitalised(text: str) -> str:
    keeps = re.match(r"(?:I\b|Mrs?\.|Ms\.|Dr\.|\w[A-Z])", text) is not None
    return text if keeps else text[0].lower() + text[1:]


def _task(job: Job, query: _Query, used: Counter[str]) -> str:
    """What the query is about, and its question if it has a short one."""
    kind = " ".join(_TASK.sub(" ", job.task).split())[:40] or "unnamed"
    terms, question = _terms(query, used), _question(query)
    about = f"is about {_listed(terms)}" if terms else ""
    asks = f"asks: {question}" if question else ""
    return f"This {kind} question {' and '.join(filter(None, (about, asks))) or 'says little of itself'}."


def _question(query: _Query) -> str:
    """The last question of a prompt, made general, without its mark."""
    asked = [s for s in query.sentences if s.endswith("?") and len(s) <= _LENGTH]
    if not asked:
        return ""
    text = generalise(asked[-1].rpartition(": ")[2], query.names).rstrip("?").strip()
    fits = 3 <= len(text.split()) <= _WORDS[1] and _is_plain(text)
    # A question that can be answered by yes or no holds "is" and "not" as a matter of course.
    return _uncapitalised(text) if fits and not query.answer.told_by(text, strict=not query.answer.boolean) else ""


def _terms(query: _Query, used: Counter[str]) -> list[str]:
    """Up to four words of the query that the answers use most, in the order of the query."""
    order: dict[str, int] = {}
    for sentence in query.sentences:
        for word in re.findall(r"\b[A-Za-z]{4,24}\b", sentence):
            if word not in query.names and word not in NUMBER_WORDS and not word[0].isupper():
                order.setdefault(word, len(order))
    known = {word: used[w] for word in order for w in content_words(word)}
    answer = query.answer
    best = sorted(known, key=lambda w: (-known[w], order[w]))
    fit = (w for w in best if w not in answer.words and not answer.told_by(w, strict=True) and not answer.option_named(w))
    return sorted(islice(fit, _TERMS), key=order.__getitem__)


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
