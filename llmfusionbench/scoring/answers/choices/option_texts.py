"""Finds an option by its own text."""

from __future__ import annotations

from llmfusionbench.scoring.answers.choices.option_numbers import other_number
from llmfusionbench.scoring.answers.choices.options import Options
from llmfusionbench.scoring.answers.normalise import contains_words, normalise

_DENIALS = frozenset(["not", "neither", "nor", "never", "isnt", "wasnt", "than", "except", "without"])


def equal_text(text: str, options: Options) -> str | None:
    """The label of the only option whose text is all of `text`.

    Texts are compared as written first: -1/4 and 1/4, or pV and pv, are the same once normalised.
    """
    written, plain = text.strip(), normalise(text)
    texts = options.texts
    if written.startswith("["):
        written, texts = written.replace(" ", ""), tuple(option.replace(" ", "") for option in texts)
    for wanted, candidates in ((written, texts), (plain, options.plain)):
        same = [label for label, option in zip(options.labels, candidates, strict=True) if option == wanted]
        if len(same) == 1 and wanted:
            return None if candidates is options.plain and other_number(text, _text(same[0], options)) else same[0]
    return None


def named_by_text(text: str, options: Options, *, whole: bool = False) -> str | None:
    """The label of the only option whose text is contained in `text` as whole words, or with `whole` is all of it."""
    if whole:
        label = equal_text(text, options)
        return label if label is not None and len(text.strip()) > 1 else None
    plain = normalise(text)
    pairs = zip(options.labels, options.plain, strict=True)
    found = [(label, words) for label, words in pairs if contains_words(plain, words) and not _denied(plain, words)]
    if found and "[" in text:
        found = [(label, words) for label, words in found if _as_list(text, _text(label, options))]
    if found and any(char.isdigit() for char in text):
        found = [(label, words) for label, words in found if not other_number(text, _text(label, options))]
    # "green tea" names the option "green tea" and not also the option "tea".
    longest = [pair for pair in found if not any(pair[1] != other and pair[1] in other for _, other in found)]
    if len(longest) > 1 and len({words for _, words in longest}) == 1:  # normalised, x - 1 is x + 1
        longest = [pair for pair in longest if _text(pair[0], options) in text]
    return longest[0][0] if len(longest) == 1 else None


def _text(label: str, options: Options) -> str:
    return options.texts[options.labels.index(label)]


def _denied(plain: str, words: str) -> bool:
    """Whether the first mention of `words` is denied: "not the harbour"."""
    before = plain[: plain.find(words)].split()
    return bool(before) and (
        before[-1] in _DENIALS or (before[-1] == "be" and before[-2:-1] in (["not"], ["cannot"], ["cant"]))
    )


def _as_list(text: str, option: str) -> bool:
    """Whether `text` has an option that is a list as written: "[0, 1]" is not in "[0, 1, 4]". True for other texts."""
    return not (option.startswith("[") and option.endswith("]")) or option.replace(" ", "") in text.replace(" ", "")
