"""A strict parser for the Python literals that DataFrames write into CSV cells. It never evaluates code.

Accepts strings, numbers, None, True, False, and lists, tuples, dicts and numpy's `array([...], dtype=...)` of them.
"""

from __future__ import annotations

import json
import re

MAX_DEPTH = 6

_STRING = re.compile(r"""'((?:[^'\\]|\\.)*+)'|"((?:[^"\\]|\\.)*+)\"""", re.DOTALL)
_BARE = re.compile(r"[-+]?[\w.]++")
_SPACE = re.compile(r"\s*+")
_DTYPE = re.compile(r"(?:\s*+,\s*+dtype\s*+=\s*+['\"]?[<>|=\w.]++['\"]?)?\s*+\)")
_ESCAPE = re.compile(r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.DOTALL)
_SIMPLE = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", '"': '"', "\n": "", "0": "\0"}
_WORDS: dict[str, object] = {"None": None, "True": True, "False": False, "nan": None}


class _NotALiteralError(Exception):
    pass


def python_literal(text: str) -> object:
    """The value of `text`, or None if it is not such a literal."""
    try:
        value, place = _value(text, 0, 0)
    except _NotALiteralError:
        return None
    return value if _skip(text, place) == len(text) else None


def json_or_literal(text: str, *, strict: bool = True) -> object:
    """The value of `text` as JSON (`strict` as in `json.loads`), else as a Python literal, else None."""
    try:
        return json.loads(text, strict=strict)
    except (ValueError, RecursionError):
        return python_literal(text)


def _value(text: str, place: int, depth: int) -> tuple[object, int]:
    place = _skip(text, place)
    opening = text[place : place + 1]
    if depth > MAX_DEPTH:
        raise _NotALiteralError
    if opening in ("'", '"'):
        found = _STRING.match(text, place)
        if found is None:
            raise _NotALiteralError
        return _unescape(found[1] if found[1] is not None else found[2]), found.end()
    if opening in ("[", "("):
        return _items(text, place + 1, "]" if opening == "[" else ")", depth)
    if opening == "{":
        return _pairs(text, place + 1, depth)
    if text.startswith("array(", place):
        value, place = _value(text, place + 6, depth + 1)
        found = _DTYPE.match(text, place)
        if found is None:
            raise _NotALiteralError
        return value, found.end()
    found = _BARE.match(text, place)
    if found is None:
        raise _NotALiteralError
    return _bare(found[0]), found.end()


def _bare(word: str) -> object:
    if word in _WORDS:
        return _WORDS[word]
    if len(word) > 300:
        raise _NotALiteralError
    for kind in (int, float):
        try:
            return kind(word)
        except ValueError:
            continue
    raise _NotALiteralError


def _items(text: str, place: int, closing: str, depth: int) -> tuple[list[object], int]:
    items: list[object] = []
    while text[(place := _skip(text, place)) : place + 1] != closing:
        value, place = _value(text, place, depth + 1)
        items.append(value)
        place = _comma(text, place, closing)
    return items, place + 1


def _pairs(text: str, place: int, depth: int) -> tuple[dict[str, object], int]:
    pairs: dict[str, object] = {}
    while text[(place := _skip(text, place)) : place + 1] != "}":
        key, place = _value(text, place, depth + 1)
        place = _skip(text, place)
        if text[place : place + 1] != ":" or isinstance(key, (list, dict)):
            raise _NotALiteralError
        pairs[str(key)], place = _value(text, place + 1, depth + 1)
        place = _comma(text, place, "}")
    return pairs, place + 1


def _comma(text: str, place: int, closing: str) -> int:
    place = _skip(text, place)
    following = text[place : place + 1]
    if following == ",":
        return place + 1
    if following != closing:
        raise _NotALiteralError
    return place


def _skip(text: str, place: int) -> int:
    if not text[place : place + 1].isspace():
        return place
    found = _SPACE.match(text, place)
    return place if found is None else found.end()


def _unescape(body: str) -> str:
    return _ESCAPE.sub(_one_escape, body) if "\\" in body else body


def _one_escape(found: re.Match[str]) -> str:
    code = found[0][1:]
    if len(code) > 1:
        point = int(code[1:], 16)
        return chr(point) if point < 0x110000 else found[0]
    return _SIMPLE.get(code, found[0])
