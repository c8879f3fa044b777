"""Thought templates: from the best answers to a query, a few sentences on how to go about it."""

from .extractive import ExtractiveSummarizer, extract_template
from .jobs import Failure, Job, Summarizer, read_jobs
from .selection import CRITERIA, POOLS, Selection, select_answers

__all__ = [
    "CRITERIA",
    "POOLS",
    "ExtractiveSummarizer",
    "Failure",
    "Job",
    "Selection",
    "Summarizer",
    "extract_template",
    "read_jobs",
    "select_answers",
]
