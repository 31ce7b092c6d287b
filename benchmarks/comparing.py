"""How often a comparison is wrong, and whether it shows what it promises: on simulated runs.

Aims: where nothing differs, at most 1 % of rows told apart and at most one page in twenty with a
row that is told apart by the least effect; a difference as small as a row promises is found in
80 %; live, 5 % is found in 95 % of rows.
Run: .venv/bin/python benchmarks/comparing.py [pages]      (300 a line)
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from report.analysis import between
from report.analysis.quantities import Quantity
from report.comparing.common import judged_ratio, shared
from report.comparing.verdict import judge, smallest
from report.run.live import PAIRS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from report.analysis.estimate import Estimate
    from report.comparing.verdict import Verdict
    from report.worker.records import Labels

PROCESSES = 0.04
"""How far processes differ, half of the variance in all of their series alike."""

SLOW, SLOWER = 0.2, 0.10
"""The share of processes that are slower as a whole, and by how much."""

WITHIN, SAMPLES = 0.03, 5

STEADY, UNSTEADY = 1, 2
"""Live, without slow processes and with them. What pairs share cancels, and so is not drawn."""

PAGE: list[tuple[str, Labels, int | None, int]] = [
    ("overhead", {}, None, 40),
    ("matmul", {}, 2 * 256**3, 25),
    ("matmul", {}, 2 * 1024**3, 15),
    ("bandwidth", {"working_set_bytes": 2**16}, None, 30),
    ("bandwidth", {"working_set_bytes": 2**28}, None, 10),
    ("training", {}, None, 30),
]
"""Kind, labels, operations, and how many rows of each a page has."""

DAYS = {
    "one run": ["2026-01-01T10:00:00Z"],
    "three runs of a day": [f"2026-01-01T1{hour}:00:00Z" for hour in range(3)],
    "three runs on three days": [f"2026-01-0{day}T10:00:00Z" for day in (1, 2, 3)],
}


@dataclass
class Machine:
    """Draws what runs of one machine measure; its times are all the same."""

    rng: np.random.Generator

    def page(self, runs: Sequence[str], processes: int, *, live: int = 0) -> list[Quantity]:
        """Return a page of quantities; two live ones of the same number share a run."""
        number = len(runs) * processes
        alike = self.rng.normal(0, PROCESSES / math.sqrt(2), number)
        alike += (self.rng.random(number) < SLOW) * math.log1p(SLOWER) * (live != STEADY)
        state = np.repeat(self._state(runs, between.COMMON), processes) * (not live)
        return list(self._quantities(runs, processes, alike + state, live))

    def _quantities(
        self, runs: Sequence[str], processes: int, alike: np.ndarray, live: int
    ) -> Iterator[Quantity]:
        began = tuple(run for run in runs for _ in range(processes))
        for place, (kind, labels, flops, rows) in enumerate(PAGE):
            own = between.OWN[between.group(kind, labels, flops)]  # type: ignore[index]
            for row in range(rows):
                logs = alike + self.rng.normal(0, PROCESSES / math.sqrt(2), len(alike))
                if not live:
                    logs = logs + np.repeat(self._state(runs, own), processes)
                drawn = logs[:, None] + self.rng.normal(0, WITHIN, (len(alike), SAMPLES))
                yield Quantity(
                    experiment=str(place),
                    kind=kind,
                    backend="numpy",
                    labels={**labels, "row": row},
                    flops=flops,
                    groups=np.exp(drawn).tolist(),
                    run="both",
                    runs=began if len(runs) > 1 else (),
                )

    def _state(self, runs: Sequence[str], size: float) -> np.ndarray:
        """Return what a state adds to each run, of which days have a part in common."""
        days = {day: self.rng.normal(0, 1) for day in {run[:10] for run in runs}}
        part = between.SAME_DAY
        alone = self.rng.normal(0, 1, len(runs))
        whole = [math.sqrt(part) * days[run[:10]] for run in runs] + math.sqrt(1 - part) * alone
        return size * np.array(whole)


@dataclass
class Tally:
    """What was seen of the rows of some pages."""

    told: int = 0
    beyond: int = 0
    same: int = 0
    found: int = 0
    rows: int = 0
    pages: int = 0
    with_told: int = 0
    with_beyond: int = 0

    def add(self, page: Sequence[tuple[Estimate, float]]) -> None:
        """Count a page of ratios that should be 1, and those with a planted difference added."""
        says = [judge(estimate) for estimate, _ in page]
        told = [v for v in says if v and v.word in {"faster", "slower"}]
        self.told += len(told)
        self.beyond += sum(v.beyond for v in told)
        self.same += sum(v is not None and v.word == "the same" for v in says)
        self.found += sum(planted(e, by) for e, by in page)
        self.rows += len(page)
        self.pages += 1
        self.with_told += bool(told)
        self.with_beyond += any(v.beyond for v in told)

    def line(self) -> str:
        """Return it as cells: shares of rows, then of pages, then what was found."""
        rows = [100 * n / self.rows for n in (self.told, self.beyond, self.same, self.found)]
        pages = [100 * n / self.pages for n in (self.with_told, self.with_beyond)]
        return "".join(f"{cell:12.2f}" for cell in (*rows[:2], *pages, rows[2], rows[3]))


def planted(estimate: Estimate, by: float) -> bool:
    """Return whether a difference by this factor would have been found."""
    moved = replace(
        estimate,
        value=estimate.value * by,
        low=(estimate.low or 0) * by,
        high=(estimate.high or 0) * by,
    )
    verdict: Verdict | None = judge(moved)
    return verdict is not None and verdict.word == "faster"


def one_line(name: str, processes: int, pages: int, *, live: int = 0) -> None:
    """Simulate pages and print how many rows are told apart, plainly and beside the factor."""
    machine = Machine(np.random.default_rng([1, len(name), processes]))
    plain, relative = Tally(), Tally()
    promised: dict[str, list[float]] = {}
    for _ in range(pages):
        runs = DAYS["one run" if live else name]
        sides = [machine.page(runs, processes, live=live) for _ in range(2)]
        if not live:  # each side's quantities are of one source
            sides = [[replace(q, run=f"{k}") for q in side] for k, side in enumerate(sides)]
        pairs = list(zip(*sides, strict=True))
        ratios = [judged_ratio(one, other) for one, other in pairs]
        by = 1.05 if live else 0.0
        plain.add([(each, by or smallest(each) or 1) for each in ratios])
        for each, (one, _) in zip(ratios, pairs, strict=True):
            group = str(one.factor().group)
            promised.setdefault(group, []).append(smallest(each) or 1)
        factor = shared([(each, *pair) for each, pair in zip(ratios, pairs, strict=True)])
        if factor:
            beside = [factor.beside(e, *pair) for e, pair in zip(ratios, pairs, strict=True)]
            relative.add([(each, by or smallest(each) or 1) for each in beside])
    print(f"{name:>26}{processes:4}{plain.line()}")
    if relative.pages and not live:
        print(f"{'relative to common factor':>26}{'':4}{relative.line()}")
    shown = (f"{group} {float(np.median(each)):.2f}" for group, each in promised.items())
    print(f"{'detects':>26}    {', '.join(shown)}")


def main() -> None:
    """Print a line for each way of comparing."""
    pages = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    heads = ("told", "by least", "pages", "by least", "the same", "found")
    print(f"{'per cent of rows, pages':>26}{'':4}" + "".join(head.rjust(12) for head in heads))
    for name in DAYS:
        for processes in (4, 8):
            one_line(name, processes, pages)
    one_line("live, 5 % planted", PAIRS, pages // 3, live=STEADY)
    one_line("live, some slow", PAIRS, pages // 3, live=UNSTEADY)


if __name__ == "__main__":
    main()
