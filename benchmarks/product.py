"""Our median of the 256 product beside torch.utils.benchmark, over fresh processes.

Aims: the two agree within 3 %, and ours does not spread more over processes at equal time.
Run: .venv/bin/python benchmarks/product.py [processes]
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from report.analysis.estimate import estimate, product, spread
from report.analysis.factors import Factor

SECONDS = 2.0

OURS = f"""
import json, random, sys
from report.backends.pytorch import Session
from report.worker.timing import Method, Stopwatch, measure
import torch
session = Session("cpu", torch.get_num_threads())
method = Method(budget_s={SECONDS}, repeats=10_000, narrow=0.0)
stopwatch = Stopwatch(
    call=session.products(256, "float32", 1).call("full", 0),
    synchronize=session.synchronize,
    method=method,
)
measure([stopwatch], method, random.Random(0))
print(json.dumps(stopwatch.timing().median_s))
"""

THEIRS = f"""
import json
import torch
from torch.utils.benchmark import Timer
generator = torch.Generator().manual_seed(1)
B = torch.randn(256, 256, generator=generator)
C = torch.randn(256, 256, generator=generator)
timer = Timer("torch.mm(B, C)", globals=dict(torch=torch, B=B, C=C),
              num_threads=torch.get_num_threads())
print(json.dumps(timer.blocked_autorange(min_run_time={SECONDS}).median))
"""


def once(code: str) -> float:
    """Return the seconds that a fresh process prints."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parent.parent,
    )
    return float(json.loads(done.stdout))


def main() -> None:
    """Take both in turn, in fresh processes, and print them side by side."""
    processes = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    ours: list[list[float]] = []
    theirs: list[list[float]] = []
    sides = [(ours, OURS), (theirs, THEIRS)]
    for process in range(processes):
        # In turn, and each first as often as the other.
        for medians, code in sides if process % 2 else sides[::-1]:
            medians.append([once(code)])
    for name, groups in (("ours", ours), ("torch.utils.benchmark", theirs)):
        found = estimate(groups)
        print(
            f"{name:>22}: {found.value * 1e6:7.2f} us [{(found.low or 0) * 1e6:.2f}, "
            f"{(found.high or 0) * 1e6:.2f}], spread over {len(groups)} processes "
            f"{100 * (spread(groups) or 0):.1f} %"
        )
    ratio = product([Factor(groups=ours), Factor(groups=theirs, weight=-1)])
    print(
        f"ratio ours / theirs: {ratio.value:.3f} [{ratio.low:.3f}, {ratio.high:.3f}]; aim 1 +- 3 %"
    )


if __name__ == "__main__":
    main()
