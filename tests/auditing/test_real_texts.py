"""The text detectors on real logs: whom they name, and about whom they are quiet. Figures only, no texts."""

from __future__ import annotations

from pathlib import Path

import pytest

import llmfusionbench as lfb
from llmfusionbench.auditing.batches import shard_batches
from llmfusionbench.auditing.detectors import DETECTORS
from llmfusionbench.auditing.finding import Finding
from llmfusionbench.auditing.run import columns_of
from llmfusionbench.builders import build
from llmfusionbench.builders.revising.rescore import rescore
from tests.helpers.reading import real_logs

TEXTS = ("cut_off", "broken_json", "loops", "refusals", "reasoning_left", "chat_tokens", "same_text", "personal_data")


def found_in(release: lfb.Release) -> dict[str, Finding]:
    """Name of a detector -> its finding."""
    detectors = {name: DETECTORS[name]() for name in TEXTS}
    for path in release.files("logs", "train"):
        for batch in shard_batches(path, (), columns_of(detectors)):
            for detector in detectors.values():
                detector.look(batch)
    return {name: finding for name, detector in detectors.items() for finding in detector.findings()}


@pytest.fixture(scope="module")
def zeroeval(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Finding]:
    folder = tmp_path_factory.mktemp("zeroeval")
    build("zeroeval", real_logs("zeroeval_gsm8k/*.json.gz"), folder / "unscored")
    rescore(folder / "unscored", folder / "release")
    return found_in(lfb.open_release(folder / "release"))


def counts(finding: Finding, kind: str = "llm") -> dict[str, int]:
    return {place.name: place.count for place in finding.places if place.kind == kind}


def test_the_llms_whose_published_accuracy_is_missed_come_first_by_broken_json(zeroeval: dict[str, Finding]) -> None:
    finding = zeroeval["broken_json"]
    assert list(counts(finding))[:3] == ["Phi-3.5-mini-instruct", "Athene-70B", "Yi-1.5-9B-Chat"]
    for llm in ("Phi-3.5-mini-instruct: 133", "Athene-70B: 85", "Yi-1.5-9B-Chat: 73"):
        assert llm in finding.what
    named = [llm for llm in counts(finding) if f"{llm}:" in finding.what]
    assert named == ["Phi-3.5-mini-instruct", "Athene-70B", "Yi-1.5-9B-Chat", "Mixtral-8x7B-Instruct-v0.1"]


def test_the_llms_whose_answers_stop_before_their_end(zeroeval: dict[str, Finding]) -> None:
    finding = zeroeval["cut_off"]
    found = counts(finding)
    assert list(found)[:4] == [
        "Mixtral-8x7B-Instruct-v0.1",
        "Phi-3.5-mini-instruct",
        "Meta-Llama-3.1-8B-Instruct",
        "gemma-2-2b-it",
    ]
    assert found["Mixtral-8x7B-Instruct-v0.1"] == 21
    assert "mean score 0.00 (0.00 to 0.15) against 0.71" in finding.what
    assert max(count for llm, count in found.items() if llm not in list(found)[:4]) == 1
    assert not {"Athene-70B", "gemma-2-27b-it", "Mistral-Large-2", "Qwen2-72B-Instruct", "deepseek-v2.5-0908"} & set(found)


def test_padding_and_loops(zeroeval: dict[str, Finding]) -> None:
    assert counts(zeroeval["chat_tokens"]) == {"Mistral-Nemo-Instruct-2407": 1_319}
    assert zeroeval["loops"].count == 15
    assert "Mistral-Nemo-Instruct-2407" not in counts(zeroeval["loops"])


def test_nothing_else_is_wrong_with_these_texts(zeroeval: dict[str, Finding]) -> None:
    assert set(zeroeval) == {"cut_off", "broken_json", "loops", "chat_tokens", "same_text"}
    assert zeroeval["same_text"].severity == "low"


def test_wildbench(tmp_path: Path) -> None:
    paths = real_logs("wildbench/judge=gpt-4o-2024-05-13/*.json.gz")
    found = found_in(build("wildbench", paths, tmp_path / "release"))
    assert next(iter(counts(found["cut_off"]))) == "Phi-3-mini-128k-instruct"
    assert list(counts(found["refusals"]))[:3] == ["gemma-2b-it", "gemma-7b-it", "gpt-3.5-turbo-0125"]
    assert found["loops"].count == 8
    assert "personal_data" not in found
