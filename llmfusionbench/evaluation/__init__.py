"""The routing benchmark: anyone's router against baselines, with intervals."""

from .router import Router
from .scenario import SCENARIOS, Scaling, Scenario

__all__ = ["SCENARIOS", "Router", "Scaling", "Scenario"]
