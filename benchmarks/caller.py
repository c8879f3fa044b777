"""CPU time per call of the caller that collects answers, against the official client with its usual connections.

    python benchmarks/caller.py [--calls 2000] [--concurrency 64] [--latency 0.05]

The server is a process of its own on loopback, which answers each call after the latency. Both clients send the same requests,
in turns, and the least time of five turns counts. The usual client reads an answer by its own types; the caller reads it by
ours, with rate limits, costs and secrets.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection
from typing import Any

import openai
from _measuring import peak

from llmfusionbench.builders.collecting.caller import Caller
from llmfusionbench.builders.collecting.endpoint import Endpoint

TURNS = 5
BODY: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "How many? " * 60}], "max_tokens": 100}
CHOICE = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "The answer is 42. " * 20}}
USAGE = {"prompt_tokens": 120, "completion_tokens": 100, "total_tokens": 220}
ANSWER = json.dumps(
    {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [CHOICE], "usage": USAGE}
).encode()


class Answering(asyncio.Protocol):
    """Answers each request on a connection after some seconds."""

    def __init__(self, latency: float) -> None:
        self.latency, self.read = latency, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self.read += data
        head, end, rest = self.read.partition(b"\r\n\r\n")
        if end and len(rest) >= int(head.lower().partition(b"content-length:")[2].split()[0]):
            self.read = b""
            reply = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(ANSWER), ANSWER)
            asyncio.get_running_loop().call_later(self.latency, self.transport.write, reply)


def serve(latency: float, port: Connection) -> None:
    """Answer until the process is ended."""

    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(lambda: Answering(latency), "127.0.0.1", 0, backlog=1024)
        port.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


async def turn(call: Callable[[], Awaitable[Any]], calls: int, concurrency: int) -> tuple[float, float]:
    """(CPU time of this process, duration) per call, milliseconds."""
    left = iter(range(calls))

    async def work() -> None:
        for _ in left:
            await call()

    started, spent = time.perf_counter(), time.process_time()
    await asyncio.gather(*(work() for _ in range(concurrency)))
    return (time.process_time() - spent) / calls * 1000, (time.perf_counter() - started) / calls * 1000


async def compare(url: str, calls: int, concurrency: int, latency: float) -> None:
    """Print the times of both."""
    usual = openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)
    caller = Caller(Endpoint(name="a", url=url, model="m", concurrency=concurrency))
    ways: dict[str, Callable[[], Awaitable[Any]]] = {
        "official client (baseline)": lambda: usual.chat.completions.create(**BODY),
        "caller": lambda: caller.attempt(BODY),
    }
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for call in ways.values():
        await call()
    for _ in range(TURNS):
        for name, call in ways.items():
            times[name].append(await turn(call, calls, concurrency))
    ideal = latency * 1000 / concurrency
    print(f"{calls:,} calls, {concurrency} at a time, answered after {latency * 1000:g} ms, one process")
    least: list[float] = []
    for name, found in times.items():
        cpu, wall = min(one[0] for one in found), min(one[1] for one in found)
        least.append(cpu)
        print(f"  {name:28} {cpu:.2f} ms CPU per call, {1000 / wall:5,.0f} calls/s, {ideal / wall:.0%} of the ideal rate")
    print(
        f"  ratio {least[0] / least[1]:.1f}: CPU of the official client over that of the caller; peak of both {peak():.0f} MB"
    )
    await caller.close()
    await usual.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=2000, help="number of calls per turn")
    parser.add_argument("--concurrency", type=int, default=64, help="calls at a time")
    parser.add_argument("--latency", type=float, default=0.05, help="seconds until the server answers")
    options = parser.parse_args()
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(options.latency, theirs), daemon=True)
    server.start()
    try:
        url = f"http://127.0.0.1:{ours.recv()}"
        asyncio.run(compare(url, options.calls, options.concurrency, options.latency))
    finally:
        server.kill()
        server.join()


if __name__ == "__main__":
    main()
