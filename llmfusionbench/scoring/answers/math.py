"""The final answer of a MATH solution, and its plain form, in which equal answers are mostly the same text."""

from __future__ import annotations

import re

from llmfusionbench.scoring.answers.marks import boxed, final_text, marked_answer
from llmfusionbench.scoring.answers.refusal import declines

ANSWER_LIMIT = 1000
"""Longest answer that is compared, in characters."""

_MATH = re.compile(r"\$\$?([^$\n]{1,400}+)\$\$?|\\\(([^\n]{1,400}?)\\\)|\\\[([^\n]{1,400}?)\\\]")
_PROSE = re.compile(r"[a-zA-Z]{2,} [a-zA-Z]{2,}|[a-zA-Z]{3,}")
_RESULT = re.compile(  # "area is 5 square units.", not "roots are 3 and 5", "x is at least 5", "result is 5x", "is 5 pi"
    r".*(?:\b(?:is|are|was|be|has|have|equals|gives?|gets?|makes?|so|thus|therefore|hence)\b|=)"
    r"[\s:,*]{1,4}(?:(?:equal to|exactly|only|just)\s)?"
    r"(?P<number>-?[$\u20ac\u00a3]?\d+(?:,\d{3})*(?:\.\d+)?(?:/\d+)?\s?%?)\*{0,2}"
    r"(?:\s(?!(?:pi|times|plus|minus|more|less|over|to|squared|cubed|factorial)\b)(?:a|[a-z]{2,})\b)*[\s.*\u00b0]*",
    re.IGNORECASE,
)
_HEDGE = re.compile(r"\b(?:or|and|if|between|not|cannot|never)\b|n['\u2019]t\b", re.IGNORECASE)
_SENTENCE_END = re.compile(r"(?<=[\w)}\]$])[.;!?](?=\s|$)|\n|,? (?:because|since|which)\b")
_TEXT = re.compile(r"\\(?:text|textbf|textit|mathrm|mathbf|mbox|operatorname)\s?\{([^{}]*+)\}")
_UNIT = re.compile(r"(?<=[\w)}])(?:\\[ ,;])?\s*+\\(?:text|mathrm|mbox)\s?\{\s?[^{}]*+\}(?:\^\{?[23]\}?)?$")
_DROP = re.compile(  # a double backslash separates the rows of a matrix
    r"(?<!\\)\\(?:(?:left|right|displaystyle|quad|qquad|limits)(?![a-zA-Z])|[!,;: ])"
    r"|\^\{?\\circ\}?|\\degree|\\\$|\$|\\?%|\u00b0"
)
_SPACE = re.compile(r"(\\[a-zA-Z]+)\s+(?=[a-zA-Z])|\s+")
"""White space. The first group keeps the space that ends the name of a command ("\\pi r")."""
_SYMBOLS = str.maketrans(
    {"\u221e": "\\infty ", "\u00d7": "\\times ", "\u00b7": "\\cdot ", "\u00b2": "^2", "\u00b3": "^3", "\u2212": "-"}
)
_ROOT_SIGN = re.compile("\u221a\\s?(\\d+|[a-zA-Z])")
_SHORT_FRACTION = re.compile(r"\\frac(?:(\d)(\d)(?!\d)|(\d)(?=\{)|(\{[^{}]*+\})(\d))")
_SHORT_ROOT = re.compile(r"\\sqrt ?(\w)")
_SLASH = re.compile(r"(?<![\w}.])(-?)(\d++)/(\d++)(?![\w{.])")
_ASSIGNED = re.compile(r"[a-zA-Z](?:\([a-zA-Z]\))?=(?=[^=]+$)|[a-zA-Z](?:\\in)(?=.)")


def math_truth(ground_truth: str) -> str:
    """The answer of a ground truth: the last \\boxed{}, else the text after "####", else all of it."""
    found = boxed(ground_truth)
    if found is not None:
        return found[1]
    return ground_truth.rpartition("####")[2].strip() or ground_truth.strip()


def math_answer(response: str) -> str | None:
    """The answer of a response: the last \\boxed{}, else a marked answer, else its last formula, else its last line.

    If the last line is a sentence ("So the area is 5 square units."), its number is the answer, unless it hedges.
    """
    text = final_text(response)
    found = boxed(text)
    if found is not None:
        return found[1][:ANSWER_LIMIT]
    marked = marked_answer(text)
    if marked is not None:
        return _clean(marked)
    if declines(text):
        return None
    tail = text[-2 * ANSWER_LIMIT :].strip()
    formulas = [formula for found in _MATH.finditer(tail) if (formula := _formula(found)) is not None]
    if formulas:
        return formulas[-1]
    last_line = tail.rsplit("\n", 1)[-1].strip()
    if not 0 < len(last_line) <= 200:
        return None
    result = None if _HEDGE.search(last_line) else _RESULT.fullmatch(last_line)
    return _clean(last_line) if result is None else result["number"]


def _clean(answer: str) -> str:
    answer = answer.strip().strip("*`").strip()
    formula = _MATH.match(answer)
    if formula is not None and (inner := _formula(formula)) is not None:
        return inner
    return _SENTENCE_END.split(answer[:ANSWER_LIMIT], maxsplit=1)[0].strip(" *`.")


def _formula(found: re.Match[str]) -> str | None:
    """The text inside the delimiters; None for prose between amounts of money ("$5 and he pays $6")."""
    inner = next(part for part in found.groups() if part).strip()
    return None if "\\" not in inner and _PROSE.search(inner) else inner


def plain_math(answer: str) -> str:
    """Without spacing, sizing, units, currency, degrees, percent signs and "x="; with full \\frac{}{} and \\sqrt{}."""
    text = answer.strip().rstrip(".")
    if "\\begin" not in text or "\\\\begin" in text:  # doubled backslashes, not ends of rows
        text = text.replace("\\\\", "\\")
    text = text.replace("dfrac", "frac").replace("tfrac", "frac").replace("\\varnothing", "\\emptyset").replace("{,}", "")
    if not text.isascii():
        text = _ROOT_SIGN.sub(r"\\sqrt{\1}", text.translate(_SYMBOLS))
    text = _UNIT.sub("", text)
    text = _TEXT.sub(r"\1", text)
    text = _DROP.sub("", text)
    text = _SPACE.sub(lambda found: f"{found[1]} " if found[1] else "", text)
    text = _SHORT_FRACTION.sub(_whole_fraction, text)
    text = _SHORT_ROOT.sub(r"\\sqrt{\1}", text)
    text = _SLASH.sub(r"\1\\frac{\2}{\3}", text)
    assigned = _ASSIGNED.match(text)
    return text[assigned.end() :].lstrip() if assigned is not None else text


def _whole_fraction(found: re.Match[str]) -> str:
    if found[1] is not None:
        return f"\\frac{{{found[1]}}}{{{found[2]}}}"
    if found[3] is not None:
        return f"\\frac{{{found[3]}}}"
    return f"\\frac{found[4]}{{{found[5]}}}"
