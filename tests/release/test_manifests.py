"""Manifests of every wrong kind: refused in one line when a release is opened, and by `validate` as an issue, every time."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import llmfusionbench as lfb
from llmfusionbench.errors import LLMFusionBenchError, ReleaseError
from llmfusionbench.release import Release
from tests.helpers.tiny_release import change_manifest

SHARD = "queries/train-00000-of-00001.parquet"
HOSTILE: tuple[Any, ...] = (
    None, True, 0, -1, 1.5, 10**400, "", "x\x1b[31m", "\ud800", [], {}, [[]], {"splits": {}}, {"rows": 1}, float("nan"),
    float("inf"), ["unheard of"], ["simulated", "simulated"],
)  # fmt: skip
PLACES: tuple[tuple[str, ...], ...] = (
    (), ("tables",), ("files",), ("schema_version",), ("source",), ("source", "name"), ("source", "revision"), ("provenance",),
    ("history",), ("tool",), ("tables", "queries"), ("tables", "queries", "splits"), ("tables", "queries", "splits", "train"),
    ("tables", "queries", "splits", "train", "rows"), ("files", SHARD), ("files", SHARD, "rows"), ("files", SHARD, "bytes"),
    ("files", SHARD, "sha256"), ("files", "README.md"), ("files", "x\x1b/../y"), ("tables", "queries", "splits", "a\x1bb"),
)  # fmt: skip


def refusal(release: Path) -> LLMFusionBenchError | None:
    """The error of the first use of a release that is refused."""
    try:
        use_all(release)
    except LLMFusionBenchError as error:
        return error
    return None


def use_all(release: Path) -> None:
    opened = Release(release)
    opened.info()
    opened.routing()
    for table in opened.tables:
        opened.table(table).to_table()
    lfb.evaluate("random", opened, scenario="performance_first", protocol="kfold", folds=2)


@given(where=st.sampled_from(PLACES), value=st.sampled_from(HOSTILE), drop=st.booleans())
def test_validate_has_an_issue_whenever_reading_refuses(whole: Path, where: tuple[str, ...], value: object, drop: bool) -> None:
    def change(manifest: Any) -> None:
        for step in where[:-1]:
            manifest = manifest[step]
        if drop:
            manifest.pop(where[-1], None)
        else:
            manifest[where[-1]] = value

    place = whole / "manifest.json"
    before = place.read_bytes()
    try:
        if where:
            change_manifest(whole, change)
        else:
            place.write_text(json.dumps(value))
        error = refusal(whole)
        assert error is None or lfb.validate(whole), f"validate finds nothing, but: {error}"
        assert "\n" not in str(error)
    finally:
        place.write_bytes(before)


def test_keys_given_twice_are_reported(release: Path) -> None:
    place = release / "manifest.json"
    text = place.read_text().replace('"provenance":', '"provenance": [], "provenance":', 1)
    place.write_text(text)
    with pytest.raises(LLMFusionBenchError, match="the key 'provenance' is given twice"):
        Release(release)
    assert "the key 'provenance' is given twice" in str(lfb.validate(release)[0])


def test_validate_lists_all_the_faults_of_a_manifest(release: Path) -> None:
    def change(manifest: dict[str, Any]) -> None:
        manifest["source"] = 1
        manifest["files"]["README.md"] = None
        manifest["tables"]["llms"] = []

    change_manifest(release, change)
    assert len(lfb.validate(release)) == 3


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda place: place.write_text('{"a":' * 500 + "1" + "}" * 500), "schema_version"),
        (lambda place: place.write_text("[" * 100_000), "not readable as JSON"),
        (lambda place: place.write_text('{"a": 1' + "0" * 5000 + "}"), "not readable as JSON"),
        (lambda place: place.mkdir(), "not a regular file"),
        (os.mkfifo, "not a regular file"),
        (lambda place: place.open("w").truncate(2**31), "2,147,483,648 bytes, expected at most"),
    ],
)
def test_files_that_are_no_manifests(make: Callable[[Path], object], message: str, tmp_path: Path) -> None:
    """They are refused without waiting for a writer, and before much of them is read."""
    make(tmp_path / "manifest.json")
    with pytest.raises(LLMFusionBenchError, match=message):
        Release(tmp_path)
    assert lfb.validate(tmp_path)


@pytest.mark.parametrize(("depth", "good"), [(20, True), (40, False), (400, False)])
def test_manifests_are_not_nested_deep(depth: int, good: bool, release: Path) -> None:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    change_manifest(release, lambda m: m.update(extra=value))
    assert (lfb.validate(release) == []) == good
    if not good:
        with pytest.raises(LLMFusionBenchError, match=r"more than 32 levels of nesting in 'extra'\. Remedy"):
            Release(release)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["x", "x/y"], "file 'x' is a folder of other files, too"),
        (["x/y", "x/y/z/w"], "file 'x/y' is a folder of other files, too"),
        (["n" * 256], "has a name of 256 bytes, expected at most 255 in each folder"),
        (["é" * 128 + "/x"], "has a name of 258 bytes"),
        (["/".join(["folder"] * 200)], "has a name of 1,399 bytes"),
        (["manifest.json"], "file 'manifest.json' is the manifest itself"),
        (["../x"], "lies outside the release"),
    ],
)
def test_names_that_no_directory_can_hold(names: list[str], said: str, release: Path) -> None:
    """Downloading such a release would end in an error of the file system, or overwrite its own files."""
    change_manifest(release, lambda manifest: manifest["files"].update({n: {"bytes": 1, "sha256": "0" * 64} for n in names}))
    with pytest.raises(ReleaseError, match=said):
        Release(release)
    assert any(said in str(issue) for issue in lfb.validate(release))


def test_names_of_the_largest_size(release: Path) -> None:
    name = "n" * 255 + "/" + "m" * 255
    change_manifest(release, lambda manifest: manifest["files"].update({name: {"bytes": 1, "sha256": "0" * 64}}))
    assert Release(release).manifest["files"][name]["bytes"] == 1
