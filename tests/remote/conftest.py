"""A release whose larger files are read by ranges, and web servers of it."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from huggingface_hub import close_session

from llmfusionbench.remote import http_store
from tests.helpers.large_release import write_large_release
from tests.helpers.range_server import RangeServer

needs_s3 = pytest.mark.skipif(not (find_spec("s3fs") and find_spec("moto")), reason="s3fs and moto are not installed")

TRAIN = "responses/train-00000-of-00002.parquet"


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """90 queries and 3,600 answers; the files of answers have about 300 KB each, the others less."""
    return write_large_release(tmp_path_factory.mktemp("afar") / "r", queries=90, shards=2)


@pytest.fixture(autouse=True)
def afar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A cache of its own, no proxy, and no pauses between attempts."""
    monkeypatch.setenv("LLMFUSIONBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setattr(http_store, "WAITS_S", (0.0, 0.0))
    close_session()
    yield
    close_session()


@pytest.fixture
def web(whole: Path) -> Iterator[RangeServer]:
    with RangeServer.of(whole) as server:
        yield server


def entries(tmp_path: Path) -> list[Path]:
    """The files of the cache."""
    return sorted(p for p in (tmp_path / "cache" / "remote").rglob("*") if p.is_file())
