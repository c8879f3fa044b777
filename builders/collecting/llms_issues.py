"""What is wrong with a file of LLMs: each issue with its place, its value, and what was expected."""

from __future__ import annotations

import difflib
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, Final
from urllib.parse import parse_qsl

import jsonschema

from llmfusionbench.builders.collecting.azure import mixed_forms
from llmfusionbench.builders.collecting.written_keys import is_key_name, written_keys
from llmfusionbench.redaction import HIDDEN, is_secret_name, is_url, public_url, url_parts
from llmfusionbench.types import is_mode
from llmfusionbench.validation.issue import shorten

_NAMES: Final = 6
"""Most names in one line."""
_DAY: Final = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
_KEY_REMEDY: Final = "seems to be a key, which is not shown, expected key_variable with the name of an environment variable"


def issues_of(value: Any, schema: Mapping[str, Any]) -> Iterator[str]:
    """The issues of the content of a file, by its schema and by what a schema cannot state; each value has one."""
    keys = dict(written_keys(value))
    odd = dict(_odd_values(value, ""))
    for error in jsonschema.Draft202012Validator(schema).iter_errors(value):
        place = _place(error.absolute_path)
        if not isinstance(error.instance, float | str):  # the schema names a date as a wrong seed, which says more
            odd.pop(place, None)
        if place not in odd:
            yield from _words_of(error, value, keys)
    for place in keys:
        yield f"{_named(value, place)} {_KEY_REMEDY}"
    yield from (f"{_named(value, place)} {words}" for place, words in odd.items())
    llms = value.get("llms") if isinstance(value, dict) else None
    if not isinstance(llms, list):
        return
    defaults = value.get("defaults") if isinstance(value.get("defaults"), dict) else {}
    names = Counter(llm["name"] for llm in llms if isinstance(llm, dict) and isinstance(llm.get("name"), str))
    yield from (f"name {shorten(name)} is given {count} times, expected once" for name, count in names.items() if count > 1)
    for number, llm in enumerate(llms):
        if isinstance(llm, dict):
            yield from (f"{_named(value, f'llms[{number}]')} {words}" for words in _issues_of_llm({**defaults, **llm}))
    yield from _issues_of_accounts([{**defaults, **llm} for llm in llms if isinstance(llm, dict)])


def _issues_of_llm(llm: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with one LLM as a whole, with the defaults in it."""
    for name in ("name", "model", "url", "account"):
        if isinstance(text := llm.get(name), str) and not text.isprintable() and not _has_half(text):
            yield f"has {'an' if name == 'account' else 'a'} {name} with characters that cannot be seen, expected visible ones"
    modes = llm.get("modes")
    for mode in modes if isinstance(modes, dict) else ():
        if not is_mode(mode):
            yield f"has the mode {shorten(mode)}, expected a short name in small letters, such as high"
    url = llm.get("url")
    if url is None:
        yield "has no url, expected one here or in defaults"
    elif isinstance(url, str) and is_url(url):
        yield from _issues_of_url(url)
        version, parts = llm.get("api_version"), url_parts(url)
        if parts is not None and (version is None or isinstance(version, str)):
            mixed = mixed_forms(llm.get("api", "openai"), version, parts)
            yield from () if mixed is None else (mixed,)
    if llm.get("api_version") is not None and llm.get("api", "openai") == "openai":
        yield "has an api_version but not api azure, expected both for Azure's dated API, or neither"
    prices = llm.get("prices")
    days = [price.get("since") for price in prices if isinstance(price, dict)] if isinstance(prices, list) else []
    for day, count in Counter(day for day in days if day is None or isinstance(day, str)).items():
        if count > 1:
            yield f"has {count} prices {'without since' if day is None else f'since {shorten(day)}'}, expected one"
        if day is not None and _DAY.fullmatch(day) and not _is_day(day):  # others are named by the schema
            yield f"has a price since {shorten(day)}, expected a day such as 2026-01-31"


def _issues_of_accounts(llms: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Different limits of one account, of which an LLM that is asked alone would know only its own."""
    found: dict[tuple[str, str], list[Any]] = {}
    for llm in llms:
        if isinstance(account := llm.get("account"), str):
            for name in ("requests_per_minute", "tokens_per_minute"):
                found.setdefault((account, name), []).append(llm.get(name))
    for (account, name), limits in found.items():
        if any(limit != limits[0] for limit in limits):
            shown = " and ".join(dict.fromkeys("none" if limit is None else shorten(limit) for limit in limits))
            yield f"the LLMs of account {shorten(account)} have the {name} {shown}, expected the same for all of them"


def _issues_of_url(url: str) -> Iterator[str]:
    parts = url_parts(url)
    if parts is None:
        yield f"has the url {HIDDEN}, expected http://host:port or https://host, with @ after the host as %40"
    elif "@" in parts.netloc:
        yield f"has a url with a user or a password ({public_url(url)}), expected key_variable in place of them"
    elif named := [name for name, _ in parse_qsl(parts.query, keep_blank_values=True) if is_secret_name(name)]:
        yield f"has a url with {shorten(named[0])} in its query ({public_url(url)}), expected key_variable in place of it"


def _words_of(error: Any, value: Any, keys: Mapping[str, str]) -> Iterator[str]:
    """An error of the schema in words."""
    schema: Any = error.schema
    wanted: Any = error.validator_value
    path = _place(error.absolute_path)
    place = _named(value, path)
    if error.validator == "additionalProperties":
        yield from _unknown_fields(place, error.instance, list(schema["properties"]))
    elif error.validator == "required":
        missing = [name for name in wanted if name not in error.instance]
        yield f"{place} has no {' and no '.join(missing)}, expected {schema.get('x-words', 'all of these')}"
    elif path not in keys:
        shown = "an object" if isinstance(error.instance, dict) else shorten(error.instance)
        yield f"{place} is {shown}, expected {schema.get('x-words', error.message)}"


def _odd_values(value: Any, place: str) -> Iterator[tuple[str, str]]:
    """(place, words) of values that no request can carry."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _odd_values(inner, f"{place}.{name}" if place else str(name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _odd_values(inner, f"{place}[{number}]")
    elif isinstance(value, float) and not math.isfinite(value):
        yield place, f"is {value}, expected a finite number"
    elif isinstance(value, str) and _has_half(value):
        yield place, "has half a character (a lone surrogate), expected a text"
    elif not isinstance(value, str | int | float | None):
        yield place, f"is {type(value).__name__}, expected a text, a number, true, false, a list or an object"


def _place(path: Iterable[str | int]) -> str:
    """A path as `llms[0].prices[1].since`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


def _named(value: Any, place: str) -> str:
    """A place, with the name of its LLM if it has one."""
    head, _, rest = place.partition("]")
    if not place:
        return "the file"
    if not head.startswith("llms["):
        return place
    llm = value["llms"][int(head[5:])]
    name = llm.get("name") if isinstance(llm, dict) else None
    return f"{head}] ({shorten(name)}){rest}" if isinstance(name, str) else place


def _unknown_fields(place: str, given: Iterable[object], known: list[str]) -> Iterator[str]:
    """The fields of an object that are not known; what is expected stands once, and only if it can be read at a glance."""
    unknown = [str(name) for name in given if name not in known and not is_key_name(str(name))]
    near = {name: difflib.get_close_matches(name, known, n=1) for name in unknown}
    for name in unknown:
        if near[name]:
            yield f"{place} has no field {shorten(name)} (did you mean {near[name][0]}?)"
    if others := [shorten(name) for name in unknown if not near[name]]:
        more = f" and {len(others) - _NAMES:,} more" if len(others) > _NAMES else ""
        wanted = ", ".join(known) if len(known) <= _NAMES else "those in docs/llms_file.md"
        yield f"{place} has no field{'s' * (len(others) > 1)} {', '.join(others[:_NAMES])}{more}, expected {wanted}"


def _has_half(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
