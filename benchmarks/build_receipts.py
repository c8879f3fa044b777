"""What a build spends so that it can be resumed: digests of the records of each shard, notes and receipts; and what it saves.

    python benchmarks/build_receipts.py [--scale 0.1] [--turns 5]

CPU seconds of this process, the least of several turns. `resumed` is a build whose shards are all done: it reads the logs,
computes the digests and compares the files.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from llmfusionbench.builders import build
from llmfusionbench.builders.making import shard
from llmfusionbench.builders.simulation import simulate
from llmfusionbench.release import ReleaseWriter
from llmfusionbench.release.shard_store import ShardStore

PARTS = ((shard, "table_digest"), (shard, "write_shard"), (ShardStore, "write"), (ShardStore, "finish"), (ShardStore, "done"))
SPENT: Counter[str] = Counter()


def timed(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """The function, whose CPU seconds are added up."""

    def run(*given: Any, **named: Any) -> Any:
        start = time.process_time()
        try:
            return function(*given, **named)
        finally:
            SPENT[name] += time.process_time() - start

    return run


def interrupted(*_: object) -> None:
    """Ctrl-C when all shards are done."""
    raise KeyboardInterrupt


def main(scale: float, turns: int) -> None:
    """Print the parts of a build, and what the resumed one takes."""
    for place, name in PARTS:
        setattr(place, name, timed(getattr(place, name), name))
    finish = ReleaseWriter.finish
    least: dict[str, float] = {}
    with TemporaryDirectory() as folder:
        logs = Path(folder) / "logs"
        simulate(logs, scale=scale)
        for turn in range(turns):
            for kind in ("whole", "resumed"):
                SPENT.clear()
                start = time.process_time()
                try:
                    ReleaseWriter.finish = interrupted if kind == "whole" else finish  # type: ignore[assignment, method-assign]
                    build("fusionbench", sorted(logs.glob("*.csv")), Path(folder) / f"out{turn}", workers=1)
                except KeyboardInterrupt:
                    assert kind == "whole"
                found = {f"{kind} build": time.process_time() - start} | {f"{kind}: {n}": s for n, s in SPENT.items()}
                least |= {name: min(seconds, least.get(name, seconds)) for name, seconds in found.items()}
    for name, seconds in least.items():
        print(f"{name:28} {seconds:8.3f} s  {seconds / least['whole build']:7.1%}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scale", type=float, default=0.1)
    parser.add_argument("--turns", type=int, default=5)
    main(**vars(parser.parse_args()))
