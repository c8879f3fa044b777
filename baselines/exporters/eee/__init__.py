"""A release as evaluation results in the format of Every Eval Ever."""

from llmfusionbench.baselines.exporters.eee.export import EeeExport, export_eee

__all__ = ["EeeExport", "export_eee"]
