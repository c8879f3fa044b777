"""How closely our scorers reproduce published scores on real logs: prints docs/scoring_fidelity.md.

    python benchmarks/scoring_fidelity.py --logs DIR > docs/scoring_fidelity.md
    python benchmarks/scoring_fidelity.py --logs DIR --disagreements mmlu_pro --side fn --n 50 --seed 0

DIR holds zeroeval_gsm8k, scored_sets, code_tasks and formats. Programs run in a sandbox that isolates files and network;
`--no-code` leaves them out. `--disagreements` prints answers of one set on which the reference and we differ, drawn at random,
to be read by hand: `--side fp` those that only we call right, `--side fn` those that only the reference does.
`--unread mmlu_pro` prints the answers that are drawn for the table of our mistakes and have no reading. After a change of the
scorer there may be some. Read them, and put key and letter into fidelity/readings/mmlu_pro.csv.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from fidelity.answers import disagreements, printed
from fidelity.logs import default_logs
from fidelity.page import page
from fidelity.readings import unread
from fidelity.sets import SETS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--logs", type=Path, default=default_logs(), help="folder with the real logs")
    parser.add_argument("--no-code", action="store_true", help="leave out the parts that execute programs")
    parser.add_argument("--sandbox", default="auto", help="kind of sandbox (default: the strongest there is)")
    parser.add_argument("--disagreements", choices=SETS, help="print answers of this set instead of the page")
    parser.add_argument("--unread", choices=("mmlu_pro",), help="print drawn answers without a reading instead of the page")
    parser.add_argument("--side", choices=("fp", "fn"), default="fp", help="which disagreements (default: fp)")
    parser.add_argument("--n", type=int, default=50, help="how many (default: 50)")
    parser.add_argument("--seed", type=int, default=0, help="of the draw (default: 0)")
    options = parser.parse_args()
    if options.disagreements:
        answers = SETS[options.disagreements](options.logs)
        lines = disagreements(answers, options.side, options.n, options.seed)
    elif options.unread:
        lines = printed(unread(options.unread, SETS[options.unread](options.logs)))
    else:
        lines = page(options.logs, code=not options.no_code, sandbox=options.sandbox)
    for line in lines:
        print(line)


if __name__ == "__main__":
    main()
