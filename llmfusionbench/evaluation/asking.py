"""Fits a copy of a router on one fold and gets its decisions; an exception of the router becomes one clear error."""

from __future__ import annotations

import copy
import sys
import traceback
from pathlib import Path
from typing import Any

from llmfusionbench.errors import InputError, LLMFusionBenchError
from llmfusionbench.evaluation.protocol import Fold
from llmfusionbench.evaluation.routers.decision import Decisions, decide
from llmfusionbench.redaction import harmless


def ask(name: str, router: Any, fold: Fold, warnings: list[str]) -> Decisions:
    """The decisions of a copy of `router`, fitted on the fold if it has `fit`."""
    try:
        fitted = _copied(router)
        if hasattr(fitted, "fit"):
            learned = fitted.fit(copy.deepcopy(fold.train))  # a copy, because a router may write into it
            fitted = fitted if learned is None else learned
        if fold.held_out is not None and hasattr(fitted, "extend"):
            extended = fitted.extend(copy.deepcopy(fold.held_out))
            fitted = fitted if extended is None else extended
        elif fold.held_out is not None and not getattr(fitted, "needs_truth", False):
            line = f"{name}: cannot score an LLM that it was not fitted on, and never chooses it (it has no extend)"
            if line not in warnings:
                warnings.append(line)
        return decide(fitted, fold.test, fold.train, may_decline=bool(fold.out_of_distribution))
    except InputError as error:
        raise InputError(f"router {name}: {error}") from harmless(error)
    except LLMFusionBenchError:
        raise
    except (Exception, SystemExit) as error:  # a router may raise anything
        raise InputError(
            f"router {name}: {type(error).__name__}: {error}{_raised_at(router, error)}. Remedy: fix it; check_router tests it"
        ) from harmless(error)


def _copied(router: Any) -> Any:
    """A copy, so that no fold learns from another. Raises InputError for an object that cannot be copied."""
    try:
        return copy.deepcopy(router)
    except TypeError as error:  # such as a lock, a connection or a file
        raise InputError(
            f"cannot be copied ({error}). Remedy: pass the class instead of an instance, and open connections in fit or route"
        ) from harmless(error)


def _raised_at(router: Any, error: BaseException) -> str:
    """The last line of the router's own file in the traceback of an error; empty if there is none."""
    own = getattr(sys.modules.get(type(router).__module__), "__file__", None)
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == own]
    return f" ({Path(own).name} line {lines[-1]})" if own is not None and lines else ""
