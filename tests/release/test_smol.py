"""The embedded release of real answers: what it holds, and where it opens."""

from __future__ import annotations

from datasets import load_dataset

import llmfusionbench as lfb
from llmfusionbench.release.opening import embedded_path
from llmfusionbench.types import Candidate


def test_real_answers_to_14_tasks() -> None:
    release = lfb.open_release("smol")
    assert lfb.validate(release.path) == []
    assert release.manifest["provenance"] == ["collected"]
    queries = release.table("queries").to_table(columns=["task", "license"]).to_pylist()
    assert len(queries) == 84
    assert len({row["task"] for row in queries}) == 14
    assert {row["license"] for row in queries} == {"Apache-2.0"}
    answers = release.table("responses").to_table().to_pylist()
    assert len(answers) == 84 * 2 * 2
    assert all(row["provenance"] == "collected" and row["response"] and row["performance"] is not None for row in answers)
    assert {(row["requested_model"], row["served_model"]) for row in answers} == {("smollm2-135m-instruct",) * 2}
    assert {row["finish_reason"] for row in answers} == {"stop", "length"}
    assert sum(path.stat().st_size for path in embedded_path("smol").rglob("*") if path.is_file()) <= 300_000


def test_it_opens_as_a_dataset_and_as_a_routing_table() -> None:
    rows = load_dataset("llmfusionbench", release="smol", split="train")
    assert len(rows) == 56 * 2 * 2
    table = lfb.open_release("smol").routing(split="partial_test")
    assert table.performance.shape == (28, 2)
    assert {Candidate.parse(name).mode for name in table.candidates} == {"direct", "think"}
