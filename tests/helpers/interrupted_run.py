"""A run of calls in a process of its own, which prints what came of it.

python -m tests.helpers.interrupted_run FOLDER URL CALLS
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict
from pathlib import Path

from llmfusionbench.builders.collecting.engine import Engine
from llmfusionbench.builders.collecting.journal import RunJournal
from llmfusionbench.errors import InputError
from tests.helpers.run_calls import Silent, budget, calls, endpoint


def main(folder: Path, url: str, count: int) -> int:
    """The exit status."""
    llm = endpoint("test-model", url=url, concurrency=4)
    try:
        with RunJournal(folder) as journal:
            print("entered", flush=True)
            engine = Engine([llm], journal, budget=budget(llm), board=Silent())
            result = asyncio.run(engine.run(calls(count, "test-model")))
    except InputError as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(asdict(result)))
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
