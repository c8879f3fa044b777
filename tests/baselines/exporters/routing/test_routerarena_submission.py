"""A submission to RouterArena holds the choices of the router that is named, and the answers to them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import llmfusionbench as lfb
from llmfusionbench.baselines.exporters.routing import export_routing
from llmfusionbench.builders import build
from llmfusionbench.cli.main import cli
from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.release import Release
from tests.helpers.reading import write_lines


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    folder = tmp_path_factory.mktemp("log")
    rows: list[dict[str, Any]] = [
        {"task": "sums", "prompt": f"{n}+1?", "source_id": f"{n}", "llm": llm, "response": f"{llm} {n}", "performance": score,
         "split": "train" if n < 4 else "test", "cost_usd": 0.5, "input_tokens": 3, "output_tokens": 2, "ground_truth": "1",
         "metric": "em"}
        for n in range(8) for llm, score in (("small", 0.0), ("big", 1.0))
    ]  # fmt: skip
    rows[-1] |= {"response": None, "performance": None, "error": "timeout"}
    return build("table", [write_lines(folder / "log.jsonl", rows)], folder / "release", workers=1, strict=True)


def predictions(folder: Path, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((folder / "predictions" / f"{name}.json").read_text(encoding="utf-8"))
    return found


def test_a_router_that_learns(tmp_path: Path, release: Release) -> None:
    export = export_routing(release, tmp_path / "out", format="routerarena", router="best_single", split="test")
    assert export.files == {
        "predictions/best_single.json": 4,
        "config/best_single.json": 1,
    }
    made = {record["global index"]: record for record in predictions(export.path, "best_single")}
    assert set(made) == {f"sums_{n}" for n in range(4, 8)}
    assert {record["prediction"] for record in made.values()} == {"big"}
    assert made["sums_4"] == {
        "global index": "sums_4",
        "prompt": "4+1?",
        "prediction": "big",
        "generated_result": {
            "generated_answer": "big 4",
            "success": True,
            "token_usage": {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5},
            "provider": None,
            "finish_reason": None,
            "error": None,
        },
        "cost": 0.5,
        "accuracy": 1,
        "for_optimality": False,
        "split": "test",
        "metric": "em",
        "provenance": "imported",
    }
    assert made["sums_7"]["generated_result"]["success"] is False
    assert (made["sums_7"]["generated_result"]["error"], made["sums_7"]["accuracy"]) == ("timeout", 0)
    config = json.loads((export.path / "config" / "best_single.json").read_text())
    assert config == {"pipeline_params": {"router_name": "best_single", "models": ["big", "small"]}}


def test_a_file_of_choices(tmp_path: Path, release: Release) -> None:
    ids = release.routing("test").query_ids
    rows = [{"query_id": one, "candidate": ("small", "big")[place % 2]} for place, one in enumerate(ids)]
    file = write_lines(tmp_path / "mine.jsonl", rows)
    export = export_routing(release, tmp_path / "out", format="routerarena", router=file, split="test")
    chosen = {release_id: row["candidate"] for release_id, row in zip(ids, rows, strict=True)}
    sources = {row["query_id"]: row["source_id"] for row in release.rows("queries").to_pylist()}
    wanted = {f"sums_{sources[one]}": name for one, name in chosen.items()}
    assert {record["global index"]: record["prediction"] for record in predictions(export.path, "mine")} == wanted
    with pytest.raises(InputError, match=r"not in mine\.jsonl"):
        export_routing(release, tmp_path / "all", format="routerarena", router=file)


def test_it_reads_back(tmp_path: Path, release: Release) -> None:
    export = export_routing(release, tmp_path / "out", format="routerarena", router="best_single", split="test")
    back = build(
        "routerarena", [export.path / name for name in export.files], tmp_path / "back", options={"split": "test"}, workers=1
    )
    one, two = back.routing("test"), release.routing("test")
    assert one.candidates == ["big"]
    assert dict(zip(one.query_ids, one.performance[:, 0].tolist(), strict=True)).keys() == set(two.query_ids)
    cells = two.cells_of(two.cost, one.query_ids, ["big"])
    assert one.cost.tolist() == cells.tolist()


def test_what_cannot_be_written_is_refused(tmp_path: Path, release: Release) -> None:
    with pytest.raises(InputError, match="Remedy: name a --router"):
        export_routing(release, tmp_path / "out", format="routerarena")
    with pytest.raises(InputError, match="learns from the train split and cannot be tested on it"):
        export_routing(release, tmp_path / "out", format="routerarena", router="knn")
    with pytest.raises(UnknownNameError, match='No router "knm"'):
        export_routing(release, tmp_path / "out", format="routerarena", router="knm", split="test")
    with pytest.raises(UnknownNameError, match='No option of routerbench "router"'):
        export_routing(release, tmp_path / "out", format="routerbench", router="knn")


def test_the_command(tmp_path: Path, release: Release) -> None:
    base = ["export", "routing", str(release.path), "--format", "routerarena", "--split", "test"]
    both = CliRunner().invoke(cli, [*base, "--router", "knn", "--predictions", "x.csv", "--out", str(tmp_path / "a")])
    assert "not both" in both.output
    made = CliRunner().invoke(cli, [*base, "--router", "per_task", "--scenario", "balance", "--out", str(tmp_path / "b")])
    assert made.exit_code == 0, made.output
    about = json.loads((tmp_path / "b" / "export.json").read_text())
    assert about["options"] == {"router": "per_task", "scenario": "balance"}
    assert len(predictions(tmp_path / "b", "per_task")) == 4


def test_simulated_answers_are_called_so(tmp_path: Path) -> None:
    sample = lfb.open_release("sample")
    export = export_routing(sample, tmp_path / "out", format="routerarena", router="random", split="test")
    records = predictions(export.path, "random")
    assert {record["provenance"] for record in records} == {"simulated"}
    assert len({record["global index"] for record in records}) == len(records) == 112


def test_it_comes_back_in_its_split_and_by_its_metric(tmp_path: Path, release: Release) -> None:
    made = export_routing(release, tmp_path / "out", format="routerarena", router="best_single", split="test")
    back = build("routerarena", [made.path / "predictions" / "best_single.json"], tmp_path / "back", workers=1)
    assert back.splits == ["test"]
    assert {q["metric"] for q in back.rows("queries").to_pylist()} == {"em"}
