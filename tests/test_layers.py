"""Imports go one way, down the layers: what lies below never knows what stands on it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
CORE = PROJECT / "llmfusionbench"

LAYERS = (
    {"_version", "errors", "types"},
    {"directory", "files", "schema", "schemas"},
    {"manifest", "validation"},
    {"chat", "duplicates", "embedding", "routing", "spending", "statistics", "tokens"},
    {"release"},
    {"scoring", "sandbox", "leaderboard"},
    {"evaluation"},
    {"builders", "baselines"},
    {"_hub", "full", "loading", "_registration", "torch_data"},
    {"cli", "__main__"},
)
LAYER = {name: level for level, names in enumerate(LAYERS) for name in names}

BUILDERS_ALLOWED = {"cli", "full", "loading", "_registration"}
"""Parts of the core that may import `builders`."""

LAZY_EXCEPTIONS = {("release", "full"), ("release", "torch_data"), ("evaluation", "baselines")}
"""Imports up the layers, made inside a function where the user asks for just that."""


def modules() -> list[Path]:
    found = [
        p for folder in (CORE, PROJECT / "builders", PROJECT / "baselines", PROJECT / "schemas") for p in folder.rglob("*.py")
    ]
    return sorted(p for p in found if p != CORE / "__init__.py")


def package_of(path: Path) -> tuple[str, ...]:
    """The package that a module lies in, without `llmfusionbench` before it."""
    return path.relative_to(CORE if path.is_relative_to(CORE) else PROJECT).parts[:-1]


def part_of(path: Path) -> str:
    """The part of the project that a module belongs to: its first folder, or its name."""
    return (*package_of(path), path.stem)[0]


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def imports(tree: ast.AST, package: tuple[str, ...], lazy: bool = False) -> Iterator[tuple[str, bool]]:
    """(part of the project, whether inside a function) of everything of ours that a module imports when it runs."""
    for node in ast.iter_child_nodes(tree):
        if is_type_checking(node):
            continue
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "llmfusionbench":
                    yield (*alias.name.split("."), "")[1], lazy
        elif isinstance(node, ast.ImportFrom):
            module = tuple((node.module or "").split(".")) if node.module else ()
            if node.level:
                target = (*package[: len(package) - node.level + 1], *module)
            elif module[:1] == ("llmfusionbench",):
                target = module[1:]
            else:
                continue
            if target:
                yield target[0], lazy
            else:  # from .. import name
                yield from ((alias.name, lazy) for alias in node.names)
        yield from imports(node, package, lazy or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_every_part_has_its_layer() -> None:
    assert {part_of(path) for path in modules()} <= LAYER.keys()


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PROJECT)))
def test_imports_go_down(path: Path) -> None:
    part = part_of(path)
    for target, lazy in imports(parsed(path), package_of(path)):
        if target == part or ((part, target) in LAZY_EXCEPTIONS and lazy):
            continue
        assert target in LAYER, f"{path.name} imports {target}, which has no layer"
        assert LAYER[target] <= LAYER[part], f"{path.name} ({part}) imports {target}, which stands above it"


def test_builders_and_baselines_know_nothing_of_each_other() -> None:
    for path in modules():
        targets = {target for target, _ in imports(parsed(path), package_of(path))}
        if part_of(path) == "builders":
            assert "baselines" not in targets, path
        if part_of(path) == "baselines":
            assert "builders" not in targets, path


def test_who_may_import_builders() -> None:
    found = {
        part_of(path) for path in CORE.rglob("*.py") if any(t == "builders" for t, _ in imports(parsed(path), package_of(path)))
    }
    assert found <= BUILDERS_ALLOWED


def test_the_exceptions_are_still_needed() -> None:
    lazy = {
        (part_of(path), target) for path in modules() for target, is_lazy in imports(parsed(path), package_of(path)) if is_lazy
    }
    assert lazy >= LAZY_EXCEPTIONS


def test_no_cycles_within_a_layer() -> None:
    """Parts of one layer may use each other, but not in a circle."""
    needs: dict[str, set[str]] = {}
    for path in modules():
        for target, lazy in imports(parsed(path), package_of(path)):
            if not lazy and target != part_of(path):
                needs.setdefault(part_of(path), set()).add(target)
    done: set[str] = set()
    while ready := {p for p in needs if p not in done and needs[p] & needs.keys() <= done}:
        done |= ready
    assert done == needs.keys(), f"a circle among {sorted(needs.keys() - done)}"


def test_the_reading_of_imports_itself() -> None:
    code = """
import llmfusionbench.release.writer
from llmfusionbench.full import ensure_full
from ..schema import TABLES
from . import neighbour
from .. import cli
from typing import Any
if TYPE_CHECKING:
    from ..builders import build
def f():
    class C:
        from ..torch_data import TableDataset
"""
    found = list(imports(ast.parse(code), ("release",)))
    assert found == [
        ("release", False), ("full", False), ("schema", False), ("release", False), ("cli", False), ("torch_data", True),
    ]  # fmt: skip
