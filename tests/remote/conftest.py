"""A release whose larger files are read by ranges, and web servers of it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import close_session

from llmfusionbench.remote import http_store, store_errors
from tests.helpers.large_release import write_large_release
from tests.helpers.range_server import RangeServer
from tests.helpers.store_proxy import StoreProxy

needs_s3 = pytest.mark.skipif(not (find_spec("s3fs") and find_spec("moto")), reason="s3fs and moto are not installed")

SECRET = "open-sesame-9"
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
    monkeypatch.setattr(store_errors, "WAITS_S", (0.0, 0.0, 0.0))
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


@dataclass(frozen=True)
class Bucket:
    """A bucket on moto's server, behind a proxy that can fail."""

    name: str
    proxy: StoreProxy
    files: Any
    """The file system of s3fs, which reaches it through the proxy."""
    env: dict[str, str]
    """What a command needs to reach it."""

    @property
    def url(self) -> str:
        return f"s3://{self.name}"

    def names(self, folder: str) -> set[str]:
        """The objects below a folder."""
        self.files.invalidate_cache()
        return {path.removeprefix(f"{self.name}/{folder}/") for path in self.files.find(f"{self.name}/{folder}")}


@pytest.fixture
def bucket_at_proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    with StoreProxy(*server.get_host_and_port()) as proxy:
        env = {
            "AWS_ACCESS_KEY_ID": "writer", "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": proxy.url, "AWS_MAX_ATTEMPTS": "1", "NO_PROXY": "127.0.0.1,localhost",
        }  # fmt: skip
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        import s3fs

        s3fs.S3FileSystem.clear_instance_cache()
        monkeypatch.setattr(s3fs.S3FileSystem, "retries", 1)  # the client's own pauses
        files = s3fs.S3FileSystem()
        name = f"logs-{secrets.token_hex(4)}"
        files.mkdir(name)
        yield Bucket(name, proxy, files, env)
        s3fs.S3FileSystem.clear_instance_cache()
    server.stop()
