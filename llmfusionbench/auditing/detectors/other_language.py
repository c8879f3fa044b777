"""Answers in another language or script than their prompt's, such as Chinese answers to English prompts."""

from __future__ import annotations

from collections import Counter
from typing import Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from llmfusionbench.auditing.counting import Bools, booleans, numbers
from llmfusionbench.auditing.finding import Place
from llmfusionbench.auditing.row_detector import Judged, RowDetector
from llmfusionbench.auditing.signs.columns import heads, matches_repeated
from llmfusionbench.auditing.signs.languages import language
from llmfusionbench.auditing.signs.scripts import SCRIPTS, script_letters, without_glosses

_LETTERS: Final = 6
"""Letters of another script, outside brackets, quotation marks and code, from which an answer counts."""
_ASKED: Final = (
    r"(?i)translat|language|chinese|mandarin|cantonese|japanese|korean|russian|ukrainian|bulgarian|arabic|persian|farsi|urdu|hebrew"
    r"|hindi|thai|german|french|spanish|italian|portuguese|dutch|latin|unicode|emoji|kanji|hanzi|hiragana|cyrillic|pinyin|utf-?8"
    r"|\bchina\b|\bjapan\b|\bkorea|\brussia|\barab|\bisrael|\bindia\b|\biran\b"
)
"""Prompts that may ask for another language, or be about where it is spoken."""
_ENGLISH: Final = r"(?i)\b(?:the|and|of|to|is)\b"
_CLEARLY: Final = 8
"""Frequent English words at the start of an answer from which it is English without a closer look."""
_OF_PROMPT: Final = 6
"""Frequent words that a prompt must have; fewer than an answer, since prompts are short."""
_HEAD: Final = 800
"""Characters at the start of an answer in which those are counted."""


class OtherLanguage(RowDetector):
    """Counts answers that are in, or mix in, a script that their prompt does not have, or another language in Latin letters.

    Prompts that mention a language, or a country where the script is used, are not looked at. Code and formulas are not
    language: Greek does not count, and languages in Latin letters are told apart by their small words outside code.
    """

    name = "other_language"
    columns = ("response", "prompt")
    title = "Answers in another language than the prompt's"
    remedy = "Check the system prompt and the sampling of these LLMs; exclude the answers where a judge reads only one language"
    severity = "medium"

    def __init__(self) -> None:
        super().__init__()
        self.reasons: Counter[str] = Counter()
        """Language or script -> number of answers."""

    def judge(self, batch: pa.RecordBatch) -> Judged:
        """Answers with a prompt that does not ask for another language."""
        prompts, texts = batch["prompt"], batch["response"]
        looked = booleans(prompts.is_valid()) & booleans(texts.is_valid()) & ~matches_repeated(prompts, _ASKED)
        notes = self._other_script(prompts, texts, looked) | self._other_latin(prompts, texts, looked)
        hits = np.zeros(len(looked), np.bool_)
        hits[list(notes)] = True
        self.reasons.update(notes.values())
        return Judged(hits, looked, note=notes.get)

    def merge(self, other: Self) -> None:
        """Add what `other` has counted, and its examples."""
        super().merge(other)
        self.reasons.update(other.reasons)

    def what(self) -> str:
        """The number of answers by language, and the LLM with the highest share."""
        kinds = ", ".join(f"{name} {count:,}" for name, count in sorted(self.reasons.items()))
        worst = self.tally.places("llm")[0]
        return (
            f"{self.tally.count:,} of {self.tally.total:,} answers are in another script or language than their prompt, or mix "
            f"it in: {kinds}. The highest share is that of {worst.name}: {worst.count:,} of {worst.total:,}."
        )

    def first_places(self) -> list[Place]:
        """The languages and scripts."""
        return [Place("reason", name, count, self.tally.total) for name, count in sorted(self.reasons.items())]

    def _other_script(self, prompts: pa.Array, texts: pa.Array, looked: Bools) -> dict[int, str]:
        """Row -> the script in which an answer has letters and its prompt has none."""
        letters = script_letters(texts)
        rows = np.flatnonzero(looked & (letters.max(axis=1) >= _LETTERS))
        if not rows.size:
            return {}
        some = pa.array(rows)
        own = pa.array([without_glosses(text) for text in texts.take(some).to_pylist()], pa.string())
        foreign = np.where(script_letters(prompts.take(some)) == 0, script_letters(own), 0)
        names, most = foreign.argmax(axis=1), foreign.max(axis=1)
        return {int(row): list(SCRIPTS)[names[i]] for i, row in enumerate(rows) if most[i] >= _LETTERS}

    def _other_latin(self, prompts: pa.Array, texts: pa.Array, looked: Bools) -> dict[int, str]:
        """Row -> the language of an answer, where that and another language of its prompt are clear."""
        encoded = prompts.dictionary_encode()
        asked = [None if prompt is None else language(prompt, _OF_PROMPT) for prompt in encoded.dictionary.to_pylist()]
        languages = [None if code is None else asked[code] for code in encoded.indices.to_pylist()]
        english = numbers(pc.count_substring_regex(heads(texts, _HEAD), _ENGLISH)) >= _CLEARLY
        open_rows = [
            row
            for row in np.flatnonzero(looked).tolist()
            if languages[row] and not (english[row] and languages[row] == "English")
        ]
        found = {}
        for row, text in zip(open_rows, texts.take(pa.array(open_rows, pa.int64())).to_pylist(), strict=True):
            answered = language(text)
            if answered is not None and answered != languages[row]:
                found[row] = answered
        return found
