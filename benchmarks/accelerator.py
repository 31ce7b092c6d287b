"""Our times of a product on an NVIDIA GPU beside cuda-bench and torch.utils.benchmark.

cuda-bench (the Python package of NVBench, the benchmark tool of the GPU's maker) times on the
device: "cold" with the second cache emptied before each launch, "batch" with launches back to back.
Ours are the same two by the device's own clock, and the host's clock beside torch's timer. All take
turns in each of some fresh processes.

Aims: within 2 % on both.
Run: .venv/bin/pip install 'cuda-bench[cu13]', then
    .venv/bin/python benchmarks/accelerator.py [n] [processes]
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from report.analysis.estimate import estimate

PAIRS = {
    "ours, cold": "cuda-bench, cold",
    "ours, warm": "cuda-bench, batch",
    "ours, by the host": "torch.utils.benchmark",
}

PROGRAM = """
import json, random, sys, tempfile
import cuda.bench as bench
import torch
from torch.utils.benchmark import Timer
from report.backends.pytorch import Session
from report.worker.timing import Method, Stopwatch, measure

size, process = int(sys.argv[1]), int(sys.argv[2])
session = Session("cuda:0", torch.get_num_threads())
products = session.products(size, "float32", 1)
call = products.call("full-out", 0)
method = Method(budget_s=1.0, repeats=10_000, narrow=0.0)
l2_bytes = torch.cuda.get_device_properties(0).L2_cache_size
own = {"call": call, "synchronize": session.synchronize, "method": method}

class Stream:
    def __cuda_stream__(self):
        return 0, torch.cuda.current_stream().cuda_stream

def timed(**more):
    watch = Stopwatch(timer=session.timer(), **own, **more)
    measure([watch], method, random.Random(0))
    return watch.timing()

def ours():
    warm, cold = timed(), timed(flush=session.flush(2 * l2_bytes))
    by_device = sorted(warm.device_s)[len(warm.device_s) // 2] / warm.inner_loops
    host = {"ours, by the host": warm.median_s}
    return {"ours, warm": by_device, "ours, cold": cold.median_s, **host}

def product(state):
    state.set_stream(Stream())
    state.exec(lambda launch: call(), batched=True)

def theirs():
    bench.register(product)
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        bench.run_all_benchmarks(["product", "--devices", "0", "--json", file.name])
        (state,) = json.load(open(file.name))["benchmarks"][0]["states"]
    told = {one["tag"]: float(one["data"][0]["value"]) for one in state["summaries"] if one["data"]}
    return {
        "cuda-bench, cold": told["nv/cold/time/gpu/mean"],
        "cuda-bench, batch": told["nv/batch/time/gpu/mean"],
    }

def torchs():
    timer = Timer("call()", globals={"call": call})
    return {"torch.utils.benchmark": timer.blocked_autorange(min_run_time=1.0).median}

found = {}
for side in random.Random(process).sample([ours, theirs, torchs], 3):
    found |= side()
print(json.dumps(found))
"""


def once(size: int, process: int) -> dict[str, float]:
    """Return the seconds of a product that a fresh process prints, by side."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(size), str(process)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parent.parent,
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Print ours over theirs, pair by pair."""
    seen = "import sys, torch; sys.exit(not torch.cuda.is_available())"
    if subprocess.run([sys.executable, "-c", seen], check=False).returncode:
        print("no NVIDIA GPU here, or no PyTorch with CUDA: nothing is compared")
        return
    size, processes = (int(a) for a in (*sys.argv[1:], *("2048", "5")[len(sys.argv) - 1 :]))
    taken = [once(size, process) for process in range(processes)]
    for mine, other in PAIRS.items():
        ratio = estimate([[one[mine] / one[other]] for one in taken])
        low, high = ratio.low or 0, ratio.high or 0
        print(f"{mine} / {other}: {ratio.value:.4f} [{low:.4f}, {high:.4f}]")
    print("aim: within 2 % of 1")


if __name__ == "__main__":
    main()
