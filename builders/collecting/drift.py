"""Answers of another model than was requested."""

from __future__ import annotations

from llmfusionbench.builders.collecting.calls import Attempt, Call
from llmfusionbench.builders.collecting.endpoint import Endpoint
from llmfusionbench.llm.model_names import same_model


def drift_of(call: Call, attempt: Attempt, endpoint: Endpoint) -> tuple[str, str] | None:
    """(the model that answered, the model that was requested) if these differ; None if they do not, or it is not known."""
    served, asked = attempt.served_model, str(call.payload.get("model") or endpoint.model)
    if served is None or same_model(asked, served) or endpoint.has_deployments:
        return None
    return served, asked


def drift_warning(llm: str, served: str, asked: str) -> str:
    """The line for the user."""
    return f"Warning: {llm}: {served!r} answers, though {asked!r} was requested"
