"""A YAML file that a person wrote: plain values, of which no key is given twice and no small file stands for a large one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import yaml

from llmfusionbench.errors import InputError
from llmfusionbench.storage.repeats import repeated
from llmfusionbench.validation.issue import shorten

_LARGEST: Final = 1 << 20
"""Characters of a file."""
_EXPONENT: Final = re.compile(r"[-+]?(?:\.\d{1,400}|\d{1,400}(?:\.\d{0,400})?)[eE][-+]?\d{1,9}", re.ASCII)
"""`1e3`, `1.5e5`: numbers in YAML 1.2, of which YAML 1.1 wants a point and a sign in the exponent."""


def read_yaml(path: Path) -> Any:
    """The value in a file. Words such as `yes` and `off`, texts such as 1:10 and dates stay texts; `1.5e5` is a number.

    Raises:
        InputError: it cannot be read, is longer than a million characters, has an alias or a key twice, or is not YAML.
    """
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read(_LARGEST + 1)
        if len(text) > _LARGEST:
            raise ValueError(f"more than {_LARGEST:,} characters")
        return yaml.load(text, _Loader)  # noqa: S506 a safe loader
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:  # Python has limits on integers and dates
        words = "nested too deep" if isinstance(error, RecursionError) else " ".join(str(error).split())
        if isinstance(error, OSError) and error.strerror:
            words = error.strerror
        raise InputError(f"{path}: not a readable YAML file ({words}). Remedy: check the path and the file") from error


class _Loader(yaml.SafeLoader):
    """Plain YAML: no aliases, by which a small file stands for a large one, and every key once."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError(f"an alias in line {self.line + 1}, expected plain values")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        twice = repeated(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        if twice:
            raise yaml.YAMLError(f"the key {shorten(twice[0])} is given twice from line {node.start_mark.line + 1} on")
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                key.tag = "tag:yaml.org,2002:str"  # words of a file are texts, whatever they look like
        return super().construct_mapping(node, deep)

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        tag: str = super().resolve(kind, value, implicit)  # type: ignore[no-untyped-call]
        if kind is not yaml.ScalarNode or not isinstance(value, str):
            return tag
        if implicit[0] and tag.endswith(":str") and _EXPONENT.fullmatch(value):
            return "tag:yaml.org,2002:float"
        if tag.endswith(":bool") and value.lower() not in ("true", "false"):
            return "tag:yaml.org,2002:str"
        if (tag.endswith((":int", ":float")) and ":" in value) or tag.endswith(":timestamp"):
            return "tag:yaml.org,2002:str"
        return tag
