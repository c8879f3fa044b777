"""A release at an address with secrets, read by processes that others start: of `datasets`, and of a DataLoader."""

from __future__ import annotations

from pathlib import Path

import pytest
from datasets import load_dataset

from llmfusionbench.release import Release
from tests.helpers.range_server import RangeServer
from tests.remote.test_address_secrets import PASSWORD, SECRETS


def secret(web: RangeServer) -> str:
    web.password = PASSWORD
    return web.url.replace("http://", "http://reader:open-sesame-9@") + "?code=abcdef123456"


def test_processes_of_datasets(web: RangeServer, whole: Path, tmp_path: Path) -> None:
    cache = tmp_path / "datasets"
    rows = load_dataset(
        "llmfusionbench", "responses", release=secret(web), split="train", num_proc=2, cache_dir=str(cache)
    )  # fmt: skip
    near = Release(whole).rows("responses", "train", columns=["query_id", "performance"])
    assert rows["query_id"][:] == near["query_id"].to_pylist()
    assert rows["performance"][:] == near["performance"].to_pylist()
    assert set(web.authorizations) == {PASSWORD}
    kept = [path for folder in (cache, tmp_path / "cache") for path in folder.rglob("*")]
    assert [p for p in kept if any(s in str(p) or (p.is_file() and s.encode() in p.read_bytes()) for s in SECRETS)] == []


def test_workers_of_a_data_loader_that_are_spawned(web: RangeServer, whole: Path, capfd: pytest.CaptureFixture[str]) -> None:
    torch_data = pytest.importorskip("torch.utils.data")
    columns = ["llm", "performance"]
    rows = load_dataset("llmfusionbench", "logs", release=secret(web), split="train", columns=columns, streaming=True)
    loader = torch_data.DataLoader(
        rows.with_format("torch"), num_workers=2, batch_size=100, multiprocessing_context="spawn"
    )  # fmt: skip
    assert sum(len(batch["llm"]) for batch in loader) == Release(whole).table("logs", "train").count_rows()
    said = "".join(capfd.readouterr())
    assert [s for s in SECRETS if s in said] == []
