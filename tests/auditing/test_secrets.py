"""Secrets in errors, names and texts of a log: no output of an audit shows one whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from llmfusionbench.auditing.signs.personal import masked
from llmfusionbench.builders import build
from llmfusionbench.cli.main import run
from tests.helpers.made_up_release import answer

SECRETS = [
    "alice.wonder@wonder-corp.org",
    "ghp_abcdefghijklmnopqrstuvwxyzABCDEFGHIJ",
    "AKIAQWERTYUIOPASDFGH",
    "sk-proj-AbcdEfGhIjKlMnOpQrStUvWxYzAbCdEfGhIjKlMnOpQrStUvWxYz",
    "hunter2secret",
    "topsecretpw",
    "abcdefghijklmnop",
]
"""Made up, each of a form of its own."""
ERRORS = [
    f"{SECRETS[0]} is not allowed",
    f"Bearer {SECRETS[1]} bad",
    f"key {SECRETS[2]} invalid",
    f"Incorrect API key provided: {SECRETS[3]}",
    f"password={SECRETS[4]} rejected",
    f"no route to https://bob:{SECRETS[5]}@host.example.org/v1?api_key={SECRETS[6]}",
]


@pytest.mark.parametrize("error", ERRORS)
def test_a_mask_hides_secrets_of_every_form(error: str) -> None:
    shown = masked(error)
    assert not [secret for secret in SECRETS if secret in shown]
    assert "characters]" in shown
    assert masked(shown) == shown


@pytest.mark.parametrize("error", ["bad key, Bearer [secret] was sent", "api_key=[secret]", "password: [secret]!"])
def test_what_is_hidden_already_stays_as_it_is(error: str) -> None:
    assert masked(error) == error


def test_no_output_shows_a_secret_of_an_error_or_a_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [answer(i, "a", response=None, performance=None, error=error) for i, error in enumerate(ERRORS)]
    rows += [answer(i, "b", served_model=secret, requested_model="b") for i, secret in enumerate(SECRETS[:4])]
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    build("table", [tmp_path / "log.jsonl"], tmp_path / "release", workers=1)
    assert run(["audit", str(tmp_path / "release"), "--out", str(tmp_path / "audit")]) == 0
    assert run(["audit", str(tmp_path / "release"), "--json"]) == 0
    printed = capsys.readouterr()
    texts = [printed.out, printed.err, *(file.read_text() for file in (tmp_path / "audit").iterdir())]
    assert "Failed requests" in texts[0]
    assert "Served is not requested" in texts[0]
    for text in texts:
        assert not [secret for secret in SECRETS if secret in text]


def test_the_file_holds_no_control_characters(tmp_path: Path) -> None:
    rows = [answer(i, "a", response=None, performance=None, error="red \x1b[31m \x9b \u202e", status="error") for i in range(3)]
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    build("table", [tmp_path / "log.jsonl"], tmp_path / "release", workers=1)
    assert run(["audit", str(tmp_path / "release"), "--out", str(tmp_path / "audit")]) == 0
    data = (tmp_path / "audit" / "audit.json").read_bytes()
    assert data.isascii()
    assert b"\x1b" not in data
    assert json.loads(data)["findings"]
