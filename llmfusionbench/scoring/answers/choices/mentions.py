"""Marks every mention of an option in a text, so that the grammar of commitments need not know how it is written.

A mention, with its brackets and emphasis, becomes one character of Unicode's private use area. Its code tells which option it
names and in which form: "Option B", "(B)", "**B**", "B." at the start of a line, a bare B, or a letter that counts only where
an answer is expected (a lower-case one, a digit, a letter in mathematics). Letters of formulas, names and articles stay as
they are. The time is linear in the length of the text.
"""

from __future__ import annotations

import re
from enum import IntEnum
from functools import lru_cache

from llmfusionbench.texts.lazy_pattern import lazy_pattern

_FIRST = 0xE000
_EACH = 1000
"""Labels per form; a question with more options has no mentions of the others."""


class Form(IntEnum):
    """How an option is named, the plainest form first."""

    NAMED = 0
    """With the word: "option B", "choice (B)"."""
    BRACKETED = 1
    EMPHASISED = 2
    """In bold, italics, quotation marks, or opening a bold span: "**B. text**"."""
    LISTED = 3
    """At the start of a line, with a sign after it: "B. text"."""
    BARE = 4
    """An upper-case label that is a word of its own."""
    WEAK = 5
    """A lower-case letter, a digit, a letter in mathematics."""


ANY = "[\ue000-\uf76f]"
"""Any mention."""
STRONG = "[\ue000-\uef9f]"
"""A mention in one of the first four forms."""
CLEAR = "[\ue000-\uf387]"
"""Any mention that is not weak."""

_PRIVATE = lazy_pattern("[\ue000-\uf8ff]")
_LETTER = r"0-9A-Za-z\u00c0-\u024f\u0370-\u052f"
_OPENERS, _CLOSERS = "([*_`\"'$\u2018\u201c\u300c\u3010", ")]*_`\"'$\u2019\u201d\u300d\u3011"
_LINE_START = " \t*#>-_\u2022+(["
_OPTION_WORD = lazy_pattern(
    r"(?:(?:^|[^\w])(?:options?|choices?|letter|opci[o\u00f3]n|op[c\u00e7][a\u00e3]o|opzione|optie|opsi|pilihan|se\u00e7enek|"
    r"variante?|alternativa|letra|lettera|lettre|buchstabe|\u0432\u0430\u0440\u0438\u0430\u043d\u0442"
    r"|\u0627\u0644\u062e\u064a\u0627\u0631|\u0935\u093f\u0915\u0932\u094d\u092a|ph\u01b0\u01a1ng \u00e1n)[ \t:*_]{1,4}"
    r"|(?:\u9009\u9879|\u9078\u9805|\u9078\u629e\u80a2|\uc120\ud0dd\uc9c0|\ubcf4\uae30)[\s:*_]{0,3})\Z",
    re.IGNORECASE,
)
_AFTER_WORD = tuple(" :*_\n\t")
_WORD_AFTER = lazy_pattern(r"\s?(?:\u9009\u9879|\u9078\u9805|\u9879|\u9805)")
_LIST_SIGN = lazy_pattern(r"[*_]{0,3}[).:\u3001\uff0e]|\s{0,2}[\u2013\u2014]|\s?-{1,2}\s|--")
_VERBS = (
    r"because|since|as|is|are|was|and|or|for|due|with|seems|would|it|o|y|e|ou|et|es|est|ist|oder|und|adalah|atau|dan|jest|lub|ve"
    r"|veya|se\u00e7ene\w*"
)
_ARTICLE = lazy_pattern(rf"\s+(?!(?:{_VERBS})\b)[a-z]")
_CAPITAL_ARTICLE = lazy_pattern(
    rf"\s+(?!(?:{_VERBS}|appears|looks|best|describes|explains|states|says|rather|over|instead|but|not|fits|matches|has|does|could|can"
    r"|must|correctly|only|cannot|fails|ignores|lacks|contradicts|gives|makes|misstates)\b)[a-z]"
)
"""What follows "a" as an article, and not as the label of an option."""
_OPERATOR_AFTER = lazy_pattern(
    r"[(\[](?=\w)|[ \t]?(?:[=>^\u00d7\u00b7\u2248\u221d\u2260/+]|<(?![/|A-Z])|\\(?!n|text)[A-Za-z{])"
)
_OPERATOR_BEFORE = lazy_pattern(r"(?:[+^/<\u00d7\u00b7\\]|[^\w\"/\-=]>|[^=:]=)[ \t]?\Z")
_EQUALS_ANSWER = lazy_pattern(r"(?:answer|option|choice)\s?=\s?\Z", re.IGNORECASE)
_EXPECTED = lazy_pattern(r"(?:\banswer(?:\sis)?|[:=\n]|^)[\s:*]{0,4}\Z", re.IGNORECASE)
"""Before a single lower-case letter that is more than an article."""
_SPECIES = lazy_pattern(r"\.\s(?:coli|elegans|subtilis|difficile|albicans|thaliana|melanogaster|cerevisiae|aureus)\b")
_NOT_APPLICABLE = lazy_pattern(r"(?:[nN]\s?/\s?|[A-Za-z]\.)\Z")
_LATEX_TEXT = lazy_pattern(r"\\(?:text|textbf|textit|mathrm|mathbf|mbox|bf|rm)\s?\{\s?([^{}]*+)\}")
_UNIT = lazy_pattern(r"(\d|\})(?:\s|\\[,;:!\s]|~){1,3}\\(?:text|mathrm|rm)\s?\{\s?[A-Z]\s?\}")
"""The unit of a number in LaTeX: 416 \\, \\text{J}."""
_THIN_SPACE = lazy_pattern(r"\\[,;:!]")
_HTML = lazy_pattern(r"</?(?:b|i|u|em|strong|span|p|br|div|h\d)\s?/?>")
_INLINE = lazy_pattern(r"\\\([ \t]?|[ \t]?\\\)")


def label_of(mention: str, labels: tuple[str, ...]) -> str:
    """The label that the character `mention` stands for."""
    return labels[(ord(mention) - _FIRST) % _EACH]


def form_of(mention: str) -> Form:
    """The form of the character `mention`."""
    return Form((ord(mention) - _FIRST) // _EACH)


@lru_cache(maxsize=256)
def _finder(labels: tuple[str, ...]) -> tuple[re.Pattern[str], dict[str, int]]:
    known = {label.lower(): number for number, label in reversed(list(enumerate(labels[:_EACH])))}
    if all(len(label) == 1 and label.isascii() for label in known):
        one = "[" + "".join(sorted(re.escape(form) for label in known for form in {label, label.upper()})) + "]"
    else:
        one = "|".join(sorted(map(re.escape, known), key=len, reverse=True)) or "(?!)"
    # A Turkish ending may follow an apostrophe: "B'dir".
    end = rf"(?![{_LETTER}]|['\u2019](?![dt][i\u0131\u00fcu]r)[A-Za-z]|-[^\W_]|_{{1,3}}[^\W_]|\.[A-Za-z](?![A-Za-z]))"
    flags = re.NOFLAG if one[0] == "[" else re.IGNORECASE
    start = rf"(?<![{_LETTER}\-\\&])(?<![{_LETTER}]['\u2019])"
    if one[0] == "[":  # the search for one of a few characters is fast, what stands before it is looked at second
        one, start = rf"{one}(?<![{_LETTER}\-\\&].)(?<![{_LETTER}]['\u2019].)", ""
    return re.compile(rf"{start}(?:{one}){end}", flags | re.DOTALL), known


def with_mentions(text: str, labels: tuple[str, ...]) -> str:
    """`text` with each mention of one of `labels` as one character, and without marks of bold and of inline code."""
    if not text.isascii():
        text = _PRIVATE.sub(" ", text)
    if "</" in text or "<b" in text:
        text = _HTML.sub("", text)
    if "\\" in text:
        text = _INLINE.sub("$", _LATEX_TEXT.sub(r"\1", _THIN_SPACE.sub(" ", _UNIT.sub(r"\1", text))))
    pattern, known = _finder(labels)
    parts: list[str] = []
    place = 0
    for found in pattern.finditer(text):
        if found[0] == "a" and _ARTICLE.match(text, found.end()) is not None:
            continue
        mention = _mention(text, found.start(), found.end(), place, labels, known)
        if mention is not None:
            start, end, form, number = mention
            parts += text[place:start], chr(_FIRST + form * _EACH + number)
            place = end
    parts.append(text[place:])
    marked = "".join(parts)
    return marked.replace("**", "").replace("`", "") if "*" in marked or "`" in marked else marked


def _mention(
    text: str, start: int, end: int, floor: int, labels: tuple[str, ...], known: dict[str, int]
) -> tuple[int, int, Form, int] | None:
    word = text[start:end]
    number = known.get(word.lower())
    if number is None:
        return None
    upper = word == labels[number] and word.isupper()
    left, right = start, end
    while left > floor and start - left < 6 and text[left - 1] in _OPENERS:
        left -= 1
    if (
        end < len(text)
        and text[end] in ".:"
        and text[left:start].endswith(("*", "("))
        and text[end + 1 : end + 2] in ("*", ")")
    ):
        right = end + 1
    while right < len(text) and right - end < 7 and text[right] in _CLOSERS:
        right += 1
    before, after = text[left:start], text[end:right]
    context = text[max(floor, left - 24) : left]
    if (context[-1:] in ("/", ".") or context[-2:] == "/ ") and _NOT_APPLICABLE.search(context) is not None:
        return None
    if text[right : right + 2] == ". " and _SPECIES.match(text, right) is not None:
        return None
    named = _OPTION_WORD.search(context) if context[-1:] in _AFTER_WORD or context[-1:] > "\u2e80" else None
    if named is not None or (not text.isascii() and _WORD_AFTER.match(text, right) is not None):
        if named is not None:
            left = left - len(context) + named.start() + (not context[named.start()].isalpha())
            while left > floor and text[left - 1] in "([*_":
                left -= 1
        return left, right, Form.NAMED, number
    article = _CAPITAL_ARTICLE if word == "A" else _ARTICLE
    if not before and not after and word in "AaIi" and article.match(text, end) is not None:
        return None
    mathematics = "$" in before or "$" in after
    opens = _opens_line(text, left)
    if (not opens or not before) and _in_formula(text, right, context, upper):
        return None
    form = _form(before, after, ")" in after or _LIST_SIGN.match(text, right) is not None, opens)
    if mathematics or (not upper and (form in (Form.BRACKETED, Form.LISTED, Form.BARE) or word.isdigit())):
        form = Form.WEAK if form != Form.EMPHASISED or mathematics else form
    elif form == Form.BARE and word == "I":
        form = Form.WEAK
    if form == Form.WEAK and word in "ai" and not before and not after and _EXPECTED.search(context) is None:
        return None
    return left, right, form, number


def _in_formula(text: str, end: int, context: str, upper: bool) -> bool:
    """Whether an operator stands after or before the letter that ends at `end`."""
    if _OPERATOR_AFTER.match(text, end) is not None:
        return True
    if _OPERATOR_BEFORE.search(context) is None or _EQUALS_ANSWER.search(context) is not None:
        return False
    return not (upper and context.endswith(")/"))  # the A of "the answer (iii)/A" is an option


def _form(before: str, after: str, signed: bool, opens: bool) -> Form:
    if ("(" in before and ")" in after) or ("[" in before and "]" in after) or "\u3010" in before:
        return Form.BRACKETED
    if any(sign in before and (sign in after or signed) for sign in ("**", "__")):
        return Form.EMPHASISED
    if any(sign in before and sign in after for sign in ("*", "_", "`", '"', "'", "\u201c\u201d")) or before[-1:] in (
        "\u201c", "\u2018", "\u300c",
    ):  # fmt: skip
        return Form.EMPHASISED
    if opens and signed:
        return Form.LISTED
    return Form.BARE if ")" not in after else Form.WEAK


def _opens_line(text: str, place: int) -> bool:
    floor = max(0, place - 12)
    while place > floor and text[place - 1] in _LINE_START:
        place -= 1
    if place > 1 and text[place - 1] in ".)" and text[place - 2].isdigit() and text[place] == " ":  # "1. A"
        place -= 2
    return place == 0 or text[place - 1] == "\n"
