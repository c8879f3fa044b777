"""Plain form of a MATH answer after Hendrycks et al. 2021, as the reference pipeline compares it: text equality only."""

from __future__ import annotations

import re

_REPLACED = (
    ("\n", ""),
    ("\\!", ""),
    ("\\\\", "\\"),
    ("tfrac", "frac"),
    ("dfrac", "frac"),
    ("\\left", ""),
    ("\\right", ""),
    ("^{\\circ}", ""),
    ("^\\circ", ""),
    ("\\$", ""),
)


def boxed_content(text: str) -> str | None:
    """The content of the last \\boxed{} or "\\boxed x"; None if there is none or its braces do not close."""
    if "\\boxed " in text:
        return text.rpartition("\\boxed ")[2].partition("$")[0]
    start = text.rfind("\\boxed")
    if start < 0:
        return None  # the reference finds an \\fbox but then rejects it
    depth = 0
    for place in range(start, len(text)):
        if text[place] == "{":
            depth += 1
        elif text[place] == "}":
            depth -= 1
            if depth == 0:
                box = text[start : place + 1]
                return box[len("\\boxed{") : -1] if box.startswith("\\boxed{") else None
    return None


def plain_form(answer: str) -> str:
    """The plain form; the unchanged answer if a rule fails, as in the reference's exception handler."""
    text = answer
    for old, new in _REPLACED:
        text = text.replace(old, new)
    if "\\text{ " in text:
        parts = text.split("\\text{ ")
        if len(parts) != 2:
            return answer
        text = parts[0]
    text = text.replace("\\%", "").replace(" .", " 0.").replace("{.", "{0.")
    if not text:
        return text
    if text.startswith("."):
        text = "0" + text
    sides = text.split("=")
    if len(sides) == 2 and len(sides[0]) <= 2:
        text = sides[1]
    if re.search(r"\\sqrt(?:\\sqrt|\Z)", text) or re.search(r"\\frac ?(?:\\frac|\Z)", text.replace(" ", "")):
        return answer
    text = re.sub(r"\\sqrt([^{])", r"\\sqrt{\1}", text, flags=re.DOTALL).replace(" ", "")
    text = _fractions(text)
    return _slashed("\\frac{1}{2}" if text == "0.5" else text)


def _fractions(text: str) -> str:
    head, *rest = text.split("\\frac")
    done = [head]
    for piece in rest:
        if piece.startswith("{"):
            done.append(f"\\frac{piece}")
        elif len(piece) < 2:
            return text
        elif piece[1] == "{":
            done.append(f"\\frac{{{piece[0]}}}{piece[1:]}")
        else:
            done.append(f"\\frac{{{piece[0]}}}{{{piece[1]}}}{piece[2:]}")
    return "".join(done)


def _slashed(text: str) -> str:
    found = re.fullmatch(r"(-?(?:0|[1-9][0-9]{0,4000}))/(-?(?:0|[1-9][0-9]{0,4000}))", text)
    return text if found is None or "-0" in found.groups() else f"\\frac{{{found[1]}}}{{{found[2]}}}"
