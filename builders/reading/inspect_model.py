"""The names of models in Inspect's logs, `provider/model`, as the LLM that a user routes to and who served it."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from llmfusionbench.builders.reading.model_names import RoutedName, name_or_path, routed_name

_HOSTS: Final = {
    "azureai", "bedrock", "cf", "cloudflare", "fireworks", "goodfire", "groq", "hf", "hf-inference-providers",
    "llama-cpp-python", "nnterp", "ollama", "openai-api", "openrouter", "sagemaker", "sambanova", "sglang", "tl",
    "together", "transformer_lens", "vllm",
}  # fmt: skip
"""Providers of other makers' models. The others, such as openai and anthropic, make the models that they serve."""
_SERVICES: Final = ("azure", "bedrock", "vertex")
"""What may stand between a maker and its model: `openai/azure/gpt-4o`."""
_LOCAL: Final = "local"
_ACCOUNT: Final = re.compile(r"accounts/[^/]+/models/")


class ModelName(NamedTuple):
    """A model of a log."""

    llm: RoutedName
    """`maker/model`, or `model` alone where the log states no maker."""
    endpoint: str | None
    """Who served it."""


def model_name(stated: str, path: str | None = None) -> ModelName:
    """The LLM and the endpoint of Inspect's `provider/model`; `path` is the argument that says which model `hf/local` is.

    A provider that serves models of others is dropped, so `hf/org/model`, `vllm/org/model` and `openrouter/org/model` are all
    `org/model`, as lm-evaluation-harness and HELM name it. A maker stays, and what stands between it and its model is dropped:
    `openai/azure/gpt-4o` is `openai/gpt-4o`. A path is cut as `name_or_path` does it.
    """
    provider, slash, rest = stated.partition("/")
    if not slash or not rest.strip("/"):
        return ModelName(RoutedName(stated), None)
    if provider in _HOSTS:
        endpoint = provider
        if provider == "openai-api":  # openai-api/SERVICE/MODEL, or openai-api/SERVICE/MAKER/MODEL
            service, _, model = rest.partition("/")
            endpoint, rest = service, model if "/" in model else rest
        rest = _ACCOUNT.sub("", rest, count=1)
        if rest == _LOCAL and path:
            return ModelName(routed_name(path), endpoint)
        return ModelName(name_or_path(rest), endpoint)
    service, _, model = rest.partition("/")
    return (
        ModelName(RoutedName(f"{provider}/{model}"), f"{provider}/{service}")
        if service in _SERVICES and model
        else ModelName(RoutedName(stated), provider)
    )
