"""A real LLM behind a real server writes templates: SmolLM2-135M-Instruct, as it comes from the package index."""

from __future__ import annotations

from pathlib import Path

import pytest

import llmfusionbench as lfb
from llmfusionbench.builders.templates import EndpointSummarizer, build_templates
from llmfusionbench.builders.templates.sentences import count_sentences
from llmfusionbench.llm.chat import ChatClient
from tests.helpers.chat_server import serving
from tests.helpers.sample_part import write_part
from tests.helpers.smol import smol


def test_a_real_llm_writes_templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    llm = smol()
    part = write_part(tmp_path / "part", tasks=("arc_challenge",), queries=2, llms=8, shards=2, split="train")
    with serving(llm) as server:
        client = ChatClient(server.url, model="smollm2-135m-instruct", concurrency=1, max_tokens=60, timeout=3600)
        writer = EndpointSummarizer(client)
        made = build_templates(part, tmp_path / "out", summarizer=writer, top=1).templates
    assert len(made.table) + sum(made.failed.values()) == made.queries == 2
    assert not made.left
    assert len(made.table) >= 1
    assert all(1 <= count_sentences(template) <= 5 for template in made.table["template"].to_pylist())
    assert made.usage is not None
    assert made.usage.requests == len(server.requests) <= 4
    assert made.usage.input_tokens > 200
    assert lfb.validate(tmp_path / "out") == []
