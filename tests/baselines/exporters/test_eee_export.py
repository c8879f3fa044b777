"""`export eee`: valid by the schemas of Every Eval Ever, the same bytes each time, and read back as it was."""

from __future__ import annotations

import hashlib
import json
import uuid
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import llmfusionbench as lfb
from llmfusionbench.baselines.exporters import EeeExport, export_eee
from llmfusionbench.baselines.exporters.eee.samples import references
from llmfusionbench.builders import build
from llmfusionbench.builders.reading.eee_samples import sample_of
from llmfusionbench.cli.main import cli
from llmfusionbench.errors import InputError, UnknownNameError
from llmfusionbench.release import Release
from tests.helpers.hostile_release import write_hostile_release
from tests.helpers.reading import real_logs, write_lines

TURNS = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Name a fruit."},
    {"role": "assistant", "content": "Apple."},
    {"role": "user", "content": "And another?"},
]
ROWS = [
    {"llm": "lab/a", "messages": TURNS, "response": "Pear.", "performance": 0.5, "reasoning": "Trees.", "latency_s": 0.3},
    {"llm": "lab/a@high", "messages": TURNS, "response": None, "error": "timeout", "created_at": "2025-01-01T00:00:00Z"},
    {"llm": "b", "messages": TURNS, "response": "", "finish_reason": "length", "output_tokens": 0},
    {"llm": "b_think", "prompt": "One? Let's think step by step.", "response": "1", "performance": 1, "choices": ["1", "2"]},
    {"llm": "b", "source_id": "no-text", "response": "1", "performance": 0.25, "cost_usd": 0.1, "input_tokens": 7},
    {"llm": "b", "prompt": "Two?", "response": "2", "performance": 1 / 3, "sampling": {"temperature": 0.7, "seed": 3}},
    {"llm": "b", "prompt": "Two?", "response": "Two", "performance": None, "replicate": 1},
]


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """Turns, failures, modes, replicates, a query without a text, and an answer without a score."""
    folder = tmp_path_factory.mktemp("odd")
    rows = [{"task": "chat", "metric": "taste", "ground_truth": '["p", "q"]', **row} for row in ROWS]
    return build("table", [write_lines(folder / "log.jsonl", rows)], folder / "release", workers=1, strict=True)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return write_hostile_release(tmp_path_factory.mktemp("hostile"))


def read_back(export: EeeExport, out: Path) -> Release:
    return build("eee", [export.path / name for name in export.files], out, workers=1, strict=True)


def rows_of(release: Release, table: str, *key: str) -> dict[tuple[Any, ...], dict[str, Any]]:
    """The rows by key, without what judges said and the answers that were never asked for."""
    rows = release.rows(table).to_pylist()
    kept = [{k: v for k, v in row.items() if not k.startswith("judge")} for row in rows if row.get("status") != "missing"]
    return {tuple(row[name] for name in key): row for row in kept}


def check_same(found: Release, wanted: Release) -> None:
    assert rows_of(found, "logs", "query_id", "llm", "mode", "replicate") == rows_of(
        wanted, "logs", "query_id", "llm", "mode", "replicate"
    )
    queries = rows_of(wanted, "queries", "query_id")
    assert {key: queries[key] for key in rows_of(found, "queries", "query_id")} == rows_of(found, "queries", "query_id")
    one, two = found.routing(), wanted.routing()
    known = {name: place for place, name in enumerate(two.query_ids)}
    two = two.columns(one.candidates).rows([known[name] for name in one.query_ids])
    for matrix in ("performance", "cost", "replicates", "failures"):
        np.testing.assert_array_equal(getattr(one, matrix), getattr(two, matrix))


@pytest.mark.parametrize("name", ["odd", "hostile"])
def test_it_comes_back_as_it_was(request: pytest.FixtureRequest, tmp_path: Path, name: str) -> None:
    release: Release = request.getfixturevalue(name)
    back = read_back(export_eee(release, tmp_path / "out"), tmp_path / "back")
    assert lfb.validate(back.path) == []
    check_same(back, release)


def test_some_of_the_sample_comes_back(tmp_path: Path) -> None:
    sample = lfb.open_release("sample")
    export = export_eee(sample, tmp_path / "out", split="test", tasks=["gsm8k", "mbpp"])
    back = read_back(export, tmp_path / "back")
    assert back.provenance == ["simulated"]
    table = back.routing("test")
    wanted = sample.routing("test")
    known = {name: place for place, name in enumerate(wanted.query_ids)}
    np.testing.assert_array_equal(table.performance, wanted.rows([known[n] for n in table.query_ids]).performance)
    assert table.candidates == wanted.candidates
    assert set(table.tasks) == {"gsm8k", "mbpp"}


def test_a_second_round_gives_the_same_samples(tmp_path: Path, odd: Release) -> None:
    first = export_eee(odd, tmp_path / "one")
    again = export_eee(read_back(first, tmp_path / "back"), tmp_path / "two")
    assert set(first.files) == set(again.files)
    for name in first.files:
        if name.endswith(".jsonl"):
            assert (first.path / name).read_bytes() == (again.path / name).read_bytes()


def test_the_bytes_are_the_same_each_time(tmp_path: Path, odd: Release) -> None:
    exports = [export_eee(odd, tmp_path / name) for name in ("one", "two")]
    assert exports[0].files == exports[1].files
    assert all(
        (exports[0].path / n).read_bytes() == (exports[1].path / n).read_bytes() for n in (*exports[0].files, "export.json")
    )


def test_an_aggregate_says_what_its_samples_say(tmp_path: Path, odd: Release) -> None:
    export = export_eee(odd, tmp_path / "out")
    assert (export.runs, export.samples) == (4, 7)
    for name in export.files:
        if name.endswith(".jsonl"):
            continue
        about = json.loads((export.path / name).read_text(encoding="utf-8"))
        assert str(uuid.UUID(Path(name).stem, version=4)) == Path(name).stem
        pointer = about["detailed_evaluation_results"]
        data = (export.path / pointer["file_path"]).read_bytes()
        lines = [json.loads(line) for line in data.decode().splitlines()]
        assert (pointer["checksum"], pointer["total_rows"]) == (hashlib.sha256(data).hexdigest(), len(lines))
        assert {line["evaluation_id"] for line in lines} == {about["evaluation_id"]}
        assert {line["model_id"] for line in lines} == {about["model_info"]["id"]}
        counted = [s["evaluation"]["score"] for s in lines if s["metadata"].get("llmfusionbench.unscored") != "true"]
        assert about["evaluation_results"][0]["score_details"]["score"] == pytest.approx(np.mean(counted))
        assert name.startswith(f"data/chat/{'lab/a' if about['model_info']['id'] == 'lab/a' else 'unknown/b'}/")


def test_it_is_valid_by_their_schemas(tmp_path: Path, odd: Release, hostile: Release) -> None:
    paths = {path.name: path for path in real_logs("formats/eee/*.schema.json")}
    runs, samples = (
        jsonschema.Draft7Validator(json.loads(paths[name].read_text(encoding="utf-8")))
        for name in ("eval.schema.json", "instance_level_eval.schema.json")
    )
    sample = export_eee("sample", tmp_path / "sample", split="test", tasks=["gsm8k"])
    for export in (export_eee(odd, tmp_path / "odd"), export_eee(hostile, tmp_path / "hostile"), sample):
        for name in export.files:
            text = (export.path / name).read_text(encoding="utf-8")
            found = [json.loads(line) for line in text.split("\n") if line] if name.endswith("l") else [json.loads(text)]
            schema = samples if name.endswith("l") else runs
            assert [error.message for record in found for error in schema.iter_errors(record)] == []


def test_simulated_answers_are_called_so(tmp_path: Path) -> None:
    export = export_eee("sample", tmp_path / "out", split="test", tasks=["gsm8k"], candidates=["gemma-7b"])
    name = next(name for name in export.files if name.endswith(".json"))
    about = json.loads((export.path / name).read_text(encoding="utf-8"))
    assert about["source_metadata"]["additional_details"]["simulated"] == "true: no LLM was asked"
    line = (export.path / about["detailed_evaluation_results"]["file_path"]).read_text(encoding="utf-8").split("\n")[0]
    assert json.loads(line)["metadata"]["llmfusionbench.provenance"] == "simulated"
    assert "SIMULATED" in (export.path / "README.md").read_text(encoding="utf-8")


def test_wrong_names_and_places_are_refused(tmp_path: Path, odd: Release) -> None:
    with pytest.raises(UnknownNameError, match='No split "dev"'):
        export_eee(odd, tmp_path / "out", split="dev")
    with pytest.raises(UnknownNameError, match='No candidate "c"'):
        export_eee(odd, tmp_path / "out", candidates=["c"])
    with pytest.raises(UnknownNameError, match='No task "talk"'):
        export_eee(odd, tmp_path / "out", tasks=["talk"])
    export_eee(odd, tmp_path / "out")
    with pytest.raises(InputError, match="--overwrite"):
        export_eee(odd, tmp_path / "out")
    assert export_eee(odd, tmp_path / "out", overwrite=True).samples == 7


def test_the_command(tmp_path: Path, odd: Release) -> None:
    result = CliRunner().invoke(cli, ["export", "eee", str(odd.path), "--candidate", "b", "--out", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    assert "1 aggregates, 4 samples" in result.output
    assert "Read back by: llmfusionbench build eee" in result.output


@given(
    st.one_of(
        st.none(), st.text(), st.lists(st.text(), min_size=1, max_size=4).map(lambda v: json.dumps(v, ensure_ascii=False))
    )
)
def test_a_truth_comes_back(truth: str | None) -> None:
    record = {"input": {"raw": "Q", "reference": references(truth)}, "evaluation": {"score": 1}}
    assert sample_of(record, "raw").record["ground_truth"] == truth
