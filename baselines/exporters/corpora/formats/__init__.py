"""The formats of training corpora, by kind of corpus: Arrow tables of samples in, Arrow tables of records out."""

from typing import Final

from llmfusionbench import plugins
from llmfusionbench.baselines.exporters.corpora.formats.format import KEYS, SEPARATOR, TEXTS, Columns, Format, Kind
from llmfusionbench.baselines.exporters.corpora.formats.kto import KTO
from llmfusionbench.baselines.exporters.corpora.formats.openai_rules import openai_issues
from llmfusionbench.baselines.exporters.corpora.formats.preference import PREFERENCE
from llmfusionbench.baselines.exporters.corpora.formats.sft import SFT
from llmfusionbench.errors import InputError

FORMATS: Final[dict[str, dict[str, Format]]] = {"sft": SFT, "preference": PREFERENCE, "kto": KTO}


def format_named(kind: Kind, name: str) -> Format:
    """The format of a kind of corpus, one of ours or a plug-in.

    Raises:
        UnknownNameError: There is none of this name.
        InputError: The plug-in cannot be used, or is a format of another kind.
    """
    found = plugins.find("formats", name, FORMATS[kind], f"{kind} format")
    if not isinstance(found, Format) or found.kind != kind:
        raise InputError(f'format plug-in "{name}" is not a format of {kind}. Remedy: choose another --format')
    return found


__all__ = ["FORMATS", "KEYS", "SEPARATOR", "TEXTS", "Columns", "Format", "Kind", "format_named", "openai_issues"]
