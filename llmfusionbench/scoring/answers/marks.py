"""Finds the part of a response that is marked as its answer: JSON {"answer": ...}, \\boxed{}, "####", "the answer is".

Every search is linear in the length of the response; the last mark counts, since that is what the LLM committed to.
"""

from __future__ import annotations

import itertools
import json
import re

SPAN_LIMIT = 2000
"""Characters that are read after a mark."""
TRIES = 8
"""How many marks, counted from the end, are looked at before giving up."""

_PHRASE = re.compile(
    r"answer[\s\"'*_`]{0,8}(?:(?:to|for) (?:this|the) (?:question|problem)[\s*_]{0,4})?"
    r"(?:(?:is|was|are|would be|will be|should be|must be)\b(?! not\b|n't)(?:\s*+:)?|[:=])"
    r"(?:\s*+(?:therefore|thus|then|indeed|clearly|option|choice)\b)?[\s:*_`]*+"
)
_FIELD = re.compile(r"answer[\"']\s{0,8}:\s{0,80}")
_LATEX = re.compile(
    r"(?<!\\)\\(?:frac|forall|text|times|tan|tfrac|theta|tau|to\b|begin|binom|beta|bar|boxed|big|right|rho|neq|ne\b|nu\b|nabla)"
)
"""LaTeX that a JSON parser would take for a form feed, a tab, a backspace or a new line, and letters."""
_THOUGHT_ENDS = ("</think>", "</thinking>", "</thought>", "</reasoning>", "[/THINK]")
_TAGS = re.compile(r"\s*+(?:</\w++>\s*+)*+")
"""Nothing, or the ends of tags around the thoughts."""
_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_HEADING = re.compile(
    r"(?:step|part|case|phase|section|problem|question|method|approach|example|task|why|how)\b.*"
    r"|(?!.*(?:[:=]|\bis\b)[\s*$]{0,5}-?\d[^:=]{0,20}$)[^\W\d]{2,}\S*\s+\S.*",
    re.IGNORECASE,
)
_BOXED = ("\\boxed", "\\fbox")


def lowered(text: str) -> str:
    """Lower case with every character at its old place ("İ" is the one letter whose lower case is two)."""
    low = text.lower()
    return low if len(low) == len(text) else text.replace("\u0130", "I").lower()


def plain_width(text: str) -> str:
    """Full-width letters, digits and signs, as East Asian keyboards write them, in their usual width."""
    return text if text.isascii() else text.translate(_WIDE)


def final_text(response: str) -> str:
    """The response without a closed block of thoughts; the whole response when nothing follows it."""
    if "</" not in response and "[/" not in response:
        return response
    end = max(place + len(tag) if (place := response.rfind(tag)) >= 0 else -1 for tag in _THOUGHT_ENDS)
    if end < 0:
        return response
    rest = response[end:]
    return response if _TAGS.fullmatch(rest) else rest


def answer_field(text: str) -> str | None:
    """The value of a JSON answer field, or None where there is none or it is blank."""
    if "nswer" not in text and "ANSWER" not in text:
        return None
    low = lowered(text)
    if 'answer"' in low or "answer'" in low:
        value = json_answer(text, low)
        if value is not None and value.strip():
            return value
    return None


def marked_answer(text: str) -> str | None:
    """The text marked as the answer, or None. A JSON answer field wins, then the mark that stands last."""
    field = answer_field(text)
    if field is not None:
        return field
    mark = last_mark(text)
    return None if mark is None else mark[1]


def last_mark(text: str) -> tuple[int, str] | None:
    """Place and content of the mark that stands last, of all but a JSON answer field."""
    low = lowered(text)
    found = [mark for mark in (tagged(text, low), boxed(text), _after_hashes(text), _phrase(text, low)) if mark]
    return max(found, default=None)


def json_answer(text: str, low: str | None = None) -> str | None:
    """The value of the first "answer" field that has one, of whole, broken or truncated JSON alike.

    Read by hand: the reasoning before it often holds raw newlines and unescaped quotes that no JSON parser takes.
    The first field counts, as in the published ZeroEval numbers: what follows the object is comment on it.
    """
    low = lowered(text) if low is None else low
    for found in itertools.islice(_FIELD.finditer(low), TRIES):
        value = _json_value(text[found.end() : found.end() + SPAN_LIMIT])
        if value.strip():
            return value
    return None


def _json_value(rest: str) -> str:
    quote = rest[:1]
    if quote not in ('"', "'"):
        return re.split(r"[}\n]", rest, maxsplit=1)[0].strip().rstrip(",").strip()
    place = 1
    while place < len(rest) and rest[place] != quote:
        place += 2 if rest[place] == "\\" else 1
    body = rest[1:place]
    if "\\" not in body or quote == "'" or _LATEX.search(body) is not None:
        return body
    try:
        return str(json.loads(f'"{body}"', strict=False))
    except ValueError:  # LaTeX written without doubling its backslashes
        return body


def boxed(text: str) -> tuple[int, str] | None:
    """Place and content of the last \\boxed{...} (braces balanced, or cut off by the end of the text)."""
    end = len(text)
    for _ in range(TRIES):
        place, name = max((text.rfind(name, 0, end), name) for name in _BOXED)
        if place < 0:
            return None
        start = place + len(name)
        content = _braced(text, start)
        if content is not None and content.strip():
            return place, content.strip()
        end = place
    return None


def _braced(text: str, start: int) -> str | None:
    piece = text[start : start + SPAN_LIMIT]
    body = piece.lstrip()
    if not body.startswith("{"):
        return re.split(r"[$\n]", body, maxsplit=1)[0].rstrip(" .") if body != piece else None
    depth = 0
    for place, char in enumerate(body):
        if char == "\\" and body[place + 1 : place + 2] in ("{", "}"):
            continue
        if char == "{" and body[place - 1 : place] != "\\":
            depth += 1
        elif char == "}" and body[place - 1 : place] != "\\":
            depth -= 1
            if depth == 0:
                return body[1:place]
    return body[1:].split("\n", 1)[0]


def tagged(text: str, low: str) -> tuple[int, str] | None:
    """Place and content of the last <answer>...</answer>."""
    place = low.rfind("<answer>")
    if place < 0:
        return None
    rest = text[place + 8 : place + 8 + SPAN_LIMIT]
    content = rest.split("</", 1)[0].strip()
    return (place, content) if content else None


def _after_hashes(text: str) -> tuple[int, str] | None:
    end = len(text)
    for _ in range(TRIES):
        place = text.rfind("####", 0, end)
        if place < 0:
            return None
        content, _, rest = text[place + 4 : place + 4 + SPAN_LIMIT].lstrip(" #*").partition("\n")
        content = content.strip()
        # "#### Step 2: add them" and the text under it: a heading of Markdown, and no answer.
        heading = _HEADING.match(content[:200]) is not None and "nswer" not in content and bool(rest.strip())
        if content and not heading:
            return place, content
        end = place
    return None


def _phrase(text: str, low: str) -> tuple[int, str] | None:
    end = len(low)
    for _ in range(TRIES):
        place = low.rfind("answer", 0, end)
        if place < 0:
            return None
        found = _PHRASE.match(low, place, place + 200)
        if found is not None:
            content = text[found.end() : found.end() + SPAN_LIMIT].split("\n", 1)[0].strip()
            if content:
                return place, content
        end = place
    return None


def unwrapped(response: str) -> str:
    """The final text of a response, out of a JSON answer field or <answer> tag where it is wrapped in one."""
    text = final_text(response)
    field = answer_field(text)
    if field is not None:
        return field
    found = tagged(text, lowered(text)) if "<" in text else None
    return text if found is None else found[1]
