"""`llmfusionbench plugins`."""

from __future__ import annotations

from dataclasses import asdict

import click

from llmfusionbench.cli.console import say, say_json, show_table


@click.command(name="plugins")
@click.option("--json", "as_json", is_flag=True, help="Print the plug-ins as JSON lines.")
def command(as_json: bool) -> None:
    """List the routers, sources and formats that other installed packages bring.

    A plug-in that cannot be used is named with the reason, and skipped. CONTRIBUTING.md shows how to write one.

    \b
    Examples:
      llmfusionbench plugins
      llmfusionbench plugins --json
    """
    from llmfusionbench.baselines import ROUTERS
    from llmfusionbench.baselines.exporters.corpora.formats import FORMATS
    from llmfusionbench.baselines.exporters.routing import ROUTING_FORMATS
    from llmfusionbench.builders import SOURCES
    from llmfusionbench.plugins import plugins

    formats = {*ROUTING_FORMATS, *(name for kind in FORMATS.values() for name in kind)}
    found = plugins({"routers": ROUTERS, "sources": SOURCES, "formats": formats})
    if as_json:
        for plugin in found:
            say_json(asdict(plugin), indent=None)
        return
    usable = [p for p in found if p.fault is None]
    if usable:
        show_table("Plug-ins", ["kind", "name", "package"], [[p.kind, p.name, p.package] for p in usable])
    else:
        say("No plug-ins are installed.")
    for plugin in found:
        if plugin.fault is not None:
            say(f'Skipped {plugin.kind} plug-in "{plugin.name}" of {plugin.package}: {plugin.fault}.')
