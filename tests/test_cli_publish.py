"""`llmfusionbench publish` as people use it: its examples, its usage errors, and the token, which is nowhere."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from llmfusionbench.cli.main import run
from llmfusionbench.cli.publish import command
from tests.helpers.canary import canary, found
from tests.helpers.hub import LocalHub
from tests.helpers.publishing import commands
from tests.helpers.tiny_release import write_tiny_release

EXAMPLES = re.findall(r"^ +llmfusionbench (publish .*)$", command.help or "", re.MULTILINE)


@pytest.fixture
def hub() -> Iterator[LocalHub]:
    with LocalHub() as running:
        yield running


def test_the_examples(hub: LocalHub, tmp_path: Path) -> None:
    write_tiny_release(tmp_path / "my-release")
    (tmp_path / "card.md").write_text("---\npretty_name: Ours\n---\nOurs.\n", encoding="utf-8")
    hub.put("my-org/logs", {})
    printed = commands(hub, tmp_path, *map(shlex.split, EXAMPLES))
    assert len(printed) == 4
    assert [(p.status, p.err) for p in printed] == [(0, "")] * 4
    assert set(hub.repos) == {"my-name/my-logs", "my-org/logs", "my-name/try"}
    assert "SIMULATED" in printed[3].out


def test_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["publish", "sample"]) == 2
    assert "Missing option '--repo'" in capsys.readouterr().err
    assert run(["publish", "sample", "--repo", "org/logs", "--pr", "--revision", "v2"]) == 2
    assert "--pr opens a pull request against main: drop it, or drop --revision." in capsys.readouterr().err


def test_the_token_is_nowhere(hub: LocalHub, tmp_path: Path) -> None:
    tiny, token = str(write_tiny_release(tmp_path / "tiny")), canary("token")
    call = ["publish", tiny, "--repo", "org/logs"]
    home = tmp_path / "home"
    refused = commands(hub, home, call, HF_TOKEN=token)
    hub.tokens.add(token)
    hub.card_errors.append(f"you sent {token}")
    repeated = commands(hub, home, call, HF_TOKEN=token)
    hub.heal()
    hub.fail("/store/", 500, 0)
    failed = commands(hub, home, call, HF_TOKEN=token, HF_DEBUG="1")
    hub.heal()
    done = commands(hub, home, [*call, "--dry-run"], call, HF_TOKEN=token)
    printed = str([refused, repeated, failed, done])
    assert [p.status for p in (*refused, *repeated, *failed, *done)] == [1, 1, 1, 0, 0]
    assert found(printed, token) == []
    assert token not in printed
    assert "you sent [secret]" in printed
    stored = hub.repos["org/logs"].commits[hub.repos["org/logs"].refs["main"]]
    assert not [name for name, blob in stored.items() if token.encode() in blob.data]
