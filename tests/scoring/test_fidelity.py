"""Published accuracies on real logs, and that the table in docs is what the command prints."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.scoring_fidelity import PUBLISHED, Accuracy, default_logs, gsm8k_accuracies, markdown

DOCS = Path(__file__).resolve().parents[2] / "docs" / "scoring_fidelity.md"


@pytest.fixture(scope="module")
def accuracies() -> list[Accuracy]:
    logs = default_logs()
    if not (logs / "zeroeval_gsm8k").is_dir():
        pytest.skip(f"no real logs at {logs}: set LLMFUSIONBENCH_REAL_LOGS")
    return list(gsm8k_accuracies(logs))


def test_published_accuracies_are_met(accuracies: list[Accuracy]) -> None:
    compared = [accuracy for accuracy in accuracies if accuracy.published is not None]
    assert {accuracy.llm for accuracy in compared} == set(PUBLISHED)
    for llm, ours, _, published, bound in compared:
        assert published is not None
        assert abs(ours - published) <= bound, llm


def test_the_official_way_misses_them_as_measured_before(accuracies: list[Accuracy]) -> None:
    missed = {accuracy.llm: accuracy.official - (accuracy.published or 0) for accuracy in accuracies}
    assert missed["gemma-2-9b-it"] == pytest.approx(-4.0, abs=0.1)
    assert missed["Meta-Llama-3.1-70B-Instruct"] == pytest.approx(-1.8, abs=0.1)


def test_the_table_in_docs_is_what_the_command_prints(accuracies: list[Accuracy]) -> None:
    written = DOCS.read_text(encoding="utf-8").split("\n## Code tasks")[0].strip()
    assert written == "\n".join(markdown(accuracies, [])).strip()
