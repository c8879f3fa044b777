"""The wheel and the sdist: what is in them, and that the wheel works alone, outside of any checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

from tests.helpers.environments import find_uv, for_uv, install, uv_variables

ROOT = Path(__file__).resolve().parent.parent


def clean_environment() -> dict[str, str]:
    """The environment of a user who has never seen this checkout."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV", "HF_", "PYTEST", "COV"))}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel that was built from it."""
    folder = tmp_path_factory.mktemp("dist")
    clean = clean_environment()
    # uv fills the environment for the build in less time; pip is there if it cannot.
    ways = [(("--installer", "uv"), for_uv(clean)), ((), clean)] if find_uv() else [((), clean)]
    for arguments, environment in ways:
        command = [sys.executable, "-m", "build", *arguments, "--outdir", str(folder), str(ROOT)]
        result = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder)
        if result.returncode == 0:
            return folder
    raise AssertionError(result.stdout + result.stderr)


def names(folder: Path) -> set[str]:
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return {n for n in archive.namelist() if ".dist-info/" not in n}


def test_the_wheel_holds_every_file_of_the_package_and_nothing_else(built: Path) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("no git checkout to compare with")
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    folders = ("llmfusionbench/", "schemas/", "builders/", "baselines/")
    expected = {n if n.startswith("llmfusionbench/") else f"llmfusionbench/{n}" for n in tracked if n.startswith(folders)}
    left_out = {"llmfusionbench/schemas/README.md"}  # for people who read the checkout
    assert names(built) == expected - left_out


def test_the_sample_is_small(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        size = sum(i.file_size for i in archive.infolist() if i.filename.startswith("llmfusionbench/builders/sample/"))
    assert 1_000_000 < size <= 4 * 2**20


def test_the_sdist_holds_what_a_packager_needs(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        held = {n.partition("/")[2] for n in archive.getnames()}
    assert {
        "CARD.md",
        "CONTRIBUTING.md",
        "README.md",
        "LICENSE",
        "CHANGELOG.md",
        "Makefile",
        "constraints.txt",
        "pyproject.toml",
    } <= held
    assert {"tests/test_packaging.py", "tests/helpers/hub.py", "benchmarks/validation.py", "schemas/README.md"} <= held


def test_every_pin_of_the_dependencies_is_in_the_constraints() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    pinned = {line.split("==")[0].lower().replace("_", "-") for line in (ROOT / "constraints.txt").read_text().splitlines()}
    for requirement in wanted:
        name = requirement.split(">")[0].split("=")[0].split("[")[0].lower().replace("_", "-")
        assert name in pinned, requirement


def test_uv_is_handed_the_settings_of_pip() -> None:
    shown = ":env:.find-links='/a /b'\nglobal.cert='/c.crt'\nglobal.find-links='/d'\nglobal.index-url='http://e/simple'\n"
    assert uv_variables(shown) == {
        "UV_FIND_LINKS": "/a,/b", "UV_DEFAULT_INDEX": "http://e/simple", "SSL_CERT_FILE": "/c.crt",
    }  # fmt: skip


def test_the_wheel_works_in_a_new_environment_outside_of_the_checkout(built: Path, tmp_path: Path) -> None:
    (wheel,) = built.glob("*.whl")
    venv.create(tmp_path / "venv")
    binaries = tmp_path / "venv" / "bin"
    environment = clean_environment()
    install(binaries / "python", "--constraint", str(ROOT / "constraints.txt"), str(wheel))
    tour = subprocess.run(
        [str(binaries / "llmfusionbench"), "quickstart"], capture_output=True, text=True, env=environment, cwd=tmp_path
    )
    assert tour.returncode == 0, tour.stderr
    assert "Validated" in tour.stdout
    assert "SIMULATED" in tour.stdout
    where = "import llmfusionbench, llmfusionbench.builders as b; print(llmfusionbench.__file__, b.__file__)"
    found = subprocess.run(
        [str(binaries / "python"), "-c", where], capture_output=True, text=True, env=environment, cwd=tmp_path
    )
    assert found.stdout.count(str(tmp_path)) == 2
