"""Where an endpoint is, and what identifies the caller there: the URL of its calls, and the headers with the key."""

from __future__ import annotations

from functools import cached_property
from urllib.parse import quote

from llmfusionbench.builders.collecting.azure import CALLS, VERSION, is_v1, mixed_forms
from llmfusionbench.builders.collecting.endpoint import Endpoint
from llmfusionbench.errors import InputError
from llmfusionbench.llm.keys import read_key
from llmfusionbench.llm.server_url import authorization_of, public_address, query_of, server_parts
from llmfusionbench.redaction import public_url


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

        `/v1` is added, unless the path has a version, or the URL ends with `/chat/completions`. Azure's dated API has a path
        for each deployment.

        Raises:
            InputError: The URL is not valid.
        """
        parts = server_parts(self.endpoint.url)
        path = parts.path.rstrip("/")
        whole = path.endswith(CALLS)
        path = path.removesuffix(CALLS)
        if self.endpoint.api == "azure":
            if "/deployments/" not in path and not is_v1(path):
                path = f"{path.removesuffix('/openai')}/openai/deployments/{quote(self.endpoint.model, safe='')}"
        elif not whole and not any(VERSION.fullmatch(step) for step in path.split("/")):
            path += "/v1"
        return public_address(parts, path)

    @property
    def query(self) -> dict[str, str]:
        """The query of every call.

        Raises:
            InputError: A name is there twice, or the settings mix the two forms of Azure's API.
        """
        endpoint, parts = self.endpoint, server_parts(self.endpoint.url)
        if mixed := mixed_forms(endpoint.api, endpoint.api_version, parts):
            raise InputError(
                f"{public_url(endpoint.url)}: {endpoint.name} {mixed}. Remedy: correct the file of LLMs, see docs/llms_file.md"
            )
        query = query_of(parts, self.address)
        return query | {"api-version": endpoint.api_version} if endpoint.api_version else query

    def key_headers(self) -> dict[str, str]:
        """The headers with the key, or with the user info of the URL.

        Raises:
            InputError: The key is not in the environment.
        """
        if self.endpoint.api == "azure" and self.endpoint.key_variable:
            return {"api-key": read_key(self.endpoint.key_variable)}
        authorization = authorization_of(server_parts(self.endpoint.url), self.endpoint.key_variable)
        return {} if authorization is None else {"Authorization": authorization}
