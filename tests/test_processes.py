"""Worker processes: no file in the current directory is executed by any of them, and none outlives its parent."""

from __future__ import annotations

import importlib.metadata
import os
import re
import subprocess
import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pytest

from llmfusionbench.processes import standard_first
from llmfusionbench.sandbox import sandbox_kinds
from tests.helpers.descendants import descendants, running
from tests.helpers.sample_part import write_part
from tests.helpers.waiting import wait_for
from tests.scoring.test_math import TOWER

PROJECT = Path(__file__).parents[1]
PLANTED = "import os\nos.close(os.open(os.environ['MARKS'] + '/' + __name__, os.O_CREAT | os.O_WRONLY))\n"
SCRIPT = "import sys\nfrom llmfusionbench.cli import main\nif __name__ == '__main__':\n    sys.exit(main())\n"
"""What pip writes for the command `llmfusionbench`."""
STANDARD = sorted(sys.stdlib_module_names - set(sys.builtin_module_names))
INSTALLED = sorted(name for name in importlib.metadata.packages_distributions() if name.isidentifier())

COMMANDS = {
    "simulate": "simulate --scale 0.003 --workers 2 --out simulated",
    "build": "build fusionbench {inputs}/train.csv {inputs}/partial_test.csv --tokenizer cl100k_base --workers 2 --out built",
    "rescore": "rescore {inputs}/part --workers 2 --allow-code-execution --sandbox {kind} --out rescored",
    "tokens": "tokens {inputs}/part --tokenizer cl100k_base --workers 2 --out counted",
    "tokens by Ray": "tokens {inputs}/part --tokenizer cl100k_base --workers 2 --engine ray --out counted",
    "evaluate": "evaluate sample --router knn --resamples 20 --out evaluated",
    "export": "export sft sample --format messages --out exported",
}
"""The commands that start processes, with two workers where there is a choice."""


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from llmfusionbench.builders.simulation import simulate

    folder = tmp_path_factory.mktemp("inputs")
    simulate(folder, scale=0.003, workers=1)
    frame = pd.read_csv(folder / "train.csv", dtype=str, keep_default_na=False, escapechar="\\")
    for split, rows in {"train": frame[:-40], "partial_test": frame[-40:]}.items():
        rows.to_csv(folder / f"{split}.csv", index=False, escapechar="\\")
    write_part(folder / "part", tasks=("math", "mbpp"), queries=2, llms=3, shards=2)
    return folder


@pytest.fixture
def planted(tmp_path: Path) -> Path:
    """A current directory with a file named like every module that could be imported, each of which leaves a mark."""
    folder = tmp_path / "planted"
    (folder / "marks").mkdir(parents=True)
    for name in {*STANDARD, *INSTALLED, "llmfusionbench", "sitecustomize", "usercustomize"}:
        (folder / f"{name}.py").write_text(PLANTED)
    return folder


def run(script: Path, *words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
    variables = {
        **kept,
        "PYTHONPATH": str(PROJECT),
        "HF_HUB_OFFLINE": "1",
        "RAY_AUTH_MODE": "disabled",
        "MARKS": str(cwd / "marks"),
    }
    return subprocess.run([sys.executable, script, *words], cwd=cwd, env=variables, capture_output=True, text=True)


@pytest.mark.parametrize("command", COMMANDS)
def test_planted_files_are_not_executed_by_a_command(command: str, inputs: Path, planted: Path, tmp_path: Path) -> None:
    script = tmp_path / "bin" / "llmfusionbench"
    script.parent.mkdir()
    script.write_text(SCRIPT)
    kind = next(kind for kind, obstacle in sandbox_kinds().items() if not obstacle)
    done = run(script, *COMMANDS[command].format(inputs=inputs, kind=kind).split(), cwd=planted)
    assert os.listdir(planted / "marks") == []
    assert done.returncode == 0, done.stderr


def test_planted_files_are_not_executed_where_the_path_begins_with_the_current_directory(planted: Path, tmp_path: Path) -> None:
    """As in a notebook; what is the caller's own there is found, and their environment and path are as before."""
    for name in STANDARD:
        if find_spec(name) is None:  # `winreg` and the like: only the current directory has one
            (planted / f"{name}.py").unlink()
    (planted / "mine.py").write_text("import os\ndef double(x):\n    return 2 * x, os.environ['MARKS']\n")
    script = tmp_path / "script.py"
    script.write_text("""if True:
        import os, sys
        from llmfusionbench.processes import process_pool
        if __name__ == "__main__":
            sys.path.insert(0, "")
            import mine
            before = list(sys.path), dict(os.environ)
            with process_pool(2) as pool:
                assert (list(sys.path), dict(os.environ)) == before
                assert list(pool.map(mine.double, [1, 2])) == [(2, os.environ["MARKS"]), (4, os.environ["MARKS"])]
    """)
    done = run(script, cwd=planted)
    assert os.listdir(planted / "marks") == []
    assert (done.returncode, done.stderr) == (0, "")


def test_the_current_directory_comes_after_the_standard_library(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path)
    standard, packages = sysconfig.get_path("stdlib"), sysconfig.get_path("purelib")
    for here in ("", ".", str(tmp_path), str(tmp_path / "link")):
        assert standard_first([here, "/other", standard, packages]) == ["/other", standard, here, packages]
        assert standard_first(["/other", standard, here]) == ["/other", standard, here]
    assert standard_first(["/other", standard]) == ["/other", standard]


HOLD = """if True:
    import os, sys, threading
    from llmfusionbench.processes import process_pool
    from llmfusionbench.scoring import score
    def hold(folder):
        open(f"{folder}/{os.getpid()}", "x").close()
        sys.set_int_max_str_digits(0)
        WAIT
    if __name__ == "__main__":
        with process_pool(2) as pool:
            list(pool.map(hold, sys.argv[1:] * 2))
"""


WAITING = {
    "waits": ("threading.Event().wait()", 3),
    "computes in one call": ("str(7 ** 10_000_000)", 3),
    "has a child compare": (f"score('math', r'\\boxed{{{TOWER}}}', 'x+1', math_deadline_s=1e6)", 5),
}
"""What each of two workers does, and how many processes there are: with the helper that unlinks what they leave."""


def semaphores(pid: int) -> set[str]:
    """The names in /dev/shm of what a process has mapped from there; the map itself shows the names of before a rename."""
    mapped = set(map(int, re.findall(r"(\d+) +/dev/shm/", Path(f"/proc/{pid}/maps").read_text())))
    with os.scandir("/dev/shm") as entries:
        return {entry.name for entry in entries if entry.inode() in mapped}


@pytest.mark.parametrize(("waiting", "count"), WAITING.values(), ids=WAITING)
def test_workers_end_with_their_parent(tmp_path: Path, waiting: str, count: int) -> None:
    """Even in the middle of a call that no other thread of theirs can interrupt."""
    script, folder = tmp_path / "script.py", tmp_path / "workers"
    folder.mkdir()
    script.write_text(HOLD.replace("WAIT", waiting))
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    parent = subprocess.Popen(
        [sys.executable, script, folder], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    )
    with parent:
        wait_for(lambda: len(os.listdir(folder)) == 2 and len(descendants(parent.pid)) == count)
        started = descendants(parent.pid)
        held = semaphores(parent.pid)
        parent.kill()
    assert held
    wait_for(lambda: not any(map(running, started)))
    assert not held & set(os.listdir("/dev/shm"))
