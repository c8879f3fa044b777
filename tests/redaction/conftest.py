"""What the tests of leaks share: a small release, a secret, and the search for it in all that was written and printed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.helpers.canary import canary, found, written
from tests.helpers.tiny_release import write_tiny_release


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release with one query to test on."""
    return write_tiny_release(tmp_path_factory.mktemp("tiny") / "tiny")


@pytest.fixture
def secret(request: pytest.FixtureRequest) -> str:
    """A key of its own for each test."""
    return canary(request.node.nodeid)


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("openai._base_client.BaseClient._calculate_retry_timeout", lambda *_: 0.0)


@pytest.fixture(autouse=True)
def _logs() -> Iterator[None]:
    """Everything is logged, as for someone who looks for a fault."""
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.DEBUG)
    yield
    root.setLevel(before)


@pytest.fixture
def leaks(tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Callable[..., list[str]]:
    """Where a secret is in all that was written, printed and logged so far, and in further texts."""
    printed: list[str] = []

    def search(secret: str, *more: str | bytes) -> list[str]:
        printed.extend(capsys.readouterr())
        return found(secret, *written(tmp_path).values(), *printed, caplog.text, *more)

    return search
