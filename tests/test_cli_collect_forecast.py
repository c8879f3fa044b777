"""Forecasts of `collect` from the command line: runs that are asked for more, failures, batches, and signs of life."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.builders.collecting.plan import Plan
from llmfusionbench.builders.collecting.retry import Retry
from llmfusionbench.builders.collecting.run_forecast import forecast_of
from llmfusionbench.cli.collect_progress import forecast_progress
from llmfusionbench.cli.main import run
from tests.helpers.chat_server import ChatServer, serving
from tests.helpers.collecting_desk import NUMBER, collect, reply, write_llms, write_prompts
from tests.helpers.run_folder import answer, llm, made_run, planned, sums, write

PASSAGE = "The train leaves at noon and reaches the city before the rain. " * 60


def refusing_large(body: dict[str, Any], tries: int) -> Any:
    """Refuses the sums above 8."""
    asked = NUMBER.search(body["messages"][-1]["content"])
    if asked is None:
        return "x"
    return (400, b'{"error": {"message": "no"}}') if int(asked[1]) > 8 else reply(body, tries)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with ten prompts, in which commands run."""
    write_prompts(tmp_path, 10)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with serving(refusing_large) as running:
        yield running


def test_a_further_task_with_long_prompts_is_not_forecast_from_short_ones(
    desk: Path, server: ChatServer, capsys: pytest.CaptureFixture[str]
) -> None:
    write_llms(desk, server.url, "good")
    assert collect() == 0
    texts = [{"prompt": f"{i}: {PASSAGE}", "task": "passages", "metric": "em", "ground_truth": "x"} for i in range(5)]
    (desk / "prompts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in texts))
    capsys.readouterr()
    assert collect("--dry-run") == 0
    printed = capsys.readouterr().out
    found = re.search(r"^good +13 +8 +about ([\d,]+) +up to [\d,]+ +from about \$([\d.]+) ", printed, re.MULTILINE)
    assert found is not None, printed
    tokens, cost = int(found[1].replace(",", "")), float(found[2])
    assert tokens > 5 * 600
    assert cost >= (tokens - 8 * 60) * 1e-6
    assert "Not every LLM has a measured call of passages (direct)." in printed


def test_what_failed_for_good_is_not_in_a_forecast(desk: Path, server: ChatServer, capsys: pytest.CaptureFixture[str]) -> None:
    write_llms(desk, server.url, "good")
    assert collect() == 0
    write_prompts(desk, 12)
    capsys.readouterr()
    assert collect("--dry-run") == 0
    printed = capsys.readouterr().out
    assert re.search(r"^good +10 +8 ", printed, re.MULTILINE)
    assert "2 calls that failed for good: not asked again without --retry error" in printed
    assert run(["collect", "run", "--retry", "error", "--dry-run"]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"^good +2 +0 ", printed, re.MULTILINE)
    assert "failed for good" not in printed


def test_a_pilot_forecasts_the_rest_at_the_price_of_batches(
    desk: Path, server: ChatServer, capsys: pytest.CaptureFixture[str]
) -> None:
    write_llms(desk, server.url, "good", prices=[{"input_price": 100, "output_price": 200}])
    write_prompts(desk, 8)
    costs = []
    for words in ((), ("--batch",)):
        assert collect("--pilot", "4", *words) == 0 if not costs else collect("--dry-run", *words) == 0
        found = re.search(r"^good +8 +4 .*?\$([\d.]+) \(", capsys.readouterr().out, re.MULTILINE)
        assert found is not None
        costs.append(float(found[1]))
    assert costs[1] == pytest.approx(costs[0] * 0.75, rel=0.01)


@pytest.mark.parametrize(("counts", "of"), [({"a": 2000, "b": 2000}, " of 4,000"), (None, "")])
def test_a_forecast_without_a_terminal_says_every_half_minute_how_far_it_is(
    capsys: pytest.CaptureFixture[str], counts: dict[str, int] | None, of: str
) -> None:
    moments = iter([0.0, 10.0, 31.0, 31.0, 40.0, 62.0, 62.0])
    with forecast_progress(counts, clock=lambda: next(moments)) as tell:
        for done in (0, 1000, 2000, 3000):
            tell("calls forecast", done)
    printed = capsys.readouterr()
    assert printed.err.splitlines() == [f"calls forecast: 1,000{of}", f"calls forecast: 3,000{of}"]
    assert printed.out == ""


def test_all_stages_of_a_forecast_show_how_far_they_are(tmp_path: Path) -> None:
    made = made_run(tmp_path / "run", sums(3), [llm("a")])
    write(made, *(answer(call, "", status="empty") for call in planned(made)))
    stages: list[str] = []
    for work in (Plan(made, tuple(made.endpoints())), Retry(made, made.endpoints(), ["empty"])):
        forecast_of(work, made.folder, progress=lambda stage, done: stages.append(f"{stage} {done}"))
    assert stages == [
        "journal lines read 0", "calls forecast 0", "journal lines read 0", "calls to ask again found 0", "calls forecast 0",
    ]  # fmt: skip
