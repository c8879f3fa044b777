"""Turns what a user writes after `--router` into a router."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from llmfusionbench import plugins
from llmfusionbench.errors import InputError, LLMFusionBenchError, UnknownNameError
from llmfusionbench.evaluation.routers.decision import name_of
from llmfusionbench.evaluation.routers.predictions import SUFFIXES, PredictionsRouter
from llmfusionbench.evaluation.routers.sklearn_adapter import EstimatorRouter, is_estimator
from llmfusionbench.redaction import harmless, is_url, public_url
from llmfusionbench.texts.embedding import Embedder


def known_routers() -> Mapping[str, Any]:
    """The baselines by name."""
    from llmfusionbench.baselines import ROUTERS

    return ROUTERS


def resolve(router: Any, *, seed: int = 0, embedder: Embedder | None = None) -> Any:
    """The router that a user names or passes.

    Args:
        router: An object or a class; the name of a baseline; `module:Class` or `path.py:Class`; a file of predictions; the
            URL of a live router; a classifier or regressor of scikit-learn.
        seed: Passed to a class whose constructor takes one.
        embedder: The same, and the embedder of scikit-learn estimators; None keeps the default.

    Raises:
        UnknownNameError: No baseline has this name.
        InputError: There is no such module, file or class, or it is not a router.
    """
    if _is_file(router):
        return PredictionsRouter(router)
    if isinstance(router, str):
        router = _named(router)
    made = _make(router, seed, embedder) if isinstance(router, type) else router
    if is_estimator(made):
        return EstimatorRouter(made, embedder)
    if not any(callable(getattr(made, method, None)) for method in ("score", "route", "decide", "score_table")):
        raise InputError(f"{name_of(made)}: has neither score nor route. Remedy: see llmfusionbench.evaluation.Router")
    return made


def named_routers(routers: Any) -> dict[str, Any]:
    """Name -> router, of a mapping, a list or one router. Raises InputError for an empty list or a repeated name.

    The name of a router by URL does not show its user info, query and fragment; URLs that differ only in these are numbered.
    """
    if isinstance(routers, Mapping):
        return _without_secrets({_whole(str(name)): router for name, router in routers.items()})
    items = list(routers) if isinstance(routers, Sequence) and not isinstance(routers, str) else [routers]
    if not items:
        raise InputError("evaluate: no router. Remedy: name one or more")
    named: dict[str, Any] = {}
    for item in items:
        name = _whole(_label(item))
        if name in named:
            shown = public_url(name) if is_url(name) else name
            raise InputError(f"evaluate: two routers are called {shown}. Remedy: pass a dict, name -> router")
        named[name] = item
    return _without_secrets(named)


def is_baseline(router: Any) -> bool:
    """Whether a router is named as a baseline that does not see the truth."""
    return isinstance(router, str) and router in known_routers() and not getattr(known_routers()[router], "needs_truth", False)


def _without_secrets(named: Mapping[str, Any]) -> dict[str, Any]:
    """The same with URLs as they may be shown; the second of one name is `URL (2)`."""
    shown: dict[str, Any] = {}
    for name, router in named.items():
        public = public_url(name) if is_url(name) else name
        names = (public if n == 1 else f"{public} ({n})" for n in count(1))
        shown[next(one for one in names if one not in shown and (one == name or one not in named))] = router
    return shown


def _is_file(router: Any) -> bool:
    """Whether a router is named as a file of predictions."""
    return isinstance(router, Path) or (isinstance(router, str) and not is_url(router) and Path(router).suffix in SUFFIXES)


def _whole(name: str) -> str:
    """A name that every format can hold; a file name may have bytes that are not UTF-8."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def _label(router: Any) -> str:
    if _is_file(router):
        return Path(router).stem
    return router if isinstance(router, str) else name_of(router)


def _named(spec: str) -> Any:
    if is_url(spec):
        from llmfusionbench.evaluation.routers.live import LiveRouter

        return LiveRouter(spec)
    if ":" not in spec:
        if spec.endswith(".py"):
            raise InputError(f"{spec}: is missing the class name. Remedy: write {spec}:Class")
        return plugins.find("routers", spec, known_routers(), "router")
    return load_named(spec)


def load_named(spec: str, noun: str = "class") -> Any:
    """The object that `module:name` or `path.py:name` names.

    Args:
        spec: The module or file, and the name in it.
        noun: `class` or `function`, for the message.

    Raises:
        UnknownNameError: The module has no such name.
        InputError: There is no such module or file, or it cannot be imported.
    """
    where, _, name = spec.rpartition(":")
    module = _load_file(Path(where)) if where.endswith(".py") else _load_module(where)
    if not hasattr(module, name):
        wanted = inspect.isclass if noun == "class" else inspect.isfunction
        known = [n for n, value in vars(module).items() if wanted(value) and value.__module__ == module.__name__]
        raise UnknownNameError(f"{noun} in {where}", name, known)
    return getattr(module, name)


def _load_module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise InputError(f"{name}: cannot be imported ({error}). Remedy: write module:Class or path.py:Class") from error


def _load_file(path: Path) -> Any:
    if not path.is_file():
        raise InputError(f"{path}: no such file. Remedy: check the path")
    name = f"llmfusionbench_router_{path.stem}"
    specification = importlib.util.spec_from_file_location(name, path)
    if specification is None or specification.loader is None:
        raise InputError(f"{path}: not a Python file. Remedy: write path.py:Class")
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module  # so that its classes can be pickled and copied
    try:
        specification.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # a user's file may raise anything, and a script may exit
        raise InputError(f"{path}: cannot be imported ({type(error).__name__}: {error}). Remedy: fix the file") from harmless(
            error
        )
    return module


def sees_through(router: Any, embedder: Embedder) -> bool:
    """Whether a router, made by `resolve`, keeps this embedder."""
    return any(value is embedder for value in getattr(router, "__dict__", {}).values())


def _make(kind: type, seed: int, embedder: Embedder | None) -> Any:
    wanted = {"seed": seed} | ({} if embedder is None else {"embedder": embedder})
    try:
        parameters = inspect.signature(kind).parameters
        return kind(**{name: value for name, value in wanted.items() if name in parameters})
    except TypeError as error:
        raise InputError(f"{kind.__name__}: cannot be made without arguments ({error}). Remedy: add defaults") from harmless(
            error
        )
    except LLMFusionBenchError:
        raise
    except Exception as error:  # a user's class may raise anything
        raise InputError(
            f"{kind.__name__}: cannot be made ({type(error).__name__}: {error}). Remedy: fix the class"
        ) from harmless(error)
