"""The file of LLMs: a YAML file that says whom to ask, checked by a JSON Schema; all that is wrong with it is named at once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from datetime import date
from functools import cache
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import Any, Final

import yaml

from llmfusionbench.builders.collecting.endpoint import Endpoint, Price
from llmfusionbench.builders.collecting.llms_issues import issues_of
from llmfusionbench.builders.collecting.written_keys import keep_written_keys
from llmfusionbench.builders.reading.yaml_file import read_yaml
from llmfusionbench.errors import InputError

_SHOWN: Final = 20
"""Most issues that are shown."""
_MOST: Final = 1_000
"""Most issues that are looked for."""
_FIELDS: Final = {field.name for field in fields(Endpoint)}
_WHOLE: Final = ("concurrency", "retries", "max_tokens", "seed")
"""Fields with whole numbers, which a person may write as 8.0 or 1e3."""


@cache
def llms_schema() -> dict[str, Any]:
    """The JSON Schema of the file."""
    text = files(__package__).joinpath("llms_schema.json").read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def read_llms_file(path: Path) -> list[Endpoint]:
    """The endpoints in a file, in its order.

    Raises:
        InputError: The file cannot be read, or is not as it should be; every issue is named with its place, its value and what
            was expected. A key that stands in the file is not shown.
    """
    value = _read(Path(path))
    keep_written_keys(value)
    issues = list(dict.fromkeys(islice(issues_of(value, llms_schema()), _MOST)))
    if issues:
        more = f"; and {len(issues) - _SHOWN:,} more" if len(issues) > _SHOWN else ""
        count = f"{len(issues):,} issues: " if len(issues) > 1 else ""
        raise InputError(f"{path}: {count}{'; '.join(issues[:_SHOWN])}{more}. Remedy: correct the file, see docs/llms_file.md")
    defaults = value.get("defaults", {})
    return [_endpoint({**defaults, **llm}) for llm in value["llms"]]


def _read(path: Path) -> Any:
    """The value in a YAML file. The words of the reader about a fault are kept, but not the line, which may have a key."""
    try:
        return read_yaml(path)
    except InputError as error:
        cause = error.__cause__
        if not isinstance(cause, yaml.MarkedYAMLError):
            raise
        mark = cause.problem_mark
        line = f" line {mark.line + 1}" if mark is not None else ""
        said = f"{path}{line}: not a readable YAML file ({cause.problem}). Remedy: check the file"
    raise InputError(said)


def _endpoint(lines: Mapping[str, Any]) -> Endpoint:
    """The endpoint of lines that are checked."""
    prices = sorted((_price(one) for one in lines.get("prices", ())), key=lambda price: price.since or date.min)
    given = {name: value for name, value in lines.items() if name in _FIELDS and value is not None}
    whole: dict[str, Any] = {name: int(given[name]) for name in _WHOLE if name in given}
    return Endpoint(**given | whole | {"prices": tuple(prices)})


def _price(given: Mapping[str, Any]) -> Price:
    since = given.get("since")
    return Price(
        input_price=float(given["input_price"]),
        output_price=float(given["output_price"]),
        since=None if since is None else date.fromisoformat(since),
    )
