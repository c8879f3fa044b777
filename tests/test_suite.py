"""The suite about itself: what tests/conftest.py lists is there, and no test depends on how fast the machine is."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.conftest import SLOW

TESTS = Path(__file__).parent
CLOCKS = {"time", "monotonic", "perf_counter", "process_time", "thread_time", "sleep"}
"""Functions of the module `time` by which a test could measure the machine, or wait for a while instead of for an event."""
MAY_WAIT = {"helpers/environments.py", "helpers/waiting.py"}


@pytest.mark.parametrize("entry", SLOW)
def test_what_is_listed_as_slow_is_there(entry: str) -> None:
    file, _, name = entry.partition("::")
    assert f"\ndef {name}" in (TESTS / file).read_text(encoding="utf-8"), entry


def test_no_test_measures_time() -> None:
    found = [
        f"{path.relative_to(TESTS)} line {node.lineno}: time.{node.attr}"
        for path in sorted(TESTS.rglob("*.py"))
        if str(path.relative_to(TESTS)) not in MAY_WAIT
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "time"
        if node.attr.removesuffix("_ns") in CLOCKS
    ]
    assert found == []
