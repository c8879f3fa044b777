"""Validation: every value of every row against the schemas, every key, every file of a release.

Whole columns are checked at a time (`predicates`); `explain` checks single rows and words the messages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from llmfusionbench.lazy_names import lazy_names

if TYPE_CHECKING:
    from llmfusionbench.validation.check import validate
    from llmfusionbench.validation.explain import is_valid
    from llmfusionbench.validation.issue import Issue
    from llmfusionbench.validation.predicates import compile_schema, failing_rows
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "check": ("validate",),
            "explain": ("is_valid",),
            "issue": ("Issue",),
            "predicates": ("compile_schema", "failing_rows"),
        },
    )

__all__ = ["Issue", "compile_schema", "failing_rows", "is_valid", "validate"]
