"""The process of a program: how its end and its time are told, and that it never outlives the sandbox's hold on it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from llmfusionbench.errors import InputError
from llmfusionbench.sandbox._leash import Leash
from llmfusionbench.sandbox.guest.children import Children


@pytest.mark.parametrize(("code", "name"), [("-9", "SIGKILL"), ("-40", "40")])
def test_any_signal_that_a_program_ends_itself_by_is_told(code: str, name: str) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.send(f"exit {code} 0.010\n".encode())
        assert Leash(ours).ending() == (f"signal {name}", 0.01)


def test_a_child_that_ends_while_it_is_asked_for_its_time() -> None:
    ours, theirs = socket.socketpair()
    with ours:
        leash = Leash(ours)
        theirs.send(b"used 0.250000\n")
        assert leash.used_s() == 0.25
        theirs.send(b"exit 3 0.75")
        theirs.send(b"0\n")
        theirs.close()
        assert (leash.used_s(), leash.ending()) == (0.75, ("exit status 3", 0.75))


def test_a_lost_zygote_and_a_child_that_was_never_confined() -> None:
    ours, theirs = socket.socketpair()
    theirs.close()
    with ours:
        assert Leash(ours).ending().text == "the sandbox ended"
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.send(b"not confined: mount\n")
        with pytest.raises(InputError, match=r"could not confine a program.*: not confined: mount"):
            Leash(ours).used_s()


@pytest.mark.parametrize("said", [b"", b"?"], ids=["let go", "let go after a question"])
def test_a_child_never_outlives_its_leash(said: bytes) -> None:
    ours, theirs = socket.socketpair()
    confined, tell = os.pipe()
    os.write(tell, b"confined")
    os.close(tell)
    children = Children()
    with ours, subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1e6)"]) as child:
        children.add(child.pid, theirs.detach(), confined, 1e6)
        ours.send(said)
        ours.shutdown(socket.SHUT_WR)
        children.look_after()
        child.returncode = -signal.SIGKILL  # it is reaped already
        with ours.makefile("r") as lines:
            assert [line.split()[:2] for line in lines][-1] == ["exit", "-9"]


def test_children_are_looked_after_side_by_side() -> None:
    """One that is late, one that ends, and one that is asked for its time; nothing of them is left open."""
    code = {"late": "import time; time.sleep(1e6)", "ends": "raise SystemExit(3)", "asked": "import sys; sys.stdin.read()"}
    before = len(os.listdir("/proc/self/fd"))
    children, leashes, running = Children(), {}, {}
    for name, program in code.items():
        ours, theirs = socket.socketpair()
        confined, tell = os.pipe()
        os.write(tell, b"confined" if name != "ends" else b"OSError: mount")
        os.close(tell)
        running[name] = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE)
        leashes[name] = ours
        children.add(running[name].pid, theirs.detach(), confined, 0.0 if name == "late" else 1e6)
    control, ready = socket.socketpair()
    told = Leash(leashes["asked"])
    with ThreadPoolExecutor(1) as thread:
        looking = thread.submit(children.look_after, ready.fileno())
        assert told.used_s() >= 0
        control.send(b"stop")
        looking.result()
    for process in running.values():
        assert process.stdin is not None
        process.stdin.close()
        process.returncode = 0  # those who look after it reap it
    children.look_after()
    assert told.ending().text == "exit status 0"
    assert Leash(leashes["late"]).ending().text == "signal SIGKILL"
    with pytest.raises(InputError, match="not confined: OSError: mount"):
        Leash(leashes["ends"]).ending()
    for end in (*leashes.values(), control, ready):
        end.close()
    assert len(os.listdir("/proc/self/fd")) <= before


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("zygote.Zygote._child = broken", "not confined: 1"),
        ("os.pidfd_open = broken", "not confined: out of descriptors"),
    ],
    ids=["in the child", "beside the child"],
)
def test_a_fault_at_the_start_leaves_one_zygote_and_no_child(fault: str, said: str) -> None:
    script = f"""if True:
        import os, socket
        from llmfusionbench.sandbox.guest import zygote
        def broken(*_):
            raise OSError("out of descriptors")
        here = zygote.Zygote(isolated=False, scratch="/")
        {fault}
        ours, theirs = socket.socketpair()
        here._start({{"role": "candidate", "wall_s": 60.0, "cpu_s": 60.0, "memory_mb": 512}}, theirs.detach(), os.dup(2))
        here.children.look_after()
        print(ours.makefile().read().strip(), flush=True)
        try: os.waitpid(-1, 0)
        except ChildProcessError: print("no child", flush=True)
    """
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.splitlines() == [said, "no child"], done.stderr
