"""Everything that makes a release: sources (raw log formats), the build, the sample and the simulator."""

from .build import build
from .registry import SOURCES

__all__ = ["SOURCES", "build"]
