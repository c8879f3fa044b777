"""Loads what the commands use when it is imported, for the processes that are forked from one which has done so."""

from importlib import import_module

from llmfusionbench.cli.main import COMMANDS
from llmfusionbench.texts.tokens import encoding

_LATER = (
    "llmfusionbench.builders.appending.append",
    "llmfusionbench.builders.revising.rescore", "llmfusionbench.builders.revising.recount",
    "llmfusionbench.builders.templates.build", "llmfusionbench.builders.templates.extractive", "llmfusionbench.builders.build",
    "llmfusionbench.builders.sources.table", "llmfusionbench.builders.simulation", "llmfusionbench.baselines.exporters",
    "llmfusionbench.baselines.exporters.routing.export", "llmfusionbench.evaluation.run",
    "llmfusionbench.evaluation.report.page", "llmfusionbench.llm.chat",
    "filelock", "httpcore2", "openai", "pandas.io.formats.csvs", "pyarrow.acero", "rich._emoji_codes",
)  # fmt: skip
"""What is imported only when it is needed."""

for _name in (*(f"llmfusionbench.cli.{name.replace('-', '_')}" for name in COMMANDS), *_LATER):
    import_module(_name)
ENCODING = encoding("cl100k_base")
