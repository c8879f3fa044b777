"""A sandbox is tried before it is trusted: whatever is called `bwrap` must isolate, and must answer."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from llmfusionbench.errors import InputError
from llmfusionbench.sandbox import _kinds, choose_kind
from llmfusionbench.sandbox._view import GUEST
from tests.helpers.descendants import descendants

OURS = f"rest = [{str(GUEST.parent)!r} if word == '/' else word for word in sys.argv[sys.argv.index('--') + 1:]]"
"""The command that is to run inside, where it finds its files outside."""
FAKES = {
    "runs its arguments": "os.execv(rest[0], rest)",
    "separates processes and network only": "os.execvp('unshare', ['unshare', '-npif', *rest])",
    "hides the files only": "os.execvp('unshare', ['unshare', '-m', sys.executable, '-c', HIDE, *rest])",
    "ends": "sys.exit('bwrap: cannot')",
}
HIDE = "import os, subprocess, sys; subprocess.run(['mount', '-t', 'tmpfs', 'x', FOLDER]); os.execv(sys.argv[1], sys.argv[1:])"


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program called `bwrap`, first on PATH, and what was found out before forgotten."""
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(_kinds, "_obstacle", _kinds.functools.cache(_kinds._obstacle.__wrapped__))
    program = tmp_path / "bwrap"
    program.touch(0o755)
    return program


@pytest.mark.parametrize("name", FAKES)
def test_a_bwrap_that_does_not_isolate_is_not_trusted(
    name: str, fake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name.startswith(("separates", "hides")) and os.geteuid() != 0:
        pytest.skip("only root may do so")
    roots = tmp_path / "roots"
    roots.mkdir()
    monkeypatch.setattr(_kinds.shutil, "which", lambda _: str(fake))
    monkeypatch.setattr("tempfile.tempdir", str(roots))
    hide = HIDE.replace("FOLDER", repr(str(roots)))
    fake.write_text(f"#!{sys.executable}\nimport os, sys\nHIDE = {hide!r}\n{OURS}\n{FAKES[name]}\n")
    said = _kinds._obstacle("bubblewrap")
    assert "does not isolate" in said if name != "ends" else "bwrap: cannot" in said, said
    assert os.listdir(roots) == []
    with pytest.raises(InputError, match="sandbox bubblewrap does not work here"):
        choose_kind("bubblewrap")
    fake.unlink()  # it is not tried twice
    assert _kinds._obstacle("bubblewrap") == said


def test_a_bwrap_that_hangs_is_given_up_with_all_that_it_started(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake.write_text("#!/bin/sh\nsleep 1000000\n")
    monkeypatch.setattr(_kinds, "_PROBE_S", 0.5)
    before = descendants(os.getpid())
    assert _kinds._obstacle("bubblewrap") == "the bubblewrap sandbox did not start: no answer within 0.5 s"
    assert descendants(os.getpid()) <= before
