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
    """Finds `datasets.load` as the other finders do, has it patched once it is loaded, and then removes itself."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != _MODULE:
            return None
        found = (finder.find_spec(fullname, path, target) for finder in sys.meta_path if finder is not self)
        spec = next((spec for spec in found if spec is not None), None)
        if spec is None or spec.loader is None:
            return spec
        loader, execute = spec.loader, spec.loader.exec_module

        def execute_and_teach(module: ModuleType) -> None:
            vars(loader).pop("exec_module", None)  # the loader is as it was
            execute(module)
            _teach(module)
            sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _AfterImport)]

        loader.exec_module = execute_and_teach  # type: ignore[method-assign]
        return spec
