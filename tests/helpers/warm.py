"""Python processes that start warm: each is forked from one that has imported the large libraries, and none of our modules.

Starting Python and importing pandas takes longer than most of what the tests run so. A forked process has its own arguments,
environment, folder and streams, and ends as any process does. What reads the environment while it is imported (datasets,
huggingface_hub) is imported by each. Where a cold start, a signal or a terminal is what a test is about, it starts Python.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import runpy
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import types
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

TABLES = ("pandas", "pyarrow.compute", "pyarrow.dataset", "pyarrow.parquet", "jsonschema", "click", "rich.console", "fsspec")
LEARNING = (*TABLES, "scipy.stats", "sklearn.linear_model")
_COMMAND = """#!{python} -IS
import array, json, os, socket, sys
server = socket.socket(socket.AF_UNIX)
server.connect({address!r})
server.sendmsg([b"3"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0, 1, 2]))])
server.sendall(json.dumps([{arguments} + sys.argv[1:], dict(os.environ), os.getcwd()]).encode())
server.shutdown(socket.SHUT_WR)
code = int(server.makefile().read())
sys.exit(code if code >= 0 else 128 - code)
"""


@cache
def _address(libraries: tuple[str, ...]) -> str:
    """Where the process listens that has imported `libraries` and forks the others. It ends with this process."""
    folder = tempfile.mkdtemp(prefix="warm-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    address = f"{folder}/socket"
    cold = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONSAFEPATH")}
    start = "import runpy, sys; del sys.path[0]; runpy.run_path(sys.argv[1], run_name='__main__')"
    server = subprocess.Popen(
        [sys.executable, "-c", start, __file__, address, *libraries], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=cold
    )
    assert server.stdout is not None
    assert server.stdout.readline() == b"ready\n"
    atexit.register(server.terminate)
    return address


def run(
    *arguments: str, env: Mapping[str, str], cwd: Path, libraries: tuple[str, ...] = TABLES
) -> subprocess.CompletedProcess[str]:
    """As `subprocess.run([sys.executable, *arguments])`, with both outputs captured; `arguments` begin with -c or -m."""
    with open(os.devnull, "rb") as nothing, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        with socket.socket(socket.AF_UNIX) as server:
            server.connect(_address(libraries))
            socket.send_fds(server, [b"3"], [stream.fileno() for stream in (nothing, out, errors)])
            server.sendall(json.dumps([arguments, dict(env), str(cwd)]).encode())
            server.shutdown(socket.SHUT_WR)
            code = int(server.makefile().read())
        texts = []
        for stream in (out, errors):
            stream.seek(0)
            texts.append(stream.read().decode())
    return subprocess.CompletedProcess([sys.executable, *arguments], code, *texts)


def write_command(path: Path, *arguments: str, libraries: tuple[str, ...] = TABLES) -> None:
    """A program for a shell: `path WORD...` runs what `run(*arguments, *WORDS)` does, with the shell's streams."""
    path.write_text(_COMMAND.format(python=sys.executable, arguments=list(arguments), address=_address(libraries)))
    path.chmod(0o755)


def _serve(address: str, libraries: Sequence[str]) -> None:
    """Fork a process for every connection, until standard input is closed."""
    for name in libraries:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # those that wait for the programs are not waited for
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(address)
    listener.listen(64)
    print("ready", flush=True)
    while sys.stdin.fileno() not in select.select([listener, sys.stdin], [], [])[0]:
        connection, _ = listener.accept()
        if os.fork():
            connection.close()
            continue
        listener.close()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        _, streams, _, _ = socket.recv_fds(connection, 1, 3)
        arguments, environment, folder = json.loads(connection.makefile().read())
        pid = os.fork()
        if pid:
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            connection.sendall(str(code).encode())
            os._exit(0)
        connection.detach()
        _become(arguments, environment, folder, streams)


def _become(arguments: list[str], environment: dict[str, str], folder: str, streams: list[int]) -> None:
    """Be the process that `python ARGUMENT...` starts; this one ends with it."""
    for place, stream in enumerate(streams):
        os.dup2(stream, place)
    os.closerange(3, 64)
    sys.stdin = sys.__stdin__ = open(0, closefd=False)  # noqa: SIM115 they last as long as the process
    sys.stdout = sys.__stdout__ = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = sys.__stderr__ = open(2, "w", errors="backslashreplace", buffering=1, closefd=False)  # noqa: SIM115
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    given = environment.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:0] = ["" if arguments[0] == "-c" else folder, *filter(None, given)]
    try:
        if arguments[0] == "-c":
            main = sys.modules["__main__"] = types.ModuleType("__main__")
            sys.argv = ["-c", *arguments[2:]]
            exec(compile(arguments[1], "<string>", "exec"), main.__dict__)
        else:
            sys.argv = arguments[1:]
            runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    except Exception as error:
        sys.excepthook(type(error), error, error.__traceback__)
        sys.exit(1)
    sys.exit()


if __name__ == "__main__":
    _serve(sys.argv[2], sys.argv[3:])
