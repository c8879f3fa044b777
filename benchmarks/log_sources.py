"""How fast the logs of harnesses, benchmarks and API clients in JSON are read, by one process.

    python benchmarks/log_sources.py [--mb 200] [--only NAME ...] [--log SOURCE PATH ...]

Each log is made here: prompts of about 400 characters and answers of about 1,500. With --log, real files of a source are read
in place of them, as often as the size takes. The baselines, measured in the same run on the same bytes, parse them and do no
more: `json.loads`, and jiter, which the readers use, without its search for keys given twice. They take JSON lines one by one,
any other file as a whole. All take turns, and the least time of three turns counts, since the speed of a machine varies.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import jiter
from _log_files import LOGS, make
from _measuring import alone, cost

from llmfusionbench.builders import SOURCES
from llmfusionbench.builders.records import Records
from llmfusionbench.storage.files import open_binary

TURNS: Final = 3
PARSERS: Final[dict[str, Callable[[bytes], object]]] = {
    "json.loads": lambda data: json.loads(data.decode()),
    "jiter": jiter.from_json,
}


class Read(NamedTuple):
    """What a process did."""

    seconds: float
    """Of the processor."""
    rows: int
    size: float
    """MB that were read."""


def parse(paths: list[Path], times: int) -> list[Read]:
    """The baselines, in the order of `PARSERS`."""
    return [_timed(partial(_parsed, parser, paths), paths, times) for parser in PARSERS.values()]


def read(source: str, options: dict[str, Any], paths: list[Path], times: int) -> Read:
    """All records of a log, as the build takes them."""
    return _timed(partial(_records, source, options, paths), paths, times)


def _timed(work: Callable[[], int], paths: list[Path], times: int) -> Read:
    rows: list[int] = []
    spent = cost(lambda: rows.extend(work() for _ in range(times)))
    return Read(spent.cpu, sum(rows), times * _size(paths))


def _size(paths: list[Path]) -> float:
    """MB of the content of files."""
    found = 0
    for path in paths:
        with open_binary(path) as stream:
            while data := stream.read(1 << 20):
                found += len(data)
    return found / 1e6


def _parsed(parser: Callable[[bytes], object], paths: list[Path]) -> int:
    for path in paths:
        with open_binary(path) as stream:
            first = stream.readline()
            try:
                parser(first)
            except ValueError:
                parser(first + stream.read())
            else:
                for line in stream:
                    parser(line)
    return 0


def _records(source: str, options: dict[str, Any], paths: list[Path]) -> int:
    rows = sum(part.table.num_rows for part in SOURCES[source](**options).read(paths) if isinstance(part, Records))
    if not rows:
        raise RuntimeError(f"{source}: no records")
    return rows


def measure(name: str, source: str, options: dict[str, Any], paths: list[Path], times: int) -> None:
    """Print how fast a log is read, next to the parsers."""
    turns = [(alone(read, source, options, paths, times), alone(parse, paths, times)[0]) for _ in range(TURNS)]
    ours = min(found for (found, _), _ in turns)
    others = [min(turn) for turn in zip(*(parsed for _, parsed in turns), strict=True)]
    parsers = "   ".join(
        f"{parser} alone {found.size / found.seconds:5.0f} MB/s, {ours.seconds / found.seconds:4.1f} x as long"
        for parser, found in zip(PARSERS, others, strict=True)
    )
    print(
        f"  {name:32} {ours.size / ours.seconds:5.0f} MB/s {ours.rows / ours.seconds:9,.0f} rows/s   {parsers}   "
        f"peak {max(memory for (_, memory), _ in turns):4.0f} MB"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mb", type=float, default=64, help="MB of each log; the more, the less the start counts")
    parser.add_argument("--only", nargs="+", choices=LOGS, metavar="NAME", help="of the logs that are made")
    parser.add_argument("--log", nargs="+", action="append", metavar=("SOURCE", "PATH"), help="files of a source to read")
    arguments = parser.parse_args()
    print(f"{arguments.mb:g} MB of JSON each, one process, MB and rows per second of CPU")
    for source, *named in arguments.log or ():
        paths = [Path(name) for name in named]
        measure(source, source, {}, paths, max(1, round(arguments.mb / _size(paths))))
    with tempfile.TemporaryDirectory() as place:
        for number, name in enumerate(() if arguments.log else arguments.only or LOGS):
            paths = make(Path(place) / str(number), name, arguments.mb)
            measure(name, LOGS[name].source, LOGS[name].options, paths, 1)
            for path in paths:
                path.unlink()


if __name__ == "__main__":
    main()
