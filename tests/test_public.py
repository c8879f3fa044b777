"""The public surface: pinned by name, whole when packaged."""

from __future__ import annotations

import importlib
import inspect
import pickle
import tomllib
from pathlib import Path

import pytest

import llmfusionbench as lfb
from llmfusionbench import errors

PROJECT = Path(__file__).parents[1]
MODULES = ("auditing", "builders", "evaluation", "release", "sandbox", "scoring", "validation", "cli")


def test_the_surface_is_pinned() -> None:
    assert lfb.__all__ == [
        "Audit",
        "Issue",
        "LLMFusionBenchError",
        "Release",
        "Report",
        "RoutingTable",
        "Score",
        "__version__",
        "audit",
        "check_router",
        "evaluate",
        "open_release",
        "score",
        "validate",
    ]


def test_every_name_resolves_and_says_what_it_is() -> None:
    for name in lfb.__all__:
        value = getattr(lfb, name)
        assert name == "__version__" or inspect.getdoc(value), name


def test_no_such_name() -> None:
    with pytest.raises(AttributeError, match="module 'llmfusionbench' has no attribute 'open_relase'"):
        lfb.open_relase  # noqa: B018


@pytest.mark.parametrize("package", MODULES)
def test_names_of_the_packages_resolve(package: str) -> None:
    module = importlib.import_module(f"llmfusionbench.{package}")
    assert len(set(module.__all__)) == len(module.__all__)
    for name in module.__all__:
        assert getattr(module, name) is not None


def test_every_package_is_packaged() -> None:
    settings = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    found = set()
    for folder in ("llmfusionbench", "schemas", "builders", "baselines"):
        for init in (PROJECT / folder).rglob("__init__.py"):
            name = ".".join(init.parent.relative_to(PROJECT).parts)
            found.add(name if folder == "llmfusionbench" else f"llmfusionbench.{name}")
    assert set(settings["packages"]) == found
    for folder in ("schemas", "builders", "baselines"):
        assert settings["package-dir"][f"llmfusionbench.{folder}"] == folder


def test_no_module_lies_in_a_folder_that_is_no_package() -> None:
    for folder in ("llmfusionbench", "schemas", "builders", "baselines"):
        for module in (PROJECT / folder).rglob("*.py"):
            assert (module.parent / "__init__.py").is_file(), module


# --- errors

ERRORS = [e for _, e in inspect.getmembers(errors, inspect.isclass) if issubclass(e, errors.LLMFusionBenchError)]
MADE = {
    errors.UnknownNameError: errors.UnknownNameError("table", "quries", ["responses", "queries"]),
    errors.MissingExtraError: errors.MissingExtraError("torch", "torch"),
}


@pytest.mark.parametrize("kind", ERRORS)
def test_errors_travel_between_processes(kind: type[errors.LLMFusionBenchError]) -> None:
    error = MADE.get(kind) or kind("place: value. Remedy: remedy")
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is kind
    assert str(copy) == str(error)
    assert vars(copy) == vars(error)


def test_the_tree_is_drawn_whole() -> None:
    for kind in ERRORS:
        assert kind.__name__ in str(errors.__doc__)
        assert inspect.getdoc(kind)


def test_unknown_names() -> None:
    error = MADE[errors.UnknownNameError]
    assert str(error) == 'No table "quries". Did you mean "queries"? Known: queries, responses.'
    assert isinstance(error, KeyError)
    assert str(errors.UnknownNameError("table", "x" * 10, ["queries"])) == 'No table "xxxxxxxxxx". Known: queries.'
    assert str(errors.UnknownNameError("split", None, [])).startswith('No split "None".')


def test_missing_extra() -> None:
    assert isinstance(MADE[errors.MissingExtraError], ImportError)
    assert str(MADE[errors.MissingExtraError]) == "torch is not installed. Remedy: pip install 'llmfusionbench[torch]'"
