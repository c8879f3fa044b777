"""croissant.json, checked with mlcroissant: no faults, and its records are the rows of the release."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlcroissant as mlc
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import llmfusionbench as lfb
from llmfusionbench.builders import build
from llmfusionbench.builders.publishing.croissant import CONFORMS_TO, REPOSITORY, croissant, dump
from llmfusionbench.builders.publishing.staging import left_out, staged_files
from llmfusionbench.errors import InputError
from llmfusionbench.schema import table_schema
from tests.helpers.hostile_release import write_hostile_release
from tests.helpers.small_release import write_small_release
from tests.helpers.tiny_release import change_manifest, restate, write_tiny_release

pytestmark = [
    pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated"),
    pytest.mark.filterwarnings("ignore:The inplace keyword"),
]

REPO = "org/name"
OLD = Path(__file__).parents[2] / "release" / "release_1_0"
NO_DATE = 'Property "https://schema.org/datePublished" is recommended, but does not exist.'


def small(folder: Path) -> lfb.Release:
    return lfb.open_release(write_small_release(folder / "small"))


def tiny(folder: Path) -> lfb.Release:
    return lfb.open_release(write_tiny_release(folder / "tiny"))


def older(folder: Path) -> lfb.Release:
    return lfb.open_release(OLD)


def with_turns(folder: Path) -> lfb.Release:
    """Messages, choices, sampling, dated prices and embeddings: every kind of nested column, with values and without."""
    source = folder / "log.jsonl"
    turns = [{"role": "system", "content": "Be short."}, {"role": "user", "content": "1+1?"}]
    rows: list[dict[str, Any]] = [
        {"messages": turns, "task": "sums", "llm": "a", "response": "2", "created_at": "2026-03-04T05:06:07.000Z"},
        {"prompt": "Pick one", "choices": ["x", "y"], "task": "picks", "llm": "a", "response": "A", "metric": "em_mc",
         "temperature": 0.5, "max_tokens": 12},
    ]  # fmt: skip
    source.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return build("table", [source], folder / "turns", workers=1)


def checked(release: lfb.Release, folder: Path, **options: Any) -> mlc.Dataset:
    """The metadata as mlcroissant reads them from a file; its files are those of the release."""
    place = folder / "croissant.json"
    place.write_text(dump(croissant(release, REPO, **options)), encoding="utf-8")
    return mlc.Dataset(str(place), mapping={REPOSITORY: str(release.path)})


def expected(table: str, row: dict[str, Any], schema: pa.Schema) -> dict[str, Any]:
    """A row of the release as mlcroissant gives it."""
    made = {f"{table}/{name}": value for name, value in row.items()}
    for field in schema:
        place, value = f"{table}/{field.name}", row[field.name]
        kind = field.type.value_type if pa.types.is_list(field.type) else field.type
        if pa.types.is_struct(kind):  # without a value, every nested field is null
            parts = value if isinstance(value, list) else [value]
            nested = [{f"{place}/{part.name}": None if v is None else v[part.name] for part in kind} for v in parts]
            made[place] = nested if pa.types.is_list(field.type) else nested[0]
    return made


def plain(value: Any) -> Any:
    """A value of mlcroissant in the types of Python."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if isinstance(value, bytes):
        return value.decode()
    return value.item() if hasattr(value, "item") else value


@pytest.mark.parametrize("made", [small, tiny, older, with_turns, write_hostile_release])
def test_records_are_the_rows(made: Callable[[Path], lfb.Release], tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    release = made(tmp_path)
    with caplog.at_level(logging.WARNING):
        dataset = checked(release, tmp_path)
        assert not dataset.metadata.ctx.issues.errors
        assert not [w for w in dataset.metadata.ctx.issues.warnings if NO_DATE not in w]
        assert {found.uuid for found in dataset.metadata.record_sets} == {*release.tables, "splits"}
        for table in release.tables:
            rows = [
                expected(table, {**row, "split": split}, file.schema)
                for split in release.manifest["tables"][table]["splits"]
                for file in map(pq.read_table, release.files(table, split))
                for row in file.to_pylist()
            ]
            records = [plain(record) for record in dataset.records(table)]
            assert sorted(map(repr, map(_sorted, records))) == sorted(map(repr, map(_sorted, rows)))
    assert not [record for record in caplog.records if NO_DATE not in record.getMessage()]


def _sorted(row: dict[str, Any]) -> list[tuple[str, Any]]:
    return sorted(row.items())


def test_one_split_can_be_read(tmp_path: Path) -> None:
    release = tiny(tmp_path)
    records = list(checked(release, tmp_path).records("logs", filters={"logs/split": "test"}))
    assert len(records) == 2
    assert {record["logs/split"] for record in records} == {b"test"}
    assert [plain(record) for record in checked(release, tmp_path).records("splits")] == [
        {"splits/name": "train"},
        {"splits/name": "test"},
    ]


def test_every_column_has_a_type_and_a_description(tmp_path: Path) -> None:
    data = croissant(small(tmp_path), REPO)
    assert data["conformsTo"] == CONFORMS_TO == "http://mlcommons.org/croissant/1.1"
    for found in data["recordSet"][1:]:
        schema = table_schema(found["@id"])
        fields = {field["name"]: field for field in found["field"]}
        assert fields.keys() == {"split"} | set(schema.arrow.names)
        assert [key["@id"] for key in found["key"]] == [f"{schema.name}/{name}" for name in schema.key]
        for column in schema.columns:
            field = fields[column.name]
            assert "dataType" in field or "subField" in field
            assert field.get("isArray", False) == pa.types.is_list(column.arrow_type)
            assert field["description"].endswith("May be null." if column.nullable else "Not null.")
    responses = {f["name"]: f for f in next(r for r in data["recordSet"] if r["@id"] == "responses")["field"]}
    assert responses["query_id"]["references"] == {"field": {"@id": "queries/query_id"}}
    assert responses["llm"]["references"] == {"field": {"@id": "llms/llm"}}
    assert responses["cost_usd"]["description"].endswith("Unit: USD. May be null.")
    assert "Values: `ok` or `empty` or `error` or `missing`." in responses["status"]["description"]


def test_shards_have_the_digests_of_the_manifest(tmp_path: Path) -> None:
    release = small(tmp_path)
    files = {f["@id"]: f for f in croissant(release, REPO)["distribution"] if f["@type"] == "cr:FileObject"}
    shards = {name: entry for name, entry in release.manifest["files"].items() if "/" in name}
    assert files.keys() == {REPOSITORY, *shards}
    for name, entry in shards.items():
        assert (files[name]["sha256"], files[name]["contentSize"]) == (entry["sha256"], f"{entry['bytes']} B")
        assert files[name]["containedIn"] == {"@id": REPOSITORY}
    assert files[REPOSITORY]["contentUrl"] == "https://huggingface.co/datasets/org/name"


def test_the_same_release_gives_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    texts = {dump(croissant(tiny(tmp_path / place), REPO)) for place in ("a", "b")}
    (text,) = texts
    assert text.endswith("}\n")
    assert "datePublished" not in text
    assert str(tmp_path) not in text


@pytest.mark.parametrize(
    ("made", "sources", "date"),
    [
        (tiny, ["table"], None),
        (with_turns, ["table"], "2026-03-04"),
        (tiny, ["fusionbench"], "2025-07-14"),
        (tiny, ["fusionbench", "table"], None),
        (tiny, ["SimulatedLogs"], None),
    ],
)
def test_dates(made: Callable[[Path], lfb.Release], sources: list[str], date: str | None, tmp_path: Path) -> None:
    place = made(tmp_path).directory
    several = [{"name": name} for name in sources]
    change_manifest(place, lambda manifest: manifest.update(source=several[0], sources=several))
    release = lfb.open_release(place)
    assert croissant(release, REPO).get("datePublished") == date
    warnings = checked(release, tmp_path).metadata.ctx.issues.warnings
    assert [NO_DATE in warning for warning in warnings] == ([True] if date is None else [])


def test_only_what_is_published_is_listed(tmp_path: Path) -> None:
    place = write_tiny_release(tmp_path / "release")
    (place / "notes").mkdir()
    (place / "notes" / "own.txt").write_text("mine", encoding="utf-8")
    restate(place, "notes/own.txt")
    release = lfb.open_release(place)
    listed = {entry["@id"] for entry in croissant(release, REPO)["distribution"] if entry["@type"] == "cr:FileObject"}
    assert listed - {REPOSITORY} == {name for name in staged_files(release, {}) if name.endswith(".parquet")}
    assert left_out(release) == ["notes/own.txt"]


def test_the_sample_is_simulated(tmp_path: Path) -> None:
    release = lfb.open_release("sample")
    data = croissant(release, REPO)
    assert "simulated answers" in data["description"]
    assert "simulated" in data["keywords"]
    assert data["license"] == "https://spdx.org/licenses/Apache-2.0.html"
    assert "datePublished" not in data, "the paper is not about it"


def test_versions_and_licences(tmp_path: Path) -> None:
    place = write_tiny_release(tmp_path / "release")
    change_manifest(place, lambda manifest: manifest.update(history=[{"step": "append", "version": 4, "changes": {}}]))
    release = lfb.open_release(place)
    assert croissant(release, REPO)["version"] == "4.0.0"
    assert croissant(release, REPO)["license"] == "unknown"
    assert croissant(release, REPO, licence="Our own terms")["license"] == "Our own terms"
    assert croissant(release, REPO, licence="cc-by-sa-4.0")["license"] == "https://spdx.org/licenses/CC-BY-SA-4.0.html"


def test_only_a_repository_is_described(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a repository on the Hub"):
        croissant(tiny(tmp_path), "name")
