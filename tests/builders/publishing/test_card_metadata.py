"""The metadata of a published card: what the Hub reads, and what `load_dataset` verifies."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets.info import DatasetInfosDict
from huggingface_hub import DatasetCard, DatasetCardData

import llmfusionbench as lfb
from llmfusionbench.auditing import Audit
from llmfusionbench.builders import build
from llmfusionbench.builders.known.hub_licences import HUB_LICENCES
from llmfusionbench.builders.publishing.card import published_card
from llmfusionbench.builders.publishing.card_metadata import dataset_info, languages, licence_keys, metadata, size_category
from tests.helpers.small_release import write_small_release
from tests.helpers.tiny_release import write_tiny_release

OLD = Path(__file__).parents[2] / "release" / "release_1_0"


AUDIT = Audit(
    {
        "version": "1.0",
        "tool": {"name": "llmfusionbench", "version": "0"},
        "release": {"source": None, "revision": None, "schema_version": None, "provenance": [], "digest": None},
        "rows": {"responses": 0, "queries": 0, "llms": 0},
        "detectors": [],
        "notes": [],
        "findings": [],
    }
)
"""An audit without findings; the metadata do not use it."""


def small(folder: Path) -> lfb.Release:
    return lfb.open_release(write_small_release(folder / "small"))


def tiny(folder: Path) -> lfb.Release:
    return lfb.open_release(write_tiny_release(folder / "tiny"))


def older(folder: Path) -> lfb.Release:
    return lfb.open_release(OLD)


@pytest.mark.parametrize("made", [small, tiny, older])
def test_plain_datasets_verify_every_configuration(made: Callable[[Path], lfb.Release], tmp_path: Path) -> None:
    release = made(tmp_path)
    place = tmp_path / "published"
    shutil.copytree(release.path, place)
    (place / "README.md").write_text(published_card(release, "org/name", AUDIT), encoding="utf-8")
    infos = DatasetInfosDict.from_directory(place)
    filled = {t for t in release.tables if any(s["rows"] for s in release.manifest["tables"][t]["splits"].values())}
    assert infos.keys() == filled
    assert list(datasets.load_dataset(str(place), cache_dir=str(tmp_path / "cache"))) == list(infos["logs"].splits)
    for table, info in infos.items():
        loaded = datasets.load_dataset(str(place), table, cache_dir=str(tmp_path / "cache"))  # verifies by default
        assert {split: rows.num_rows for split, rows in loaded.items()} == {s: i.num_examples for s, i in info.splits.items()}
        for split, rows in loaded.items():
            assert rows.features == info.features
            assert rows.info.splits[split].num_bytes == info.splits[split].num_bytes
            assert (rows.info.download_size, rows.info.dataset_size) == (info.download_size, info.dataset_size)
            files = [pq.read_table(file) for file in release.files(table, split)]
            assert rows.data.table.to_pylist() == pa.concat_tables(files).to_pylist()


def test_a_wrong_count_would_be_noticed(tmp_path: Path) -> None:
    release = tiny(tmp_path)
    text = published_card(release, "org/name", AUDIT)
    place = tmp_path / "published"
    shutil.copytree(release.path, place)
    (place / "README.md").write_text(text.replace("num_examples: 4", "num_examples: 5"), encoding="utf-8")
    with pytest.raises(datasets.exceptions.NonMatchingSplitsSizesError, match="num_examples=5"):
        datasets.load_dataset(str(place), "responses", cache_dir=str(tmp_path / "cache"))


def test_the_hub_reads_all_of_it(tmp_path: Path) -> None:
    release = tiny(tmp_path)
    data = metadata(release, "A name: with # signs", None)
    again = DatasetCard(f"---\n{DatasetCardData(**data).to_yaml()}\n---\nbody").data
    assert again.to_dict() == data
    assert list(data)[:2] == ["pretty_name", "language"]
    first, *others = data["configs"]
    assert (first["config_name"], first["default"]) == ("logs", True)
    assert not any("default" in config for config in others)
    assert [config["config_name"] for config in others] == [
        table for table in release.tables if table != "logs" and table != "thought_templates"
    ]


def test_a_split_without_rows_is_no_configuration(tmp_path: Path) -> None:
    release = small(tmp_path)
    judged = next(info for info in dataset_info(release) if info["config_name"] == "judge_scores")
    assert [split["name"] for split in judged["splits"]] == ["train"]
    configs = {config["config_name"]: config for config in metadata(release, "x", None)["configs"]}
    assert [files["split"] for files in configs["judge_scores"]["data_files"]] == ["train"]


@pytest.mark.parametrize(
    ("rows", "bucket"),
    [
        (0, "n<1K"), (999, "n<1K"), (1000, "1K<n<10K"), (22_400, "10K<n<100K"), (256_000, "100K<n<1M"), (10**6, "1M<n<10M"),
        (5 * 10**8, "100M<n<1B"), (10**9, "1B<n<10B"), (10**12 - 1, "100B<n<1T"), (10**12, "n>1T"),
    ],
)  # fmt: skip
def test_the_hubs_buckets(rows: int, bucket: str) -> None:
    assert size_category(rows) == bucket


@pytest.mark.parametrize(
    ("licence", "stated", "expected"),
    [
        (None, ["MIT", "MIT"], {"license": "mit"}),
        (None, [None], {"license": "unknown"}),
        (None, ["CC-BY-4.0", None], {"license": "other", "license_name": "mixed"}),
        (None, [], {"license": "other", "license_name": "not-stated"}),
        (None, ["Our terms, v2"], {"license": "other", "license_name": "our-terms--v2", "license_details": "Our terms, v2"}),
        ("Apache-2.0", ["MIT"], {"license": "apache-2.0"}),
        (" cc-by-sa-4.0 ", [], {"license": "cc-by-sa-4.0"}),
        ("other", [], {"license": "other", "license_name": "other", "license_details": "other"}),
        ("***", [], {"license": "other", "license_name": "other", "license_details": "***"}),
    ],
)
def test_licences(licence: str | None, stated: list[str | None], expected: dict[str, str]) -> None:
    found = licence_keys(licence, pa.chunked_array([pa.array(stated, pa.string())]))
    assert expected.items() <= found.items()
    assert found["license"] in HUB_LICENCES
    assert ("license_details" in found) == (found["license"] == "other")


def asked(folder: Path, prompts: list[str], task: str) -> lfb.Release:
    source = folder / "log.jsonl"
    rows = [{"prompt": prompt, "task": task, "llm": "a", "response": "x", "split": "train"} for prompt in prompts]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return build("table", [source], folder / "release", workers=1)


@pytest.mark.parametrize(
    ("prompts", "task", "codes"),
    [
        (["1+1?"], "gsm8k", ["en"]),
        (["1+1?"], "sums", ["und"]),
        (["Which of the two is the name of a river that is in the east of the city?"], "places", ["en"]),
        (["Wie heißt der Fluss, der durch die Stadt fließt, und wie lang ist er von der Quelle an?"], "orte", ["de"]),
    ],
)
def test_languages(prompts: list[str], task: str, codes: list[str], tmp_path: Path) -> None:
    assert languages(asked(tmp_path, prompts, task), [task]) == codes
