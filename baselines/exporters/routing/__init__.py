"""Routing data in the formats of other projects: what each of their routers is trained on."""

from llmfusionbench.baselines.exporters.routing.export import RoutingExport, export_routing
from llmfusionbench.baselines.exporters.routing.formats import ROUTING_FORMATS
from llmfusionbench.baselines.exporters.routing.formats.format import RoutingFormat

__all__ = ["ROUTING_FORMATS", "RoutingExport", "RoutingFormat", "export_routing"]
