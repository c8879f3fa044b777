"""Whether a template gives away the final answer of its query, which it must not do.

The check is strict: a text that may give the answer away counts as one that does.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from llmfusionbench.builders.templates.jobs import Job
from llmfusionbench.scoring import accepted_answers
from llmfusionbench.scoring.answers.booleans.boolean import as_boolean
from llmfusionbench.scoring.answers.choices.options import read_options
from llmfusionbench.scoring.answers.math import math_truth, plain_math
from llmfusionbench.scoring.answers.normalise import contains_words, normalise, normalise_spaced
from llmfusionbench.scoring.answers.numbers.numbers import Number, whole_number
from llmfusionbench.scoring.metrics.em_mc import truth_label
from llmfusionbench.scoring.metrics.gsm8k import truth_number

_NUMBER: Final = re.compile(r"(?<![A-Za-z])[$€£]?-?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:\s?/\s?\d+)?\s?%?")
_UNITS_LISTED: Final = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen "
    "nineteen"
)
_UNITS: Final = _UNITS_LISTED.split()
_TENS: Final = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
NUMBER_WORDS: Final = {word: str(i) for i, word in enumerate(_UNITS)} | {word: f"{i}0" for i, word in enumerate(_TENS, 2)}
_EVERYDAY: Final = ("zero", "one")
"""Number words that are mostly no numbers; only `strict` minds them."""
_LETTERS: Final = re.compile(r"[a-z]+")
_CODE: Final = re.compile(r"```|~~~|^\s*(?:async )?def \w+\s*\(|\bassert\s+\w+\s*\(", re.MULTILINE)
_SAID: Final = r"\b(?:answer|option|choice|letter|label|alternative)s?\b\W+(?:(?:is|are|must|be|was|to|the|should)\W+){0,3}"
_YES: Final = re.compile(_SAID + r"(yes|no)\b|[\"'“(](yes|no)\b[\"'”).]", re.IGNORECASE)


class FinalAnswer:
    """The final answer of a query, to be looked for in texts."""

    def __init__(self, job: Job) -> None:
        truths = accepted_answers(job.ground_truth or "")
        metric = job.metric.lower()
        self.code = metric == "code_eval"
        self._options = read_options(job.choices or None)
        self._labels: set[str] = set()
        self._phrases: set[str] = set()
        self._formulas: set[str] = set()
        self._numbers: list[Number] = []
        self._boolean: bool | None = None
        if self.code:
            self._phrases = {_squeezed(line) for line in (job.ground_truth or "").splitlines() if "assert" in line}
        elif job.choices or metric == "em_mc":
            self._take_choices(truths)
        else:
            for truth in truths:
                self._take(metric, truth)
        self._right = _labels(tuple(sorted(self._labels)))
        self._any = _labels(self._options.labels if self._labels or self._options.texts else ())

    def _take_choices(self, truths: tuple[str, ...]) -> None:
        for truth in truths:
            label = truth_label(truth, self._options)
            if label is None:
                self._take("", truth)
                continue
            self._labels.add(label)
            if label in self._options.labels and self._options.texts:
                self._take("", self._options.texts[self._options.labels.index(label)])

    def _take(self, metric: str, truth: str) -> None:
        answer = math_truth(truth) if metric == "math" else truth
        number = truth_number(answer) if metric == "gsm8k" else whole_number(answer)
        truth_value = as_boolean(answer)
        if number is not None:
            self._numbers.append(number)
        elif truth_value is not None:
            self._boolean = truth_value
        elif metric == "math":
            self._formulas.add(plain_math(answer))
        elif metric != "gsm8k":
            self._phrases.add(normalise(answer) or answer.strip().lower())
        if metric != "gsm8k" and number is not None and not answer.strip().lstrip("-").isdecimal():
            self._phrases.add(normalise(answer))

    @property
    def boolean(self) -> bool:
        """Whether it is yes or no, true or false."""
        return self._boolean is not None

    @property
    def words(self) -> frozenset[str]:
        """Lower-case words of the answer, which are no key words of a query either."""
        return frozenset(word for phrase in self._phrases | self._formulas for word in _LETTERS.findall(phrase.lower()))

    def told_by(self, text: str, *, strict: bool = False) -> bool:
        """Whether `text` tells the answer. `strict` also minds "one", "zero", and any word for yes and no alike."""
        return (
            self._number_told(text, strict)
            or self._label_told(text)
            or self._phrase_told(text)
            or self._formula_told(text)
            or self._boolean_told(text, strict)
            or (self.code and _CODE.search(text) is not None)
        )

    def option_named(self, text: str) -> bool:
        """Whether `text` names any option, the right one or another: who rules out the others tells the answer too."""
        if self._any is not None and self._any.search(text):
            return True
        plain = (normalise(text), normalise_spaced(text)) if self._options.plain else ()
        return any(option and contains_words(p, option) for p in plain for option in self._options.plain)

    def _number_told(self, text: str, strict: bool) -> bool:
        if not self._numbers:
            return False
        found = [whole_number(part) for match in _NUMBER.findall(text) for part in (match, *match.split("/"))]
        words = _LETTERS.findall(text.lower())
        found += [whole_number(NUMBER_WORDS[w]) for w in words if w in NUMBER_WORDS and (strict or w not in _EVERYDAY)]
        return any(number is not None and number.equals(truth) for number in found for truth in self._numbers)

    def _label_told(self, text: str) -> bool:
        return self._right is not None and self._right.search(text) is not None

    def _phrase_told(self, text: str) -> bool:
        if self.code:
            squeezed = _squeezed(text)
            return any(phrase in squeezed for phrase in self._phrases)
        if not self._phrases:
            return False
        forms = (normalise(text), normalise_spaced(text), " ".join(text.lower().split()))
        return any(contains_words(form, phrase) for form in forms for phrase in self._phrases)

    def _formula_told(self, text: str) -> bool:
        if not self._formulas:
            return False
        squeezed = plain_math(text)
        return any(re.search(rf"(?<!\w){re.escape(formula)}(?!\w)", squeezed) for formula in self._formulas if formula) or any(
            contains_words(" ".join(text.split()), formula) for formula in self._formulas
        )

    def _boolean_told(self, text: str, strict: bool) -> bool:
        if self._boolean is None:
            return False
        low = text.lower()
        said = {word for word in ("true", "false") if re.search(rf"\b{word}\b", low)}
        if strict:
            return bool(said) or _YES.search(text) is not None or re.search(r"\b(?:yes|no|not)\b", low) is not None
        said |= {"true" if (a or b).lower() == "yes" else "false" for a, b in _YES.findall(text)}
        return said == {"true" if self._boolean else "false"}  # who names both tells neither


@lru_cache(maxsize=256)
def _labels(labels: tuple[str, ...]) -> re.Pattern[str] | None:
    """Labels where they stand for options: in brackets, after "option", or, unless they are words too, by themselves."""
    if not labels:
        return None
    one = "|".join(map(re.escape, labels))
    bare = "|".join(re.escape(label) for label in labels if label not in ("A", "I", "a", "i"))
    alone = rf"|(?<![\w'’])(?:{bare})(?![\w'’])" if bare else ""
    return re.compile(rf"[(\[](?:{one})[)\]]|(?i:{_SAID})[\"'(*]*(?:{one})\b{alone}")


def _squeezed(text: str) -> str:
    return "".join(text.split())
