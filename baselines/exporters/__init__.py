"""Everything that a release is exported to: corpora to train LLMs on, routing data of other projects, evaluation results."""

from collections.abc import Callable
from typing import Any, Final

from llmfusionbench.baselines.exporters.corpora.corpus import Corpus, corpus_schema
from llmfusionbench.baselines.exporters.corpora.kto import export_kto
from llmfusionbench.baselines.exporters.corpora.preference import export_preference
from llmfusionbench.baselines.exporters.corpora.sft import export_sft
from llmfusionbench.baselines.exporters.eee import EeeExport, export_eee
from llmfusionbench.baselines.exporters.routing import export_routing

EXPORTERS: Final[dict[str, Callable[..., Any]]] = {
    "sft": export_sft,
    "preference": export_preference,
    "kto": export_kto,
    "routing": export_routing,
    "eee": export_eee,
}

__all__ = [
    "EXPORTERS",
    "Corpus",
    "EeeExport",
    "corpus_schema",
    "export_eee",
    "export_kto",
    "export_preference",
    "export_routing",
    "export_sft",
]
