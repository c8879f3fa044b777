"""The plan of the house: which room may import which, and where registries live."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
NAME = "llmfusionbench"
ROOTS = {PROJECT / NAME: NAME, **{PROJECT / wing: f"{NAME}.{wing}" for wing in ("schemas", "builders", "baselines")}}

LAYERS = (
    {"_version", "errors", "lazy_names", "redaction", "types"},
    {"engines", "processes", "storage", "schema", "schemas"},
    {"manifest", "plugins", "validation", "statistics", "llm", "texts", "remote"},
    {"release"},
    {"scoring", "sandbox"},
    {"evaluation", "auditing"},
    {"builders", "baselines"},
    {"hub"},
    {"dataset"},
    {"cli", "__main__"},
)
"""Rooms of the core and the two wings, lowest first. A module imports from its own layer and from those below."""

ROOMS = {
    "builders": (
        {"records", "known"},
        {"reading"},
        {"sources"},
        {"recognising"},
        {"making"},
        {"build"},
        {"tasks"},
        {"collecting"},
        {"revising", "templates", "publishing"},
        {"appending", "judging"},
        {"merging"},
        {"simulation"},
    ),
    "baselines": ({"routers"}, {"fusion", "retrievers"}, {"prompting", "exporters"}),
}
"""The same within each wing."""

LAZY = {
    ("builders", "hub"): "the Hub is reached only when a release is published, or a task's rows are read from it",
    ("release", "hub"): "a release is downloaded only when it is named by its place on the Hub",
    ("evaluation", "baselines"): "a router's name is looked up only when a name is given",
}
"""Imports up the layers, each made inside a function, with the reason."""

BUILDERS_ALLOWED = {"cli", "hub"}
"""Rooms of the core that may import `builders`."""

REGISTRIES = {
    "SOURCES": "builders/sources",
    "SIGNATURES": "builders/recognising/signatures",
    "ROUTERS": "baselines/routers",
    "RETRIEVERS": "baselines/retrievers",
    "EXPORTERS": "baselines/exporters",
    "FORMATS": "baselines/exporters/corpora/formats",
    "ROUTING_FORMATS": "baselines/exporters/routing/formats",
    "METRICS": "llmfusionbench/scoring/metrics",
    "MEASURES": "llmfusionbench/evaluation/measures",
    "DETECTORS": "llmfusionbench/auditing/detectors",
    "RELEASE_DETECTORS": "llmfusionbench/auditing/detectors",
    "TASKS": "builders/simulation/tasks",
    "CATALOG": "builders/tasks",
    "ENGINES": "llmfusionbench/engines",
}
"""Registry -> the folder whose `__init__.py` holds it as a literal."""


def modules() -> list[Path]:
    return sorted(path for root in ROOTS for path in root.rglob("*.py") if path != PROJECT / NAME / "__init__.py")


def dotted(path: Path) -> str:
    """The name that a file is imported by."""
    root = next(root for root in ROOTS if path.is_relative_to(root))
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join([ROOTS[root], *(parts[:-1] if parts[-1] == "__init__" else parts)])


def room(module: str, wing: str = "") -> str:
    """The part of the core (or of a wing) that a module belongs to; empty if it is that package itself."""
    prefix = f"{NAME}.{wing}." if wing else f"{NAME}."
    return module.removeprefix(prefix).partition(".")[0] if module.startswith(prefix) else ""


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def imports(tree: ast.AST, lazy: bool = False, typing_too: bool = False) -> Iterator[tuple[str, bool]]:
    """(module or name of ours, whether inside a function) of everything that a file imports when it runs."""
    for node in ast.iter_child_nodes(tree):
        if is_type_checking(node) and not typing_too:
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, lazy) for alias in node.names if alias.name.partition(".")[0] == NAME)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == NAME:
            yield from ((f"{node.module}.{alias.name}", lazy) for alias in node.names)
        yield from imports(node, lazy or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef), typing_too)


def file_of(module: str) -> str:
    """The module that an imported name lies in: itself, or what it is taken from."""
    while module not in FILES:
        module = module.rpartition(".")[0]
    return module


FILES = {dotted(path): path for path in modules()} | {NAME: PROJECT / NAME / "__init__.py"}


def level(layers: tuple[set[str], ...], name: str) -> int:
    return next(height for height, names in enumerate(layers) if name in names)


def assignments(tree: ast.Module, name: str) -> list[ast.expr | None]:
    """What is assigned to a name at the top level of a file."""
    found = []
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            found.append(node.value)
    return found


def test_every_room_has_its_layer() -> None:
    assert {room(name) for name in FILES} - {""} == set.union(*LAYERS)
    for wing, layers in ROOMS.items():
        assert {room(name, wing) for name in FILES} - {""} == set.union(*layers), wing


@pytest.mark.parametrize("name", sorted(FILES.keys() - {NAME}))
def test_imports_go_down(name: str) -> None:
    own = room(name)
    for imported, lazy in imports(parsed(FILES[name])):
        target = room(imported)
        if target in {own, "", "__version__"} or ((own, target) in LAZY and lazy):
            continue
        assert level(LAYERS, target) <= level(LAYERS, own), f"{own} imports {imported}, which stands above it"
    if own in ROOMS and room(name, own):
        for imported, _ in imports(parsed(FILES[name])):
            target = room(imported, own)
            if target:
                assert level(ROOMS[own], target) <= level(ROOMS[own], room(name, own)), f"{name} imports {imported} from above"


def test_builders_and_baselines_know_nothing_of_each_other() -> None:
    for name, path in FILES.items():
        targets = {room(imported) for imported, _ in imports(parsed(path))}
        assert not (room(name) == "builders" and "baselines" in targets), name
        assert not (room(name) == "baselines" and "builders" in targets), name


def test_who_may_import_builders() -> None:
    users = {room(name) for name, path in FILES.items() if any(room(i) == "builders" for i, _ in imports(parsed(path)))}
    assert users - {"builders"} <= BUILDERS_ALLOWED


def test_the_exceptions_are_still_needed() -> None:
    lazy = {(room(name), room(i)) for name, path in FILES.items() for i, is_lazy in imports(parsed(path)) if is_lazy}
    assert lazy >= LAZY.keys()


def test_no_circle_of_files() -> None:
    """Not even among imports for type checking, or inside functions, except those that LAZY explains."""
    needs = {
        name: {
            file_of(i)
            for i, lazy in imports(parsed(path), typing_too=True)
            if not (lazy and (room(name), room(i)) in LAZY) and file_of(i) != name
        }
        for name, path in FILES.items()
        if name != NAME
    }
    # A package's own list of names is not a user of the files in it.
    for name, found in needs.items():
        found -= {package for package in found if name.startswith(f"{package}.")} | {NAME}
    done: set[str] = set()
    while ready := {name for name in needs.keys() - done if needs[name] <= done}:
        done |= ready
    assert done == needs.keys(), f"a circle among {sorted(needs.keys() - done)}"


@pytest.mark.parametrize("registry", REGISTRIES)
def test_a_registry_is_a_literal_in_the_folder_that_it_lists(registry: str) -> None:
    home = dotted(PROJECT / REGISTRIES[registry] / "__init__.py")
    assert [name for name, path in FILES.items() for _ in assignments(parsed(path), registry)] == [home]
    assert all(isinstance(value, ast.Dict | ast.Tuple) for value in assignments(parsed(FILES[home]), registry))


def test_the_reading_of_imports_itself() -> None:
    code = """
import llmfusionbench.release.writer
from llmfusionbench.hub.releases import ensure_full
from llmfusionbench import cli
from typing import Any
if TYPE_CHECKING:
    from llmfusionbench.builders import build
def f():
    class C:
        from llmfusionbench.release.torch_data import TableDataset
"""
    found = [(room(name), lazy) for name, lazy in imports(ast.parse(code))]
    assert found == [("release", False), ("hub", False), ("cli", False), ("release", True)]
    assert ("builders", False) in [(room(name), lazy) for name, lazy in imports(ast.parse(code), typing_too=True)]
