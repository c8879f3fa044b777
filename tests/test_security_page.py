"""docs/security.md: every test that it names is there, and every table of promises names some."""

from __future__ import annotations

import ast
import re
from pathlib import Path

PROJECT = Path(__file__).parents[1]
PAGE = (PROJECT / "docs" / "security.md").read_text(encoding="utf-8")


def test_every_promise_names_tests_that_exist() -> None:
    promises = [line for line in PAGE.splitlines() if re.match(r"\| .* \| .*tests/", line)]
    assert len(promises) == sum(line.startswith("| ") for line in PAGE.split("## Files that are yours")[1].splitlines()) - 4
    for line in promises:
        file = ""
        for name in re.findall(r"`((?:tests/[\w/]+\.py)?::\w+)`", line):
            stated, _, function = name.partition("::")
            file = stated or file
            tree = ast.parse((PROJECT / file).read_text(encoding="utf-8"))
            assert function in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}, (
                f"{file} has no {function}"
            )
        assert file, line
