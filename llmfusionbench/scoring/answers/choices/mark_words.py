"""What stands before a marked answer: "the answer is", "Answer:", and the same in other languages. The text is in lower case.

Every repetition is bounded or possessive, so that each search is linear in the length of the text.
"""

from __future__ import annotations

import re

from llmfusionbench.scoring.answers.choices.mentions import ANY, CLEAR, STRONG
from llmfusionbench.texts.lazy_pattern import lazy_pattern

ANSWER_WORDS = (
    "answer", "respuesta", "r\u00e9ponse", "reponse", "antwort", "l\u00f6sung", "resposta", "risposta",
    "\u043e\u0442\u0432\u0435\u0442", "\u7b54\u6848", "\u7b54\u3048", "\u89e3\u7b54", "\u6b63\u89e3", "\uc815\ub2f5", "\ub2f5",
    "\u0627\u0644\u0625\u062c\u0627\u0628\u0629", "\u0627\u0644\u0627\u062c\u0627\u0628\u0629",
    "\u0627\u0644\u062c\u0648\u0627\u0628", "\u0625\u062c\u0627\u0628\u0629", "\u0909\u0924\u094d\u0924\u0930",
    "\u0111\u00e1p \u00e1n", "tr\u1ea3 l\u1eddi", "jawaban", "jawapan", "cevap", "yan\u0131t", "odpowied", "antwoord",
)  # fmt: skip
"""The word for "answer" (the stem, where endings differ) in the languages of widespread multiple-choice tasks."""
_ASCII_WORDS = tuple(word for word in ANSWER_WORDS[1:] if word.isascii())
_OTHER_WORDS = tuple(word for word in ANSWER_WORDS[1:] if not word.isascii())
_OTHER_LETTER = lazy_pattern("[^\x00-\x7f\ue000-\uf8ff]")
"""A letter that is neither ASCII nor a mention: each of `_OTHER_WORDS` has one, and few texts do."""


def has_foreign_word(low: str) -> bool:
    """Whether a text, with or without mentions, has a word for "answer" in a language other than English."""
    if any(word in low for word in _ASCII_WORDS):
        return True
    return _OTHER_LETTER.search(low) is not None and any(word in low for word in _OTHER_WORDS)


_COPULA = (
    r"(?:(?:is|was|are|would be|will be|should be|must be|has to be|appears to be|seems to be)\b(?! ?(?:not|n't"
    r"|n\u2019t)\b)"
    r"(?:\s?[:=])?|[:=\u2192]|=>|->)"
)
_ENGLISH_AFTER = (
    r"(?:[ (](?:choice|option|letter|key|here|to|for|this|the|question|problem|that|which|best|fits|most|closest"
    r"|among|from|of"
    r"|given|these|options|choices|above|i|we|would|choose|chose|select|likely|based|on|provided|in|my|digits?"
    r"|letters?|only|a"
    r"|single|one|capital|with|correct|multiple-choice)(?!\w)\)?){0,10}"
)
_ENGLISH = (
    rf"answers?(?!\w)[\"'*_]{{0,4}}(?:{_ENGLISH_AFTER}[\s\"'*_]{{0,4}}{_COPULA}"
    rf"|(?<=final answer)\sof\s(?={STRONG})"
    rf"|\s{{1,2}}(?={STRONG}\s?(?:[:.\n]|\Z))"
    rf"|[ \t]{{0,2}}\n[\s*_]{{0,6}}(?={ANY}[)\]*_.:]{{0,4}}[ \t]{{0,2}}(?:\n|\Z)))"
)
_FOREIGN_LINK = (
    r"(?:[ \t]{0,2}(?:est\b|es\b|ist\b|\u00e9\b|\u00e8\b|e'|lautet\b|also\b|daher\b|somit\b|demnach\b|donc\b"
    r"|quindi\b|dunque\b|portanto\b|sar\u00e0\b|ser\u00eda\b|seria\b|serait\b|adalah\b|ialah\b"
    r"|l\u00e0\b|to\b|jest\b|is\b|luidt\b|\u2014|\u2013|-|[:\uff1a=]|\u5e94\u8be5\u662f|\u5e94\u4e3a|\u5e94\u662f"
    r"|\u662f|\u4e3a"
    r"|\u70ba|\u9009|\u9078|\u306f|\uc740|\ub294|\ud639|\u0647\u064a|\u0647\u0648|\u0939\u0948|\u044d\u0442\u043e"
    r"|[\u3011\u300d\]])[\s:\u3001]{0,4}){1,3}"
)
_FOREIGN_GAP = (
    r"[^\W\d_]{0,4}(?:[ \t](?!(?:no|non|n\u00e3o|nicht|ne|n|bukan|tidak|nie|niet|\u043d\u0435|kh\u00f4ng)\b)\w{1,14}){0,4}?"
)
ARTICLES = (
    r"(?:(?:la|el|le|l'|die|der|das|de|het|a|o|il|lo|letra|lettera|lettre|letter|buchstabe|optie"
    r"|\u0431\u0443\u043a\u0432\u0430"
    r"|die option|opci\u00f3n|op\u00e7\u00e3o|option|opzione|alternativa)[\s:]{1,2}){0,2}"
)
_FOREIGN = rf"(?:{'|'.join(ANSWER_WORDS[1:])}){_FOREIGN_GAP}(?:{_FOREIGN_LINK}{ARTICLES}|[ \t]{{0,2}}(?={CLEAR}))"
MARK = {True: lazy_pattern(_ENGLISH), False: re.compile(f"{_ENGLISH}|{_FOREIGN}")}
"""What stands before a marked answer, if the only word for "answer" in the text is English, and if there are others."""
DENYING = frozenset(
    [
        "wrong",
        "incorrect",
        "no",
        "not",
        "possible",
        "other",
        "their",
        "previous",
        "each",
        "every",
        "student's",
        "students'",
        "an",
        "不是",
    ]
)
"""Before "answer", these words say that the answer is not the one of the text."""
SUPPOSING = frozenset(["if", "whether", "unless", "suppose", "assume", "assuming", "say", "nor", "why", "isn't", "not"])
"""The same before "the answer"."""
_FILLER = (
    r"(?:(?:most|likely|probably|clearly|definitely|simply|therefore|thus|then|indeed|option|choice|letter|the|either"
    r"|both|closest"
    r"|to|again|answer|i|think|believe|it's|it\u2019s|it|is|would|be|that|as|follows|la|el|le|\u9009|\u9078|\u662f"
    r"|\u4e3a)[\s:]{1,3}){0,5}"
    r"(?:\u9009|\u9078|\u662f|\u4e3a)?"
)
LEADING = lazy_pattern(rf"[\s:*_\"'(\[{{$>\u201c\u2018\u300c-]{{0,8}}{_FILLER}[\"'(\[${{]{{0,2}}(?P<mention>{ANY})")
"""A marked answer that begins with a mention."""
CONDITIONAL = lazy_pattern(r"(?:\A|[.!?\n])[\s*_]{0,4}(?:but |and )?if\b[^.!?\n]{0,200}\Z")
"""The beginning of a sentence with "if", up to "the answer would be"."""
REMARK = lazy_pattern(
    r"(?:right|correct|wrong|incorrect|clear|found|obtained|given|based|consistent|reasonable|plausible|supposed|needed"
    r"|required|known"
    r"|sensible|expected|obvious|easy|close|complete|ready|there|what|that|whether|how|where|when|why|sound"
    r"|straightforward)\b"
)
"""After "the answer is": a remark on the answer, which does not give it."""
