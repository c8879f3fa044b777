"""Installs packages into an environment with uv, which takes seconds, or with pip if uv cannot be installed.

As a script, `environments.py VENV ARGUMENT...` takes the arguments of `pip install`; the Makefile makes its environment so.
It needs the standard library alone, and installs uv itself from the package index where there is none.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

UNBOUND = ("PYTHONPATH", "PYTHONHOME", "PIP_CONSTRAINT", "PIP_TARGET", "PIP_REQUIRE_VIRTUALENV", "VIRTUAL_ENV")
"""Variables that would bind an installation to another environment."""
FROM_PIP = {"index-url": "UV_DEFAULT_INDEX", "find-links": "UV_FIND_LINKS", "cert": "SSL_CERT_FILE"}
"""Settings of pip, which uv does not read, and the variables by which uv takes them."""


def find_uv() -> str | None:
    """uv on the path, or beside this interpreter."""
    beside = Path(sys.executable).with_name("uv")
    return shutil.which("uv") or (str(beside) if beside.is_file() else None)


def uv_variables(pip_list: str) -> dict[str, str]:
    """What `pip config list` shows, in uv's variables; an environment variable of pip comes before its files, as with pip."""
    found = {}
    for name, value in re.findall(r"^[^=]*\.([\w-]+)='(.*)'$", pip_list, re.MULTILINE):
        if name in FROM_PIP:
            found.setdefault(FROM_PIP[name], ",".join(value.split()))
    return found


def for_uv(environment: dict[str, str]) -> dict[str, str]:
    """`environment` with the settings that pip has in it, as uv reads them."""
    shown = [sys.executable, "-m", "pip", "config", "list"]
    configured = subprocess.run(shown, env=environment, capture_output=True, text=True, check=False)
    return uv_variables(configured.stdout) | environment


class InstallationError(Exception):
    """Neither uv nor pip could install something; the message is pip's."""


def install(python: Path, *arguments: str, uv_arguments: tuple[str, ...] = ()) -> str:
    """Install into the environment of `python`; returns the name of the tool that did it.

    Args:
        python: The environment's interpreter.
        arguments: Those of `pip install`.
        uv_arguments: More of them, for uv alone.

    Raises:
        InstallationError: it could not be installed.
    """
    environment = {name: value for name, value in os.environ.items() if name not in UNBOUND}
    if (uv := find_uv()) is not None:
        command = [uv, "pip", "install", "--quiet", "--python", str(python), *arguments, *uv_arguments]
        variables = for_uv(environment)
        tried = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
        if tried.returncode == 0:
            return "uv"
        print(f"uv could not install {arguments[-1]}, so pip does: {' '.join(tried.stderr.split())[-300:]}", file=sys.stderr)
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check"]
    command = [*pip, "install", "--quiet", "--retries", "1", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise InstallationError(([line for line in done.stderr.splitlines() if line.startswith("ERROR")] or ["pip failed"])[-1])
    return "pip"


def main() -> int:
    started = time.monotonic()
    python = Path(sys.argv[1]).absolute() / "bin" / "python"
    if find_uv() is None:
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", "uv"], capture_output=True, check=False)
    try:
        tool = install(python, *sys.argv[2:])
    except InstallationError as error:
        print(f"{sys.argv[1]}: {error}", file=sys.stderr)
        return 1
    print(f"installed {sys.argv[-1]} with {tool} in {time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
