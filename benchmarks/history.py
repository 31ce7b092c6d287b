"""How often steps in a machine's numbers are found, and how often there is none: in its own noise.

Runs are drawn from those of results/ with the most runs: the deviations of a whole run from the
machine's mean, all metrics together, and of its processes from the run's. Steps are planted in one
metric, from the third to the last but two of the runs. Aim: at most one page in twenty tells of a
step where there is none. `house` draws by analysis/between.py instead, three runs a day; `drift`
has runs that resemble the one before (correlation 0.5), which is no chance that shuffling knows.
PELT of ruptures stands beside it where that is installed, with penalties of c log n.
Run: .venv/bin/python benchmarks/history.py [pages]      (100 a line)
"""

from __future__ import annotations

import math
import sys
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from report.analysis import between, changes
from report.analysis.changes import Series, steps
from report.comparing import asked
from report.experiments.catalogue import LABELS
from report.results import store

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.random import Generator
    from numpy.typing import NDArray

    Drawn = dict[str, NDArray[np.float64]]
    """By metric, the logarithm of each run."""
    Find = Callable[[Drawn, list[str]], list[tuple[str, int]]]
    """Return metric and first run of each step."""

RUNS = (8, 12, 20, 30)
PLANTED = (0.05, 0.10, 0.20)
PENALTIES = (2.0, 8.0, 32.0, 64.0)


class Noise:
    """The noise of one machine's committed runs."""

    def __init__(self) -> None:
        """Read them."""
        saved, _ = store.read_all(Path(__file__).parents[1] / "results", LABELS)
        machines = [one.result.machine.id for one in saved]
        mine = [s.result for s in saved if s.result.machine.id == max(machines, key=machines.count)]
        self.runs: list[dict[str, tuple[float, NDArray[np.float64]]]] = []
        by_plan = sorted(mine, key=lambda one: (one.config_hash, one.order))
        for _, alike in groupby(by_plan, key=lambda one: one.config_hash):
            every = [
                {name: np.log(one.estimate.each) for name, one in asked.numbers(each).items()}
                for each in alike
            ]
            # Few runs lie nearer to their own mean than to the machine's.
            stretch = math.sqrt(len(every) / (len(every) - 1))
            for run in every:
                middle = {name: np.mean([one[name].mean() for one in every]) for name in run}
                off = {name: stretch * (v.mean() - middle[name]) for name, v in run.items()}
                self.runs.append({name: (off[name], v - v.mean()) for name, v in run.items()})
        self.names = [*self.runs[0]]
        self.variance = {
            name: float(np.mean([v.var(ddof=1) / len(v) for _, v in (r[name] for r in self.runs)]))
            for name in self.names
        }

    def committed(self, rng: Generator, count: int) -> Drawn:
        """Draw runs, and processes within each."""
        drawn = [self.runs[k] for k in rng.integers(len(self.runs), size=count)]
        return {
            name: np.array([c + rng.choice(v, len(v)).mean() for c, v in (r[name] for r in drawn)])
            for name in self.names
        }

    def house(self, rng: Generator, count: int) -> Drawn:
        """Draw by the model of decision 18: runs of a day share half of their variance."""
        day = np.arange(count) // 3

        def part(size: float) -> NDArray[np.float64]:
            shared = math.sqrt(between.SAME_DAY) * rng.normal(0, size, day[-1] + 1)[day]
            alone = math.sqrt(1 - between.SAME_DAY) * rng.normal(0, size, count)
            return np.asarray(shared + alone)

        common, own = part(between.COMMON), between.OWN["calls"]
        return {
            name: common + part(own) + rng.normal(0, math.sqrt(self.variance[name]), count)
            for name in self.names
        }

    def drift(self, rng: Generator, count: int) -> Drawn:
        """Draw runs of which each resembles the one before."""
        fresh = self.committed(rng, count)
        for values in fresh.values():
            for k in range(1, count):
                values[k] = 0.5 * values[k - 1] + math.sqrt(0.75) * values[k]
        return fresh


def shuffled(variance: dict[str, float]) -> Find:
    """Return what the pages use."""

    def find(drawn: Drawn, days: list[str]) -> list[tuple[str, int]]:
        series = [
            Series(runs=(*range(len(v)),), logs=(*v.tolist(),), variance=variance[n])
            for n, v in drawn.items()
        ]
        return [([*drawn][step.of], step.at) for step in steps(series, days)]

    return find


def pelt(penalty: float) -> Find:
    """Return PELT with a quadratic cost, in units of the scatter from run to run."""
    import ruptures  # noqa: PLC0415 (not a dependency)

    def find(drawn: Drawn, _: list[str]) -> list[tuple[str, int]]:
        found = []
        for name, values in drawn.items():
            apart = np.abs(np.diff(values))
            scatter = max(1e-9, float(np.median(apart)) / 0.6745 / math.sqrt(2))
            search = ruptures.Pelt(model="l2", min_size=2, jump=1).fit(values / scatter)
            ends = search.predict(pen=penalty * math.log(len(values)))
            found += [(name, at) for at in ends[:-1]]
        return found

    return find


def row(noise: Noise, how: str, find: Find, count: int, pages: int) -> str:
    """Return false alarms, and for each planted step how often, and where, it is found."""
    rng, draw = np.random.default_rng([1, count]), getattr(noise, how)
    days = [f"{k // 3 if how == 'house' else k}" for k in range(count)]
    false = [find(draw(rng, count), days) for _ in range(pages)]
    alarms = sum(map(bool, false)) / pages
    each = sum(len({name for name, _ in found}) for found in false) / pages / len(noise.names)
    cells = [f"{count:2} runs: false {alarms:5.1%} of pages, {each:4.1%} of metrics; found"]
    for size in PLANTED:
        off = []
        for _ in range(pages):
            drawn, at = draw(rng, count), int(rng.integers(2, count - 1))
            name = noise.names[rng.integers(len(noise.names))]
            drawn[name][at:] += math.log1p(size)
            mine = [abs(k - at) for n, k in find(drawn, days) if n == name]
            off += [min(mine)] if mine else []
        exact, near = (sum(o <= k for o in off) / max(1, len(off)) for k in (0, 1))
        cells.append(
            f"{size:.0%} {len(off) / pages:4.0%} ({exact:.0%} exact, {near:.0%} within one)"
        )
    back = 0
    for _ in range(pages):
        drawn, name = draw(rng, count), noise.names[rng.integers(len(noise.names))]
        drawn[name][count // 3 : 2 * count // 3] += math.log1p(PLANTED[-1])
        back += any(n == name for n, _ in find(drawn, days))
    cells.append(f"{PLANTED[-1]:.0%} for a third of the runs {back / pages:.0%}")
    return "; ".join(cells).replace("found;", "found")


def main() -> None:
    """Print all rows."""
    changes.ORDERS = 400  # so many are as right, and quicker
    pages, noise = int(sys.argv[1]) if len(sys.argv) > 1 else 100, Noise()
    print(f"{len(noise.names)} metrics, noise of {len(noise.runs)} runs, {pages} pages a line")
    finders: dict[str, Find] = {"shuffled": shuffled(noise.variance)}
    if find_spec("ruptures"):
        finders |= {f"PELT {c:g} log n": pelt(c) for c in PENALTIES}
    for name, find in finders.items():
        for how in ("committed", "house", "drift"):
            print(f"{name}, {how}")
            for count in RUNS:
                print(f"  {row(noise, how, find, count, pages)}", flush=True)


if __name__ == "__main__":
    main()
