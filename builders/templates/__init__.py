"""Thought templates: from the best answers to a query, a few sentences on how to go about one of its kind."""

from ...spending import Usage
from .build import BuiltTemplates, build_templates
from .endpoint import EndpointSummarizer
from .extractive import ExtractiveSummarizer, extract_template
from .jobs import Failure, Job, Summarizer, read_jobs
from .leaks import FinalAnswer
from .make import Templates, make_templates, template_id
from .selection import CRITERIA, POOLS, Selection, select_answers

__all__ = [
    "CRITERIA",
    "POOLS",
    "BuiltTemplates",
    "EndpointSummarizer",
    "ExtractiveSummarizer",
    "Failure",
    "FinalAnswer",
    "Job",
    "Selection",
    "Summarizer",
    "Templates",
    "Usage",
    "build_templates",
    "extract_template",
    "make_templates",
    "read_jobs",
    "select_answers",
    "template_id",
]
