"""Makes `datasets.load_dataset("llmfusionbench")` find us, whichever of the two packages is imported first.

Importing `datasets` takes more than a second, so this module waits until the user imports it.
"""

from __future__ import annotations

import functools
import importlib.abc
import importlib.machinery
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any, Final

from llmfusionbench._version import NAME

_MODULE: Final = "datasets.load"
# `datasets` gets the builder of a name from this function. Adding the name to its table of packaged modules is not enough:
# their factory searches the working directory for data files, and does not see the revision.
_FUNCTION: Final = "dataset_module_factory"


def register() -> None:
    """Patch `datasets` to know our name: now, or as soon as it is imported. A second call changes nothing."""
    module = sys.modules.get(_MODULE)
    if module is not None and hasattr(module, _FUNCTION):
        _teach(module)
    elif not any(isinstance(finder, _AfterImport) for finder in sys.meta_path):
        sys.meta_path.insert(0, _AfterImport())


def _teach(module: ModuleType) -> None:
    original = getattr(module, _FUNCTION)
    if getattr(original, "knows_llmfusionbench", False):
        return

    @functools.wraps(original)
    def factory(path: str, *args: Any, **kwargs: Any) -> Any:
        if path != NAME:
            return original(path, *args, **kwargs)
        from llmfusionbench.dataset.builder import dataset_module

        return dataset_module(*args, **kwargs)

    factory.knows_llmfusionbench = True  # type: ignore[attr-defined]
    # Also in modules that have imported the function by name, such as `datasets.inspect`.
    for name, other in list(sys.modules.items()):
        if name.partition(".")[0] == "datasets" and getattr(other, "__dict__", {}).get(_FUNCTION) is original:
            setattr(other, _FUNCTION, factory)


class _AfterImport(importlib.abc.MetaPathFinder):
    """Finds `datasets.load` as the other finders do, and has `_teach` patch it once it is loaded."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != _MODULE:
            return None
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(fullname, path, target)
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = _Loader(spec.loader)
                return spec
        return None


class _Loader(importlib.abc.Loader):
    """The loader of `datasets.load`, which patches the module and then removes the finder."""

    def __init__(self, loader: importlib.abc.Loader) -> None:
        self.loader = loader

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self.loader
        if module.__spec__ is not None:
            module.__spec__.loader = self.loader
        self.loader.exec_module(module)
        _teach(module)
        sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _AfterImport)]
