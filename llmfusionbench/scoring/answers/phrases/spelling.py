"""One spelling for what British and American English spell in two ways, in the words and parts of words that have both."""

from __future__ import annotations

from typing import NamedTuple

from llmfusionbench.texts.lazy_pattern import lazy_pattern


class _Rule(NamedTuple):
    """Two spellings of a part of a word, and what stands before and after it."""

    before: str
    british: str
    american: str
    after: str = ""


_OUR = (
    "arb|ard|arm|behavi|cand|clam|col|demean|endeav|fav|ferv|flav|harb|hon|hum|lab|misdemean|neighb|od|parl|ranc|rig|rum|sav|"
    "savi|splend|succ|tum|val|vap|vig"
)
_RULES = (
    _Rule(rf"\b(?:bi|dis|mis|multi|tri|un|water)?(?:{_OUR})", "our", "or"),
    _Rule(r"h", "ae", "e", "m[aeio]"),
    _Rule(r"\b(?:leuk|(?:hyper)?glyc|isch|septic|tox|ur|an)", "ae", "e", "mi[ac]"),
    _Rule(r"an", "ae", "e", "sth"),
    _Rule(r"p", "ae", "e", "d[io]"),
    _Rule(r"gyn", "ae", "e", "co"),
    _Rule(r"arch", "ae", "e", "o"),
    _Rule(r"pal", "ae", "e", "o"),
    _Rule(r"\bmedi", "ae", "e", "val"),
    _Rule(r"\b", "ae", "e", "sthet"),
    _Rule(r"\b", "oe", "e", "(?:strog|soph|dema)"),
    _Rule(r"\bf", "oe", "e", "t(?:al|us)"),
    _Rule(r"\bdiarrh", "oe", "e", "a"),
    _Rule(r"\b(?:anal|catal|dial|epil|homol|monol|prol)", "ogue", "og"),
    _Rule("", "sulph", "sulf"),
    _Rule(r"\b(?:def|off|lic|pret)", "ence", "ense"),
    _Rule(r"\b[a-z]{3,20}", "is", "iz", r"(?:e[drs]?|ers|ing|ations?|able)\b"),
    _Rule(r"\b(?:anal|catal|electrol|hydrol|paral)", "ys", "yz", r"(?:e[drs]?|ers|ing)\b"),
    _Rule(r"\b(?:kilo|pro)?gr", "amme", "am", r"s?\b"),
    _Rule(r"\b(?:epi|amphi)?(?:cen|goi|li|lus|(?:centi|kilo|milli)?me|scep|spec|thea)", "tre", "ter", r"s?\b"),
    _Rule(r"\b(?:cali|fi|sa|som)", "bre", "ber", r"s?\b"),
)
_CHANGES = tuple(
    (british, lazy_pattern(rf"({before}){british}(?={after})"), rf"\1{american}") for before, british, american, after in _RULES
)
_BOTH = [(before, rf"{before}(?:{british}|{american})(?:{after})") for before, british, american, after in _RULES]
_AT_START = lazy_pattern(
    r"\b(?:" + "|".join(both.replace(r"\b", "", 1) for before, both in _BOTH if before.startswith(r"\b")) + ")"
)
_INSIDE = lazy_pattern("|".join(both for before, both in _BOTH if not before.startswith(r"\b")))
"""What has two spellings; in two patterns, as one pattern of both takes much longer."""


def has_two_spellings(text: str) -> bool:
    """Whether a normal form has a word that British and American English spell in two ways."""
    return _AT_START.search(text) is not None or _INSIDE.search(text) is not None


def one_spelling(text: str) -> str:
    """A normal form in American spelling: "haemoglobin" -> "hemoglobin". A few words get a spelling that is not real."""
    for letters, british, american in _CHANGES:
        if letters in text:
            text = british.sub(american, text)
    return text
