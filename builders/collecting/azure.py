"""The two forms of Azure's API, which do not mix: v1, which works like that of OpenAI, and the dated one.

| | path | model | version |
|---|---|---|---|
| v1 | `/openai/v1/chat/completions` | in the body | none |
| dated | `/openai/deployments/NAME/chat/completions` | in the path | `api-version=2024-10-21` |

So the official client for the dated form, given a URL of v1, asks at a path that does not exist (openai-python#2584).
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import SplitResult, parse_qsl

from llmfusionbench.redaction import url_parts

CALLS: Final = "/chat/completions"
"""The end of the path of a call."""
VERSION: Final = re.compile(r"v\d{1,3}(?:alpha|beta)?\d{0,3}")
"""A part of a path that is a version of an API, such as `v1` or `v1beta`."""
_V1: Final = "/openai/v1"
_DEPLOYMENTS: Final = "/deployments/"
_DATED: Final = re.compile(r"\d{4}-\d{2}-\d{2}(?:-preview)?")
_HOSTS: Final = (".azure.com", ".azure.us", ".azure.cn")
"""Ends of the names of Azure's servers, in its three clouds."""
_RESOURCES: Final = (".openai", ".cognitiveservices", ".services.ai")
"""What comes before that end where a server has both forms of the API."""
_V1_URL: Final = "https://RESOURCE.openai.azure.com/openai/v1"


def is_azure(url: str) -> bool:
    """Whether a server of Azure is at a URL."""
    parts = url_parts(url)
    return parts is not None and (parts.hostname or "").endswith(_HOSTS)


def is_v1(path: str) -> bool:
    """Whether the path of a URL without `/chat/completions` is that of Azure's API v1."""
    return path.endswith(_V1)


def mixed_forms(api: str, api_version: str | None, parts: SplitResult) -> str | None:
    """What does not go together in the settings of a server, and what was expected; None if all is well.

    Args:
        api: `openai` or `azure`.
        api_version: The version, if it is not in the URL.
        parts: Those of the URL.
    """
    whole = parts.path.rstrip("/")
    path = whole.removesuffix(CALLS)
    if api != "azure":
        head = (parts.hostname or "").rpartition(".azure.")[0]
        unclear = path in ("", "/v1") or (_DEPLOYMENTS in path and path == whole)
        if unclear and (parts.hostname or "").endswith(_HOSTS) and head.endswith(_RESOURCES):
            return f"has a url of Azure's dated API but not api azure, expected api azure, or a url such as {_V1_URL}"
        return None
    version = api_version or dict(parse_qsl(parts.query)).get("api-version")
    if is_v1(path):
        if version is not None and _DATED.fullmatch(version):
            return f"has the api_version {version} and a url of Azure's API v1, expected no api_version, or a url without {_V1}"
        return None
    last = path.rpartition("/")[2]
    if VERSION.fullmatch(last) and _DEPLOYMENTS not in path:
        return f"has api azure and a url that ends with /{last}, expected the url of the resource, or one such as {_V1_URL}"
    if version is None:
        return f"has api azure but no api_version, expected one such as 2024-10-21, or a url such as {_V1_URL}"
    return None
