"""The process that decides: it runs the tests against stand-ins for the program and sends the verdict to the pool.

It never runs the program itself, which so cannot touch the tests.
"""

from __future__ import annotations

import ast
import builtins
import random
import socket
import sys
from typing import Any

from . import frames
from .codec import UnsupportedError
from .remote import Program, ProgramEndedError


def main(verdicts: socket.socket, programs: socket.socket) -> None:
    """Receive one job from `verdicts`, run it against the program behind `programs`, and send [status, reason]."""
    _, job = frames.receive(verdicts)
    random.seed(0)  # tests with random cases draw the same ones in every run
    program = Program(programs)
    try:
        status, reason = _check(program, **job)
    except ProgramEndedError as error:
        status, reason = "ended", str(error)
    if status == "passed" and program.ended is not None:  # a test may have swallowed it with a bare except
        status, reason = "ended", program.ended
    frames.send(verdicts, [status, reason])


def _check(program: Program, code: str, setup: str, tests: list[str], entry_point: str | None) -> tuple[str, str]:
    try:
        parsed = [ast.parse(test) for test in tests]
        helpers = ast.parse(setup)
    except (SyntaxError, ValueError, RecursionError) as error:
        return "unsupported", f"the tests cannot be parsed: {error}"
    namespace: dict[str, Any] = {"__name__": "tests"}
    where = "the program, while loading"
    try:
        program.start(code)
        where = "the setup"
        own = _defined(helpers, *parsed)
        entry_point = entry_point or _built_in_entry(own, *parsed)
        entry = {} if entry_point is None else {entry_point: _entry(program, entry_point)}
        namespace.update(entry)
        _lend(program, namespace, _read(helpers, *parsed) - own)
        exec(compile(helpers, "<setup>", "exec"), namespace)  # noqa: S102 the data set's own code, inside the sandbox
        namespace.update(entry)  # the setup may hold a stub of the function to be written
        for number, test in enumerate(parsed, start=1):
            where = f"test {number} of {len(parsed)}"
            exec(compile(test, "<test>", "exec"), namespace)  # noqa: S102 the data set's own code, inside the sandbox
        if entry_point is not None and "check" in _defined(*parsed):
            where = "check()"
            namespace["check"](namespace[entry_point])
    except AssertionError as error:
        return "failed", f"{where}: assertion failed{': ' + str(error)[:200] if str(error) else ''}"
    except UnsupportedError as error:
        return "unsupported", f"{where}: {error}"
    except ProgramEndedError:
        raise
    except BaseException as error:
        return "error", f"{where}: {type(error).__name__}: {str(error)[:200]}"
    return "passed", ""


def _entry(program: Program, name: str) -> Any:
    try:
        return program.name(name)
    except AttributeError as error:
        raise NameError(f"the program does not define {name}") from error


def _built_in_entry(own: set[str], *tests: ast.AST) -> str | None:
    """The first builtin called, if tests name only builtins: `sum` for `assert sum(10, 15) == 6`."""
    if any(not hasattr(builtins, name) and name not in own for name in _read(*tests)):
        return None
    for node in _nodes(*tests):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id not in own:
            return node.func.id
    return None


def _nodes(*trees: ast.AST) -> list[ast.AST]:
    return [node for tree in trees for node in ast.walk(tree)]


def _defined(*trees: ast.AST) -> set[str]:
    """The names that the setup or the tests define, at any depth."""
    names = set()
    for node in _nodes(*trees):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            names.add(node.id)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.alias):
            names.add((node.asname or node.name).partition(".")[0])
    return names


def _read(*trees: ast.AST) -> set[str]:
    return {node.id for node in _nodes(*trees) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


def _lend(program: Program, namespace: dict[str, Any], names: set[str]) -> None:
    """Bind names that tests use but do not define. Builtins come first, so that a program cannot replace `abs`."""
    for name in sorted(names - set(namespace)):
        if hasattr(builtins, name):
            continue
        if name in sys.stdlib_module_names:
            namespace[name] = __import__(name)
            continue
        try:
            namespace[name] = program.name(name)
        except AttributeError:  # the test that needs it raises a NameError
            continue
