"""Validation: every value of every row against the schemas, every key, every file of a release.

Whole columns are checked at a time (`predicates`); `explain` checks single rows and words the messages.
"""

from llmfusionbench.validation.check import validate
from llmfusionbench.validation.explain import is_valid
from llmfusionbench.validation.issue import Issue
from llmfusionbench.validation.predicates import compile_schema, failing_rows

__all__ = ["Issue", "compile_schema", "failing_rows", "is_valid", "validate"]
