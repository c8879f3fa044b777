"""Where an endpoint is, and what identifies the caller there: the URL of its calls, and the headers with the key."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Final
from urllib.parse import quote

from llmfusionbench.builders.collecting.endpoint import Endpoint
from llmfusionbench.errors import InputError
from llmfusionbench.llm.keys import read_key
from llmfusionbench.llm.server_url import authorization_of, public_address, query_of, server_parts

_CALLS: Final = "/chat/completions"
_VERSION: Final = re.compile(r"v\d{1,3}(?:alpha|beta)?\d{0,3}")
"""A part of a path that is a version of an API, such as `v1` or `v1beta`."""


class Place:
    """The place of an endpoint.

    Args:
        endpoint: The LLM and its server.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    def __repr__(self) -> str:
        return f"Place({self.address!r})"

    @cached_property
    def address(self) -> str:
        """The URL up to what `/chat/completions` follows, without user info, query and fragment.

        `/v1` is added, unless the path has a version, or the URL ends with `/chat/completions`. Azure has a path per deployment.

        Raises:
            InputError: The URL is not valid.
        """
        parts = server_parts(self.endpoint.url)
        path = parts.path.rstrip("/")
        whole = path.endswith(_CALLS)
        path = path.removesuffix(_CALLS)
        if self.endpoint.api == "azure":
            if "/deployments/" not in path:
                path = f"{path.removesuffix('/openai')}/openai/deployments/{quote(self.endpoint.model, safe='')}"
        elif not whole and not any(_VERSION.fullmatch(step) for step in path.split("/")):
            path += "/v1"
        return public_address(parts, path)

    @property
    def query(self) -> dict[str, str]:
        """The query of every call.

        Raises:
            InputError: A name is there twice, or the version of Azure's API is missing.
        """
        query = query_of(server_parts(self.endpoint.url), self.address)
        if self.endpoint.api == "azure":
            if self.endpoint.api_version:
                query["api-version"] = self.endpoint.api_version
            if "api-version" not in query:
                raise InputError(
                    f"{self.address}: no api_version. Remedy: state the version of Azure's API, such as 2024-10-21"
                )
        return query

    def key_headers(self) -> dict[str, str]:
        """The headers with the key, or with the user info of the URL.

        Raises:
            InputError: The key is not in the environment.
        """
        if self.endpoint.api == "azure" and self.endpoint.key_variable:
            return {"api-key": read_key(self.endpoint.key_variable)}
        authorization = authorization_of(server_parts(self.endpoint.url), self.endpoint.key_variable)
        return {} if authorization is None else {"Authorization": authorization}
