"""URLs with secrets in them, right and wrong ones: no name, error, file or log shows what may be secret."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import llmfusionbench as lfb
from llmfusionbench.cli.main import run
from llmfusionbench.errors import InputError
from llmfusionbench.evaluation import LiveRouter
from llmfusionbench.llm.chat import ChatClient
from tests.helpers.canary import canary, evaluate, found
from tests.helpers.chat_server import completion
from tests.helpers.raw_server import answering, http

Leaks = Callable[..., list[str]]
ASK = [{"role": "user", "content": "a"}]
FINE = http(completion("Answer: 4", "tiny"))


@pytest.mark.parametrize(
    "url",
    [
        "http://user:{}@127.0.0.1:port", "http://user:{}@[::1", "http://user:{}@127.0.0.1:99999", "ftp://user:{}@127.0.0.1",
        "HTTP://user:{}@127.0.0.1:9", "https://user:{}@{place}", "http://{}@127.0.0.1:9", "http://{}:@127.0.0.1:9",
        "http://127.0.0.1:9/v1?{}", "http://127.0.0.1:9/v1#{}", "http://127.0.0.1:9/v1?a=b;key={}", "http://user:{}@",
        "http://user:{}@\u2100.example:9", "http://user:{}@127.0.0.1:9/x.csv", "http://user:x#{}@127.0.0.1:9",
        "http://user:x?{}@127.0.0.1:9", "http://user:x/{}@127.0.0.1:9", "http://user:x@{}@127.0.0.1:9", "x://user:{}@h",
        "http://user:{}@ex ample.invalid", "http://user:{}@xn--\u00df.invalid\u0301..", "http://user:{}@a\u0000b:9",
    ],
)  # fmt: skip
def test_no_url_leaks_whatever_is_wrong_with_it(url: str, tiny: Path, tmp_path: Path, leaks: Leaks) -> None:
    secret = canary(url)[3:15]
    with answering(lambda _: b"HTTP/1.1 200 OK\r\n\r\n") as server:
        place = url.replace("{place}", server.place).replace("{}", secret)
        for more in (["--allow-partial"], ["--unknown-option"], [place]):
            evaluate(tiny, "--router", place, *more)
        run(["evaluate-prompts", str(tiny), "--url", place, "--model", "m", "--out", "prompts", "--retries", "0"])
        run(["templates", "build", str(tiny), "--summarizer", place, "--model", "m", "--out", "made", "--retries", "0"])
        run(["info", place])
    with pytest.raises(lfb.LLMFusionBenchError) as caught:
        lfb.open_release(place)
    assert found(secret, str(caught.value)) == []
    assert found(secret, repr(ChatClient(place, model="m")), repr(LiveRouter(place))) == []
    assert leaks(secret) == []


def test_routers_that_differ_in_their_secrets_are_numbered(tiny: Path, tmp_path: Path, secret: str, leaks: Leaks) -> None:
    with answering(lambda _: FINE) as server:
        urls = [f"http://user:{secret[3:15]}{i}@{server.place}/v1" for i in range(3)]
        assert evaluate(tiny, *(part for url in urls for part in ("--router", url))) == 0
        report = json.loads((tmp_path / "report" / "report.json").read_text())
        shown = f"http://{server.place}/v1"
        names = [router["name"] for router in report["routers"] if router["name"].startswith("http")]
        assert names == [shown, f"{shown} (2)", f"{shown} (3)"]
        made = lfb.evaluate(urls, tiny, baselines=())
        assert [router["name"] for router in made.data["routers"]] == names
        assert found(secret, repr(made), str(made), made.to_html(), made.to_json(), made.summary.to_csv()) == []
        with pytest.raises(InputError, match="two routers are called") as caught:
            lfb.evaluate([urls[0], urls[0]], tiny)
        assert found(secret, str(caught.value)) == []
    assert leaks(secret) == []
