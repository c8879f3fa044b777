"""Our scores beside published ones, on public logs; `benchmarks/scoring_fidelity.py` is the command."""
