"""Takes the program out of a response, and the code out of a HumanEval prompt. Parses only; runs nothing."""

from __future__ import annotations

import ast
import re
import warnings

from llmfusionbench.scoring.marks import final_text

CODE_LIMIT = 200_000
"""Longest program that is looked at, in characters."""
CUTS = 60
"""How many lines are given up at the end of a text to make it parse."""

_FENCE = re.compile(r"^[ \t]{0,8}(?:```|~~~)[ \t]*+(?P<kind>[\w+-]*+)[^\n]*+\n", re.MULTILINE)
_BEGIN = re.compile(r"\[begin\]", re.IGNORECASE)
_DONE = re.compile(r"\[done\]", re.IGNORECASE)
_START = re.compile(r"^(?:from[ \t]+\w|import[ \t]+\w|def[ \t]+\w|async[ \t]+def|class[ \t]+\w|@\w)", re.MULTILINE)
_PYTHON = frozenset(("", "python", "python3", "py", "Python"))


def extract_code(response: str, wanted: tuple[str, ...] = ()) -> str:
    """The program in a response: between [BEGIN] and [DONE], in a fenced block, or the text without its prose.

    `wanted` names functions that it should define; the last block that defines one of them is taken.
    """
    text = final_text(response)[:CODE_LIMIT].replace("\r\n", "\n")
    begin = _BEGIN.search(text)
    if begin is not None:
        return _unfenced(_DONE.split(text[begin.end() :], maxsplit=1)[0], wanted)
    return _unfenced(text, wanted)


def _unfenced(text: str, wanted: tuple[str, ...]) -> str:
    blocks = fenced_blocks(text)
    if blocks:
        defining = [block for block in blocks if defines(block, wanted)]
        whole = [block for block in defining if parses(block)]
        if whole:
            return whole[-1]
        joined = "\n".join(blocks)
        return joined if parses(joined) and not defining else (defining or blocks)[-1]
    body = text.strip("\n")
    # A text that defines nothing asked for may be the body of the prompt's function: cutting it would change it.
    keep = parses(body) or (bool(wanted) and not defines(body, wanted))
    return body if keep else without_prose(body)


def fenced_blocks(text: str) -> list[str]:
    """The Python blocks between ``` lines, the last one also when its closing line is missing."""
    blocks: list[str] = []
    start: int | None = None
    python = False
    for found in _FENCE.finditer(text if text.endswith("\n") else text + "\n"):
        if start is None:
            start, python = found.end(), found["kind"] in _PYTHON
        else:
            if python:
                blocks.append(text[start : found.start()])
            start = None
    if start is not None and python:
        blocks.append(text[start:])
    return [block.strip("\n") for block in blocks if block.strip()]


def without_prose(text: str) -> str:
    """The text from its first line of code on, without trailing lines that keep it from parsing; else unchanged."""
    start = _START.search(text)
    if start is None:
        return text
    lines = text[start.start() :].split("\n")
    for cut in range(min(CUTS, len(lines))):
        code = "\n".join(lines[: len(lines) - cut])
        if parses(code):
            return code
    return text[start.start() :]


def prompt_code(prompt: str) -> str:
    """The code of a HumanEval prompt (imports, helpers, signature, docstring), free of instructions around it."""
    blocks = fenced_blocks(prompt)
    text = blocks[0] if blocks else prompt
    code = without_prose(text.replace("\r\n", "\n")[:CODE_LIMIT])
    return code if parses(code) else ""


def last_function(code: str) -> str | None:
    """The name of the last function that `code` defines at top level, or None."""
    names = re.findall(r"^def[ \t]+(\w+)", code, re.MULTILINE)
    return names[-1] if names else None


def defines(code: str, names: tuple[str, ...]) -> bool:
    """Whether `code` defines one of `names` at top level (any function where `names` is empty)."""
    one = "|".join(map(re.escape, names)) or r"\w+"
    return re.search(rf"^(?:(?:async[ \t]+)?def|class)[ \t]+(?:{one})\b|^(?:{one})[ \t]*=", code, re.MULTILINE) is not None


def parses(code: str) -> bool:
    """Whether `code` is Python."""
    if len(code) > CODE_LIMIT:
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
