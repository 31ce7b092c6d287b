"""Does a run keep to its budgets? Reads a result file and measures nothing.

For each framework: the seconds that its jobs took, the budgets that they had, and what importing it
took. Aim: with all six frameworks, jobs take no longer than budgets and imports together. What is
compiled before a measurement is in the jobs and in no budget, and stands by itself.
Run: .venv/bin/python benchmarks/budgets.py [result file; else the newest that is committed]
"""

from __future__ import annotations

import sys
from pathlib import Path

from report.experiments.catalogue import LABELS
from report.results import store
from report.text.names import title

ROOT = Path(__file__).parent.parent


def main() -> None:
    """Print a line for each framework, and one for all."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "results"
    result = store.read_all(path, LABELS)[0][-1].result
    planned = result.config["experiments"]
    totals = [0.0] * 4
    print(f"{'':>12} {'jobs':>9} {'budgets':>9} {'imports':>9} {'compiling':>10}")
    for backend in result.environments:
        records = [r for r in result.records if r.backend == backend and r.outcome is not None]
        elapsed = sum(record.elapsed_s for record in records)
        budgets = sum(
            planned[r.experiment]["budget_s"] / planned[r.experiment]["processes"] for r in records
        )
        imports = sum(record.import_s or 0.0 for record in records)
        compiling = sum(
            series.timing.warmup_s[0]
            for record in records
            for series in (record.outcome.series if record.outcome else ())
            if series.labels.get("variant") == "compiled" and series.timing is not None
        )
        row = [elapsed, budgets, imports, compiling]
        totals = [total + one for total, one in zip(totals, row, strict=True)]
        print(f"{title(backend):>12} " + " ".join(f"{seconds:8.1f}s" for seconds in row))
    print(f"{'all':>12} " + " ".join(f"{seconds:8.1f}s" for seconds in totals))
    elapsed, budgets, imports, _ = totals
    over = elapsed - budgets - imports
    print(f"jobs - budgets - imports: {over:+.1f} s, {100 * over / budgets:+.1f} % (aim at most 0)")


if __name__ == "__main__":
    main()
