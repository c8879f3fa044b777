"""The command line: one module a command."""

from llmfusionbench.cli.main import main

__all__ = ["main"]
