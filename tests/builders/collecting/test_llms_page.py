"""The page about the file of LLMs: every example in it is read, and its table has all fields."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from llmfusionbench.builders.collecting.caller import Caller
from llmfusionbench.builders.collecting.endpoint import Endpoint
from llmfusionbench.builders.collecting.llms_file import llms_schema, read_llms_file
from llmfusionbench.builders.collecting.payload import payload_of

PAGE = (Path(__file__).parents[3] / "docs" / "llms_file.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
PLACES = {
    "qwen3-8b": "http://localhost:8000/v1",
    "smollm2-135m": "http://localhost:8080/v1",
    "gemma3-4b": "http://localhost:11434/v1",
    "gpt-5.4-mini": "https://api.openai.com/v1",
    "llama-3.3-70b": "https://openrouter.ai/api/v1",
    "deepseek-r1": "https://openrouter.ai/api/v1",
    "gpt-oss-20b": "https://api.together.ai/v1",
    "llama-3.3-70b-nim": "https://integrate.api.nvidia.com/v1",
    "gpt-4o": "https://my-resource.openai.azure.com/openai/deployments/my-gpt-4o",
}


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_read(example: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "llms.yaml"
    path.write_text(example, encoding="utf-8")
    found = read_llms_file(path)
    for endpoint in found:
        if endpoint.key_variable:
            monkeypatch.setenv(endpoint.key_variable, "key-of-a-test")
        Caller(endpoint).check()
        address = Caller(endpoint).address
        assert address in (PLACES[endpoint.name], "https://my-resource.openai.azure.com/openai/v1")
        for mode in ("direct", "think"):
            body = payload_of(endpoint, [{"role": "user", "content": "a"}], mode)
            assert body["model"] == endpoint.model
            assert body[endpoint.max_tokens_field] == endpoint.max_tokens


def test_all_servers_have_an_example() -> None:
    for name in ("vLLM", "llama.cpp", "Ollama", "OpenAI", "OpenRouter", "Together", "NVIDIA", "Azure"):
        assert re.search(rf"^{name}[. ,]", PAGE, re.MULTILINE), name
    assert len(EXAMPLES) == 9


def test_the_table_has_all_fields_and_their_defaults() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", PAGE, re.MULTILINE))
    assert list(rows) == list(llms_schema()["$defs"]["fields"]["properties"])
    defaults = Endpoint(name="a", url="http://localhost:1", model="m")
    for name in ("concurrency", "timeout", "retries", "max_tokens", "batch_discount"):
        assert float(rows[name]) == getattr(defaults, name)
    assert (rows["api"], rows["max_tokens_field"]) == (f"`{defaults.api}`", f"`{defaults.max_tokens_field}`")
