"""The engine for Ray without a cluster to join: it starts one for the run, of which nothing is left."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import ray

from llmfusionbench.builders import recount
from llmfusionbench.engines import Ray
from llmfusionbench.errors import InputError
from tests.helpers.engine_units import Piece, squared
from tests.helpers.importable import importable
from tests.helpers.sample_part import bytes_of, write_part

SCRIPT = """if True:
    import os, signal, sys
    from llmfusionbench.cli.main import run
    if __name__ == "__main__":
        before, ends = dict(os.environ), signal.getsignal(signal.SIGTERM)
        status = run(sys.argv[1:])
        import ray
        assert not ray.is_initialized()
        assert {**os.environ, "RAY_CLIENT_MODE": ""} == {**before, "RAY_CLIENT_MODE": ""}
        assert signal.getsignal(signal.SIGTERM) == ends
        sys.exit(status)
"""


@pytest.fixture
def short() -> Iterator[Path]:
    """A directory for temporary files whose name is short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="t-") as folder:
        yield Path(folder)


def script(folder: Path, temporary: Path, *words: object, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own, with a home of its own."""
    (folder / "home").mkdir()
    (folder / "script.py").write_text(SCRIPT)
    environment = importable() | {"HOME": str(folder / "home"), "TMPDIR": str(temporary), "MARK": str(folder)}
    kept = {name: value for name, value in environment.items() if not name.startswith("RAY_")}
    command = [sys.executable, str(folder / "script.py"), *map(str, words)]
    return subprocess.run(command, cwd=folder, env=kept | variables, capture_output=True, text=True)


def processes_with(mark: str) -> list[str]:
    """The command lines of the processes with this variable MARK."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            if f"MARK={mark}".encode() in (process / "environ").read_bytes().split(b"\0"):
                found.append((process / "cmdline").read_text())
        except OSError:  # no process, or one that has ended by now
            continue
    return found


def test_a_cluster_for_one_run(tmp_path: Path, short: Path) -> None:
    part = write_part(tmp_path / "part", tasks=("math",), queries=3, llms=3, shards=3)
    recount(part, tmp_path / "local", tokenizer="cl100k_base", workers=1)
    done = script(tmp_path, short, "tokens", tmp_path / "part", "--engine", "ray", "--workers", 2, "--out", "counted")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("Wrote counted.\n")
    assert bytes_of(tmp_path / "counted") == bytes_of(tmp_path / "local")
    assert processes_with(str(tmp_path)) == []
    assert list(short.glob("ray*")) == []


def test_ray_cannot_start(short: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> None:
        assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"
        raise RuntimeError("no port is free\nand more")

    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(short))
    monkeypatch.setattr(ray, "init", fail)
    before = dict(os.environ)
    with pytest.raises(InputError, match=r"^Ray cannot start on this machine \(no port is free\)\. Remedy: .*--engine local$"):
        list(Ray(2).run(squared, [Piece(1, short)]))
    assert dict(os.environ) == before
    assert list(short.iterdir()) == []


def test_an_address_where_no_cluster_answers(tmp_path: Path, short: Path) -> None:
    write_part(tmp_path / "part", tasks=("math",), queries=2, llms=2)
    done = script(
        tmp_path, short, "tokens", tmp_path / "part", "--engine", "ray", "--out", "counted", RAY_ADDRESS="127.0.0.1:1"
    )
    assert done.returncode == 1
    assert "llmfusionbench: error: RAY_ADDRESS 127.0.0.1:1: cannot join a Ray cluster there (" in done.stderr
    assert done.stderr.endswith("unset RAY_ADDRESS to start one here\n")
    assert not (tmp_path / "counted").exists()
