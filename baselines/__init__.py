"""Everything that consumes a release: routers, and answer-level fusion."""

from .routers import ROUTERS

__all__ = ["ROUTERS"]
