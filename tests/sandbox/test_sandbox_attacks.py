"""Programs that try to harm the machine, to learn what they must not, or to pass without knowing the answers.

After each class of attacks the same pool must still tell a good program from a bad one (conftest.py).
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from llmfusionbench.sandbox import CodeTask, Sandbox, Verdict
from llmfusionbench.sandbox._worker import Worker
from tests.helpers.waiting import wait_for

GOOD = "def f(x):\n    return f'secret-{x * 7}'\n"
TESTS = ("assert f(1) == 'secret-7'", "assert f(2) == 'secret-14'")


def attack(pool: Sandbox, code: str, *, tests: tuple[str, ...] = TESTS, setup: str = "") -> Verdict:
    return pool.run_one(CodeTask(code=textwrap.dedent(code), tests=tests, setup=setup))


FORGERIES = {
    "exit with 0 while loading": "import os; os._exit(0)",
    "exit with 0 when called": "import os\ndef f(x): os._exit(0)",
    "sys.exit": "import sys\ndef f(x): sys.exit(0)",
    "SystemExit while loading": "raise SystemExit(0)",
    "print a success marker": """
        def f(x):
            print('passed'); print('OK'); print('["passed",""]'); print('{"passed": true}')
    """,
    "overwrite builtins": """
        import builtins
        builtins.AssertionError = Warning
        builtins.abs = builtins.all = builtins.isinstance = lambda *a: True
        builtins.compile = builtins.exec = lambda *a, **k: None
        def f(x): return None
    """,
    "define what tests use": """
        class AssertionError(BaseException): pass
        def abs(x): return 0
        def sorted(x): return 0
        def check(candidate): return True
        def f(x): return None
    """,
    "overwrite sys.modules and unittest": """
        import sys, unittest
        unittest.TestCase.assertEqual = lambda *a: None
        for name in list(sys.modules):
            if name.startswith('guest') or name == 'unittest': sys.modules[name] = None
        def f(x): return None
    """,
    "atexit": "import atexit, os\natexit.register(lambda: os._exit(0))\ndef f(x): return None",
    "an object that equals all": """
        class Yes:
            def __eq__(self, other): return True
            def __ne__(self, other): return False
            def __hash__(self): return 0
            def __bool__(self): return True
        def f(x): return Yes()
    """,
    "a str that equals all": """
        class Yes(str):
            def __eq__(self, other): return True
            def __hash__(self): return hash('secret-7')
        def f(x): return Yes('?')
    """,
    "catch every exception": """
        import sys
        sys.excepthook = lambda *a: None
        def f(x):
            while True:
                try: raise KeyboardInterrupt
                except BaseException: return None
    """,
    "raise StopIteration": "def f(x): raise StopIteration",
    "raise AssertionError": "def f(x): raise AssertionError('passed')",
    "rewrite the server in this process": """
        import sys
        for name, module in list(sys.modules.items()):
            if name.startswith('guest'):
                for key, value in list(vars(module).items()):
                    if callable(value) and not isinstance(value, type):
                        try: setattr(module, key, lambda *a, **k: ['passed', ''])
                        except Exception: pass
        def f(x): return None
    """,
    "look for the answer in memory": """
        import gc, sys
        def f(x):
            frame = sys._getframe()
            while frame:
                for value in frame.f_locals.values():
                    if isinstance(value, str) and value.startswith('secret'): return value
                frame = frame.f_back
            for thing in gc.get_objects():
                for part in gc.get_referents(thing):
                    if type(part) is str and part.startswith('secret') and part[-1].isdigit(): return part
                    if type(part) is str and 'assert f' in part: return 'secret' + part.split('secret')[-1]
    """,
    "replay frames on every descriptor": """
        import json, os, struct
        def frame(message):
            body = json.dumps(message).encode()
            return struct.pack('>I', len(body)) + body
        def f(x):
            for fd in range(64):
                for message in (['passed', ''], ['verdict', 'passed', ''], ['return', True, []], ['job', {}]):
                    try: os.write(fd, frame(message))
                    except OSError: pass
            os._exit(0)
    """,
    "garbage on every descriptor": """
        import os
        def f(x):
            for fd in range(64):
                try: os.write(fd, b'\\xff' * 64)
                except OSError: pass
    """,
    "close every descriptor": "import os\ndef f(x): os.closerange(0, 64)",
    "reply with a broken value": """
        import json, struct, os, sys
        def f(x):
            for body in (b'["return", ["ref", 99], []]', b'["return", {"a": 1}, []]', b'["return", ["type", "os"], []]'):
                try: os.write(3, struct.pack('>I', len(body)) + body)
                except OSError: pass
    """,
    "deep nesting": """
        def f(x):
            value = []
            for _ in range(100_000): value = [value]
            return value
    """,
    "deep recursion": """
        import sys
        sys.setrecursionlimit(10**9)
        def f(x): return f(x) + 1
    """,
    "deep recursion in C": """
        import sys
        sys.setrecursionlimit(10**9)
        class A:
            def __getattr__(self, name): return repr(self)
            def __repr__(self): return str([self])
        def f(x): return repr(A())
    """,
    "segmentation fault": "import ctypes\ndef f(x): ctypes.string_at(0)",
    "a huge value": "def f(x): return 'x' * 50_000_000",
    "a value that grows when decoded": "def f(x): return [[] for _ in range(2_500_000)]",
    "a huge number": "def f(x): return 1 << 60_000_000",
    "a range without end": "def f(x): return range(10**30)",
    "nothing at all": "",
    "a syntax error": "def f(x) return 1",
    "a NUL": "def f(x): return 1\x00",
}


@pytest.mark.parametrize("code", FORGERIES.values(), ids=FORGERIES)
def test_no_pass_without_the_answers(pool: Sandbox, code: str) -> None:
    verdict = attack(pool, code)
    assert not verdict.passed
    assert verdict.reason
    assert "\n" not in verdict.reason


@pytest.mark.parametrize(
    ("test", "code"),
    [
        ("assert all(map(f, [1, 2, 3]))", "def f(x): raise StopIteration"),
        ("assert list(map(f, [1, 2])) == []", "def f(x): raise StopIteration"),
        ("assert abs(f(1) - 5) < 1e-6", "def abs(x): return 0\ndef f(x): return 7"),
        ("import math\nassert math.isclose(f(1), 5)", "class math:\n    isclose = lambda *a: True\ndef f(x): return 7"),
        ("assert math.isclose(f(1), 5)", "class math:\n    isclose = lambda *a: True\ndef f(x): return 7"),
        ("assert f(1) in [5]", "class Y:\n    __eq__ = lambda *a: True\n    __hash__ = lambda s: 5\ndef f(x): return Y()"),
        (
            "assert 5 in f(1)",
            "class Y:\n    __contains__ = lambda *a: True\n    __iter__ = lambda s: iter([])\ndef f(x): return Y()",
        ),
        ("assert 5 == f(1)", "class Y(int):\n    __eq__ = lambda *a: True\ndef f(x): return Y(4)"),
        ("assert f(1) == [1, 2]", "class Y(list):\n    __eq__ = lambda *a: True\ndef f(x): return Y()"),
        ("assert f(1) < 5 and f(1) > 4", "class Y:\n    __lt__ = __gt__ = lambda *a: True\ndef f(x): return Y()"),
        ("assert f(1) - 5 < 1e-6", "class Y:\n    __sub__ = lambda *a: 0\ndef f(x): return Y()"),
        ("assert isinstance(f(1), int)", "class Y:\n    __class__ = int\ndef f(x): return Y()"),
        ("try:\n    f(1)\nexcept:\n    pass", "import os\ndef f(x): os._exit(0)"),
        ("try:\n    f(1)\nexcept Exception:\n    pass", "import os\ndef f(x): os._exit(0)"),
    ],
)
def test_values_are_judged_outside(pool: Sandbox, test: str, code: str) -> None:
    assert not attack(pool, code, tests=(test,)).passed


def test_a_helper_of_the_setup_is_not_the_programs(pool: Sandbox) -> None:
    setup = "def poly(xs, x):\n    return sum(c * x**i for i, c in enumerate(xs))\n"
    cheat = "def poly(xs, x): return 0\ndef f(xs): return 99\n"
    assert not attack(pool, cheat, tests=("assert abs(poly([-4, 2], f([-4, 2]))) < 1e-4",), setup=setup).passed
    assert attack(pool, "def f(xs): return 2\n", tests=("assert abs(poly([-4, 2], f([-4, 2]))) < 1e-4",), setup=setup).passed


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
