"""Our median of the 256 product beside torch.utils.benchmark, of the same statement.

That is the chapter's `A = torch.mm(B, C)`: the old A is given back when the new one is there, so
that two of them take turns in memory. A product that is thrown away (the third column) finds its
place warm, and takes some percent less.

Fresh processes in turn, and in each ours, theirs and the third one after the other in a shuffled
order, a few blocks of each: drifts of the machine hit all alike.

Aims: the two agree within 1 % on a quiet machine, and ours does not spread more over processes.
Run: .venv/bin/python benchmarks/product.py [processes]
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from report.analysis.estimate import estimate, spread

BLOCKS, SECONDS = 6, 0.5
"""How often each takes its turn in a process, and for how long."""

PROGRAM = f"""
import json, random, statistics, sys
from report.backends.pytorch import Session
from report.worker.timing import Method, Stopwatch, measure
import torch
from torch.utils.benchmark import Timer

threads = torch.get_num_threads()
session = Session("cpu", threads)
products = session.products(256, "float32", 1)
method = Method(budget_s={SECONDS}, repeats=10_000, narrow=0.0)

def ours():
    stopwatch = Stopwatch(
        call=products.call("full", 0), synchronize=session.synchronize, method=method
    )
    measure([stopwatch], method, random.Random(0))
    return stopwatch.timing().median_s

def theirs(statement):
    names = dict(torch=torch, products=products)
    timer = Timer(statement, globals=names, num_threads=threads)
    return lambda: timer.blocked_autorange(min_run_time={SECONDS}).median

sides = {{
    "ours": ours,
    "torch.utils.benchmark": theirs("products.A = torch.mm(products.B, products.C)"),
    "without A": theirs("torch.mm(products.B, products.C)"),
}}
rng, found = random.Random(int(sys.argv[1])), {{name: [] for name in sides}}
for _ in range({BLOCKS}):
    for name in rng.sample(list(sides), len(sides)):
        found[name].append(sides[name]())
print(json.dumps({{name: statistics.median(times) for name, times in found.items()}}))
"""


def once(process: int) -> dict[str, float]:
    """Return the seconds that a fresh process prints, by side."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(process)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parent.parent,
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main() -> None:
    """Take all sides in turn, in fresh processes, and print them side by side."""
    processes = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    taken = [once(process) for process in range(processes)]
    groups = {name: [[one[name]] for one in taken] for name in taken[0]}
    for name, each in groups.items():
        found = estimate(each)
        print(
            f"{name:>22}: {found.value * 1e6:7.2f} us [{(found.low or 0) * 1e6:.2f}, "
            f"{(found.high or 0) * 1e6:.2f}], spread over {len(each)} processes "
            f"{100 * (spread(each) or 0):.1f} %"
        )
    ours = groups.pop("ours")
    for name, each in groups.items():
        # They ran in the same processes.
        ratio = estimate([[a / b] for (a,), (b,) in zip(ours, each, strict=True)])
        print(f"ours / {name}: {ratio.value:.4f} [{ratio.low or 0:.4f}, {ratio.high or 0:.4f}]")
    print("aim: the first within 1 % of 1")


if __name__ == "__main__":
    main()
