"""What is sent and where: the headers that are set here, a key in order, and nothing to another server."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

import pytest

from llmfusionbench.errors import InputError
from llmfusionbench.llm.chat import ChatClient
from tests.helpers.canary import basic, canary, evaluate, found
from tests.helpers.chat_server import completion, serving
from tests.helpers.raw_server import RawServer, answering, http

Leaks = Callable[..., list[str]]
ASK = [{"role": "user", "content": "a"}]
FINE = http(completion("Answer: 4", "tiny"))


@pytest.mark.parametrize("tail", ["\n", "\r\n", " ", "\nx", " x", "\x07", "é", "\ufeff", "\udcff", "\x7f"])
def test_a_malformed_key_is_stripped_or_refused_by_its_variable(
    tail: str,
    tiny: Path,
    secret: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    leaks: Leaks,
) -> None:
    monkeypatch.setenv("CANARY_KEY", secret + tail)
    with answering(lambda _: FINE) as server:
        status = evaluate(tiny, "--router", f"http://{server.place}", "--key-variable", "CANARY_KEY")
        error = capsys.readouterr().err
        if tail.isspace():
            assert status == 0
            assert f"Authorization: Bearer {secret}\r\n".encode() in server.requests[0]
        else:
            assert status == 1
            assert not server.requests
            assert "$CANARY_KEY: holds" in error
            assert "Remedy: " in error
    assert leaks(secret, error) == []


@pytest.mark.parametrize("key", [canary("given"), "hf_" + canary("given")[3:15], "a" * 40])
def test_a_key_given_for_the_name_of_its_variable_is_not_shown(
    key: str, tiny: Path, capsys: pytest.CaptureFixture[str], leaks: Leaks
) -> None:
    assert evaluate(tiny, "--router", "http://127.0.0.1:9", "--key-variable", key) == 1
    error = capsys.readouterr().err
    assert "not the name of an environment variable that is set" in error
    assert leaks(key, error) == []


def test_a_redirect_to_another_server_is_refused(
    tiny: Path,
    secret: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    leaks: Leaks,
) -> None:
    monkeypatch.setenv("CANARY_KEY", secret)
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", f"X-Custom: {secret}")
    for status in (301, 302, 303, 307, 308):
        with ExitStack() as stack:
            other = stack.enter_context(answering(lambda _: FINE))
            place = f"http://{other.place}/v1/chat/completions"
            first = stack.enter_context(
                answering(lambda _, s=status, p=place: http(b"", status=f"{s} Odd", headers=f"Location: {p}\r\n"))
            )
            assert evaluate(tiny, "--router", f"http://{first.place}", "--key-variable", "CANARY_KEY") == 1
            error = capsys.readouterr().err
            assert f"status {status}, a redirect to another server (http://{other.place})" in error
            assert "Neither prompts nor keys are sent there" in error
            with pytest.raises(InputError, match="a redirect to another server"):
                ChatClient(f"http://{first.place}", model="m").ask(ASK)
        assert other.requests == []
    assert leaks(secret) == []


@pytest.mark.parametrize("place", ["https://{}/", "//localhost:{port}/", "http://127.0.0.2:{port}/", "http://user:x@{}:1/"])
def test_another_scheme_host_or_port_is_another_server(place: str) -> None:
    def answer(server: RawServer) -> bytes:
        target = place.replace("{}", server.place).replace("{port}", server.place[10:])
        return http(b"", status="307 Odd", headers=f"Location: {target}\r\n")

    with answering(lambda _: answer(server)) as server:
        reply = ChatClient(f"http://{server.place}", model="m").attempt(ASK)
        assert reply.refused
        assert reply.status == 307
        assert len(server.requests) == 1


def test_a_redirect_within_the_server_is_followed(secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY_KEY", secret)
    moved = http(b"", status="308 Odd", headers="Location: /moved?to=here\r\n")
    with answering(lambda request: moved if request.startswith(b"POST /v1") else http(completion("4"))) as server:
        client = ChatClient(f"http://{server.place}", model="m", key_variable="CANARY_KEY")
        assert client.ask(ASK).text == "4"
        first, second = server.requests
    assert second.startswith(b"POST /moved?to=here ")
    assert first.partition(b"\r\n\r\n")[2] == second.partition(b"\r\n\r\n")[2]
    assert f"Authorization: Bearer {secret}\r\n".encode() in second


def test_nothing_from_the_environment_is_sent(tmp_path: Path, secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client reads variables for its own service, and other clients read ~/.netrc."""
    names = ("Authorization", "Cookie", "Host", "User-Agent", "Content-Type", "X-Custom", "x-stainless-retry-count", "Accept")
    with serving(lambda *_: "fine") as server:
        for name in ("API_KEY", "ADMIN_KEY", "ORG_ID", "PROJECT_ID", "WEBHOOK_SECRET", "API_TYPE", "API_VERSION"):
            monkeypatch.setenv(f"OPENAI_{name}", secret)
        monkeypatch.setenv("OPENAI_BASE_URL", f"http://{quote(secret, safe='')}.invalid")
        monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "\n".join(f"{name}: {secret}" for name in names))
        monkeypatch.setenv("HF_TOKEN", secret)
        monkeypatch.setenv("HOME", str(tmp_path))
        netrc = tmp_path / ".netrc"
        netrc.write_text(f"machine 127.0.0.1 login user password {secret[:15]}\n")
        netrc.chmod(0o600)
        monkeypatch.setenv("NETRC", str(netrc))
        assert ChatClient(server.url, model="m").ask(ASK).text == "fine"
        path, body, headers = server.requests[0]
        assert found(secret, path, json.dumps(body), json.dumps(headers)) == []
        monkeypatch.setenv("CANARY_KEY", "another-key")
        ChatClient(server.url, model="m", key_variable="CANARY_KEY").ask(ASK)
        headers = server.requests[1][2]
    assert headers["authorization"] == "Bearer another-key"
    assert found(secret, json.dumps(headers)) == []
    assert headers.keys() == {
        "host", "accept", "accept-encoding", "connection", "user-agent", "content-type", "content-length", "authorization",
        "x-stainless-retry-count", "x-stainless-raw-response",
    }  # fmt: skip


def test_user_info_and_query_are_sent_to_their_server_only_as_such(secret: str) -> None:
    with serving(lambda *_: "fine") as server:
        place = server.url.removeprefix("http://")
        quoted = quote(secret, safe="")
        ChatClient(f"http://me:{quoted}@{place}/v1/chat/completions?key={quoted}#x", model="m").ask(ASK)
        path, _, headers = server.requests[0]
    assert headers["authorization"] == basic("me", secret)
    assert path.partition("?")[0] == "/v1/chat/completions"
    assert path.partition("?")[2] == f"key={quoted}"
    assert headers["host"] == place


@pytest.mark.parametrize(
    "proxy", ["http://user:{}@127.0.0.1:9", "socks9://user:{}@host", "http://user:{}@[::1", "http://user:{}@h:port"]
)
def test_the_password_of_a_proxy_is_not_shown(
    proxy: str, tiny: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, leaks: Leaks
) -> None:
    password = canary(proxy)[3:15]
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name.lower(), raising=False)
        monkeypatch.setenv(name, "" if name == "NO_PROXY" else proxy.replace("{}", password))
    assert evaluate(tiny, "--router", "http://router.invalid") == 1
    error = capsys.readouterr().err
    assert "Remedy: " in error
    assert leaks(password, error) == []
