"""`llmfusionbench info`: who counted the tokens and the costs of a release."""

from __future__ import annotations

from pathlib import Path

from tests.helpers.command import Command
from tests.helpers.tiny_release import write_tiny_release


def test_a_collection_was_counted_by_its_servers(lfb: Command) -> None:
    status, out, _ = lfb("info", "smol")
    assert status == 0
    used, cost = "usage stated by the servers", "tokens at the prices of the day, or stated by the servers"
    assert all(words in out for words in (f"29,860  {used}", f"22,681  {used}", f"0.000  {cost}"))
    assert "the log" not in out


def test_a_log_states_its_own(place: Path, lfb: Command) -> None:
    write_tiny_release(place / "r")
    status, out, _ = lfb("info", "r")
    assert status == 0
    assert "the log does not name a tokenizer" in out
    assert "stated by the log, else tokens at list price" in out


def test_a_merge_of_both_names_both(place: Path, lfb: Command) -> None:
    write_tiny_release(place / "r")
    assert lfb("merge", "r", "smol", "--out", "m", "--workers", 1)[0] == 0
    status, out, _ = lfb("info", "m")
    assert status == 0
    assert "the logs and the servers" in out
    assert "stated by the logs or the servers, else tokens at list price" in out
