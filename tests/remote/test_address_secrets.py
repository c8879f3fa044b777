"""Secrets of addresses: in worker processes, in the logs of clients, and in redirects, which lead elsewhere or not."""

from __future__ import annotations

import base64
import logging
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from huggingface_hub.utils import httpx

import llmfusionbench as lfb
from llmfusionbench.errors import ReleaseError
from llmfusionbench.hub.remote import HubServer
from llmfusionbench.release import Release
from llmfusionbench.remote.http_store import HttpStore, WebServer
from llmfusionbench.remote.object_store import ObjectStore
from tests.helpers.range_server import RangeServer
from tests.remote.conftest import TRAIN

SECRETS = ("abcdef123456", "open-sesame-9")
PASSWORD = "Basic " + base64.b64encode(b"reader:open-sesame-9").decode()

WORKER = """
import io, logging, pickle, sys, traceback
from llmfusionbench.errors import ReleaseError
log = io.StringIO()
logging.basicConfig(level=logging.DEBUG, stream=log)
release = pickle.loads(open(sys.argv[1], "rb").read())
try:
    release.rows("llms")
except ReleaseError:
    log.write(traceback.format_exc())
print(log.getvalue())
"""


def test_a_worker_process_shows_no_secret(web: RangeServer, tmp_path: Path) -> None:
    release = lfb.open_release(web.url.replace("http://", "http://reader:open-sesame-9@") + "?code=abcdef123456")
    (tmp_path / "release").write_bytes(pickle.dumps(release))
    web.faults["llms"] = ["404"] * 10
    run = [sys.executable, "-c", WORKER, str(tmp_path / "release")]
    done = subprocess.run(run, capture_output=True, text=True, env=dict(os.environ), check=True)
    assert "HTTP status 404" in done.stdout
    assert "GET" in done.stdout
    assert not [secret for secret in (*SECRETS, PASSWORD.split()[1]) if secret in done.stdout + done.stderr]


KEPT = """
import logging, pickle, sys
from llmfusionbench.redaction import redacted
pickle.loads(bytes.fromhex(sys.argv[1]))
print(redacted("abcdef123456"), bool(logging.getLogger("httpx").filters))
"""


@pytest.mark.parametrize(
    "holder",
    [
        HubServer("org/name", "0" * 40, "", "abcdef123456"),
        WebServer("https://example.org/?code=abcdef123456"),
        ObjectStore("memory://place?code=abcdef123456"),
    ],
    ids=["hub", "web", "store"],
)
def test_whatever_holds_a_secret_keeps_it_when_it_is_unpickled(holder: object) -> None:
    run = [sys.executable, "-c", KEPT, pickle.dumps(holder).hex()]
    assert subprocess.run(run, capture_output=True, text=True, check=True).stdout == "[secret] True\n"


def test_a_signed_redirect_is_not_logged(web: RangeServer, whole: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    signed = ("policy-value-123", "sig-value-456", "odd-value-789", "cred-value-012", "k-1")
    query = "Policy={}&Signature={}&odd={}&X-Amz-Credential={}&Key-Pair-Id={}".format(*signed)
    with RangeServer.of(whole) as other:
        web.faults["parquet"] = [f"redirect http://127.0.0.1:{other.port}?{query}"] * 100
        release = lfb.open_release(web.url)
        assert release.rows("responses", columns=["llm"]).num_rows == 3_600
        other.faults["llms"] = ["404"] * 3
        with pytest.raises(ReleaseError, match="no such file") as caught:
            release.rows("llms")
        assert other.log
    assert "HTTP Request: GET" in caplog.text
    assert [value for value in signed if value in caplog.text or value in repr((caught.value, caught.value.__cause__))] == []


def test_a_redirect_within_a_server_keeps_the_password(web: RangeServer, whole: Path) -> None:
    web.password = PASSWORD
    web.files |= {f"/moved{name}": data for name, data in web.files.items()}
    release = lfb.open_release(web.url.replace("http://", "http://reader:open-sesame-9@"))
    for location in (f"http://127.0.0.1:{web.port}/moved", "/moved"):
        for column in ("llm", "mode", "performance"):
            web.faults[TRAIN] = [f"redirect {location}", "ok"] * 10
            web.log.clear()
            assert release.rows("responses", "train", columns=[column]).num_rows > 0
            assert 401 not in {status for *_, status, _ in web.log}
    assert set(web.authorizations) == {web.password}


def answered(monkeypatch: pytest.MonkeyPatch, answers: dict[str, str]) -> list[httpx.Request]:
    """The requests of the client, which is led from each address to the next, and at last gets `ok`."""
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if (location := answers.get(str(request.url))) is None:
            return httpx.Response(200, content=iter([b"ok"]))
        return httpx.Response(302, headers={"Location": location})

    client = httpx.Client(transport=httpx.MockTransport(answer), follow_redirects=True)
    monkeypatch.setattr("llmfusionbench.remote.http_store.get_session", lambda: client)
    return seen


@pytest.mark.parametrize(
    "led",
    [
        {"https://one.example/f": "http://one.example/f"},
        {"https://one.example/f": "http://two.example/f", "http://two.example/f": "https://one.example/g"},
        {"https://one.example/f": "https://two.example/f", "https://two.example/f": "http://one.example/f"},
    ],
)
def test_encryption_never_ends_on_the_way(led: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    seen = answered(monkeypatch, led)
    with pytest.raises(ReleaseError, match=r"^https://one.example/f: the server leads to an address without encryption"):
        HttpStore(WebServer("https://reader:open-sesame-9@one.example")).read_whole("f", 100)
    assert {request.url.scheme for request in seen} == {"https"}, "it is refused before anything is sent there"


@pytest.mark.parametrize(
    ("start", "led", "gets"),
    [
        ("http://one.example", "https://one.example/f", True),
        ("http://one.example", "http://one.example:8080/f", False),
        ("https://one.example", "https://sub.one.example/f", False),
        ("https://one.example", "https://user:word-of-it@two.example/f", False),
        ("https://one.example", "//one.example:443/g", True),
    ],
)
def test_who_gets_the_password(start: str, led: str, gets: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = answered(monkeypatch, {f"{start}/f": led})
    store = HttpStore(WebServer(start.replace("://", "://reader:open-sesame-9@")))
    assert [store.read_whole("f", 100) for _ in range(2)] == [b"ok"] * 2
    assert [request.headers.get("Authorization") for request in seen[:2]] == [PASSWORD, PASSWORD if gets else None]
    assert len(seen) == (4 if gets else 3), "only another server is asked at once the next time"
    assert seen[-1].headers.get("Authorization") == (PASSWORD if gets else None)


def test_scores_over_redirects_are_the_same(web: RangeServer, whole: Path) -> None:
    web.faults["parquet"] = [f"redirect http://localhost:{web.port}", "ok"] * 100
    far, near = lfb.open_release(web.url), Release(whole)
    assert far.rows("responses", columns=["performance"]) == near.rows("responses", columns=["performance"])
