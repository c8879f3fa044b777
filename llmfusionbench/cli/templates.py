"""`llmfusionbench templates`: thought templates, made of a release and retrieved for new queries."""

from __future__ import annotations

import click

from llmfusionbench.cli.templates_build import build
from llmfusionbench.cli.templates_retrieve import command as retrieve


@click.group(name="templates")
def command() -> None:
    """Thought templates: make them from the best answers of a release, and retrieve them for new queries.

    \b
    Example:
      llmfusionbench templates build sample --out with-templates
    """


command.add_command(build)
command.add_command(retrieve)
