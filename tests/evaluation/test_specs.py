"""Routers by name, file, module and object; and the conformance suite, which good routers pass and bad ones fail."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

import llmfusionbench as lfb
from llmfusionbench.evaluation import EstimatorRouter, LiveRouter
from llmfusionbench.evaluation.routers.by_name import is_baseline, known_routers, named_routers, resolve
from tests.helpers.small_tables import Always, Means, random_table

FILE = """
class Mine:
    def __init__(self, seed=0):
        self.seed = seed
    def route(self, prompts, tasks):
        return ["a"] * len(prompts)
class Nothing:
    pass
class Unmade:
    def __init__(self):
        raise RuntimeError("no weights")
class Raises(Mine):
    def fit(self, table):
        raise KeyError("boom")
class Silent(Mine):
    def route(self, prompts, tasks):
        return [1 / 0]
class Words(Mine):
    def score(self, prompts, tasks):
        return "hello"
class Needy:
    def __init__(self, path):
        self.path = path
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(FILE)
    return path


def test_a_file(file: Path) -> None:
    router = resolve(f"{file}:Mine", seed=5)
    assert router.seed == 5
    assert router.route(["x"], ["t"]) == ["a"]


def test_a_module(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(file.parent))
    sys.modules.pop("mine", None)
    assert resolve("mine:Mine").route(["x"], ["t"]) == ["a"]
    assert isinstance(resolve("sklearn.linear_model:Ridge"), EstimatorRouter)


class Lengths:
    """An embedder that sees how long a prompt is, and that remembers, with all copies of it, what it was asked for."""

    id = "lengths"
    seen: ClassVar[list[str | None]] = []

    def encode(self, prompts: Sequence[str | None]) -> np.ndarray:
        self.seen += prompts
        return np.array([[len(p or ""), 1.0] for p in prompts], np.float32).reshape(-1, 2)


def test_an_embedder_reaches_the_routers_that_take_one() -> None:
    embedder = Lengths()
    assert resolve("knn", embedder=embedder).embedder is embedder
    assert resolve("knn").embedder is None
    assert not hasattr(resolve("per_task", embedder=embedder), "embedder")
    report = lfb.evaluate("knn", (random_table(20, prefix="train"), random_table(8, seed=1)), embedder=embedder)
    assert {*embedder.seen} >= {*random_table(20, prefix="train").prompts, *random_table(8, seed=1).prompts}
    assert "embedder lengths: knn" in report.data["warnings"]


def test_an_embedder_reaches_files_and_scikit_learn(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(
        "class Mine:\n"
        "    def __init__(self, embedder=None):\n"
        "        self.seen_by = embedder\n"
        "    def route(self, prompts, tasks):\n"
        "        self.seen_by.encode(prompts)\n"
        "        return ['a'] * len(prompts)\n"
    )
    tables = (random_table(20, prefix="train"), random_table(8, seed=1))
    embedder = Lengths()
    for router, name in ((f"{path}:Mine", f"{path}:Mine"), (Ridge(), "Ridge")):
        embedder.seen.clear()
        report = lfb.evaluate(router, tables, embedder=embedder, baselines=())
        assert {*embedder.seen} >= {*tables[1].prompts}
        assert f"embedder lengths: {name}" in report.data["warnings"]
    blind = lfb.evaluate(Always("a"), tables, embedder=embedder, baselines=())
    assert "embedder lengths: not used by any of these routers" in blind.data["warnings"]


def test_a_file_without_a_class_is_told_to_name_one() -> None:
    with pytest.raises(lfb.LLMFusionBenchError, match=r"mine\.py: is missing the class name\. Remedy: write mine\.py:Class"):
        resolve("mine.py")


def test_others() -> None:
    assert isinstance(resolve("http://localhost:1"), LiveRouter)
    assert isinstance(resolve(Ridge()), EstimatorRouter)
    always = Always()
    assert resolve(always) is always
    assert isinstance(resolve(Always), Always)
    assert is_baseline("per_task")
    assert not is_baseline("oracle")
    assert not is_baseline(always)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("per-task", 'Did you mean "per_task"'),
        ("{file}:Mien", 'No class in {file} "Mien". Did you mean "Mine"?'),
        ("{file}:Nothing", "Nothing: has neither score nor route"),
        ("{file}:Needy", "Needy: cannot be made without arguments"),
        ("{file}:Unmade", "Unmade: cannot be made (RuntimeError: no weights)"),
        ("nowhere.py:Mine", "nowhere.py: no such file"),
        ("no_such_module_at_all:Mine", "cannot be imported"),
    ],
)
def test_specs_that_are_none(file: Path, spec: str, message: str) -> None:
    with pytest.raises(lfb.LLMFusionBenchError) as caught:
        resolve(spec.format(file=file))
    assert message.format(file=file) in str(caught.value)


def test_a_file_that_fails(tmp_path: Path) -> None:
    path = tmp_path / "bad.py"
    path.write_text("1 / 0")
    with pytest.raises(lfb.LLMFusionBenchError, match="ZeroDivisionError: division by zero"):
        resolve(f"{path}:Mine")


def test_a_file_or_a_router_that_ends_the_program_does_not_end_this_one(tmp_path: Path) -> None:
    """A script without a guard around its main part; it used to end an evaluation without a word."""
    path = tmp_path / "script.py"
    path.write_text("import sys\nsys.exit(3)\n")
    with pytest.raises(lfb.LLMFusionBenchError, match=r"script.py: cannot be imported \(SystemExit: 3\)"):
        resolve(f"{path}:Mine")
    path.write_text("import sys\nclass Quits:\n    def route(self, prompts, tasks):\n        sys.exit(3)\n")
    tables = (random_table(5, prefix="train"), random_table(5, seed=1))
    with pytest.raises(lfb.LLMFusionBenchError, match=r"Quits: SystemExit: 3 \(script.py line 4\)"):
        lfb.evaluate(f"{path}:Quits", tables, baselines=())


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("Raises", "KeyError: 'boom' (mine.py line 14)"),
        ("Silent", "ZeroDivisionError: division by zero (mine.py line 17)"),
        ("Words", "scores: not a numeric array (could not convert string to float: 'hello')"),
    ],
)
def test_a_router_that_raises_is_named_with_its_line(file: Path, kind: str, message: str) -> None:
    with pytest.raises(lfb.LLMFusionBenchError) as caught:
        lfb.evaluate(f"{file}:{kind}", (random_table(10, prefix="train"), random_table(5)), baselines=())
    assert str(caught.value).startswith(f"router {file}:{kind}: {message}. Remedy")


def test_names(tmp_path: Path) -> None:
    assert list(named_routers([Always(), "knn", tmp_path / "mine.csv"])) == ["Always", "knn", "mine"]
    assert list(named_routers("knn")) == ["knn"]
    with pytest.raises(lfb.LLMFusionBenchError, match="two routers are called Always"):
        named_routers([Always(), Always()])
    with pytest.raises(lfb.LLMFusionBenchError, match="no router"):
        named_routers([])


# --- check_router


@pytest.mark.parametrize("router", [Means, Means(), Ridge(), LogisticRegression(), "per_task", "oracle"])
def test_good_routers_pass(router: object) -> None:
    assert "every query has a choice" in lfb.check_router(router)


def test_the_object_stays_as_it_was() -> None:
    router = Means()
    lfb.check_router(router)
    assert not hasattr(router, "means_")


class Returns(Means):
    def fit(self, table: lfb.RoutingTable) -> None:  # type: ignore[override]
        super().fit(table)


class Spoils(Means):
    def fit(self, table: lfb.RoutingTable) -> Means:
        np.nan_to_num(table.performance, copy=False)
        return super().fit(table)


class Hasty(Means):
    def __init__(self) -> None:
        self.means_ = None


class Drifts(Means):
    def score(self, prompts: list[str], tasks: list[str]) -> np.ndarray:
        self.shift = getattr(self, "shift", 0) + 1
        return np.roll(np.tile(np.arange(6.0), (len(prompts), 1)), self.shift, axis=1)


class Narrow(Means):
    def score(self, prompts: list[str], tasks: list[str]) -> np.ndarray:
        return np.zeros((len(prompts), 2))


class NotNumbers(Means):
    def score(self, prompts: list[str], tasks: list[str]) -> np.ndarray:
        return np.full((len(prompts), 6), np.nan)


class Looks(Means):
    """Its choice depends on who else is asked."""

    def score(self, prompts: list[str], tasks: list[str]) -> np.ndarray:
        return np.eye(6)[np.arange(len(prompts)) % 6]


class Stops(Means):
    def fit(self, table: lfb.RoutingTable) -> Stops:
        raise RuntimeError("no weights")


class Trips(Means):
    def score(self, prompts: list[str], tasks: list[str]) -> np.ndarray:
        return np.stack([self.means_ + len(p) for p in prompts])


@pytest.mark.parametrize(
    ("router", "message"),
    [
        (Returns, "fit returns the router"),
        (Spoils, "fit leaves the table as it was"),
        (Hasty, "the constructor learns nothing: means_"),
        (Drifts, "the same answers when asked again"),
        (Narrow, "shape (12, 2), expected (12, 6)"),
        (NotNumbers, "every query has a choice: query test-0000: score is NaN"),
        (Looks, "the same answers one by one"),
        (Trips, "it raises TypeError"),
        (Stops, "fails 1 check: fitted, it raises RuntimeError: no weights"),
    ],
)
def test_bad_routers_fail(router: type, message: str) -> None:
    with pytest.raises(lfb.LLMFusionBenchError) as caught:
        lfb.check_router(router)
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"router {router.__name__}: fails")


def test_the_defaults_are_in_the_registry() -> None:
    from llmfusionbench.evaluation.run import BASELINES

    assert set(BASELINES) <= set(known_routers())
