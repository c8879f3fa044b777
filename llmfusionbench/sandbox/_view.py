"""The files of this machine that the sandbox shows: Python's standard library and the C libraries."""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path

from llmfusionbench.sandbox.guest.view import View

GUEST = Path(__file__).parent / "guest"
"""The package that runs inside."""
SCRATCH = "/tmp"  # noqa: S108 a directory of the sandbox's own tree, not of this machine
_SYSTEM = ("/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache", "/usr/share/zoneinfo")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom")


def interpreter() -> str:
    """The executable of this interpreter, not that of a virtual environment."""
    return os.path.realpath(sys.executable)


def _shown() -> list[str]:
    prefix = Path(os.path.realpath(sys.base_prefix))
    paths = [*_SYSTEM, str(prefix / "lib"), interpreter(), os.path.realpath(sysconfig.get_path("stdlib"))]
    library = sysconfig.get_config_var("INSTSONAME")
    folder = sysconfig.get_config_var("LIBDIR")
    if library and folder and sysconfig.get_config_var("Py_ENABLE_SHARED"):
        paths.append(os.path.join(folder, library))
    shown: list[str] = []
    for path in paths:  # a path inside one that is shown comes with it
        inside = any(Path(path).is_relative_to(other) and not os.path.islink(other) for other in shown)
        if os.path.lexists(path) and path not in shown and not inside:
            shown.append(path)
    return shown


def python_view() -> View:
    """The view for this interpreter; installed packages appear empty."""
    shown = _shown()
    hidden = [
        str(folder)
        for path in shown
        for version in (f"python{sys.version_info.major}.{sys.version_info.minor}", "python3")
        for folder in (Path(path) / version / "site-packages", Path(path) / version / "dist-packages")
        if not os.path.islink(path) and folder.is_dir() and not folder.is_symlink()
    ]
    return View(visible=shown, hidden=hidden, devices=[path for path in _DEVICES if os.path.exists(path)])


def bubblewrap_arguments(view: View) -> list[str]:
    """`view` as options of bubblewrap, with the namespaces and the capabilities that are needed to confine each program."""
    arguments = ["--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-pid", "--unshare-cgroup-try"]
    arguments += ["--die-with-parent", "--new-session", "--clearenv", "--setenv", "PYTHONHASHSEED", "0"]
    if os.geteuid() != 0:
        arguments += ["--unshare-user"]
    for capability in ("SYS_ADMIN", "SETUID", "SETGID", "SETPCAP", "KILL"):
        arguments += ["--cap-add", f"CAP_{capability}"]
    shown = [*view["visible"], *view["devices"]]
    parents = {str(parent) for path in shown for parent in Path(path).parents if str(parent) != "/"}
    for parent in sorted(parents):  # bubblewrap would make them readable for root only
        arguments += ["--perms", "0755", "--dir", parent]
    for path in view["visible"]:
        arguments += ["--symlink", os.readlink(path), path] if os.path.islink(path) else ["--ro-bind", path, path]
    for path in view["devices"]:
        arguments += ["--dev-bind", path, path]
    for path in view["hidden"]:
        arguments += ["--tmpfs", path, "--remount-ro", path]
    return [*arguments, "--ro-bind", str(GUEST), "/guest", "--perms", "0755", "--dir", SCRATCH, "--remount-ro", "/", "--"]
