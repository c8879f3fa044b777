"""Programs that try to pass without knowing the answers. Afterwards the same pool still tells good from bad (conftest.py)."""

from __future__ import annotations

import pytest

from llmfusionbench.sandbox import Sandbox
from tests.helpers.attack import attack

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
