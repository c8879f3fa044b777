"""One pool for each kind of sandbox that this machine has; a kind that it has not is skipped with the reason."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from llmfusionbench.sandbox import KINDS, CodeTask, Sandbox, sandbox_kinds


@pytest.fixture(scope="session", params=list(KINDS))
def kind(request: pytest.FixtureRequest) -> str:
    if obstacle := sandbox_kinds()[request.param]:
        pytest.skip(f"{request.param}: {obstacle}")
    return str(request.param)


@pytest.fixture(scope="session")
def pool(kind: str) -> Iterator[Sandbox]:
    with Sandbox(sandbox=kind, workers=2, timeout_s=2.0, memory_mb=512) as pool:
        yield pool


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """After the last of the tests that share a function and a pool, that pool still tells a good program from a bad one."""
    pool = item.funcargs.get("pool")
    if isinstance(pool, Sandbox) and _class(item) != (nextitem and _class(nextitem)):
        tests = "assert f(1) == 'right'"
        good = pool.run_one(CodeTask(code="def f(x): return 'right'", tests=tests))
        bad = pool.run_one(CodeTask(code="def f(x): return 'wrong'", tests=tests))
        assert (good.passed, bad.passed) == (True, False), (good, bad)


def _class(item: pytest.Item) -> tuple[str, str]:
    chosen = getattr(item, "callspec", None)  # a test without parameters has none
    return item.originalname, chosen.params.get("kind", "") if chosen else ""


@pytest.fixture
def isolated(kind: str) -> None:
    if kind == "process":
        pytest.skip("process: reading the machine's files is not prevented, which is why it must be asked for by name")
