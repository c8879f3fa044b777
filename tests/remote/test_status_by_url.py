"""`llmfusionbench status` of a run that writes to a store: done, failed, resumed, killed, and places without a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from llmfusionbench.builders.making import spill
from llmfusionbench.release.run_status import check_status
from llmfusionbench.release.targets import STATE
from tests.helpers.command import Command
from tests.helpers.sample_part import write_part
from tests.remote.conftest import SECRET, Bucket, needs_s3

pytestmark = needs_s3


@pytest.fixture
def part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A release; a build of it makes several shards."""
    monkeypatch.setattr(spill, "SHARD_BYTES", 6_000)
    return write_part(tmp_path / "part", tasks=("math", "gsm8k"), queries=4, llms=3, shards=3).directory


def status(lfb: Command, url: str, wanted: int = 0) -> dict[str, Any]:
    code, printed, err = lfb("status", url, "--json")
    assert (code, err) == (wanted, "")
    found: dict[str, Any] = json.loads(printed)
    check_status(found)
    return found


def test_a_run_that_has_failed_and_goes_on(bucket_at_proxy: Bucket, part: Path, lfb: Command) -> None:
    url = f"{bucket_at_proxy.url}/v1"
    bucket_at_proxy.proxy.fault = lambda method, path: 403 if method == "PUT" and "/v1/logs/test-00001" in path else None
    command = ("build", "release", part, "--out", url, "--workers", "1")
    assert lfb(*command)[0] == 1
    found = status(lfb, url, wanted=1)
    (run,) = found["runs"]
    assert (found["run"], found["result"]) == (url, None)
    assert (run["command"], run["state"], run["stage"]) == ("build", "failed", "writing shards")
    assert 0 < run["done"] < run["total"]
    assert run["rate"]["rows_per_minute"] > 0
    (failure,) = run["failures"]
    assert "logs/test-00001" in failure["reason"]
    assert failure["log"] == f"{url}/{STATE}/failure.log"
    log = bucket_at_proxy.files.cat_file(f"{bucket_at_proxy.name}/v1/{STATE}/failure.log").decode()
    assert "the store denies access" in log
    assert SECRET not in log + json.dumps(found)
    code, printed, _ = lfb("status", url)
    assert code == 1
    assert f"{url}: build, failed" in printed
    assert f"Shards: {run['done']} of {run['total']} done, 1 failed" in printed
    bucket_at_proxy.proxy.fault = lambda method, path: None
    assert lfb(*command)[0] == 0
    assert status(lfb, url) == {**found, "result": "release", "runs": []}


def test_a_run_that_has_recorded_no_end(bucket_at_proxy: Bucket, part: Path, lfb: Command) -> None:
    """As after `kill -9`, or while it runs: its last record is that of the shards."""
    url = f"{bucket_at_proxy.url}/v1"

    def fault(method: str, path: str) -> int | None:
        fails = method == "PUT" and ("/v1/logs/test-00001" in path or path.endswith(("failure.log", "manifest.json")))
        return 403 if fails else None

    bucket_at_proxy.proxy.fault = fault
    assert lfb("build", "release", part, "--out", url, "--workers", "1")[0] == 1
    (run,) = status(lfb, url)["runs"]
    assert (run["state"], run["failures"], run["failed"]) == ("unfinished", [], 0)
    assert run["seconds_left"] > 0
    printed = lfb("status", url)[1]
    assert "build, not complete: it runs, or was killed" in printed
    assert "at this rate, if it runs" in printed
    assert f"Kept in: {url}/{STATE}" in printed


def test_a_run_that_has_no_shard_yet(bucket_at_proxy: Bucket, part: Path, lfb: Command) -> None:
    url = f"{bucket_at_proxy.url}/v1"
    bucket_at_proxy.proxy.fault = lambda method, path: 403 if method == "PUT" and "/v1/queries/" in path else None
    assert lfb("build", "release", part, "--out", url, "--workers", "1")[0] == 1
    (run,) = status(lfb, url, wanted=1)["runs"]
    assert (run["done"], run["rate"], run["seconds_left"]) == (0, None, None)


def test_a_damaged_record_is_no_run(bucket_at_proxy: Bucket, lfb: Command) -> None:
    for data in (b"{", b"[]", b'{"ending": null}', b"\xff\xfe"):
        bucket_at_proxy.files.pipe_file(f"{bucket_at_proxy.name}/v1/{STATE}/run.json", data)
        code, _, err = lfb("status", f"{bucket_at_proxy.url}/v1")
        assert code == 1
        assert "no run is there" in err


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("s3://no-such-bucket-here/v1", "no run is there"),
        ("https://host/r?token=open-sesame-9", "https://host/r: no run writes there"),
        ("hf://datasets/org/name", "no run writes there"),
        ("nonsense://x/y", "nonsense"),
    ],
)
def test_places_without_a_run(bucket_at_proxy: Bucket, lfb: Command, url: str, words: str) -> None:
    code, printed, err = lfb("status", url)
    assert (code, printed, err.count("\n")) == (1, "", 1)
    assert words in err
    assert SECRET not in err
