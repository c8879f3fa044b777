"""Programs that try to harm the machine, or to learn what they must not.

After each class of attacks the same pool must still tell a good program from a bad one (conftest.py).
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from llmfusionbench.sandbox import CodeTask, Sandbox
from llmfusionbench.sandbox._worker import Worker
from tests.helpers.attack import TESTS, attack
from tests.helpers.waiting import wait_for

DEAF = """
import signal
for number in range(1, 65):
    try: signal.signal(number, signal.SIG_IGN)
    except Exception: pass
while True:
    try:
        while True: pass
    except BaseException: pass
"""


@pytest.mark.parametrize(
    "code",
    ["while True: pass", "def f(x):\n    while True: pass", "import time\ndef f(x): time.sleep(60)", DEAF],
    ids=["loading", "called", "asleep", "deaf"],
)  # fmt: skip
def test_a_program_without_end(pool: Sandbox, code: str) -> None:
    verdict = attack(pool, code)
    assert (verdict.status, verdict.reason) == ("timeout", "no verdict within 2 s")


def test_fork_bomb(pool: Sandbox) -> None:
    verdict = attack(
        pool,
        """
        import os, threading, subprocess, multiprocessing
        made = []
        def f(x):
            for start in (os.fork, os.forkpty,
                          lambda: os.posix_spawn('/bin/sh', ['sh'], {}), lambda: os.execv('/bin/sh', ['sh'])):
                try:
                    made.append(start())
                except OSError as error:
                    made.append(type(error).__name__)
            return str(made)
        """,
        tests=("assert f(1) == str(['PermissionError'] * 4) or 'FileNotFoundError' in f(1), f(1)",),
    )
    assert verdict.passed, verdict
    bomb = "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass"
    assert attack(pool, bomb).status == "timeout"


def test_thread_bomb(pool: Sandbox) -> None:
    code = """
        import threading, time
        started = 0
        try:
            while True:
                threading.Thread(target=time.sleep, args=(99,)).start(); started += 1
        except (RuntimeError, MemoryError): pass
        def f(): return started
    """
    verdict = attack(pool, code, tests=("assert f() < 300, f()",))
    assert verdict.passed, verdict


def test_memory_bomb(pool: Sandbox) -> None:
    verdict = attack(pool, "def f(x):\n    a = []\n    while True: a.append(bytearray(10**7))")
    assert not verdict.passed
    assert "MemoryError" in verdict.reason
    assert not attack(pool, "a = [0]\nwhile True: a += a").passed
    assert not attack(pool, "def f(x): return 9 ** 9 ** 9").passed


def test_disk_filling(pool: Sandbox) -> None:
    code = """
        import os, tempfile
        def f():
            total = 0
            for number in range(10_000):
                try:
                    with open(f'file-{number}', 'wb') as file:
                        for _ in range(100):
                            total += file.write(b'x' * 10**6); file.flush()
                except OSError: pass
                if number > 2_000: break
            return total
    """
    verdict = attack(pool, code, tests=("assert f() < 40_000_000, f()",))
    assert verdict.passed, verdict


def test_the_scratch_directory_is_fresh_and_private(pool: Sandbox, isolated: None) -> None:
    code = """
        import os
        def f():
            found = os.listdir('.')
            with open('mark', 'w') as file: file.write('x')
            os.symlink('/', 'up'); os.symlink('loop', 'loop'); os.mkdir('d' * 200); os.chmod('d' * 200, 0)
            return found, os.getcwd(), sorted(os.environ)
    """
    for _ in range(4):
        assert attack(pool, code, tests=("assert f() == ([], '/tmp', []), f()",)).passed


def test_nothing_can_be_killed(pool: Sandbox) -> None:
    code = f"""
        import os, signal
        def f():
            told = []
            for pid in (os.getppid(), -1, 1, {os.getpid()}, {os.getppid()}, -os.getpgrp()):
                if pid in (0, os.getpid()): continue
                try: os.kill(pid, signal.SIGKILL); told.append(pid)
                except OSError: pass
            return told
    """
    assert attack(pool, code, tests=("assert f() == [], f()",)).passed
    assert not attack(pool, "import os, signal\ndef f(x):\n    os.kill(os.getpid(), signal.SIGKILL)").passed


def test_secrets_cannot_be_read(pool: Sandbox, isolated: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("hidden")
    secret.chmod(0o644)
    monkeypatch.setenv("API_KEY", "hidden")
    code = f"""
        import os
        def f():
            found = [name for name in os.environ]
            for path in ({str(secret)!r}, {__file__!r}, '/etc/passwd', '/etc/hostname', '/proc/self/environ', '/proc/1/environ',
                         '/proc/mounts', '/root/.profile', '/home', '/sys', '/proc', '/var', '/run', {os.getcwd()!r}):
                try:
                    open(path).read(); found.append(path)
                except IsADirectoryError: found.append(path)
                except OSError: pass
            return found
    """
    verdict = attack(pool, code, tests=("assert f() == [], f()",))
    assert verdict.passed, verdict


def test_the_environment_is_empty(pool: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEY", "hidden")
    assert attack(pool, "import os\ndef f(): return dict(os.environ)", tests=("assert f() == {}",)).passed


def test_nothing_outside_can_be_written(pool: Sandbox, tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    code = f"""
        import os, sys
        def f():
            done = []
            for folder in ({str(tmp_path)!r}, '/', '/usr/lib', '/dev', '/dev/shm', '/var/tmp', '/guest',
                           os.path.dirname(os.__file__)):
                for act in (lambda p: open(p, 'w'), os.mkdir, lambda p: os.symlink('/', p), lambda p: os.mknod(p)):
                    try: act(folder + '/written'); done.append(folder)
                    except OSError: pass
            for act in (lambda: os.chmod('/', 0o777), lambda: os.remove(os.__file__), lambda: os.chroot('/tmp'),
                        lambda: os.truncate(os.__file__, 0)):
                try: act(); done.append('act')
                except OSError: pass
            return done
    """
    verdict = attack(pool, code, tests=("assert f() == [], f()",))
    assert verdict.passed, verdict
    assert list(tmp_path.iterdir()) == []


def test_no_network(pool: Sandbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as abstract:
        abstract.bind("\0llmfusionbench-test")
        abstract.listen()
        code = f"""
            import socket
            def f():
                done = []
                for family, address in ((socket.AF_INET, ('127.0.0.1', {server.getsockname()[1]})),
                                        (socket.AF_UNIX, '\\0llmfusionbench-test'), (socket.AF_INET6, ('::1', 80))):
                    try:
                        with socket.socket(family) as s: s.connect(address); done.append(address)
                    except OSError: pass
                try: socket.getaddrinfo('example.org', 80); done.append('dns')
                except OSError: pass
                return done
        """
        verdict = attack(pool, code, tests=("assert f() == [], f()",))
    assert verdict.passed, verdict


def test_a_pair_of_sockets_reaches_nobody_else(pool: Sandbox) -> None:
    code = """
        import asyncio, socket
        def f():
            made = []
            for kind in (socket.SOCK_DGRAM, socket.SOCK_SEQPACKET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC):
                try:
                    made.append(socket.socketpair(socket.AF_UNIX, kind))
                except OSError:
                    made.append(None)
            async def answer():
                await asyncio.sleep(0.001)
                return 5
            return made + [asyncio.run(answer())]
    """
    verdict = attack(pool, code, tests=("assert f() == [None, None, None, 5], f()",))
    assert verdict.passed, verdict


def test_a_reason_is_text_that_any_file_takes(pool: Sandbox) -> None:
    verdict = attack(pool, "def f(x): raise ValueError('a \\ud83d b')")
    assert verdict.reason.encode() == b"test 1 of 2: ValueError: a ? b"


def test_no_way_into_other_processes(pool: Sandbox, kind: str) -> None:
    modes = ("r+b",) if kind == "process" else ("rb", "r+b")  # without root that kind cannot keep a user from their own
    code = f"""
        import ctypes, os
        libc = ctypes.CDLL(None, use_errno=True)
        def f():
            done = []
            for pid in [*range(1, 40), os.getppid(), {os.getpid()}]:
                if pid == os.getpid(): continue
                if libc.ptrace(16, pid, 0, 0) == 0: done.append(('ptrace', pid))
                for mode in {modes!r}:
                    try: open(f'/proc/{{pid}}/mem', mode).read(0); done.append((mode, pid))
                    except OSError: pass
            here = ctypes.create_string_buffer(64)
            if libc.unshare(0x10000000) == 0: done.append('unshare')
            if libc.mount(b'none', b'/tmp', b'tmpfs', 0, None) == 0: done.append('mount')
            if libc.prctl(22, 0, 0, 0, 0) == 0: done.append('seccomp')
            if libc.prctl(1, 0, 0, 0, 0) == 0: done.append('outlive the sandbox')
            if libc.prctl(4, 1, 0, 0, 0) == 0: done.append('leave a core')
            for raise_to in (os.setuid, os.setgid) if os.getuid() else ():
                try: raise_to(0); done.append(raise_to.__name__)
                except OSError: pass
            import resource
            try: resource.setrlimit(resource.RLIMIT_AS, (-1, -1)); done.append('limit')
            except (OSError, ValueError): pass
            import fcntl
            read, write = os.pipe()
            try: fcntl.fcntl(read, fcntl.F_SETOWN, 1); done.append('owner')
            except OSError: pass
            return done
    """
    verdict = attack(pool, code, tests=("assert f() == [], f()",))
    assert verdict.passed, verdict


def test_calls_that_the_filter_does_not_know_do_not_exist(pool: Sandbox) -> None:
    """`setxattrat`, `file_setattr`, `open_tree_attr` and all that a newer kernel has, but three harmless ones."""
    code = """
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        def f():
            answers = {}
            for number in range(424, 1024):
                ctypes.set_errno(0)
                libc.syscall(number, -1, 0, 0, 0, 0, 0)
                answers[number] = ctypes.get_errno()
            return [number for number, error in answers.items() if error != 38]
    """
    verdict = attack(pool, code, tests=("assert set(f()) <= {436, 439, 441}, f()",))
    assert verdict.passed, verdict


def test_what_others_share_cannot_be_changed_or_held(pool: Sandbox, kind: str, tmp_path: Path) -> None:
    """Message queues, semaphores, attributes, leases and locks; nor does a socket leave a file."""
    file = tmp_path / "file"
    file.write_text("x")
    code = f"""
        import ctypes, fcntl, os, socket
        libc = ctypes.CDLL(None, use_errno=True)
        def f():
            done = []
            try: fd = os.open({str(file)!r} if {kind == "process"} else os.__file__, os.O_RDONLY)
            except PermissionError: fd = os.open(os.__file__, os.O_RDONLY)
            a, b = socket.socketpair()
            def call(act, name):
                try:
                    if act() != -1: done.append(name)
                except OSError as error:
                    if error.errno != 1: done.append(error)
            flags = bytearray(8)
            call(lambda: fcntl.ioctl(fd, 0x40086602, flags), 'attributes')
            call(lambda: fcntl.fcntl(fd, 1024, 0), 'lease')
            if {kind == "process"}:
                call(lambda: fcntl.flock(fd, fcntl.LOCK_EX), 'lock')
                call(lambda: fcntl.lockf(fd, fcntl.LOCK_SH), 'lock of a part')
            call(lambda: a.bind({str(tmp_path / "socket")!r}), 'socket file')
            call(lambda: a.listen(), 'listen')
            for name in ('shmctl', 'semctl', 'msgctl'):
                ctypes.set_errno(0)
                getattr(libc, name)(0, 0, 0, 0)
                if ctypes.get_errno() != 1: done.append((name, ctypes.get_errno()))
            call(lambda: os.kill(os.getpid(), 19), 'stop')
            return [str(what) for what in done]
    """
    verdict = attack(pool, code, tests=("assert f() == [], f()",))
    assert verdict.passed, verdict
    assert os.listdir(tmp_path) == ["file"]


def test_much_output(pool: Sandbox) -> None:
    verdict = attack(pool, "def f(x):\n    for _ in range(100): print('y' * 10**6)")
    assert not verdict.passed
    assert verdict.status == "output"
    assert len(verdict.output_tail) <= 2_000


def test_programs_do_not_meet(pool: Sandbox) -> None:
    leave = "import builtins, math, sys\nbuiltins.left = math.left = sys.left = 1\nmath.floor = None\ndef f(x): return 1"
    look = "import builtins, math, sys\ndef f(): return [hasattr(m, 'left') for m in (builtins, math, sys)] + [math.floor(1.5)]"
    list(pool.run([CodeTask(code=leave, tests=TESTS)] * 4))
    verdicts = pool.run([CodeTask(code=look, tests=("assert f() == [False, False, False, 1]",))] * 4)
    assert all(verdict.passed for verdict in verdicts)


def test_no_process_is_left_when_the_parent_is_killed(kind: str, tmp_path: Path) -> None:
    script = (
        "from llmfusionbench.sandbox import Sandbox, CodeTask\n"
        f"with Sandbox(sandbox={kind!r}, workers=1, timeout_s=60) as pool:\n"
        "    print('go', flush=True)\n"
        "    pool.run_one(CodeTask(code='while True: pass', tests='assert 1'))\n"
    )
    environment = {"PYTHONPATH": os.pathsep.join(sys.path), "TMPDIR": str(tmp_path), "PATH": os.environ["PATH"]}
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, env=environment)
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"go\n"
    wait_for(lambda: _using(str(tmp_path)))
    if kind != "process":  # once the sandbox stands, its root has no name
        wait_for(lambda: not any(tmp_path.iterdir()))
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_for(lambda: not _using(str(tmp_path)))
    if kind != "process":  # there the program's own directory must stay as long as it may look for it
        assert list(tmp_path.iterdir()) == []


def test_no_program_is_left_when_its_sandbox_is_killed(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    worker = Worker(kind, timeout_s=60, memory_mb=512)
    try:
        before = len(_using(str(tmp_path)))
        with ThreadPoolExecutor(1) as thread:
            running = thread.submit(worker.run, CodeTask(code="while True: pass", tests="assert 1"))
            wait_for(lambda: len(_using(str(tmp_path))) == before + 2)
            worker._process.kill()
            wait_for(lambda: not _using(str(tmp_path)))
            assert running.result().status in ("ended", "error")
    finally:
        worker.close()


def _using(text: str) -> list[int]:
    """Processes of the sandbox that were started with `text` on their command line."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            line = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if text.encode() in line and b"guest" in line:
            found.append(int(folder.name))
    return found
