"""What is exported and read back is what it was: every matrix by its keys, missing cells among them."""

from __future__ import annotations

import ast
import csv
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import llmfusionbench as lfb
from llmfusionbench.baselines.exporters.routing import ROUTING_FORMATS, RoutingExport, export_routing
from llmfusionbench.builders import build
from llmfusionbench.release import Release
from llmfusionbench.release.routing_table import RoutingTable
from tests.helpers.hostile_release import CANDIDATES, write_hostile_release

REAL_LOGS = Path(os.environ.get("LLMFUSIONBENCH_REAL_LOGS", Path(__file__).parents[5] / "shared" / "data"))
READ_BACK = sorted(name for name, made in ROUTING_FORMATS.items() if made().reader is not None)
WITH_COST = {"fusionfactory", "llmrouter", "llmrouterbench", "routerbench"}
RIGHT_OR_WRONG = {"embedllm", "routellm"}
PAIR = {"routellm": 2}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return write_hostile_release(tmp_path_factory.mktemp("hostile"))


def arguments(name: str, candidates: Sequence[str]) -> dict[str, Any]:
    """What a format asks for to hold a release."""
    asked: dict[str, Any] = {"threshold": 0.3} if name in RIGHT_OR_WRONG else {}
    if name == "routerarena":
        asked["router"] = "random"
    return asked | ({"candidates": list(candidates[: PAIR[name]])} if name in PAIR else {})


def read_back(export: RoutingExport, out: Path) -> Release:
    assert export.reader is not None
    return build(export.reader, [export.path / name for name in export.files], out, workers=1, strict=True)


def expected(table: RoutingTable, name: str, export: RoutingExport) -> RoutingTable:
    table = table.columns(export.candidates)
    if name not in RIGHT_OR_WRONG:
        return table
    right = np.where(np.isnan(table.performance), np.nan, table.performance >= np.float32(0.3)).astype(np.float32)
    return RoutingTable(
        table.query_ids, table.prompts, table.tasks, table.candidates, right, table.cost, table.judge, table.domains
    )


def check_same(found: RoutingTable, wanted: RoutingTable, *, cost: bool, sparse: bool) -> None:
    """The same cells by query and candidate; with `sparse`, queries and candidates without a value may be gone."""
    known = set(found.query_ids)
    lost = [q for q in wanted.query_ids if q not in known]
    gone = [c for c in wanted.candidates if c not in found.candidates]
    assert sparse or (lost, gone) == ([], [])
    rows = {q: i for i, q in enumerate(wanted.query_ids)}
    assert np.isnan(wanted.performance[[rows[q] for q in lost]]).all()
    assert np.isnan(wanted.columns(gone).performance).all()
    assert set(found.query_ids) <= rows.keys()
    same = wanted.columns(found.candidates).rows([rows[q] for q in found.query_ids])
    np.testing.assert_array_equal(found.performance, same.performance)
    assert found.tasks == same.tasks
    assert found.prompts == same.prompts
    if cost:
        np.testing.assert_array_equal(found.cost, same.cost)
    else:
        assert np.isnan(found.cost).all()


@pytest.mark.parametrize("name", READ_BACK)
def test_the_sample(tmp_path: Path, name: str) -> None:
    sample = lfb.open_release("sample")
    export = export_routing(sample, tmp_path / "out", format=name, **arguments(name, sample.routing().candidates))
    back = read_back(export, tmp_path / "back")
    assert back.splits == sample.splits
    assert back.provenance == ["simulated"]
    for split in sample.splits:
        wanted = expected(sample.routing(split, failures="zero"), name, export)
        check_same(back.routing(split), wanted, cost=name in WITH_COST, sparse=False)


@pytest.mark.parametrize("name", READ_BACK)
def test_hostile_texts_and_missing_cells(tmp_path: Path, hostile: Release, name: str) -> None:
    export = export_routing(hostile, tmp_path / "out", format=name, **arguments(name, hostile.routing().candidates))
    assert (export.cells, export.missing) == cells(hostile, export)
    back = read_back(export, tmp_path / "back")
    assert back.splits == hostile.splits
    assert back.provenance == ["simulated"]
    for split in hostile.splits:
        wanted = expected(hostile.routing(split, failures="zero"), name, export)
        check_same(back.routing(split), wanted, cost=name in WITH_COST, sparse=name in {"embedllm"})


def cells(release: Release, export: RoutingExport) -> tuple[int, int]:
    performance = release.routing(failures="zero").columns(export.candidates).performance
    return int((~np.isnan(performance)).sum()), int(np.isnan(performance).sum())


def test_answers_come_back_where_a_format_holds_them(tmp_path: Path, hostile: Release) -> None:
    columns = ["query_id", "llm", "mode", "response", "performance", "cost_usd"]
    order = [(c, "ascending") for c in columns[:3]]
    wanted = hostile.table("responses").to_table(columns=columns).sort_by(order).to_pylist()
    for name in ("llmrouter", "routerbench"):
        back = read_back(export_routing(hostile, tmp_path / name, format=name), tmp_path / f"{name}.back")
        found = back.table("responses").to_table(columns=columns).sort_by(order).to_pylist()
        told = [row for row in wanted if name == "llmrouter" or any(row[c] is not None for c in columns[3:])]
        assert len(told) > 150
        assert found == told


def test_references_and_prices_come_back_from_llmrouter(tmp_path: Path) -> None:
    sample = lfb.open_release("sample")
    back = read_back(export_routing(sample, tmp_path / "out", format="llmrouter"), tmp_path / "back")
    facts = ["query_id", "task", "prompt", "prompt_think", "ground_truth", "choices", "metric", "source_id"]
    for table, columns in (("queries", facts), ("llms", ["llm", "input_price", "output_price", "description", "parameters_b"])):
        wanted, found = (r.table(table).to_table(columns=columns).sort_by(columns[0]) for r in (sample, back))
        assert found.to_pylist() == wanted.to_pylist()


def test_one_split_and_some_candidates(tmp_path: Path, hostile: Release) -> None:
    chosen = [CANDIDATES[2], CANDIDATES[1]]
    export = export_routing(hostile, tmp_path / "out", format="llmrouterbench", split="test", candidates=chosen)
    assert list(export.files) == ["test.jsonl"]
    assert export.candidates == chosen
    back = read_back(export, tmp_path / "back")
    assert back.splits == ["test"]
    check_same(back.routing(), hostile.routing("test", failures="zero").columns(chosen), cost=True, sparse=False)


def test_the_same_release_gives_the_same_bytes(tmp_path: Path, hostile: Release) -> None:
    for name in ROUTING_FORMATS:
        made = [
            export_routing(hostile, tmp_path / f"{name}{i}", format=name, **arguments(name, hostile.routing().candidates))
            for i in range(2)
        ]
        for file in sorted(p.relative_to(made[0].path) for p in made[0].path.rglob("*") if p.is_file()):
            assert (made[0].path / file).read_bytes() == (made[1].path / file).read_bytes(), file


def test_real_scores(tmp_path: Path) -> None:
    """Nine LLMs on 5,608 queries as people wrote them, through every format that holds their scores as they are."""
    logs = [REAL_LOGS / "llmrouter" / name for name in ("dcrouter_train.json.gz", "default_query_train.jsonl.gz")]
    if not all(path.is_file() for path in logs):
        pytest.skip(f"no real logs in {REAL_LOGS}; set LLMFUSIONBENCH_REAL_LOGS")
    release = build("llmrouter", logs, tmp_path / "real")
    wanted = release.routing(failures="zero")
    assert wanted.performance.shape == (5_608, 9)
    for name in sorted(set(READ_BACK) - RIGHT_OR_WRONG):
        export = export_routing(release, tmp_path / name, format=name)
        check_same(read_back(export, tmp_path / f"{name}.back").routing(), wanted, cost=name in WITH_COST, sparse=False)


@pytest.mark.parametrize("name", sorted(ROUTING_FORMATS))
def test_everybody_reads_the_same_texts(tmp_path: Path, hostile: Release, name: str) -> None:
    """With the plain readers of the standard library and numpy, not with ours."""
    export = export_routing(hostile, tmp_path / "out", format=name, **arguments(name, hostile.routing().candidates))
    found: set[str] = set()
    for file in export.files:
        found |= texts_in(export.path / file)
    assert set(hostile.routing().prompts) <= found


def texts_in(path: Path) -> set[str]:
    """Every text of a file."""
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as arrays:
            return {t for name in arrays if arrays[name].dtype.kind == "U" for t in arrays[name].tolist()}
    if path.suffix == ".csv":
        with open(path, encoding="utf-8", newline="") as file:
            cells = {cell for row in csv.reader(file) for cell in row}
        return cells | {t for c in cells if c.startswith("['") and c.endswith("']") for t in listed(c)}
    text = path.read_bytes().decode()
    records = json.loads(text) if path.suffix == ".json" else [json.loads(line) for line in text.split("\n") if line]
    return {v for r in (records if isinstance(records, list) else []) for v in r.values() if isinstance(v, str)}


def listed(cell: str) -> list[str]:
    value = ast.literal_eval(cell)
    return [v for v in value if isinstance(v, str)]
