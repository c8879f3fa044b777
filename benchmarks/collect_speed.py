"""Calls per second with the journal on, seconds to resume a long journal, and peak memory, each against a baseline.

    python benchmarks/collect_speed.py [--calls 20000] [--lines 1000000] [--latency 0.05] [--connections 64]

The server is a process of its own on this machine, which answers each request after the latency. The ideal rate is
connections / latency. The rate of a run is measured from its first tenth of answers to its last tenth, so without imports and
slow start. Baselines of the same run, one after the other: the official client alone in as many loops, without a journal, a
budget, a pace or retries; and `json.loads` for each line of the journal, with the records kept.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

from _measuring import cost_alone

from llmfusionbench.builders.collecting.budget import Budget
from llmfusionbench.builders.collecting.calls import Attempt, Call, call_key
from llmfusionbench.builders.collecting.endpoint import Endpoint, Price
from llmfusionbench.builders.collecting.engine import Engine
from llmfusionbench.builders.collecting.journal import RunJournal
from llmfusionbench.builders.collecting.lines import line_of
from llmfusionbench.builders.collecting.records import attempt_record, sent_record
from llmfusionbench.builders.reading.run_files import JOURNAL

WORDS = "the train leaves at noon and reaches the city before the rain so we walk from the station to the market "
QUESTION, ANSWER = WORDS * 4, WORDS * 3
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class Served(asyncio.Protocol):
    """A connection of the server: the same answer to each request, after the latency."""

    def __init__(self, latency: float) -> None:
        self.latency, self.data = latency, b""
        message = {"role": "assistant", "content": ANSWER}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        usage = {"prompt_tokens": 90, "completion_tokens": 66, "total_tokens": 156}
        body = json.dumps({"id": "1", "object": "chat.completion", "model": "m", "choices": [choice], "usage": usage}).encode()
        self.reply = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.data += data
        head, end, rest = self.data.partition(b"\r\n\r\n")
        length = LENGTH.search(head)
        size = int(length[1]) if length else 0
        if end and len(rest) >= size:
            self.data = rest[size:]
            asyncio.get_running_loop().call_later(self.latency, self.transport.write, self.reply)


async def serve(latency: float) -> None:
    """Serve until this process is ended."""
    server = await asyncio.get_running_loop().create_server(lambda: Served(latency), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def serving(latency: float) -> Iterator[str]:
    """The URL of such a server."""
    command = [sys.executable, __file__, "--serve", "--latency", str(latency)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as server:
        try:
            assert server.stdout is not None
            yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        finally:
            server.kill()


def calls(count: int) -> Iterator[Call]:
    """Different calls to one LLM."""
    for place in range(count):
        payload = {"model": "m", "messages": [{"role": "user", "content": f"{place}: {QUESTION}"}], "max_tokens": 100}
        yield Call((str(place), "m", "direct", "0"), "m", call_key("http://127.0.0.1/v1", payload), payload)


class Rate:
    """A board that notes when answers came."""

    def __init__(self, count: int) -> None:
        self.count, self.done = count, 0
        self.marks: list[tuple[float, float]] = []
        """Monotonic and processor seconds after a tenth and after nine tenths of the answers."""

    def started(self, llm: str) -> None:
        """An attempt begins."""

    def finished(self, llm: str, attempt: Attempt, cost: float | None, final: bool, *, again: bool = False) -> None:
        """An attempt has ended."""
        if attempt.status != "ok":
            raise RuntimeError(attempt.error)
        self.done += 1
        if self.done in (self.count // 10, self.count - self.count // 10):
            self.marks.append((time.monotonic(), time.process_time()))

    def figures(self) -> tuple[float, float]:
        """Answers per second, and processor milliseconds per answer."""
        (began, used), (ended, then) = self.marks
        answers = self.count - 2 * (self.count // 10)
        return answers / (ended - began), (then - used) / answers * 1e3


def with_engine(url: str, count: int, connections: int) -> tuple[float, float]:
    """The figures of a run with everything on."""
    llm = Endpoint(name="m", url=url, model="m", concurrency=connections, prices=(Price(input_price=1.0, output_price=1.0),))
    rate = Rate(count)
    with tempfile.TemporaryDirectory() as folder, RunJournal(Path(folder)) as journal:
        engine = Engine([llm], journal, budget=Budget(1e6, [llm], today=date(2026, 3, 1)), board=rate)
        asyncio.run(engine.run(calls(count)))
    return rate.figures()


def with_client_alone(url: str, count: int, connections: int) -> tuple[float, float]:
    """The figures of the official client in as many loops as there are connections."""
    import openai

    async def run() -> None:
        async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client:
            waiting = calls(count)

            async def work() -> None:
                for call in waiting:
                    answer = await client.chat.completions.create(**call.payload)
                    text = answer.choices[0].message.content
                    rate.finished("m", Attempt(status="ok", response=text), None, True)

            await asyncio.gather(*(work() for _ in range(connections)))

    rate = Rate(count)
    asyncio.run(run())
    return rate.figures()


def write_journal(path: Path, lines: int) -> None:
    """A journal with that number of lines, of 1 kB on average: an attempt that began and its end, in turn."""
    with open(path, "wb") as file:
        for call in islice(calls(lines), (lines + 1) // 2):
            attempt = Attempt(
                status="ok", response=ANSWER * 4, finish_reason="stop", served_model="m", input_tokens=90, output_tokens=66,
                latency_s=0.05, http_status=200, charged=True,
            )  # fmt: skip
            file.write(line_of(sent_record(call, number=1, worst_usd=0.0004)))
            ended = attempt_record(call, attempt, number=1, final=True, cost_usd=0.00016, at="2026-03-01T10:00:00.000+00:00")
            file.write(line_of(ended))


def resume(folder: Path) -> None:
    """Open a run."""
    with RunJournal(folder) as journal:
        assert not journal.state.damaged


def load_all(path: Path) -> None:
    """Read a journal as JSON, and keep its records."""
    with open(path, "rb") as file:
        records = [json.loads(line) for line in file]
    assert records


def nothing() -> None:
    """What a process takes that imports the same."""


def main(options: argparse.Namespace) -> None:
    """Print all figures."""
    ideal = options.connections / options.latency
    with serving(options.latency) as url:
        engine = with_engine(url, options.calls, options.connections)
        alone = with_client_alone(url, options.calls, options.connections)
    print(f"ideal                {ideal:8,.0f} calls/s")
    for name, (rate, used) in (("engine", engine), ("official client alone", alone)):
        print(f"{name:22s} {rate:6,.0f} calls/s = {rate / ideal:.1%} of the ideal, {used:.2f} ms of a processor per call")
    print(f"engine / official client alone: {engine[0] / alone[0]:.2f}")
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / JOURNAL
        write_journal(path, options.lines)
        print(f"journal              {options.lines:,} lines, {path.stat().st_size / 1e6:,.0f} MB")
        _, empty = cost_alone(nothing)
        for label, (cost, most) in (("resume", cost_alone(resume, path.parent)), ("json.loads", cost_alone(load_all, path))):
            print(f"{label:20s} {cost.wall:8.2f} s, {cost.cpu:.2f} s of a processor, {most - empty:,.0f} MB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=20_000, help="Number of calls.")
    parser.add_argument("--lines", type=int, default=1_000_000, help="Number of lines of the journal to resume.")
    parser.add_argument("--latency", type=float, default=0.05, help="Seconds until the server answers.")
    parser.add_argument("--connections", type=int, default=64, help="Calls at a time.")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        asyncio.run(serve(given.latency))
    else:
        main(given)
