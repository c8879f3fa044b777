"""Everything that makes a release: sources (raw log formats), the build, re-scoring, the sample and the simulator."""

from .build import build
from .recount import recount
from .registry import SOURCES
from .rescore import rescore

__all__ = ["SOURCES", "build", "recount", "rescore"]
