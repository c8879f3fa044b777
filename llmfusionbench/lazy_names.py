"""The names of a package whose modules are imported when a name is first used, so that importing the package is quick.

A package states its names twice: as imports under `TYPE_CHECKING`, for readers and type checkers, and here, for Python.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any


def lazy_names(package: str, homes: Mapping[str, Sequence[str]]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The functions `__getattr__` and `__dir__` of a package (PEP 562).

    Args:
        package: The package's own `__name__`.
        homes: Module, relative to the package -> the names that it defines. No name may be that of a module of the package:
            Python sets the module as that attribute when it is imported.
    """
    home_of = {name: home for home, names in homes.items() for name in names}

    def get(name: str) -> Any:
        if name not in home_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        found = getattr(import_module(f"{package}.{home_of[name]}"), name)
        setattr(sys.modules[package], name, found)  # the next use does not come here
        return found

    def names() -> list[str]:
        return sorted(vars(sys.modules[package]).keys() | home_of)

    return get, names
