"""No secret is written, printed, logged or raised: one is planted wherever a key can be, and calls fail in many ways."""

from __future__ import annotations

import json
import logging
import os
import pickle
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

import llmfusionbench as lfb
from llmfusionbench.cli.main import run
from llmfusionbench.errors import InputError
from llmfusionbench.evaluation import LiveRouter
from llmfusionbench.llm.chat import ChatClient
from tests.helpers.canary import basic, evaluate, found, written
from tests.helpers.chat_server import completion
from tests.helpers.raw_server import HANG, RESET, answering, http

Leaks = Callable[..., list[str]]
Answer = Callable[[bytes, str], bytes]
"""From a request and the secret in it to what the server answers."""


def echo(status: str = "200 OK", form: Callable[[str], str] = str) -> Answer:
    """A body that repeats the secret in every field."""

    def body(_: bytes, secret: str) -> bytes:
        said = form(secret)
        choice = {"message": {"content": f"Answer: {said}", "reasoning": said}, "finish_reason": said}
        error = None if status.startswith("200") else {"message": f"Incorrect API key provided: {said}", "code": said}
        return http(json.dumps({"id": said, "model": said, "choices": [choice], "error": error}).encode(), status=status)

    return body


WAYS: dict[str, Answer] = {
    "fine": lambda *_: http(completion("Answer: 4", "tiny")),
    "echo in text and model": echo(),
    "echo quoted": echo(form=lambda s: quote(s, safe="")),
    "echo as repr": echo(form=lambda s: repr(s.encode())),
    "echo in base64": echo(form=lambda s: basic("user", s)),
    "echo of the request": lambda request, _: http(completion(request.decode("latin-1"), request.decode("latin-1"))),
    "echo of the request as a text": lambda request, _: http(request),
    **{f"echo with status {n}": echo(f"{n} Odd") for n in (400, 401, 403, 404, 409, 422, 429, 500, 503)},
    "echo in the status text": lambda _, s: http(b"{}", status=f"500 Key {s}"),
    "echo in the headers": lambda _, s: http(b"{}", headers=f"x-request-id: {s}\r\nSet-Cookie: key={s}\r\n"),
    "echo in an encoding": lambda _, s: http(b"{}", headers=f"Content-Encoding: gzip, {s}\r\n"),
    "echo as the type": lambda _, s: http(b"{}", headers=f"Retry-After: {s}\r\nContent-Type: application/{s}\r\n"),
    "echo for HTTP": lambda _, s: f"{s} 200 OK\r\n\r\n".encode(),
    "echo as a header line": lambda _, s: f"HTTP/1.1 200 OK\r\n{s}\r\n\r\n".encode(),
    "broken gzip": lambda _, s: http(s.encode(), headers="Content-Encoding: gzip\r\n"),
    "echo in a template": lambda _, s: http(
        completion(f"This is a question about a text. The best answers begin with {s} here.")
    ),
    "not JSON": lambda _, s: http(s.encode()),
    "JSON of another shape": lambda _, s: http(json.dumps([s]).encode()),
    "cut short": lambda _, s: http(completion(s, s), length=9999),
    "closed": lambda *_: b"",
    "reset": lambda *_: RESET,
    "hanging": lambda *_: HANG,
    "redirected in a circle": lambda *_: http(b"", status="307 Odd", headers="Location: /v1/chat/completions\r\n"),
    "redirected to nowhere": lambda _, s: http(b"", status="308 Odd", headers=f"Location: http://[{s}\r\n"),
    "redirected with the key": lambda _, s: http(b"", status="302 Odd", headers=f"Location: http://{quote(s)}.invalid/{s}\r\n"),
    "redirected without a place": lambda *_: http(b"", status="307 Odd"),
}


def test_the_search_finds_what_is_planted(tmp_path: Path, secret: str, leaks: Leaks) -> None:
    assert leaks(secret) == []
    for form in (secret, quote(secret), json.dumps(secret), repr(secret.encode()), basic("user", secret), secret[::-1]):
        (tmp_path / ".hidden").write_text(f"x {form} y")
        assert leaks(secret), form
    (tmp_path / ".hidden").unlink()
    print(secret, file=sys.stderr)
    assert leaks(secret)
    logging.getLogger("any").debug("key %s", secret)
    assert leaks(secret)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("planted", ["variable and query", "user info"])
def test_a_live_router_leaks_nothing(
    way: str,
    planted: str,
    tiny: Path,
    tmp_path: Path,
    secret: str,
    monkeypatch: pytest.MonkeyPatch,
    leaks: Leaks,
) -> None:
    with answering(lambda request: WAYS[way](request, secret)) as server:
        options = ["--timeout", "0.2"] if way == "hanging" else []
        if planted == "user info":
            url = f"http://user:{quote(secret, safe='')}@{server.place}"
        else:
            monkeypatch.setenv("CANARY_KEY", secret)
            options += ["--key-variable", "CANARY_KEY", "--allow-partial"]
            url = f"http://{server.place}/v1?api_key={quote(secret, safe='')}&api-version=2"
        evaluate(tiny, "--router", url, *options)
        assert leaks(secret) == []
        assert server.requests, "the secret was sent"
        assert found(secret, *server.requests), "so that the server could repeat it"
    if way == "fine":
        assert f'"http://{server.place}' in (tmp_path / "report" / "report.json").read_text()


@pytest.mark.parametrize("way", ["echo in text and model", "echo in a template", "echo of the request", "echo with status 500"])
def test_prompts_and_templates_leak_nothing(
    way: str,
    tmp_path: Path,
    secret: str,
    monkeypatch: pytest.MonkeyPatch,
    leaks: Leaks,
) -> None:
    monkeypatch.setenv("CANARY_KEY", secret)
    with answering(lambda request: WAYS[way](request, secret)) as server:
        url = f"http://user:{quote(secret, safe='')}@{server.place}/?key={quote(secret, safe='')}"
        common = ["--model", "m", "--key-variable", "CANARY_KEY", "--retries", "0"]
        run(["evaluate-prompts", "sample", "--url", url, "--out", "prompts", "--limit", "2", "--resamples", "9", *common])
        run(["templates", "build", "sample", "--summarizer", url, "--limit", "2", "--out", "made", "--allow-partial", *common])
        assert leaks(secret) == []
        assert len(server.requests) > 2
    if way == "echo in text and model":
        answers = (tmp_path / "prompts" / "answers.jsonl").read_text()
        assert '"response": "Answer: [secret]"' in answers
    if way == "echo in a template":
        table = lfb.open_release("made").table("thought_templates", "train").to_table()
        assert any("begin with [secret] here" in text for text in table["template"].to_pylist())


def test_exceptions_reprs_and_pickles_hold_no_key(secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY_KEY", secret)
    with answering(echo("401 Odd") and (lambda request: echo("401 Odd")(request, secret))) as server:
        client = ChatClient(f"http://{server.place}", model="m", key_variable="CANARY_KEY", retries=0)
        with pytest.raises(InputError) as caught:
            client.ask([{"role": "user", "content": "a"}])
        reply = client.attempt([{"role": "user", "content": "a"}])
        router = LiveRouter(f"http://user:{quote(secret, safe='')}@{server.place}", key_variable="CANARY_KEY", retries=0)
        with pytest.raises(InputError) as refused:
            router.route(["a"], ["t"])
        copied = pickle.dumps(client)
        assert pickle.loads(copied).attempt([{"role": "user", "content": "a"}]).status == 401
    shown = ["".join(traceback.format_exception(error.value)) for error in (caught, refused)]
    assert found(secret, *shown, repr(client), repr(router), repr(reply), copied) == []
    error: Any = InputError(f"{secret} and http://some:unknown-password@host/?api_key=unknown-key&x=1")
    assert str(error) == "[secret] and http://[secret]@host/?api_key=[secret]&x=1"
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


SCRIPT = """
import sys
from llmfusionbench.cli.main import main
main(sys.argv[1:])
"""
CRASH = """
import os
class Crash:
    def __init__(self):
        raise BaseException("a fault at " + os.environ["PLACE"])
"""


def test_a_process_of_its_own_shows_nothing(tiny: Path, tmp_path: Path, secret: str) -> None:
    """Its logs, as the client's own variable switches them on, and the traceback of a fault in a user's router."""
    (tmp_path / "crash.py").write_text(CRASH)
    with answering(lambda request: echo()(request, secret)) as server:
        url = f"http://user:{quote(secret, safe='')}@{server.place}"
        more = {"CANARY_KEY": secret, "OPENAI_LOG": "debug", "PLACE": url, "HTTP_PROXY": "", "http_proxy": ""}
        start = [sys.executable, "-c", f"import logging; logging.basicConfig(level=10)\n{SCRIPT}", "evaluate", str(tiny)]
        options = ["--key-variable", "CANARY_KEY", "--calls", "calls.jsonl", "--retries", "0", "--out", "report", "--overwrite"]
        done = [
            subprocess.run([*start, *routers, *options], env=os.environ | more, capture_output=True, text=True, check=False)
            for routers in (["--router", url, "--allow-partial"], ["--router", url, "--router", "crash.py:Crash"])
        ]
    assert "Sending HTTP Request" in done[0].stderr
    assert "Traceback" in done[1].stderr
    assert "a fault at http://[secret]@" in done[1].stderr
    assert found(secret, *(text for one in done for text in (one.stdout, one.stderr)), *written(tmp_path).values()) == []


def test_the_key_in_an_exception_of_a_router_is_not_shown(tiny: Path, secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY_KEY", secret)

    class Careless:
        def route(self, prompts: list[str], tasks: list[str]) -> list[str]:
            with answering(lambda _: http(completion("4"))) as server:
                ChatClient(f"http://{server.place}", model="m", key_variable="CANARY_KEY").ask(
                    [{"role": "user", "content": "a"}]
                )
            raise ValueError(f"Illegal header value {f'Bearer {secret}'.encode()!r}")

    with pytest.raises(InputError, match="router Careless: ValueError: Illegal header value") as caught:
        lfb.evaluate(Careless(), tiny, baselines=())
    assert found(secret, "".join(traceback.format_exception(caught.value))) == []
