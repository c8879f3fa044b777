"""The token of the Hub: it goes to the Hub only, and is in no message, log or file, whatever the Hub answers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers.canary import canary, found, written
from tests.helpers.raw_server import RESET, RawServer, answering, http

SCRIPT = """
import logging, sys, traceback
logging.basicConfig(level=10)
import llmfusionbench as lfb
from llmfusionbench.cli.main import run
for way in sys.argv[1:]:
    run(["info", "org/" + way])
    try:
        lfb.open_release("org/" + way)
    except lfb.LLMFusionBenchError:
        traceback.print_exc()
"""


def listing(sha: str, name: str) -> bytes:
    return http(json.dumps({"id": "org/x", "sha": sha, "siblings": [{"rfilename": name, "size": 1}]}).encode())


WAYS: dict[str, Callable[[str], bytes]] = {
    **{
        f"status{n}": lambda s, n=n: http(
            s.encode(), status=f"{n} {s}", headers=f"X-Error-Message: {s}\r\nX-Amzn-Trace-Id: {s}\r\n"
        )
        for n in (400, 401, 403, 404, 409, 418)
    },
    "gated": lambda s: http(s.encode(), status="403 Odd", headers=f"X-Error-Code: GatedRepo\r\nX-Error-Message: {s}\r\n"),
    "commit": lambda s: listing(s, "manifest.json"),
    "name": lambda s: listing("a" * 40, f"{s}.json"),
    "outside": lambda s: listing("a" * 40, f"../{s}"),
    "shape": lambda s: http(json.dumps([s]).encode()),
    "text": lambda s: http(s.encode()),
    "garbage": lambda s: f"{s} 200 OK\r\n\r\n".encode(),
    "closed": lambda _: b"",
    "reset": lambda _: RESET,
}


def ask(server: RawServer, home: Path, *ways: str, endpoint: str = "http://{}", **variables: str) -> str:
    """What a process prints that opens a release of each of these names."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "LLMFUSIONBENCH_"))}
    kept |= {
        "HF_ENDPOINT": endpoint.format(server.place),
        "HF_HOME": str(home / "hf"),
        "LLMFUSIONBENCH_CACHE": str(home / "lfb"),
    }
    kept |= {"HF_HUB_DISABLE_TELEMETRY": "1", "HF_DEBUG": "1", "NO_PROXY": "127.0.0.1", "HOME": str(home)}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *ways], env=kept | variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout + done.stderr


def way_of(request: bytes) -> str:
    return next((way for way in WAYS if f"/org/{way}/".encode() in request), "text")


def test_a_hub_that_repeats_the_token(tmp_path: Path) -> None:
    token, password = canary("token")[:15], canary("password")[3:15]
    (tmp_path / "hf").mkdir()
    (tmp_path / "hf" / "token").write_text(token + "\n")
    with answering(lambda request: WAYS[way_of(request)](f"{token} {password}")) as server:
        printed = ask(server, tmp_path, *WAYS, endpoint=f"http://user:{password}@{{}}")
        plain = ask(server, tmp_path, "status418", "reset")
        assert found(token, *server.requests)
    (tmp_path / "hf" / "token").unlink()
    assert found(token, printed, plain, *written(tmp_path).values()) == []
    assert found(password, printed, *written(tmp_path).values()) == []
    assert printed.count("llmfusionbench: error: ") == len(WAYS)
    assert "HTTP status 418" in printed
    assert "its file names or its commit repeat the token" in printed
    assert plain.count("llmfusionbench: error: ") == 2


def test_a_redirect_to_another_server_has_no_token(tmp_path: Path) -> None:
    token = canary("redirected")[:15]
    with answering(lambda _: listing("a" * 40, "x")) as other:
        moved = f"Location: http://{other.place}/api/datasets/org/text/revision/main\r\n"
        with answering(lambda _: http(b"", status="307 Odd", headers=moved)) as server:
            ask(server, tmp_path, "text", HF_TOKEN=token)
            assert found(token, *server.requests)
        assert found(token, *other.requests) == []


@pytest.mark.parametrize("tail", [" x", "\x07", "é"])
def test_a_malformed_token_is_refused(tail: str, tmp_path: Path) -> None:
    token = canary("malformed" + tail)[:15]
    with answering(lambda _: http(b"{}")) as server:
        printed = ask(server, tmp_path, "text", HF_TOKEN=token + tail)
        assert server.requests == []
    assert "the token of the Hub (HF_TOKEN, or the file that `hf auth login` writes): holds" in printed
    assert found(token, printed) == []
