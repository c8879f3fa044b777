"""A data set on the Hub, read by `datasets` at one commit. If the Hub does not answer, the cache of `datasets` is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

from llmfusionbench.errors import HubError
from llmfusionbench.redaction import harmless

_MAIN: Final = "main"
_SHOWN: Final = 200
_OR_FILE: Final = "or give the rows as a file with --task-file"


class HubData:
    """The splits of a data set, all of the same commit.

    Args:
        dataset: Its id on the Hub.
        commit: The commit to read; by default the latest one when the first split is read.
        note: Called with a line for the user if the cache is read because the Hub does not answer.
    """

    def __init__(self, dataset: str, commit: str | None, note: Callable[[str], None]) -> None:
        self.dataset, self.commit, self._note = dataset, commit, note
        self._from_cache: HubError | None = None
        self._builders: dict[str | None, Any] = {}

    def split(self, config: str | None, name: str) -> Any:
        """A split of a configuration, as a `datasets.Dataset`. From then on `commit` is known.

        Raises:
            HubError: it is not there, is gated, or neither the Hub nor the cache has it.
        """
        if not self._builders:
            self._ask_hub()
        with _explained("/".join(filter(None, (self.dataset, config, name)))), _quiet():
            if config not in self._builders:
                self._builders[config] = self._of_hub(config) if self._from_cache is None else self._of_cache(config)
            return self._builders[config].as_dataset(split=name)

    def _ask_hub(self) -> None:
        """Learn the commit from the Hub, or why it does not answer."""
        from llmfusionbench.hub.client import NoRepositoryError, NoRevisionError, list_files, quiet

        try:
            with quiet():
                self.commit = list_files(self.dataset, self.commit or _MAIN).commit
        except (NoRepositoryError, NoRevisionError) as error:
            words = str(error)
            if isinstance(error, NoRevisionError) and self.commit is not None:
                words = (
                    f"{self.dataset}: the Hub has no commit {self.commit} any more, from which the run was read. "
                    "Remedy: choose another --out to read the latest one"
                )
            raise type(error)(f"{words}, {_OR_FILE}") from error
        except HubError as error:
            self._from_cache = error

    def _of_hub(self, config: str | None) -> Any:
        import datasets

        builder = datasets.load_dataset_builder(self.dataset, config, revision=self.commit)
        builder.download_and_prepare()
        return self._checked(builder)

    def _of_cache(self, config: str | None) -> Any:
        """What `datasets` falls back to after many retries, at once."""
        from datasets.packaged_modules.cache.cache import Cache

        made = partial(Cache, repo_id=self.dataset, dataset_name=self.dataset.rpartition("/")[2], config_name=config)
        try:
            builder = None if self.commit is None else made(version="0.0.0", hash=self.commit)
            if builder is None or not Path(builder.cache_dir).is_dir():
                builder = made(version="auto", hash="auto")  # the one that was read last
        except ValueError as error:  # it has never been read here
            raise HubError(f"{self._from_cache}, {_OR_FILE}") from harmless(error)
        builder = self._checked(builder)
        if not self._builders:
            why = str(self._from_cache).partition(". Remedy")[0]
            self._note(f"{why}. The rows are those of the cache, of commit {builder.hash}.")
        self.commit = builder.hash
        return builder

    def _checked(self, builder: Any) -> Any:
        """Refuses a builder of another commit, which `datasets` takes from its cache if the Hub stops answering."""
        if self.commit is not None and builder.hash != self.commit:
            raise HubError(
                f"{self.dataset}: the Hub does not answer, and the cache has commit {builder.hash}, not {self.commit}. "
                f"Remedy: check the network and HF_ENDPOINT, {_OR_FILE}"
            )
        return builder


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps `datasets` and the client of the Hub from printing their retries and where they look next."""
    from datasets.utils import logging

    from llmfusionbench.hub.client import quiet

    level = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        with quiet():
            yield
    finally:
        logging.set_verbosity(level)


@contextmanager
def _explained(where: str) -> Iterator[None]:
    """Turns errors of `datasets` into HubError. A RuntimeError is one for a data set that is a program, which is never run."""
    import datasets
    from huggingface_hub.utils import httpx  # type: ignore[attr-defined]  # its name for whichever HTTP client it uses

    try:
        yield
    except (datasets.exceptions.DatasetsError, httpx.HTTPError, OSError, ValueError, RuntimeError) as error:
        words = " ".join(str(error).split())[:_SHOWN]
        raise HubError(
            f"{where}: cannot be loaded ({type(error).__name__}: {words}). Remedy: check the network and HF_TOKEN, {_OR_FILE}"
        ) from harmless(error)
