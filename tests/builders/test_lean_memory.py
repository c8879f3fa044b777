import pyarrow as pa
import pytest

from llmfusionbench.builders.making.lean_memory import lean_memory


def test_the_allocator_is_jemalloc_within_and_as_before_after(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ARROW_DEFAULT_MEMORY_POOL", raising=False)
    before = pa.default_memory_pool().backend_name
    within = "jemalloc" if "jemalloc" in pa.supported_memory_backends() else before
    with lean_memory():
        assert pa.default_memory_pool().backend_name == within
    assert pa.default_memory_pool().backend_name == before


def test_the_allocator_that_the_user_chose_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARROW_DEFAULT_MEMORY_POOL", "system")
    before = pa.default_memory_pool().backend_name
    with lean_memory():
        assert pa.default_memory_pool().backend_name == before
