"""Judges behind a server of this machine, and a release for them to judge."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from llmfusionbench.builders.collecting.endpoint import Endpoint, Price
from llmfusionbench.builders.judging import Task, judge
from llmfusionbench.release import Release
from llmfusionbench.validation import validate
from tests.helpers.chat_server import ChatServer
from tests.helpers.tiny_release import write_tiny_release


def sums(queries: int = 6, llms: tuple[str, ...] = ("ant", "bee"), replicates: int = 1) -> str:
    """A log of sums: `ant` is right, `bee` is one too high, and every answer has a text of its own."""
    lines = ["prompt,split,task,llm,replicate,response,performance,metric,ground_truth"]
    for n in range(queries):
        for place, llm in enumerate(llms):
            for replicate in range(replicates):
                value, split = 2 * n + place, "test" if n % 3 == 0 else "train"
                text = f"It is {value} (by {llm} at try {replicate})"
                lines.append(f"{n}+{n}?,{split},sums,{llm},{replicate},{text},{int(place == 0)},em,{2 * n}")
    return "\n".join(lines) + "\n"


def sums_release(out: Path, **shape: Any) -> Path:
    """A release of such a log."""
    return write_tiny_release(out, sums(**shape))


def endpoint(server: ChatServer, name: str = "owl", **more: Any) -> Endpoint:
    """An LLM at a server, at one USD per million tokens."""
    prices = (Price(input_price=1, output_price=1),)
    return Endpoint(**{"name": name, "url": server.url, "model": name, "prices": prices, "retries": 0, **more})


def asked(server: ChatServer) -> list[str]:
    """The texts that a server was sent, in order."""
    return [body["messages"][-1]["content"] for _, body, _ in server.requests]


def llms_file(folder: Path, server: ChatServer, *names: str, more: str = "") -> Path:
    """A file of LLMs at a server."""
    path = folder / "llms.yaml"
    parts = [
        f"- name: {name}\n  url: {server.url}\n  model: {name}\n  retries: 0\n"
        f"  prices: [{{input_price: 1, output_price: 1}}]\n{more}"
        for name in names
    ]
    path.write_text("llms:\n" + "".join(parts), encoding="utf-8")
    return path


def by_name(body: dict[str, Any], _: int) -> str:
    """`ant` is right; in pairs, too; in any other text there is no score."""
    text = body["messages"][-1]["content"]
    if "Answer A" in text:
        first = text[text.index("Answer A") : text.index("Answer B")]
        return f"<better>{'A' if 'by ant' in first else 'B'}</better>"
    return f"So it is.\n<score>{int('by ant' in text)}</score>"


def done(path: Path, out: Path, task: Task, **options: Any) -> tuple[Any, Release]:
    """The results of a run of judges, and its release, which is valid."""
    found = judge(path, out, task, workers=1, **options)
    assert found.release is not None
    assert list(validate(out)) == []
    return found, found.release
