"""Inputs at URLs: copied to a temporary directory with their names and folders, and removed after the build."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from pathlib import Path
from secrets import token_hex
from typing import Any, TypeVar, cast

from llmfusionbench.builders.reading.file_names import EXPORT
from llmfusionbench.errors import LLMFusionBenchError
from llmfusionbench.redaction import keep_urls_secret
from llmfusionbench.storage.address import is_elsewhere, local_path
from llmfusionbench.types import Progress

Build = TypeVar("Build", bound=Callable[..., Any])

_root: ContextVar[Path | None] = ContextVar("root", default=None)
"""The directory of the copies."""


@contextmanager
def fetched(inputs: Sequence[str | Path], tell: Progress | None = None) -> Iterator[list[Path]]:
    """The inputs as paths of this machine, in order: those at URLs are copied first, and their copies removed at the end.

    Errors of this package that are raised in the block name the URLs in place of the copies.

    Args:
        inputs: Files and directories, or their URLs. The URL of files may have `*` within names and `**` across folders.
        tell: Called as tell(stage, done, total).

    Raises:
        InputError: a URL cannot be read; see `llmfusionbench.remote.fetch.fetch`.
        MissingExtraError: the package for a kind of URL is not installed.
    """
    named = [one if is_elsewhere(one) else local_path(one) for one in inputs]
    urls = [one for one in named if isinstance(one, str)]
    if not urls:
        yield [Path(one) for one in named]
        return
    from llmfusionbench.remote.fetch import Origin, fetch

    keep_urls_secret(urls)
    # The folders above a file may name its split, so that the name of this one must not.
    root = Path(tempfile.gettempdir()).resolve() / f"fetched-{token_hex(8)}"
    root.mkdir(mode=0o700)
    token = _root.set(root)
    try:
        paths: dict[Path, None] = {}
        taken: dict[str, Origin] = {}
        for one in named:
            paths |= dict.fromkeys(
                fetch(one, root, tell or (lambda *_: None), beside=(EXPORT,), taken=taken) if isinstance(one, str) else [one]
            )
        yield list(paths)
    except LLMFusionBenchError as error:
        error.args = tuple(_with_urls(arg, root) if isinstance(arg, str) else arg for arg in error.args)
        raise
    finally:
        _root.reset(token)
        shutil.rmtree(root, ignore_errors=True)


def with_copies(build: Build) -> Build:
    """A function of a source and inputs, which are `fetched` for the time of the call; progress goes to its `progress`."""

    @wraps(build)
    def with_inputs(source: Any, inputs: Any, *others: Any, **options: Any) -> Any:
        with fetched(inputs, options.get("progress")) as near:
            return build(source, near, *others, **options)

    return cast(Build, with_inputs)


def origin(path: Path) -> str | None:
    """The URL, without secrets, of a file that `fetched` has copied; None for any other file."""
    root = _root.get()
    if root is None or root not in path.parents:
        return None
    protocol, *names = path.relative_to(root).parts
    return f"{protocol}://{'/'.join(names)}"


def _with_urls(text: str, root: Path) -> str:
    """A message with URLs in place of the copies below `root`."""
    first, *others = text.split(f"{root}/")
    return first + "".join(other.replace("/", "://", 1) for other in others)
