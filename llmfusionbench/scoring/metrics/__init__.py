"""The metrics of the benchmark's tasks, one file each, all listed here by name."""

from typing import Final

from llmfusionbench.scoring.metrics.cem import cem
from llmfusionbench.scoring.metrics.code_eval import code_eval
from llmfusionbench.scoring.metrics.em import em
from llmfusionbench.scoring.metrics.em_mc import em_mc
from llmfusionbench.scoring.metrics.f1 import f1_score
from llmfusionbench.scoring.metrics.gsm8k import gsm8k
from llmfusionbench.scoring.metrics.judge import judge
from llmfusionbench.scoring.metrics.math import math
from llmfusionbench.scoring.metrics.metric import Metric
from llmfusionbench.scoring.official import metrics as official

METRICS: Final[dict[str, Metric]] = {
    "em": Metric(em, official.em),
    "cem": Metric(cem, official.cem),
    "em_mc": Metric(em_mc, official.em_mc),
    "f1_score": Metric(f1_score, official.f1_score),
    "gsm8k": Metric(gsm8k, official.gsm8k),
    "math": Metric(math, official.math),
    "code_eval": Metric(code_eval, official.code_eval),
    "judge": Metric(judge, judge, needs_truth=False),
}
