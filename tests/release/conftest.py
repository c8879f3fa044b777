"""A small release, for the tests of what is refused when one is opened or read."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.helpers.tiny_release import write_tiny_release


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_release(tmp_path_factory.mktemp("tiny") / "r")


@pytest.fixture
def release(whole: Path, tmp_path: Path) -> Path:
    """A copy of its own, to change."""
    return Path(shutil.copytree(whole, tmp_path / "r"))
