"""The metrics, one per file, by name."""

from typing import Final

from llmfusionbench.scoring.metrics import cem, code_eval, crux, em, em_mc, f1, gsm8k, judge, math
from llmfusionbench.scoring.metrics.metric import Metric
from llmfusionbench.scoring.official import metrics as official

METRICS: Final[dict[str, Metric]] = {
    "em": Metric(em.em, official.em),
    "cem": Metric(cem.cem, official.cem),
    "em_mc": Metric(em_mc.em_mc, official.em_mc),
    "f1_score": Metric(f1.f1_score, official.f1_score),
    "gsm8k": Metric(gsm8k.gsm8k, official.gsm8k),
    "math": Metric(math.math, official.math),
    "code_eval": Metric(code_eval.code_eval, official.code_eval),
    "crux": Metric(crux.crux, crux.crux, empty_is_wrong=True),
    "judge": Metric(judge.judge, judge.judge, needs_truth=False),
}
