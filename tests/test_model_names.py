"""Whether two names are of one model."""

from __future__ import annotations

import pytest

from llmfusionbench.llm.model_names import same_model


@pytest.mark.parametrize("served", ["smollm2-135m.gguf", "/models/SmolLM2-135M.gguf", "C:\\models\\smollm2-135m.gguf"])
def test_the_file_of_a_model_is_the_model(served: str) -> None:
    """A server of llama.cpp without an alias states its file."""
    assert same_model("smollm2-135m", served)
    assert not same_model("smollm2-360m", served)
