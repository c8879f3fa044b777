"""The formats of training corpora, by kind of corpus: Arrow tables of samples in, Arrow tables of records out."""

from typing import Final

from llmfusionbench.baselines.exporters.corpora.formats.format import KEYS, SEPARATOR, TEXTS, Columns, Format, Kind
from llmfusionbench.baselines.exporters.corpora.formats.kto import KTO
from llmfusionbench.baselines.exporters.corpora.formats.openai_rules import openai_issues
from llmfusionbench.baselines.exporters.corpora.formats.preference import PREFERENCE
from llmfusionbench.baselines.exporters.corpora.formats.sft import SFT

FORMATS: Final[dict[str, dict[str, Format]]] = {"sft": SFT, "preference": PREFERENCE, "kto": KTO}

__all__ = ["FORMATS", "KEYS", "SEPARATOR", "TEXTS", "Columns", "Format", "Kind", "openai_issues"]
