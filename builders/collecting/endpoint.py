"""One LLM behind a server, as the file of LLMs describes it: where it is, how it is asked, its limits and prices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from llmfusionbench.builders.collecting.azure import is_azure
from llmfusionbench.redaction import public_url, redacted


@dataclass(frozen=True, kw_only=True)
class Price:
    """Prices from a day on."""

    input_price: float
    """USD per million tokens."""
    output_price: float
    """USD per million tokens."""
    since: date | None = None
    """None: from the beginning."""


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """An LLM, and the server that it is asked at.

    The API key is never part of it: `key_variable` names the environment variable that holds it.
    """

    name: str
    """The LLM's name in the release."""
    url: str
    """URL of the server, with or without `/v1`."""
    model: str
    """The model's name as the server knows it."""
    key_variable: str | None = None
    api: str = "openai"
    """`openai`, or `azure` for its way of naming deployments and sending the key."""
    api_version: str | None = None
    """The version of Azure's dated API."""
    concurrency: int = 8
    """Most calls at a time."""
    requests_per_minute: float | None = None
    """None: learnt from the headers of replies, if they state it."""
    tokens_per_minute: float | None = None
    account: str | None = None
    """LLMs of one account share both limits; None: by server and key, see `account.py`."""
    timeout: float = 120.0
    """Seconds until an attempt is given up."""
    retries: int = 5
    """Further attempts after a failure that may pass."""
    max_tokens: int = 1024
    """Most tokens of an answer."""
    max_tokens_field: str = "max_tokens"
    """`max_completion_tokens` for servers that want that."""
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    stream: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Further fields of the request body."""
    modes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Mode -> further fields of the request body in it, such as `{"high": {"reasoning_effort": "high"}}`."""
    prices: tuple[Price, ...] = ()
    """In the order of their days."""
    batch_discount: float = 0.5
    """Share of the price that is taken off in batches."""
    about: Mapping[str, Any] = field(default_factory=dict)
    """Columns of the table `llms`: family, parameters_b, scale, license, description."""

    def __repr__(self) -> str:
        """Without what may be secret: user info and query of the URL, and fields of the request."""
        return f"Endpoint({redacted(self.name)!r}, {public_url(self.url)!r}, model={redacted(self.model)!r})"

    @property
    def has_deployments(self) -> bool:
        """Whether the server is asked for a deployment, whose name says nothing about the model that answers: Azure."""
        return self.api == "azure" or is_azure(self.url)

    def price_on(self, day: date) -> Price | None:
        """The prices on a day; None if they are not known."""
        valid = [price for price in self.prices if price.since is None or price.since <= day]
        return valid[-1] if valid else None
