"""Routing data in the formats of other projects: what each of their routers is trained on."""

from .export import ROUTING_FORMATS, RoutingExport, export_routing
from .format import RoutingFormat

__all__ = ["ROUTING_FORMATS", "RoutingExport", "RoutingFormat", "export_routing"]
