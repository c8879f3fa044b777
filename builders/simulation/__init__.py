"""Original queries and simulated answers: the embedded sample is made from them, and logs of any size.

Nothing here comes from a benchmark or from a real LLM; every row that leaves says `provenance` = `simulated`.
"""

from llmfusionbench.builders.simulation.answers import SimulatedAnswer, answer, answers
from llmfusionbench.builders.simulation.csvlog import Simulation, simulate
from llmfusionbench.builders.simulation.llms import LLMS, SimulatedLlm, skill_table
from llmfusionbench.builders.simulation.queries import simulate_queries, task_queries
from llmfusionbench.builders.simulation.query import SimulatedQuery
from llmfusionbench.builders.simulation.rows import simulate_rows
from llmfusionbench.builders.simulation.templates import SimulatedTemplate, simulate_templates

__all__ = [
    "LLMS",
    "SimulatedAnswer",
    "SimulatedLlm",
    "SimulatedQuery",
    "SimulatedTemplate",
    "Simulation",
    "answer",
    "answers",
    "simulate",
    "simulate_queries",
    "simulate_rows",
    "simulate_templates",
    "skill_table",
    "task_queries",
]
