"""Every command that writes a directory, killed before calls that rename, link or unlink a file.

What is there is whole, and the next run gives the same bytes and leaves nothing else.
"""

from __future__ import annotations

import multiprocessing
import shutil
import signal
from collections.abc import Iterator
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

from tests.helpers.chat_server import ChatServer, serving
from tests.helpers.killed_command import killed_command
from tests.helpers.sample_part import bytes_of, write_part

REPLY = "Read the question. Decide on the relation. Say the answer in one word."

RESUMED = ("rescore", "tokens", "replies", "build")
"""Stages whose next run takes up what is done: killed before every call. The others: around each rename, and at the ends."""

PROMPTS = 2
"""Queries of the new directory for which a summarizer is asked."""

STAGES = {
    "rescore": ["rescore", "{test}", "--workers", "1", "--overwrite", "--out", "{out}"],
    "append": ["append", "{test}", "{train}", "--workers", "1", "--overwrite", "--out", "{out}"],
    "tokens": ["tokens", "{test}", "--tokenizer", "cl100k_base", "--workers", "1", "--overwrite", "--out", "{out}"],
    "templates": ["templates", "build", "{train}", "--overwrite", "--out", "{out}"],
    "replies": [
        "templates", "build", "{train}", "--summarizer", "{url}", "--model", "m", "--concurrency", "1", "--overwrite",
        "--out", "{out}",
    ],
    "build": ["build", "table", "{csv}", "--workers", "1", "--overwrite", "--out", "{out}"],
    "sft": ["export", "sft", "{train}", "--overwrite", "--out", "{out}"],
    "routing": ["export", "routing", "{test}", "--format", "llmrouter", "--overwrite", "--out", "{out}"],
    "simulate": ["simulate", "--scale", "0.001", "--seed", "{seed}", "--workers", "1", "--overwrite", "--out", "{out}"],
    "evaluate": [
        "evaluate", "{both}", "--router", "cheapest", "--baseline", "best_single", "--resamples", "2", "--seed", "{seed}",
        "--overwrite", "--out", "{out}",
    ],
}  # fmt: skip
"""Stage -> the command; `seed` and, for the others, the input differ between the old directory and the new."""


@pytest.fixture(scope="module")
def forks() -> ForkServerContext:
    """Processes that have everything imported."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.helpers.killed_command", "tests.helpers.loaded_commands"])
    return context


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """Two of each input: what the old directory is made of, and the new one."""
    folder = tmp_path_factory.mktemp("inputs")
    found = {}
    for seed in ("1", "2"):
        for split, shards in (("test", 1), ("train", 2)):
            write_part(folder / f"{split}{seed}", tasks=["boolq"], queries=int(seed), llms=2, shards=shards, split=split)
        (folder / f"log{seed}.csv").write_text(f"prompt,llm,response\n{seed}+1?,small,3\n{seed}+1?,big,2\n")
        found[seed] = {
            "test": str(folder / f"test{seed}"), "train": str(folder / f"train{seed}"), "both": "sample", "seed": seed,
            "csv": str(folder / f"log{seed}.csv"),
        }  # fmt: skip
    return found


@pytest.fixture(scope="module")
def server() -> Iterator[ChatServer]:
    with serving(lambda *_: REPLY) as server:
        yield server


def in_a_process(forks: ForkServerContext, *arguments: object) -> int | None:
    process = forks.Process(target=killed_command, args=arguments)
    process.start()
    process.join()
    return process.exitcode


@pytest.mark.parametrize("stage", STAGES)
def test_killed_before_each_call(
    tmp_path: Path, forks: ForkServerContext, inputs: dict[str, dict[str, str]], server: ChatServer, stage: str
) -> None:
    out = tmp_path / "here" / "out"

    def arguments(seed: str) -> list[str]:
        return [part.format(**inputs[seed], out=out, url=server.url) for part in STAGES[stage]]

    made, old = {}, tmp_path / "old"
    for seed in ("2", "1"):
        assert in_a_process(forks, arguments(seed)) == 0
        made[seed] = bytes_of(out)
    assert made["1"] != made["2"]
    shutil.copytree(out, old)
    counted = tmp_path / "calls"
    assert in_a_process(forks, arguments("2"), 0, str(counted)) == 0
    calls = counted.read_text().splitlines()
    assert {"os.rename", "ctypes.dlsym"} <= set(calls)
    renames = [i for i, call in enumerate(calls) if call in ("os.rename", "ctypes.dlsym")]
    ends = {0, len(calls) - 1, *(near for i in renames for near in (i - 1, i, i + 1) if 0 <= near < len(calls))}
    for number, call in enumerate(calls, start=1):
        if stage not in RESUMED and number - 1 not in ends:
            continue
        shutil.rmtree(out)
        shutil.copytree(old, out)
        place, asked = f"call {number} of {len(calls)}, {call}", len(server.requests)
        assert in_a_process(forks, arguments("2"), number) == -signal.SIGKILL, place
        killed = bytes_of(out)
        assert killed in made.values(), place
        assert in_a_process(forks, arguments("2")) == 0, place
        assert bytes_of(out) == made["2"], place
        assert [path.name for path in out.parent.iterdir()] == ["out"], place
        if killed == made["1"]:
            assert len(server.requests) - asked == (PROMPTS if stage == "replies" else 0), f"{place}: paid twice"
