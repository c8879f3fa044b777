"""Real logs of Inspect and runs of HELM come in whole, with the means that they state themselves."""

from __future__ import annotations

import json
import zipfile
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.builders.sources.helm import Helm
from llmfusionbench.builders.sources.inspect_logs import InspectLogs
from llmfusionbench.errors import InputError
from tests.helpers.reading import Read, read, real_logs

INSPECT = "formats/inspect/*"
COUNTS = {
    "2025-02-11T15-17-00-05-00_popularity_dPiJifoWeEQBrfWsAopzWr.eval": 10,
    "2025-05-12T20-28-13-04-00_popularity.json": 3,
    "data_arc_qwen.json": 3,
    "data_cvebench_empty_choices.json": 1,
    "data_pubmedqa_gpt4o_mini.json": 2,
    "data_with_llm_scoring.json": 0,
    "log_formats.json": 1,
    "log_message_deduplication.eval": 1,
    "mmlu-no-summary-choices.eval": 1,
}
"""Log -> number of its samples."""
HELM_MEANS = {("hellaswag", "eleutherai/pythia-1b-v0"): (10, "exact_match"), ("narrative_qa", "openai/gpt2"): (5, "f1_score")}
"""Task and LLM -> number of instances, and HELM's main metric."""


def logs() -> list[Path]:
    return [path for path in real_logs(INSPECT) if path.name in COUNTS]


def header_and_samples(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What a log holds, read by nothing of ours."""
    if path.suffix == ".json":
        found = json.loads(path.read_text("utf-8"))
        return found, found.get("samples", [])
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.startswith("samples/")]
        return json.loads(archive.read("header.json")), [json.loads(archive.read(name)) for name in names]


def scored(found: Read) -> list[float]:
    return [row["performance"] for row in found.rows if row["performance"] is not None]


def mean(values: Iterable[float]) -> float:
    listed = list(values)
    return sum(listed) / len(listed)


def test_every_sample_of_every_log_comes_in() -> None:
    found = read(InspectLogs(), *logs())
    counted: dict[str, int] = defaultdict(int)
    for row in found.rows:
        counted[row["file"]] += 1
    assert {name: counted[name] for name in COUNTS} == COUNTS
    assert found.rejected == []
    assert sum(1 for row in found.rows if row["status"] == "error") == 1
    assert any("0 of the 1,000 samples" in note for note in found.notes)
    with pytest.raises(InputError, match="no sample in it, of 1,000 that the header states"):
        read(InspectLogs(), *real_logs("formats/inspect/data_with_llm_scoring.json"))


def test_means_are_those_of_the_headers() -> None:
    compared = 0
    for path in logs():
        header, samples = header_and_samples(path)
        if not samples:
            continue
        found = read(InspectLogs(), path)
        by_id = {str(s["id"]): s for s in samples}
        for row in found.rows:
            sample = by_id[row["source_id"]]
            value = next(iter((sample.get("scores") or {}).values()), {}).get("value")
            assert row["performance"] == ({"C": 1.0, "I": 0.0}.get(value, value) if value is not None else None)
            choices = sample["output"]["choices"]
            assert row["response"] == (choices[0]["message"]["content"] if choices else None)
        for score in header["results"]["scores"]:
            stated = score["metrics"].get("accuracy")
            if stated and header["results"]["completed_samples"] == len(samples) and scored(found):
                assert mean(scored(found)) == pytest.approx(stated["value"])
                compared += 1
    # Of the others, one is unscored, one holds 1 of its 80 samples, and one holds none.
    assert compared == 6


def test_inspect_itself_reads_the_same() -> None:
    pytest.importorskip("inspect_ai")
    for path in logs():
        if not COUNTS[path.name]:
            continue
        ours, theirs = (read(InspectLogs(reader=reader), path).rows for reader in ("own", "inspect_ai"))
        keyed = [{(r["source_id"], r["replicate"]): {**r, "row": 0} for r in rows} for rows in (ours, theirs)]
        assert keyed[0] == keyed[1], path.name
        assert len(keyed[0]) == COUNTS[path.name]


def test_runs_of_helm_come_in_whole_with_their_own_means() -> None:
    paths = real_logs("formats/helm/*/*.json")
    found = read(Helm(), *paths)
    assert found.rejected == []
    for (task, llm), (count, metric) in HELM_MEANS.items():
        rows = [row for row in found.rows if (row["task"], row["llm"]) == (task, llm)]
        folder = next(p.parent for p in paths if p.name == "run_spec.json" and llm in p.read_text("utf-8"))
        listed = [s for one in json.loads((folder / "per_instance_stats.json").read_text("utf-8")) for s in one["stats"]]
        stated = [s for s in listed if s["name"]["name"] == metric]
        assert len(rows) == len(stated) == count
        assert mean(row["performance"] for row in rows) == pytest.approx(sum(s["sum"] for s in stated) / count)
        tokens = {
            name: sum(s["sum"] for s in listed if s["name"]["name"] == name)
            for name in ("num_prompt_tokens", "num_output_tokens")
        }
        assert [sum(row[name] for row in rows) for name in ("input_tokens", "output_tokens")] == list(tokens.values())


def test_letters_of_helm_name_the_correct_references() -> None:
    found = read(Helm(), *real_logs("formats/helm/commonsense*/*.json"))
    states = json.loads(real_logs("formats/helm/commonsense*/scenario_state.json")[0].read_text("utf-8"))["request_states"]
    for row, state in zip(found.rows, states, strict=True):
        true = next(r["output"]["text"] for r in state["instance"]["references"] if "correct" in r["tags"])
        assert row["choices"]["ABCD".index(row["ground_truth"])] == true
        assert row["performance"] == float(state["output_mapping"].get(row["response"].strip()) == true)
        assert row["split"] == "partial_test"
