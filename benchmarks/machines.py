"""How long does a site of many machines take, how much memory, and how large does it become?

Machines are made up from a committed quick run: what PyTorch measured, which is what a quick run
has by default, its times multiplied by a factor of their own. They are written to a temporary
folder, and nothing of them is kept. For each number of machines: all of them cold, one more,
nothing new, `--check`; bytes of the site, of its first page and the comparison. Aims for 100: one
more within its own cold time and 2 s, nothing new within 1 s, under 1 GB of memory and 300 MB of
files; first page and comparison under 1 MB with 1,000.
Run: .venv/bin/python benchmarks/machines.py [NUMBER...]
"""

from __future__ import annotations

import functools
import gzip
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

from report.results.result import fingerprint

RESULT = min(Path("results").glob("intel-xeon-2-core*/*-quick.json.gz"))

TIMES = {"elapsed_s", "warmup_s", "median_s", "low_s", "high_s"}


def main() -> None:
    """Print a line for each step at each number of machines."""
    for number in map(int, sys.argv[1:] or ("1", "10", "100")):
        with tempfile.TemporaryDirectory() as folder:
            base = Path(folder)
            for k in range(number):
                _add(base / "results", k)
            _step(f"{number} cold", base)
            _step("nothing new", base)
            _step("nothing new, again", base)
            _add(base / "results", number)
            _step("one more", base)
            _step("--check", base, "--check")
            files = [path for path in (base / "site").rglob("*") if path.is_file()]
            print(f"  {sum(path.stat().st_size for path in files) / 1e6:.1f} MB", end="")
            for name in ("index.html", "compare.html"):
                content = (base / "site" / name).read_bytes()
                print(f"; {name} {len(content) / 1e3:.0f} KB", end="")
                print(f", packed {len(gzip.compress(content)) / 1e3:.0f} KB", end="")
            print(flush=True)


def _add(results: Path, k: int) -> None:
    """Write a machine of its own name and speed."""
    made = _scaled(_alone("pytorch"), 0.5 + (37 * k % 101) / 50)
    made["machine"]["id"] = f"made-up-{k}"
    made["run_id"] = str(uuid.uuid5(uuid.NAMESPACE_OID, str(k)))
    path = results / f"made-up-{k}" / RESULT.name
    path.parent.mkdir(parents=True)
    path.write_bytes(gzip.compress(json.dumps(made).encode(), 4))


@functools.cache
def _alone(backend: str) -> dict[str, Any]:
    """Return the run as if there were one framework."""
    made: dict[str, Any] = json.loads(gzip.decompress(RESULT.read_bytes()))
    planned = made["config"]["experiments"]
    planned = {name: one for name, one in planned.items() if backend in one["backends"]}
    made["config"]["experiments"] = {n: {**e, "backends": [backend]} for n, e in planned.items()}
    made["config_hash"] = fingerprint(made["config"])
    made["environments"] = {backend: made["environments"][backend]}
    for name in ("records", "verdicts", "allocations"):
        made[name] = [one for one in made[name] if one["backend"] == backend]
    return made


def _scaled(value: Any, factor: float, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _scaled(one, factor, name) for name, one in value.items()}
    if isinstance(value, list):
        return [_scaled(one, factor, key) for one in value]
    return value * factor if key in TIMES and isinstance(value, float) else value


def _step(name: str, base: Path, *options: str) -> None:
    command = [sys.executable, "-m", "report", "render", "--results", str(base / "results")]
    begun = time.perf_counter()
    subprocess.run(
        [*command, "-o", str(base / "site"), *options],
        env=os.environ | {"REPORT_CACHE_DIR": str(base / "cache")},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    took = time.perf_counter() - begun
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e3
    print(f"{name:>20}  {took:7.2f} s  largest process so far {largest:6.0f} MB", flush=True)


if __name__ == "__main__":
    main()
