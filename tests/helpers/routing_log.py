"""A log of three queries and two candidates, for the routing exports."""

from __future__ import annotations

from pathlib import Path

from llmfusionbench.builders import build
from llmfusionbench.release import Release

LOG = """\
prompt,split,task,llm,response,performance,cost_usd,input_tokens,output_tokens,latency_s,judge,judge_score,metric,ground_truth,provenance
1+1?,train,sums,tiny,2,1,0.25,3,1,0.5,rule,1,em,2,imported
1+1?,train,sums,big_think,two,0.5,,,,,rule,0.25,em,2,imported
1+2?,train,sums,tiny,3,,0.125,3,,,,,em,3,imported
1+2?,train,sums,big_think,,0,,,,,,,em,3,imported
1+3?,test,mmlu,tiny,4,1,,,,,,,em,4,imported
"""


def make(folder: Path, log: str) -> Release:
    """The release of a log in CSV, within `folder`."""
    (folder / "log.csv").write_text(log, encoding="utf-8")
    return build("table", [folder / "log.csv"], folder / "release", workers=1, strict=True)
