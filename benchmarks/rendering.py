"""How long does rendering take, cold, with drawings kept, with nothing new, and as a check?

Of the largest file in results/, in a cache of its own: seconds of the clock, and of the program's
own process, for which others draw. Start-up stands beside it. Aims for one machine: cold under 4 s
on a fast processor and 8 s on a slow one; nothing new under 1 s.
Run: .venv/bin/python benchmarks/rendering.py [REPETITIONS]
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

RESULT = max(Path("results").glob("*/*.json.gz"), key=lambda path: path.stat().st_size)


def main() -> None:
    """Print a line for each way of rendering: medians over the repetitions."""
    repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    seen: dict[str, list[tuple[float, float]]] = {}
    for _ in range(repetitions):
        with tempfile.TemporaryDirectory() as folder:
            site, caches = Path(folder) / "site", Path(folder) / "cache"
            render = ("render", "--results", str(RESULT), "-o", str(site))
            ways: dict[str, tuple[str, ...]] = {
                "start-up (--version)": ("--version",),
                "cold": render,
                "nothing new": render,
                "drawings kept, new folder": (*render[:-1], f"{site}-again"),
                "--check, which keeps nothing": (*render, "--check"),
            }
            for name, arguments in ways.items():
                seen.setdefault(name, []).append(_timed(arguments, caches))
    for name, times in seen.items():
        clock, own = (median(column) for column in zip(*times, strict=True))
        print(f"{name:>30}  {clock:6.2f} s by the clock  {own:6.2f} s of its process")


def _timed(arguments: tuple[str, ...], caches: Path) -> tuple[float, float]:
    """Run the program, and return its seconds by the clock and of its process."""
    before, begun = _used(), time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "report", *arguments],
        env=os.environ | {"REPORT_CACHE_DIR": str(caches)},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - begun, _used() - before


def _used() -> float:
    """Return the processors' seconds of all programs so far that were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
