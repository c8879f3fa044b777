"""Patterns that are compiled at the first use: the same as those of `re`, all of them valid, none compiled by an import."""

from __future__ import annotations

import copy
import importlib
import pickle
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.texts.lazy_pattern import _METHODS, _LazyPattern, lazy_pattern
from tests.helpers.importable import importable

PROJECT = Path(__file__).parents[1]
USERS = sorted(
    ".".join(path.relative_to(PROJECT).with_suffix("").parts)
    for path in (PROJECT / "llmfusionbench").rglob("*.py")
    if "import lazy_pattern\n" in path.read_text(encoding="utf-8")
)
"""The modules that have such patterns."""


def patterns_in(value: Any) -> Iterator[_LazyPattern]:
    """The lazy patterns in a value of a module: itself, or those that it lists."""
    if isinstance(value, _LazyPattern):
        yield value
    elif isinstance(value, dict):
        yield from patterns_in(list(value.values()))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from patterns_in(one)


def patterns_of(name: str) -> list[_LazyPattern]:
    """All lazy patterns of a module."""
    return [pattern for value in vars(importlib.import_module(name)).values() for pattern in patterns_in(value)]


@pytest.mark.parametrize("name", USERS)
def test_every_pattern_of_a_module_is_valid(name: str) -> None:
    found = patterns_of(name)
    assert found, name
    for pattern in found:
        compiled = re.compile(pattern.pattern, pattern._flags)
        assert copy.copy(pattern).groupindex == compiled.groupindex


def test_importing_compiles_none() -> None:
    code = (
        "import importlib, sys\n"
        "from tests.test_lazy_pattern import USERS, patterns_of\n"
        "print(len(USERS), [n for n in USERS for p in patterns_of(n) if 'search' in vars(p)])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=PROJECT, env=importable(), check=True
    )
    assert done.stdout.strip() == f"{len(USERS)} []"


@pytest.mark.parametrize("flags", [re.NOFLAG, re.IGNORECASE, re.MULTILINE | re.DOTALL])
def test_it_finds_what_a_compiled_one_finds(flags: int) -> None:
    text = "Ab 12\nab 3"
    lazy, compiled = lazy_pattern(r"^(?P<word>a\w) (\d+)$", flags), re.compile(r"^(?P<word>a\w) (\d+)$", flags)
    for _ in range(2):  # the first use and a later one
        assert lazy.findall(text) == compiled.findall(text)
        assert [m.span("word") for m in lazy.finditer(text)] == [m.span("word") for m in compiled.finditer(text)]
        assert lazy.sub(r"<\2>", text) == compiled.sub(r"<\2>", text)
        assert lazy.split(text) == compiled.split(text)
        assert [bool(method("ab 3")) for method in (lazy.search, lazy.match, lazy.fullmatch)] == [True] * 3
    assert (lazy.pattern, lazy.flags, lazy.groups) == (compiled.pattern, compiled.flags, compiled.groups)


def test_its_first_use_compiles_it_once() -> None:
    pattern = lazy_pattern("[a-c]+", re.IGNORECASE)
    assert repr(pattern) == f"lazy_pattern('[a-c]+', {re.IGNORECASE})"
    assert not set(_METHODS) & vars(pattern).keys()
    assert pattern.fullmatch("aBc")
    assert set(_METHODS) <= vars(pattern).keys()
    assert pattern.search.__self__ is pattern.sub.__self__  # type: ignore[attr-defined]


def test_the_source_of_a_pattern_is_known_without_compiling_it() -> None:
    pattern = lazy_pattern("a(")
    assert pattern.pattern == "a("
    assert pickle.loads(pickle.dumps(pattern)).pattern == "a("
    with pytest.raises(re.error, match="missing \\), unterminated subpattern"):
        pattern.search("a")


def test_it_has_the_attributes_of_a_pattern_and_no_others() -> None:
    with pytest.raises(AttributeError, match="serach"):
        lazy_pattern("a").serach  # type: ignore[attr-defined]  # noqa: B018
    assert not hasattr(lazy_pattern("("), "__wrapped__")
