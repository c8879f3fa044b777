"""Thought templates: a few sentences, from the best answers to a query, on how to solve one of its kind."""

from llmfusionbench.builders.templates.build import BuiltTemplates, build_templates
from llmfusionbench.builders.templates.endpoint import EndpointSummarizer
from llmfusionbench.builders.templates.extractive import ExtractiveSummarizer, extract_template
from llmfusionbench.builders.templates.jobs import Failure, Job, Summarizer, read_jobs
from llmfusionbench.builders.templates.leaks import FinalAnswer
from llmfusionbench.builders.templates.make import Templates, make_templates
from llmfusionbench.builders.templates.selection import Selection, select_answers
from llmfusionbench.llm.spending import Usage
from llmfusionbench.types import CRITERIA, POOLS, template_id

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
