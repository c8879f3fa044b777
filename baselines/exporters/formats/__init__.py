"""The formats of training corpora, by kind of corpus: Arrow tables of samples in, Arrow tables of records out."""

from typing import Final

from .format import KEYS, SEPARATOR, TEXTS, Columns, Format, Kind
from .kto import KTO
from .openai_rules import openai_issues
from .preference import PREFERENCE
from .sft import SFT

FORMATS: Final[dict[str, dict[str, Format]]] = {"sft": SFT, "preference": PREFERENCE, "kto": KTO}

__all__ = ["FORMATS", "KEYS", "SEPARATOR", "TEXTS", "Columns", "Format", "Kind", "openai_issues"]
