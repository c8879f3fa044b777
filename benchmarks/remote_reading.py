"""Bytes and requests of reading a release of 256,000 simulated rows on a Hub, against downloading all of it.

    python -m benchmarks.remote_reading [--delay 0.1]

The Hub is a local one, which logs what it sends and waits for the delay before every answer. Each read is made by a new process
with an empty cache, and again by another one with the cache that the first has filled. The baseline, in the same run, is the
complete download (`Release.local`). Seconds are wall time from opening to the result, without the start of Python.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from tests.helpers.hub import LocalHub
from tests.helpers.large_release import CELLS, write_large_release

REPO: Final = "org/large"
READS: Final = {
    "open": "release",
    "one column of `responses`": 'release.table("responses").to_table(columns=["performance"])',
    "`routing()`": "release.routing()",
    "`info()`": "release.info()",
    "answers of one split": 'release.rows("responses", "test")',
    "everything (`local()`)": "release.local()",
}


class SlowHub(LocalHub):
    """A Hub that waits before every answer."""

    delay = 0.0

    def next_error(self, path: str) -> int | None:
        time.sleep(self.delay)
        return super().next_error(path)


def read(hub: SlowHub, home: Path, what: str) -> tuple[int, int, float]:
    """(requests, bytes, seconds) of one read in a process of its own."""
    code = f"""
import time
import llmfusionbench, pyarrow.dataset, llmfusionbench.hub.remote
start = time.perf_counter()
release = llmfusionbench.open_release({REPO!r})
{what}
print(time.perf_counter() - start)
"""
    hub.clear_log()
    run = [sys.executable, "-c", code]
    done = subprocess.run(run, env=hub.env(home), capture_output=True, text=True, check=True)
    log = hub.log()
    return len(log), sum(request.sent for request in log), float(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--delay", type=float, default=0.1, help="Wait before every answer, seconds.")
    options = parser.parse_args()
    work = Path(tempfile.mkdtemp())
    try:
        place = write_large_release(work / "release")
        files = {p.relative_to(place).as_posix(): p.read_bytes() for p in place.rglob("*") if p.is_file()}
        total = sum(map(len, files.values()))
        print(f"{CELLS:,} rows, {len(files)} files, {total:,} bytes; {options.delay * 1000:.0f} ms before every answer\n")
        print("| read | requests | bytes | share | seconds | requests again | seconds again |")
        print("|---|---:|---:|---:|---:|---:|---:|")
        with SlowHub() as hub:
            hub.put(REPO, files)
            hub.delay = options.delay
            for number, (name, what) in enumerate(READS.items()):
                home = work / f"home{number}"
                home.mkdir()
                requests, moved, seconds = read(hub, home, what)
                again, _, later = read(hub, home, what)
                print(f"| {name} | {requests} | {moved:,} | {moved / total:.2%} | {seconds:.1f} | {again} | {later:.1f} |")
    finally:
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
