"""One pool for each kind of sandbox that this machine has; a kind that it has not is skipped with the reason."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from llmfusionbench.sandbox import KINDS, Sandbox, sandbox_kinds


@pytest.fixture(scope="session", params=list(KINDS))
def kind(request: pytest.FixtureRequest) -> str:
    if obstacle := sandbox_kinds()[request.param]:
        pytest.skip(f"{request.param}: {obstacle}")
    return str(request.param)


@pytest.fixture(scope="session")
def pool(kind: str) -> Iterator[Sandbox]:
    with Sandbox(sandbox=kind, workers=2, timeout_s=2.0, memory_mb=512) as pool:
        yield pool


@pytest.fixture
def isolated(kind: str) -> None:
    if kind == "process":
        pytest.skip("process: reading the machine's files is not prevented, which is why it must be asked for by name")
