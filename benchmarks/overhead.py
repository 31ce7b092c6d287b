"""What the program itself costs: start, share of a build that is not measuring, rendering, memory.

Aims: `report --help` below 150 ms; under 10 % and 10 s of a build is not measuring; rendering
below 3 s a machine; peak memory of any process below 1.5 GB; profile quick within 90 s.
Run: .venv/bin/python benchmarks/overhead.py [quick|full]
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

from report.analysis.estimate import estimate
from report.experiments.catalogue import LABELS
from report.results import store

ROOT = Path(__file__).parent.parent
REPORT = Path(sys.executable).with_name("report")


def timed(*arguments: str) -> float:
    """Return the wall seconds of a command."""
    begun = time.perf_counter()
    subprocess.run([REPORT, *arguments], capture_output=True, check=True, cwd=ROOT)
    return time.perf_counter() - begun


def peak_memory(process: psutil.Process, found: list[int]) -> None:
    """Watch the memory of a process and of all that it starts, until it ends."""
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        total = 0
        for one in [process, *process.children(recursive=True)]:
            try:
                total += one.memory_info().rss
            except psutil.Error:
                continue
        found.append(total)
        time.sleep(0.2)


def main() -> None:
    """Build once in an empty folder, and time the parts."""
    profile = sys.argv[1] if len(sys.argv) > 1 else "quick"
    starts = [timed("--help") for _ in range(20)]
    print(f"report --help: {_interval([[s] for s in starts], 1e3)} ms over {len(starts)} starts")
    with tempfile.TemporaryDirectory() as folder:
        results, site = Path(folder) / "results", Path(folder) / "site"
        argv = [str(REPORT), "build", "--profile", profile, "-q", "--results", str(results)]
        begun = time.perf_counter()
        build = subprocess.Popen([*argv, "-o", str(site)], stdout=subprocess.DEVNULL, cwd=ROOT)
        memory: list[int] = [0]
        watcher = threading.Thread(target=peak_memory, args=(psutil.Process(build.pid), memory))
        watcher.start()
        code = build.wait()
        wall_s = time.perf_counter() - begun
        watcher.join()
        result = store.read_all(results, LABELS)[0][-1].result
        measured_s = sum(record.measured_s or 0 for record in result.records)
        size = sum(path.stat().st_size for path in results.rglob("*.json.gz"))
        renders = [timed("render", str(results), "-o", str(site)) for _ in range(5)]
    print(f"report build --profile {profile}: exit {code}, {wall_s:.1f} s")
    rest = wall_s - measured_s
    print(f"  measuring {measured_s:.1f} s; all else {rest:.1f} s, {100 * rest / wall_s:.1f} %")
    print(
        f"  peak memory, parent and worker: {max(memory) / 1e6:.0f} MB; result {size / 1e3:.0f} kB"
    )
    print(f"report render: {_interval([[s] for s in renders], 1)} s over {len(renders)} runs")


def _interval(groups: list[list[float]], factor: float) -> str:
    found = estimate(groups)
    low, high = (found.low or 0) * factor, (found.high or 0) * factor
    return f"{found.value * factor:.2f} [{low:.2f}, {high:.2f}]"


if __name__ == "__main__":
    main()
