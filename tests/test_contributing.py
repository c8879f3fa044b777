"""Every journey of CONTRIBUTING.md, followed to the letter in a copy of the project."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.helpers import warm

PROJECT = Path(__file__).parents[1]
PAGE = PROJECT / "CONTRIBUTING.md"
COPIED = ("llmfusionbench", "schemas", "builders", "baselines", "tests", "Makefile", "CARD.md", "pyproject.toml")
BLOCK = re.compile(r"^```(python|diff|bash|toml)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def journeys() -> dict[str, list[tuple[str, str]]]:
    """Heading -> its blocks of code, as (language, text)."""
    sections = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return {section.partition("\n")[0]: BLOCK.findall(section) for section in sections}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    ignored = shutil.ignore_patterns(".hypothesis")  # compiled files stay: the times that they go by are copied too
    for name in COPIED:
        if (PROJECT / name).is_dir():
            shutil.copytree(PROJECT / name, tmp_path / name, ignore=ignored)
        else:
            shutil.copy(PROJECT / name, tmp_path / name)
    shutil.copy(PROJECT / "constraints.txt", tmp_path)
    # `make card` asks for nothing but an environment that is installed: newer than all that it is made from.
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    warm.write_command(tmp_path / ".venv" / "bin" / "python")
    (tmp_path / ".venv" / ".installed").touch()
    return tmp_path


def follow(block: tuple[str, str], copy: Path) -> None:
    """Write the file, or add the lines, that a block shows."""
    language, text = block
    place, _, body = text.partition("\n")
    path = copy / place.removeprefix("# ")
    if language == "python":
        assert not path.exists()
        path.write_text(body, encoding="utf-8")
        return
    lines = body.splitlines()
    below = "\n".join(line[1:] for line in lines if line.startswith(" ")) + "\n"
    added = "".join(line[1:] + "\n" for line in lines if line.startswith("+"))
    before = path.read_text(encoding="utf-8")
    assert before.count(below) == 1, f"{below!r} stands {before.count(below)} times in {place}"
    path.write_text(before.replace(below, below + added), encoding="utf-8")


def run(command: str, copy: Path) -> subprocess.CompletedProcess[str]:
    path = f"{copy / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    variables = {**os.environ, "PATH": path, "PYTHONPATH": str(copy), "HF_HUB_OFFLINE": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(["bash", "-ec", command], cwd=copy, env=variables, capture_output=True, text=True)


@pytest.mark.parametrize("name", [name for name, blocks in journeys().items() if any(kind == "bash" for kind, _ in blocks)])
def test_a_journey(name: str, copy: Path) -> None:
    blocks = journeys()[name]
    for block in blocks:
        if block[0] in ("python", "diff"):
            follow(block, copy)
    commands = [text for kind, text in blocks if kind == "bash"]
    assert len(commands) == 1
    done = run(commands[0], copy)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "install" not in done.stdout, "the copy has its environment"
    assert re.search(r"\b[1-9]\d* passed", done.stdout)


def test_the_journeys_are_all_there() -> None:
    assert list(journeys()) == ["A router", "A source", "An export format", "A metric", "A schema column", "Plug-ins"]


def test_the_table_names_files_that_exist() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for path in re.findall(r"`(tests/contracts/\w+\.py)`", text):
        assert (PROJECT / path).is_file()
