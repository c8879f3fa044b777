"""Finds the part of a response that is marked as its answer: JSON {"answer": ...}, \\boxed{}, "####", "the answer is".

Every search is linear in the length of the response. The last mark counts: it is the LLM's final answer.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator

SPAN_LIMIT = 2000
"""Number of characters that are read after a mark."""
TRIES = 8
"""Maximum number of marks that are looked at, from the end."""

_PHRASE = re.compile(
    r"answer[\s\"'*_`]{0,8}(?:\((?!\W*(?:\w|\d[\d.,]*|(?:option|choice) \w)\W*\))[^()\n]{1,60}+\)[\s\"'*_`]{0,8})?"
    r"(?:(?:to|for) (?:this|the) (?:question|problem)[\s*_]{0,4})?"
    r"(?:,?\s?(?:in|rounded|as|expressed|given)\s[^\W\d][\w %-]{0,40}?[,*]?\s(?=is\b))?"
    r"(?:(?:is|was|are|would be|will be|should be|must be)\b(?! not\b|n't)(?:\s*+:)?|[:=])"
    r"(?:\s*+(?:therefore|thus|then|indeed|clearly|option|choice)\b)?[\s:*_`]*+"
)
_FIELD = re.compile(r"answer[\"']\s{0,8}:\s{0,80}")
_LATEX = re.compile(
    r"(?<!\\)\\(?:frac|forall|text|times|tan|tfrac|theta|tau|to\b|begin|binom|beta|bar|boxed|big|right|rho|neq|ne\b|nu\b|nabla)"
)
"""LaTeX that a JSON parser would read as a form feed, tab, backspace or line break, followed by letters."""
_THOUGHT_ENDS = ("</think>", "</thinking>", "</thought>", "</reasoning>", "[/THINK]")
_TAGS = re.compile(r"\s*+(?:</\w++>\s*+)*+")
"""Only white space and closing tags."""
_STEP = re.compile(
    r"[^\S\n]{0,8}[*#_>-]{0,4}[^\S\n]?"
    r"(?:(?P<word>[Ss]tep )(?P<step>\d{1,2})[*_]{0,2}\s?[:.)]|(?P<item>\d{1,2})[.):](?=\s))[*_]{0,2}"
)
"""What opens a step of a list: "Step 2:", "**2.**"."""
_CONCLUSION = re.compile(r"(?:so|therefore|thus|hence|in total|finally|in conclusion)\b", re.IGNORECASE)
_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_WIDE_LEADS = (b"\xef\xbc", b"\xef\xbd")
"""The first bytes of those characters in UTF-8."""
_HEADING = re.compile(
    r"(?:step|part|case|phase|section|problem|question|method|approach|example|task|why|how)\b.*"
    r"|(?!.*(?:[:=]|\bis\b)[\s*$]{0,5}-?\d[^:=]{0,20}$)[^\W\d]{2,}\S*\s+\S.*",
    re.IGNORECASE,
)
_BOXED = ("\\boxed", "\\fbox")


def lowered(text: str) -> str:
    """Lower case, with every character at its old position (only the lower case of "İ" is two characters)."""
    low = text.lower()
    return low if len(low) == len(text) else text.replace("\u0130", "I").lower()


def plain_width(text: str) -> str:
    """Full-width letters, digits and signs, as East Asian keyboards write them, as ASCII."""
    if text.isascii() or not _has_leads(text, _WIDE_LEADS):
        return text
    return text.translate(_WIDE)


def _has_leads(text: str, leads: tuple[bytes, ...]) -> bool:
    raw = text.encode("utf-8", "surrogatepass")  # no byte of one character looks like the first of another
    return any(lead in raw for lead in leads)


def final_text(response: str) -> str:
    """The response without its thoughts; all of it if nothing follows the thoughts."""
    if "</" not in response and "[/" not in response:
        return response
    end = max(place + len(tag) if (place := response.rfind(tag)) >= 0 else -1 for tag in _THOUGHT_ENDS)
    if end < 0:
        return response
    rest = response[end:]
    return response if _TAGS.fullmatch(rest) else rest


def answer_field(text: str) -> str | None:
    """The value of a JSON answer field, or None if it is missing or blank."""
    if "nswer" not in text and "ANSWER" not in text:
        return None
    low = lowered(text)
    if 'answer"' in low or "answer'" in low:
        value = json_answer(text, low)
        if value is not None and value.strip():
            return value
    return None


def marked_answer(text: str) -> str | None:
    """The text marked as the answer, or None: a JSON answer field, else the last mark."""
    field = answer_field(text)
    if field is not None:
        return field
    mark = last_mark(text)
    return None if mark is None else mark[1]


def below(text: str, mark: tuple[int, str]) -> str:
    """The text behind the content of a mark, as `last_mark` returns it; at most `SPAN_LIMIT` characters."""
    place = text.find(mark[1], mark[0])
    end = mark[0] if place < 0 else place + len(mark[1])
    return text[end : end + SPAN_LIMIT]


def last_mark(text: str) -> tuple[int, str] | None:
    """Position and content of the last mark other than a JSON answer field."""
    low = lowered(text)
    found = [mark for mark in (tagged(text, low), boxed(text), _after_hashes(text), _phrase(text, low)) if mark]
    return max(found, default=None)


def json_answer(text: str, low: str | None = None) -> str | None:
    """The value of the first "answer" field that has one, in complete, broken or truncated JSON.

    Read by hand, since the reasoning before it often has raw line breaks and unescaped quotes, which JSON parsers refuse.
    The first field counts, as in the published ZeroEval numbers: text after the object is a comment.
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
    """Position and content of the last \\boxed{...}, with balanced braces or cut off by the end of the text."""
    for place, start in _from_end(text, *_BOXED):
        content = _braced(text, start)
        if content is not None and content.strip():
            return place, content.strip()
    return None


def _from_end(text: str, *marks: str) -> Iterator[tuple[int, int]]:
    """(start, end) of the last `TRIES` of any of `marks`, last first."""
    end = len(text)
    for _ in range(TRIES):
        place, mark = max((text.rfind(mark, 0, end), mark) for mark in marks)
        if place < 0:
            return
        yield place, place + len(mark)
        end = place


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
    """Position and content of the last <answer>...</answer>."""
    place = low.rfind("<answer>")
    if place < 0:
        return None
    rest = text[place + 8 : place + 8 + SPAN_LIMIT]
    content = rest.split("</", 1)[0].strip()
    return (place, content) if content else None


def _after_hashes(text: str) -> tuple[int, str] | None:
    for place, start in _from_end(text, "####"):
        content, _, rest = text[start : start + SPAN_LIMIT].lstrip(" #*").partition("\n")
        content = content.strip()
        # "#### Step 2: add them" with text below it is a Markdown heading, not an answer.
        heading = _HEADING.match(content[:200]) is not None and "nswer" not in content and bool(rest.strip())
        if content and not heading:
            return place, content
    return None


def _phrase(text: str, low: str) -> tuple[int, str] | None:
    for place, _ in _from_end(low, "answer"):
        found = _PHRASE.match(low, place, place + 200)
        if found is not None:
            rest = text[found.end() : found.end() + SPAN_LIMIT]
            step = _STEP.match(rest)
            content = rest.split("\n", 1)[0].strip() if step is None else _last_step(rest, step)
            if content:
                return place, content
    return None


def _last_step(rest: str, first: re.Match[str]) -> str:
    """The last step of a list that opens `rest`, or the conclusion right below it; its first line without a list."""
    start, end = first.end() if first["word"] else 0, len(rest)
    expected = int(first["step"] or first["item"]) + 1
    place, ended, listed = 0, False, False
    for line in rest.split("\n"):
        step = _STEP.match(line) if place else None
        if step is not None and int(step["step"] or step["item"]) == expected:
            start, expected, ended, listed = place + step.end(), expected + 1, False, True
        elif not line.strip():
            ended = True
        elif place and _CONCLUSION.match(line.strip(" *_")):
            start, end = place, place + len(line)
            break
        elif ended or (place and not listed and first["word"] is None):
            end = place
            break
        place += len(line) + 1
    return rest[start:end].strip()


def unwrapped(response: str) -> str:
    """The final text of a response, or the content of its JSON answer field or <answer> tag."""
    text = final_text(response)
    field = answer_field(text)
    if field is not None:
        return field
    found = tagged(text, lowered(text)) if "<" in text else None
    return text if found is None else found[1]
