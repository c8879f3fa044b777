"""Extracts the program from a response, and the code from a HumanEval prompt. Code is parsed, never run.

All of it raises TooMuchWorkError when the budget of the record's parser is spent.
"""

from __future__ import annotations

import ast
import builtins
import re

from llmfusionbench.scoring.answers.marks import final_text
from llmfusionbench.scoring.answers.parsing import CODE_LIMIT, Parser

CUTS = 60
"""Maximum number of lines that are cut from the end of a text to make it parse."""

_FENCE = re.compile(r"^(?P<indent>[ \t]{0,8})(?:```|~~~)[ \t]*+(?P<kind>[\w+-]*+)[^\n]*+\n", re.MULTILINE)
_BEGIN = re.compile(r"\[begin\]", re.IGNORECASE)
_DONE = re.compile(r"\[done\]", re.IGNORECASE)
_START = re.compile(r"^(?:from[ \t]+\w|import[ \t]+\w|def[ \t]+\w|async[ \t]+def|class[ \t]+\w|@\w)", re.MULTILINE)
_PYTHON = frozenset(("", "python", "python3", "py", "Python"))


def extract_code(response: str, wanted: tuple[str, ...] = (), parser: Parser | None = None) -> str:
    """The program in a response: between [BEGIN] and [DONE], in a fenced block, or the text without its prose.

    `wanted` are functions of which it should define one; the last block that does is taken.
    """
    parser = parser or Parser()
    text = final_text(response)[:CODE_LIMIT].replace("\r\n", "\n").replace("\r", "\n").lstrip("\ufeff")
    begin = _BEGIN.search(text)
    if begin is not None:
        return _unfenced(_DONE.split(text[begin.end() :], maxsplit=1)[0], wanted, parser)
    return _unfenced(text, wanted, parser)


def _unfenced(text: str, wanted: tuple[str, ...], parser: Parser) -> str:
    blocks = fenced_blocks(text, parser)
    if blocks:
        defining = [block for block in blocks if defines(block, wanted)]
        whole = [block for block in defining if parser.parses(block)]
        if whole:
            return _with_helpers(whole[-1], blocks, parser)
        joined = "\n".join(blocks)
        return joined if parser.parses(joined) and not defining else (defining or blocks)[-1]
    body = text.strip("\n")
    # A text without any of the functions may be the body of the prompt's function: cutting would change it.
    keep = parser.parses(body) or (bool(wanted) and not defines(body, wanted))
    return body if keep else without_prose(body, parser)


def fenced_blocks(text: str, parser: Parser) -> list[str]:
    """The Python blocks between ``` lines; the closing line of the last one may be missing."""
    blocks = _blocks(text, 3)
    return blocks if any(map(parser.parses, blocks)) else _blocks(text, 8)


def _blocks(text: str, reach: int) -> list[str]:
    """The blocks, if a closing line may be indented by at most `reach` more than its opening line.

    Markdown's rule is 3: so the ``` in a docstring does not close the block.
    """
    blocks: list[str] = []
    start: int | None = None
    python, indent = False, ""
    for found in _FENCE.finditer(text if text.endswith("\n") else text + "\n"):
        if start is None:
            start, python, indent = found.end(), found["kind"] in _PYTHON, found["indent"]
        elif len(found["indent"]) <= len(indent) + reach:
            if python:
                blocks.append(_moved_left(text[start : found.start()], indent))
            start = None
    if start is not None and python:
        blocks.append(_moved_left(text[start:], indent))
    return [block.strip("\n") for block in blocks if block.strip()]


def _moved_left(block: str, indent: str) -> str:
    """A block inside a list item, without the indentation of its fence."""
    return "\n".join(line.removeprefix(indent) for line in block.split("\n")) if indent else block


def _with_helpers(code: str, blocks: list[str], parser: Parser) -> str:
    """`code` after the blocks of imports and definitions that it needs, directly or through each other."""
    wanted = _wanted(parser.tree(code))
    helpers: dict[str, None] = {}
    for block in dict.fromkeys(reversed(blocks)):  # a block mostly uses earlier ones
        tree = parser.tree(block) if block != code else None
        if tree is not None and _only_defines(tree) and _bound(tree) & wanted:
            helpers[block] = None
            wanted |= _wanted(tree)
    return "\n\n\n".join([*reversed(helpers), code])


def _wanted(tree: ast.Module | None) -> set[str]:
    """The names that a program uses but neither it nor Python defines."""
    return set() if tree is None else _names(tree, ast.Load) - _bound(tree) - set(dir(builtins))


def _only_defines(tree: ast.Module) -> bool:
    kinds = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return all(isinstance(statement, kinds) for statement in tree.body)


def _bound(tree: ast.Module) -> set[str]:
    """The names that a program defines, imports or assigns, at any depth."""
    named = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    found = _names(tree, ast.Store) | {node.name for node in ast.walk(tree) if isinstance(node, named)}
    aliases = [node for node in ast.walk(tree) if isinstance(node, ast.alias)]
    return found | {(alias.asname or alias.name).partition(".")[0] for alias in aliases}


def _names(tree: ast.AST, way: type[ast.expr_context]) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, way)}


def without_prose(text: str, parser: Parser) -> str:
    """The text from its first line of code on, without the last lines that keep it from parsing."""
    start = _START.search(text)
    if start is None:
        return text
    lines = text[start.start() :].split("\n")
    kept = len(lines)
    while kept > max(0, len(lines) - CUTS):
        code = "\n".join(lines[:kept])
        line = parser.faulty_line(code)
        if line is None:
            return code
        # As long as the faulty line is there, the text does not parse.
        kept = min(kept, line or kept) - 1
    return text[start.start() :]


def prompt_code(prompt: str, parser: Parser | None = None) -> str:
    """The code of a HumanEval prompt (imports, helpers, signature, docstring) without the instructions around it."""
    parser = parser or Parser()
    blocks = fenced_blocks(prompt[:CODE_LIMIT], parser)
    text = blocks[0] if blocks else prompt
    code = without_prose(text.replace("\r\n", "\n")[:CODE_LIMIT], parser)
    return code if parser.parses(code) else ""


def last_function(code: str) -> str | None:
    """The name of the last function that `code` defines at top level, or None."""
    names = re.findall(r"^def[ \t]+(\w+)", code, re.MULTILINE)
    return names[-1] if names else None


def defines(code: str, names: tuple[str, ...]) -> bool:
    """Whether `code` defines one of `names` at top level, or any function if `names` is empty."""
    one = "|".join(map(re.escape, names)) or r"\w+"
    return (
        re.search(rf"^(?:(?:async[ \t]+)?def|class)[ \t]+(?:{one})\b|^(?:{one})[ \t]*(?::[^=\n]*)?=", code, re.MULTILINE)
        is not None
    )


def parses(code: str) -> bool:
    """Whether `code` is Python."""
    return Parser().parses(code)
