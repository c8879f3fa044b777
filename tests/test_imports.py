"""What importing costs: which packages and modules each step of a user's work loads, in a fresh process, and no more."""

from __future__ import annotations

import ast
import importlib
import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from llmfusionbench.lazy_names import lazy_names

PROJECT = Path(__file__).parents[1]
LAZY = {
    "llmfusionbench": PROJECT / "llmfusionbench",
    **{
        f"llmfusionbench.{name}": PROJECT / "llmfusionbench" / name
        for name in ("auditing", "evaluation", "release", "validation")
    },
    **{f"llmfusionbench.{name}": PROJECT / name for name in ("builders", "baselines")},
}
"""Package whose names are imported at first use -> its folder."""
SLOW = ("torch", "sklearn", "scipy", "datasets", "jsonschema", "tiktoken", "huggingface_hub")
OUTSIDE = (*SLOW, "pandas", "pyarrow", "numpy", "rich", "yaml", "click")
"""Packages of others."""


def loaded(code: str) -> set[str]:
    """The modules of a fresh process once it has run some code, which prints nothing on standard error."""
    code += "\nimport json, sys\nprint()\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=PROJECT, check=True)
    assert done.stderr == ""
    return set(json.loads(done.stdout.splitlines()[-1]))


def outside(code: str) -> list[str]:
    """The packages of others that some code loads."""
    modules = loaded(code)
    return [name for name in OUTSIDE if name in modules]


def ours(code: str) -> set[str]:
    """The parts of this package that some code loads."""
    return {name.split(".")[1] for name in loaded(code) if name.startswith("llmfusionbench.")}


def stated(package: str) -> dict[str, str]:
    """Name -> the module that it comes from, as a package states for type checkers."""
    tree = ast.parse((LAZY[package] / "__init__.py").read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    lines = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    return {alias.name: str(line.module) for line in lines for alias in line.names}


@pytest.mark.parametrize("package", LAZY)
def test_a_name_is_what_the_type_checker_takes_it_for(package: str) -> None:
    module = importlib.import_module(package)
    assert stated(package), package
    assert stated(package).keys() <= set(module.__all__)
    for name, home in stated(package).items():
        assert getattr(module, name) is getattr(importlib.import_module(home), name), name


@pytest.mark.parametrize("package", LAZY)
def test_no_name_is_that_of_a_module(package: str) -> None:
    """Python would set the module in its place."""
    importlib.import_module(package)
    assert [name for name in stated(package) if find_spec(f"{package}.{name}")] == []


def test_every_name_is_shown_before_its_first_use() -> None:
    lines = ["from importlib import import_module", f"for package in map(import_module, {list(LAZY)!r}):"]
    modules = loaded("\n".join([*lines, "    assert not set(package.__all__) - set(dir(package)), package"]))
    assert not {"llmfusionbench.auditing.run", "llmfusionbench.evaluation.run", "llmfusionbench.baselines.routers"} & modules


@pytest.mark.parametrize("package", LAZY)
def test_a_star_import_brings_every_name(package: str) -> None:
    found: dict[str, object] = {}
    exec(f"from {package} import *", found)
    assert set(importlib.import_module(package).__all__) <= found.keys()


def test_no_such_name() -> None:
    get, names = lazy_names("json", {"decoder": ("JSONDecoder",)})
    with pytest.raises(AttributeError, match="module 'json' has no attribute 'JSONDecodr'"):
        get("JSONDecodr")
    assert get("JSONDecoder") is json.JSONDecoder
    assert {"JSONDecoder", "loads"} <= set(names())


def test_a_module_that_does_not_import_says_why() -> None:
    get, _ = lazy_names("json", {"no_such_module": ("Thing",)})
    with pytest.raises(ModuleNotFoundError, match=r"json\.no_such_module"):
        get("Thing")


def test_importing_costs_nothing() -> None:
    assert outside("import llmfusionbench") == []
    assert ours("import llmfusionbench") == {"_version", "dataset", "lazy_names"}


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["--version"]])
def test_the_help_loads_no_command(arguments: list[str]) -> None:
    code = f"from llmfusionbench.cli.main import run\nassert run({arguments!r}) == 0"
    assert outside(code) == ["rich", "click"]
    assert ours(code) == {"_version", "cli", "dataset", "errors", "lazy_names", "redaction", "texts", "types"}


def test_the_help_of_a_command_loads_no_model() -> None:
    """All commands in one process: the list grows with each."""
    lines = ["import sys", "from llmfusionbench.cli.main import COMMANDS, run", "for command in COMMANDS:"]
    lines += ["    assert run([command, '--help']) == 0", f"    found = set({SLOW!r}) & set(sys.modules)"]
    assert not set(SLOW) & loaded("\n".join([*lines, "    assert not found, (command, found)"]))


def test_opening_a_release_needs_neither_torch_nor_datasets() -> None:
    modules = loaded("import llmfusionbench as lfb\nlfb.open_release('sample').routing('test')\nlfb.validate")
    assert not set(SLOW) & modules
    others = ("auditing", "baselines", "builders", "evaluation", "hub", "sandbox", "scoring")
    assert not {f"llmfusionbench.{name}" for name in others} & modules


def test_building_loads_what_a_build_needs() -> None:
    """Neither the other stages nor the report of an evaluation: each worker of a build imports all that the build does."""
    modules = loaded("import llmfusionbench.builders.build")
    parts = {name.removeprefix("llmfusionbench.") for name in modules if name.startswith("llmfusionbench.")}
    unwanted = ("auditing.run", "evaluation", "sandbox", "hub", "builders.appending", "builders.merging", "builders.revising")
    assert [name for name in parts if name.startswith(unwanted)] == []
    assert not set(SLOW) & modules
