"""The final answer of a MATH solution, and its plain form, in which equal answers are mostly the same text."""

from __future__ import annotations

import re

from llmfusionbench.scoring.answers.marks import boxed, final_text, marked_answer
from llmfusionbench.scoring.answers.refusal import declines
from llmfusionbench.texts.lazy_pattern import lazy_pattern

ANSWER_LIMIT = 1000
"""Longest answer that is compared, in characters."""
ROOTS_LIMIT = 400
"""Longest answer that is read as a list of roots, in characters."""

_MATH = lazy_pattern(r"\$\$?([^$\n]{1,400}+)\$\$?|\\\(([^\n]{1,400}?)\\\)|\\\[([^\n]{1,400}?)\\\]")
_PROSE = lazy_pattern(r"[a-zA-Z]{2,} [a-zA-Z]{2,}|[a-zA-Z]{3,}")
_RESULT = lazy_pattern(  # "area is 5 square units.", not "roots are 3 and 5", "x is at least 5", "result is 5x", "is 5 pi"
    r".*(?:\b(?:is|are|was|be|has|have|equals|gives?|gets?|makes?|so|thus|therefore|hence)\b|=)"
    r"[\s:,*]{1,4}(?:(?:equal to|exactly|only|just)\s)?"
    r"(?P<number>-?[$\u20ac\u00a3]?\d+(?:,\d{3})*(?:\.\d+)?(?:/\d+)?\s?%?)\*{0,2}"
    r"(?:\s(?!(?:pi|times|plus|minus|more|less|over|to|squared|cubed|factorial)\b)(?:a|[a-z]{2,})\b)*[\s.*\u00b0]*",
    re.IGNORECASE,
)
_HEDGE = lazy_pattern(r"\b(?:or|and|if|between|not|cannot|never)\b|n['\u2019]t\b", re.IGNORECASE)
_SENTENCE_END = lazy_pattern(r"(?<=[\w)}\]$])[.;!?](?=\s|$)|\n|,? (?:because|since|which)\b")
_INVISIBLE = lazy_pattern(r"\A\s*+\{([^{}]*+)\}\s*+\Z")
"""Braces around the whole of an answer, which LaTeX does not show: \\boxed{{17:03}}."""
_TEXT = lazy_pattern(r"\\(?:text|textbf|textit|mathrm|mathbf|mbox|operatorname)\s?\{([^{}]*+)\}")
_UNIT = lazy_pattern(r"(?<=[\w)}])(?:\\[ ,;])?\s*+\\(?:text|mathrm|mbox)\s?\{\s?[^{}]*+\}(?:\^\{?[23]\}?)?$")
_DROP = lazy_pattern(  # a double backslash separates the rows of a matrix
    r"(?<!\\)\\(?:(?:left|right|displaystyle|quad|qquad|limits)(?![a-zA-Z])|[!,;: ])"
    r"|\^\{?\\circ\}?|\\degree|\\\$|\$|\\?%|\u00b0"
)
_SPACE = lazy_pattern(r"(\\[a-zA-Z]+)\s+(?=[a-zA-Z])|\s+")
"""White space. The first group keeps the space that ends the name of a command ("\\pi r")."""
_TRIGONOMETRIC = lazy_pattern(r"(?<![a-zA-Z])(?:sin|cos|tan|cot|sec|csc)(?![a-zA-Z])")
_DEGREES = lazy_pattern(r"(\d++(?:\.\d++)?)\s?(?:\^\s?(?:\{\s?\\circ\s?\}|\\circ)|\\degree|\u00b0)(?![a-zA-Z])")
_SYMBOLS = str.maketrans(
    {"\u221e": "\\infty ", "\u00d7": "\\times ", "\u00b7": "\\cdot ", "\u00b2": "^2", "\u00b3": "^3", "\u2212": "-"}
)
_ROOT_SIGN = lazy_pattern("\u221a\\s?(\\d+|[a-zA-Z])")
_SHORT_FRACTION = lazy_pattern(r"\\frac(?:(\d)(\d)(?!\d)|(\d)(?=\{)|(\{[^{}]*+\})(\d))")
_SHORT_ROOT = lazy_pattern(r"\\sqrt ?(\w)")
_BRACKET_ROOT = lazy_pattern(r"\\sqrt\s?\(([^()]*+)\)")
_WORD = lazy_pattern(r"(?<![a-zA-Z\\])(sqrt|pi|infinity|oo)(?=[\s\d(]|[a-z]\b|\Z|[^a-zA-Z])")
_FUNCTION = lazy_pattern(r"(?<![a-zA-Z\\])(arcsin|arccos|arctan|sin|cos|tan|ln|log|exp)(?=\s?\()")
_POWER = lazy_pattern(r"(?<=[\w)])\*\*(?=[\w(-])")
_REPEATING = lazy_pattern(r"(\d{0,20})\.(\d{0,20})\\(?:overline|bar)\s?\{?(\d{1,20})\}?")
_NAMES = {"sqrt": "\\sqrt ", "pi": "\\pi ", "infinity": "\\infty ", "oo": "\\infty "}
"""Commands that are written as words, without a backslash."""
_SLASH = lazy_pattern(r"(?<![\w}.])(-?)(\d++)/(\d++)(?![\w{.!^_(\\])")
_EITHER = lazy_pattern(r"\\pm(?![a-zA-Z])\s?|\u00b1")
_GROUPED = lazy_pattern(r"(?<![\d.,])(\d{1,3}(?:,\d{3})+)(?=[a-zA-Z\\])")
_JOINED = lazy_pattern(r"\s*+(?:,\s*(?:or|and)\b|;|,|\b(?:or|and)\b|\\text\s?\{\s*(?:or|and)\s*\}|\\(?:lor|vee)\b)\s*+")
_ROOT = lazy_pattern(r"\s*+([a-zA-Z](?:_\{?\w\}?)?)\s*=\s*([^=]{1,100}+)")
_ASSIGNED = lazy_pattern(r"[a-zA-Z](?:\([a-zA-Z]\))?=(?=[^=]+$)|[a-zA-Z](?:\\in)(?=.)")


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
        return _INVISIBLE.sub(r"\1", found[1][:ANSWER_LIMIT])
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


def in_radians(answer: str) -> str:
    """The angles of a text with trigonometric functions, which `plain_math` leaves without their degrees, in radians."""
    return _DEGREES.sub(r"(\1\\cdot \\frac{\\pi}{180})", answer) if _TRIGONOMETRIC.search(answer) else answer


def plain_math(answer: str, *, named: bool = False) -> str:
    """Without spacing, sizing, units, currency, degrees and percent signs; with full \\frac{}{} and \\sqrt{}.

    "x = -2 or x = 1" is the list "-2,1". Without `named`, "x=5" is "5".
    """
    text = answer.strip().rstrip(".")
    if len(text) <= ROOTS_LIMIT and ("or" in text or "and" in text or "=" in text):
        text = _roots(text)
    if "\\begin" not in text or "\\\\begin" in text:  # doubled backslashes, not ends of rows
        text = text.replace("\\\\", "\\")
    text = text.replace("dfrac", "frac").replace("tfrac", "frac").replace("\\varnothing", "\\emptyset").replace("{,}", "")
    if not text.isascii():
        text = _ROOT_SIGN.sub(r"\\sqrt{\1}", text.translate(_SYMBOLS))
    text = _WORD.sub(_command, text) if _WORD.search(text) else text
    text = _REPEATING.sub(_repeating, _POWER.sub("^", _FUNCTION.sub(r"\\\1", text)))
    text = _UNIT.sub("", text)
    text = _TEXT.sub(r"\1", text)
    text = _DROP.sub("", text)
    text = _SPACE.sub(lambda found: f"{found[1]} " if found[1] else "", text)
    grouped = _GROUPED.search(text) if "," in text else None
    if grouped is not None and grouped[0].count(",") == text.count(","):  # 10,000\\pi
        text = text.replace(",", "")
    text = _SHORT_FRACTION.sub(_whole_fraction, text)
    text = _BRACKET_ROOT.sub(r"\\sqrt{\1}", text)
    text = _SHORT_ROOT.sub(r"\\sqrt{\1}", text)
    text = _SLASH.sub(r"\1\\frac{\2}{\3}", text)
    assigned = _ASSIGNED.match(text)
    if assigned is not None and not (named and "=" in assigned[0]):
        text = text[assigned.end() :].lstrip()
    return _both_signs(text) if "\\pm" in text or "\u00b1" in text else text


def _repeating(found: re.Match[str]) -> str:
    """A repeating decimal as a fraction: 1.\\overline{3} is 12/9."""
    whole, fixed, repeated = found.groups()
    above = int(whole + fixed + repeated) - int(whole + fixed or "0")
    return f"\\frac{{{above}}}{{{10 ** len(fixed) * (10 ** len(repeated) - 1)}}}"


def _both_signs(text: str) -> str:
    """ "1\\pm2" as "1+2,1-2"; other texts, and those with more such signs, as they are."""
    parts = _EITHER.split(text)
    return text if len(parts) != 2 or "," in text or "=" in text else f"{parts[0]}+{parts[1]},{parts[0]}-{parts[1]}".lstrip("+")


def _roots(text: str) -> str:
    """Values joined by "or" or "and", or given to one unknown one by one, as a list; other texts as they are."""
    parts = _JOINED.split(text)
    if len(parts) < 2 or not all(part.strip() for part in parts) or text.lstrip("$ ")[:1] in ("(", "[", "{"):
        return text
    roots = [_ROOT.fullmatch(part) for part in parts]
    names = {root[1].split("_")[0] for root in roots if root is not None}
    if all(root is not None for root in roots) and len(names) == 1:
        return ",".join(root[2].strip() for root in roots if root is not None)
    if roots[0] is not None and not any(roots[1:]) and "=" not in "".join(parts[1:]):  # x = -2 or 1
        return ",".join([roots[0][2].strip(), *(part.strip() for part in parts[1:])])
    if any(roots) or "=" in text or any(_PROSE.search(_TEXT.sub("", part)) for part in parts):
        return text
    return ",".join(part.strip() for part in parts)


def _command(found: re.Match[str]) -> str:
    return _NAMES[found[1]]


def _whole_fraction(found: re.Match[str]) -> str:
    if found[1] is not None:
        return f"\\frac{{{found[1]}}}{{{found[2]}}}"
    if found[3] is not None:
        return f"\\frac{{{found[3]}}}"
    return f"\\frac{found[4]}{{{found[5]}}}"
