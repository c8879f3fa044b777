"""The service tier of answers from batches in a release, by which the audit knows the discount in their costs."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmfusionbench.auditing import audit
from llmfusionbench.cli.main import run
from tests.helpers.batch_server import serving_batches
from tests.helpers.collecting_desk import collect, release, reply, rows, write_llms, write_prompts


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with twenty prompts, in which commands run."""
    write_prompts(tmp_path, 20)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def in_batch(*arguments: str) -> None:
    """Hand the calls in, and ask for the results until they are there, without a pause in between."""
    assert collect("--batch", "--no-wait", *arguments) == 1
    assert any(run(["collect", "run", "--batch", "--no-wait", *arguments]) == 0 for _ in range(6))


@pytest.mark.parametrize(("discount", "wrong"), [(0.5, 0), (0.2, 0), (0.6, 20)])
def test_costs_of_batches(desk: Path, discount: float, wrong: int) -> None:
    """The audit allows one half. A release does not state a larger discount, so the finding says what it may be."""
    with serving_batches(reply) as server:
        write_llms(desk, server.url, "good", batch_discount=discount)
        in_batch()
    made = release()
    cost = (7 * 1 + 3 * 2) / 1e6 * (1 - discount)
    assert {(tier, round(usd, 12)) for tier, usd in rows(made, "service_tier", "cost_usd")} == {("batch", round(cost, 12))}
    found = [finding for finding in audit(made.path).findings if finding.detector == "costs"]
    assert [finding.count for finding in found] == ([wrong] if wrong else [])
    assert all("20 of them are at the service tier batch or flex" in finding.what for finding in found)


def test_only_answers_from_batches_have_the_tier(desk: Path) -> None:
    with serving_batches(reply) as server:
        write_llms(desk, server.url, "good", "bad")
        in_batch("--only", "good")
        assert collect("--only", "bad") == 0
    assert set(rows(release(), "llm", "service_tier")) == {("good", "batch"), ("bad", None)}
