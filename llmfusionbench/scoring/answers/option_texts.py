"""Finds an option by its own text."""

from __future__ import annotations

from llmfusionbench.scoring.answers.normalise import contains_words, normalise
from llmfusionbench.scoring.answers.options import Options

_DENIALS = frozenset(["not", "neither", "nor", "never", "isnt", "wasnt", "than", "except", "without"])


def equal_text(text: str, options: Options) -> str | None:
    """The label of the only option whose text is all of `text`.

    Texts are compared as written first: -1/4 and 1/4, or pV and pv, are the same once normalised.
    """
    written, plain = text.strip(), normalise(text)
    for wanted, texts in ((written, options.texts), (plain, options.plain)):
        same = [label for label, option in zip(options.labels, texts, strict=True) if option == wanted]
        if len(same) == 1 and wanted:
            return same[0]
    return None


def named_by_text(text: str, options: Options, *, whole: bool = False) -> str | None:
    """The label of the only option whose text is contained in `text` as whole words, or with `whole` is all of it."""
    if whole:
        label = equal_text(text, options)
        return label if label is not None and len(text.strip()) > 1 else None
    plain = normalise(text)
    pairs = zip(options.labels, options.plain, strict=True)
    found = [(label, words) for label, words in pairs if contains_words(plain, words) and not _denied(plain, words)]
    # "green tea" names the option "green tea" and not also the option "tea".
    longest = [label for label, words in found if not any(words != other and words in other for _, other in found)]
    return longest[0] if len(longest) == 1 else None


def _denied(plain: str, words: str) -> bool:
    """Whether the first mention of `words` is denied: "not the harbour"."""
    before = plain[: plain.find(words)].split()
    return bool(before) and (
        before[-1] in _DENIALS or (before[-1] == "be" and before[-2:-1] in (["not"], ["cannot"], ["cant"]))
    )
