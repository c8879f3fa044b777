"""`load_dataset("llmfusionbench")` by the plain `datasets`: every configuration, from any directory, in either import order."""

from __future__ import annotations

import importlib.machinery
import json
import os
import pickle
import sys
import types
import warnings
from pathlib import Path

import datasets
import pyarrow as pa
import pytest
from datasets import (
    get_dataset_config_names,
    get_dataset_default_config_name,
    get_dataset_split_names,
    load_dataset,
    load_dataset_builder,
)

import llmfusionbench  # noqa: F401  (what makes the name known)
from llmfusionbench.dataset import builder as dataset_builder
from llmfusionbench.dataset import registration
from llmfusionbench.errors import InputError, ReleaseError, UnknownNameError
from llmfusionbench.release import opening
from llmfusionbench.schema import TABLES, table_schema
from tests.helpers.hub import ROOT, run_client
from tests.helpers.small_release import TEST, TRAIN, rows, write_small_release

NAME = "llmfusionbench"


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_small_release(tmp_path_factory.mktemp("release") / "small"))


@pytest.fixture
def cache(tmp_path: Path) -> str:
    return str(tmp_path / "cache")


@pytest.fixture(params=["empty", "data files", "package", "parquet folder"])
def crowded(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory that a loader could trip over."""
    here = tmp_path / "here"
    folder = here / NAME
    folder.mkdir(parents=True) if request.param in ("package", "parquet folder") else here.mkdir()
    if request.param == "data files":
        (here / "train.csv").write_text("wrong\n1\n")
        (here / "test.jsonl").write_text('{"wrong": 1}\n')
        (here / "data").mkdir()
        pa.parquet.write_table(pa.table({"wrong": [1]}), here / "data" / "train.parquet")
    elif request.param == "package":
        (folder / "__init__.py").write_text("raise RuntimeError('not this one')\n")
        (folder / f"{NAME}.py").write_text("raise RuntimeError('not this one')\n")
    elif request.param == "parquet folder":
        pa.parquet.write_table(pa.table({"wrong": [1]}), folder / "train.parquet")
        (folder / "README.md").write_text("---\nconfigs:\n- config_name: wrong\n  data_files: train.parquet\n---\n")
    monkeypatch.chdir(here)


@pytest.mark.usefixtures("crowded")
def test_any_working_directory(release: str, cache: str) -> None:
    loaded = load_dataset(NAME, release=release, cache_dir=cache)
    assert list(loaded) == ["train", "test"]
    assert loaded.num_rows == {"train": TRAIN, "test": TEST}
    assert loaded["train"].column_names == table_schema("logs").arrow.names


def test_a_relative_path_is_a_release(release: str, cache: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(release).parent)
    assert load_dataset(NAME, "queries", split="test", release="small", cache_dir=cache).num_rows == TEST


@pytest.mark.parametrize("table", TABLES)
def test_every_table_comes_whole(table: str, release: str, cache: str) -> None:
    loaded = load_dataset(NAME, table, split="train", release=release, cache_dir=cache)
    assert loaded.features == table_schema(table).features
    assert loaded.with_format("arrow")[:].to_pylist() == rows(table, range(TRAIN)).to_pylist()


def test_slices_and_sums_of_splits(release: str, cache: str) -> None:
    def load(split: str) -> datasets.Dataset:
        return load_dataset(NAME, "queries", split=split, release=release, cache_dir=cache)

    assert load("train[:10%]").num_rows == TRAIN // 10
    assert load("train[-2:]")["query_id"] == ["query_id 028", "query_id 029"]
    assert load("train+test").num_rows == TRAIN + TEST


def test_a_split_without_rows_is_empty(release: str, cache: str) -> None:
    loaded = load_dataset(NAME, "judge_scores", release=release, cache_dir=cache)
    assert loaded.num_rows == {"train": TRAIN, "test": 0}
    assert loaded["test"].features == table_schema("judge_scores").features
    streamed = load_dataset(NAME, "judge_scores", release=release, streaming=True, cache_dir=cache)
    assert {split: len(list(rows)) for split, rows in streamed.items()} == {"train": TRAIN, "test": 0}


def test_streaming(release: str, cache: str) -> None:
    streamed = load_dataset(NAME, "responses", split="train", release=release, streaming=True, cache_dir=cache)
    assert streamed.num_shards == 2
    assert list(streamed) == rows("responses", range(TRAIN)).to_pylist()
    assert not list(Path(cache).rglob("*.arrow")), "streaming writes nothing"


@pytest.mark.parametrize("streaming", [False, True])
def test_columns(streaming: bool, release: str, cache: str) -> None:
    wanted = ["task", "query_id"]
    loaded = load_dataset(NAME, "queries", split="train", release=release, columns=wanted, streaming=streaming, cache_dir=cache)
    assert loaded.column_names == wanted
    assert next(iter(loaded)) == {"task": "task 000", "query_id": "query_id 000"}


def test_features_of_the_users_own(release: str, cache: str) -> None:
    features = table_schema("llms").features.copy()
    features["input_price"] = datasets.Value("float32")
    loaded = load_dataset(NAME, "llms", split="train", release=release, features=features, cache_dir=cache)
    assert loaded.features["input_price"].dtype == "float32"
    assert load_dataset(NAME, "llms", split="train", release=release, cache_dir=cache).features != features


def test_worker_processes(release: str, cache: str) -> None:
    loaded = load_dataset(NAME, "logs", split="train", release=release, num_proc=2, cache_dir=cache)
    assert loaded["query_id"] == [f"query_id {n:03d}" for n in range(TRAIN)]


def test_the_builder_pickles_by_reference(release: str, cache: str) -> None:
    builder = load_dataset_builder(NAME, "llms", release=release, cache_dir=cache)
    again = pickle.loads(pickle.dumps(builder))
    assert type(again) is dataset_builder.LLMFusionBench
    assert again.config == builder.config


def test_names(release: str, cache: str) -> None:
    assert get_dataset_config_names(NAME) == list(TABLES)
    assert get_dataset_config_names(NAME, release=release) == list(TABLES)
    assert get_dataset_default_config_name(NAME) == "logs"
    assert get_dataset_split_names(NAME, "queries", release=release) == ["train", "test"]
    assert get_dataset_split_names(NAME, "llms", release=release) == ["train"]


def test_info(release: str, cache: str) -> None:
    info = load_dataset_builder(NAME, "queries", release=release, cache_dir=cache).info
    assert info.description.startswith(table_schema("queries").description)
    assert "simulated" in info.description
    assert info.features == table_schema("queries").features
    assert "2507.10540" in info.citation
    assert "2507.10540" in info.homepage
    assert info.license.startswith("license 000, license 001")
    assert info.dataset_name == NAME
    assert info.config_name == "queries"
    assert {name: split.num_examples for name, split in info.splits.items()} == {"train": TRAIN, "test": TEST}


def test_a_rebuilt_release_is_not_served_stale(tmp_path: Path, cache: str) -> None:
    def load() -> datasets.Dataset:
        return load_dataset(NAME, "queries", split="test", release=tmp_path / "r", cache_dir=cache)

    write_small_release(tmp_path / "r")
    first = load()
    assert load().cache_files == first.cache_files, "the same content is read from the cache"
    write_small_release(tmp_path / "r", salt="!")
    assert load()["task"][0] == "task 000!"
    assert first["task"][0] == "task 000"


def test_a_damaged_count_is_noticed(tmp_path: Path, cache: str) -> None:
    place = write_small_release(tmp_path / "r") / "manifest.json"
    manifest = json.loads(place.read_text())
    manifest["tables"]["queries"]["splits"]["train"]["rows"] += 1
    place.write_text(json.dumps(manifest))
    with pytest.raises(datasets.exceptions.NonMatchingSplitsSizesError):
        load_dataset(NAME, "queries", release=tmp_path / "r", cache_dir=cache)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"name": "querys"}, ValueError, "'querys' not found. Available:.*queries"),
        ({"relase": "sample"}, ValueError, "relase"),
        ({"columns": ["promt"]}, UnknownNameError, 'No column "promt". Did you mean "prompt"?'),
        ({"columns": "prompt", "release": "small"}, InputError, "columns is 'prompt', expected a list"),
        ({"columns": [], "release": "small"}, InputError, r"columns is \[\], expected a list of at least one"),
        ({"data_files": "x.csv"}, InputError, "takes no data_files.*release="),
        ({"data_dir": "x"}, InputError, "takes no data_files or data_dir.*release="),
        ({"release": "no/such/place"}, ReleaseError, "no/such/place"),
        ({"release": "sample", "revision": "v1"}, InputError, "not on the Hub"),
        ({"split": "validation", "release": "small"}, ValueError, "validation"),
    ],
)
def test_mistakes(
    arguments: dict[str, object],
    error: type[Exception],
    message: str,
    release: str,
    cache: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(Path(release).parent)
    # None of these may reach out for the full release before the mistake is found.
    monkeypatch.setattr(opening, "_full_or_sample", lambda token: pytest.fail("asked for a release"))
    with pytest.raises(error, match=message):
        load_dataset(NAME, **arguments, cache_dir=cache)


def test_a_shard_that_is_gone(tmp_path: Path, cache: str) -> None:
    place = write_small_release(tmp_path / "r")
    (place / "queries" / "train-00001-of-00002.parquet").unlink()
    with pytest.raises(ReleaseError, match=r"train-00001-of-00002\.parquet"):
        load_dataset(NAME, "queries", release=place, cache_dir=cache)


def test_a_table_that_the_release_lacks(tmp_path: Path, cache: str) -> None:
    place = write_small_release(tmp_path / "r") / "manifest.json"
    manifest = json.loads(place.read_text())
    del manifest["tables"]["judge_scores"]
    place.write_text(json.dumps(manifest))
    with pytest.raises(UnknownNameError, match='"judge_scores"'):
        load_dataset(NAME, "judge_scores", release=tmp_path / "r", cache_dir=cache)


def test_loading_imports_no_readers_of_other_formats(release: str, tmp_path: Path) -> None:
    """`datasets` would import scipy, pandas and XML readers to replace their functions in the builder's module."""
    code = (
        f'import sys, llmfusionbench, datasets\nloaded = datasets.load_dataset("{NAME}", "llms", release={release!r})'
        "\nprint([n for n in ('scipy', 'torch', 'sklearn') if n in sys.modules], loaded.num_rows)"
    )
    env = {**os.environ, "HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "1"}
    env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    done = run_client(code, env, tmp_path)
    assert done.stdout.strip() == f"[] {{'train': {TRAIN}}}", done.stderr


def test_the_sample(cache: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loaded = load_dataset(NAME, "queries", release="sample", cache_dir=cache)
    assert sum(loaded.num_rows.values()) == 560
    assert len(set(loaded["train"]["task"])) == 14


def test_other_names_are_left_alone(tmp_path: Path, cache: str) -> None:
    (tmp_path / "x.csv").write_text("a\n1\n")
    assert load_dataset("csv", data_files=str(tmp_path / "x.csv"), cache_dir=cache)["train"].column_names == ["a"]
    (tmp_path / NAME).mkdir()
    (tmp_path / NAME / "train.csv").write_text("b\n1\n")
    assert load_dataset(str(tmp_path / NAME), cache_dir=cache)["train"].column_names == ["b"]


def test_registering_again_changes_nothing() -> None:
    before = datasets.load.dataset_module_factory
    finders = list(sys.meta_path)
    registration.register()
    assert datasets.load.dataset_module_factory is before
    assert sys.meta_path == finders


def test_the_hook_waits_for_the_import_and_then_steps_aside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    package = types.ModuleType("datasets")
    package.__path__ = [str(tmp_path)]
    (tmp_path / "load.py").write_text("def dataset_module_factory(path, *args, **kwargs):\n    return path\n")
    for name in [n for n in sys.modules if n.partition(".")[0] == "datasets"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "datasets", package)
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    registration.register()
    registration.register()
    assert [isinstance(f, registration._AfterImport) for f in sys.meta_path].count(True) == 1
    load = importlib.import_module("datasets.load")
    assert load.dataset_module_factory("squad") == "squad"
    assert load.dataset_module_factory.knows_llmfusionbench
    assert isinstance(load.__spec__.loader, importlib.machinery.SourceFileLoader)
    assert not any(isinstance(f, registration._AfterImport) for f in sys.meta_path)


@pytest.mark.parametrize("order", ["ours first", "datasets first"])
def test_import_order(order: str, release: str, tmp_path: Path) -> None:
    """In a fresh process; ours alone must be light."""
    lines = ["import sys", "import llmfusionbench", "heavy = [n for n in ('datasets', 'torch', 'sklearn') if n in sys.modules]"]
    lines.insert(0 if order == "datasets first" else 3, "from datasets import load_dataset, get_dataset_config_names")
    code = "\n".join(lines) + (
        f'\nloaded = load_dataset("{NAME}", "llms", release={release!r})'
        f'\nprint(heavy, loaded.num_rows, len(get_dataset_config_names("{NAME}")))'
    )
    env = {**os.environ, "HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "1"}
    env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    done = run_client(code, env, tmp_path)
    heavy = "[]" if order == "ours first" else "['datasets']"
    assert done.stdout.strip() == f"{heavy} {{'train': {TRAIN}}} 7", done.stderr
