"""Which learning rate brings each batch size, and each optimizer, soonest to the target loss.

The rates of `batch-sizes` and `optimizers` in experiments.yaml come from here: of those with
which every seed comes to a loss of 0.25 and most end below it, the ones with the fewest examples
until then (median of the seeds), and of these the one that ends lowest. A curve has a point every
200 examples, so that rates no further apart than that count as equal. Seeds are others than those
of the report, so that no run is judged on what it was tuned on.
Run: .venv/bin/python benchmarks/tune.py [seeds]
"""

from __future__ import annotations

import itertools
import math
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from report.analysis import leastsquares
from report.backends.pytorch import Session
from report.experiments.training import measure as training
from report.experiments.training.measure import Run
from report.run import data
from report.run.data import write_bundle
from report.worker.curve import EVERY

if TYPE_CHECKING:
    from report.worker.curve import Curve

TARGET = 0.25
SEED = 1
STEPS = (1.0, 1.2, 1.5, 1.8, 2.2, 2.7, 3.3, 3.9, 4.7, 5.6, 6.8, 8.2)
"""Twelve a decade."""

EPOCHS = {1: 1, 2: 1, 5: 1, 10: 1, 20: 2, 50: 2, 100: 2, 200: 3, 500: 5, 1500: 12}
OPTIMIZERS = {
    "sgd": 0.4,
    "momentum": 0.1,
    "adagrad": 0.3,
    "rmsprop": 0.1,
    "adadelta": 10,
    "adam": 0.1,
}
"""With the middle of the decade of rates to try."""

OPTIMIZERS_BATCH, OPTIMIZERS_EPOCHS = 100, 2


class Tuner:
    """The data, and what each seed decides."""

    def __init__(self, folder: Path, seeds: int) -> None:
        """Load the data and write what a worker would read."""
        loaded = data.load(None)
        self.lowest = leastsquares.problem(loaded.features, loaded.targets).optimum()[1]
        epochs = max(EPOCHS.values())
        bundle = write_bundle(folder, loaded, seed=SEED, seeds=seeds, epochs=epochs)
        self.data = training._data(bundle, "float32")  # noqa: SLF001 (as a worker does)
        self.starts = [
            training._start(bundle, seed, "permutation", 1)  # noqa: SLF001
            for seed in range(seeds)
        ]
        self.session = Session("cpu", 1)

    def row(self, run: Run) -> tuple[float, float] | None:
        """Train with every seed and print what comes of it.

        Returns:
            Median examples to the target, and median loss above the lowest at the end; None if
            a seed does not reach the target, or most do not stay there.
        """
        curves = [
            training._train(self.session, run, self.data, start)  # noqa: SLF001
            for start in self.starts
        ]
        reached = [_examples_to(curve) for curve in curves]
        excess = median(curve.loss[-1] for curve in curves) - self.lowest
        came = [found for found in reached if found is not None]
        if not math.isfinite(excess) or not came:
            return None
        words = f"{median(came):8.0f}" if len(came) == len(reached) else f"{len(came):4} came"
        seconds = median(curve.elapsed_s[-1] for curve in curves) / run.epochs
        print(
            f"{run.run:>12} {run.lr:8g} {words} {median(came) / 1500 * seconds * 1e3:8.2f} ms"
            f" {excess:10.2e} after {run.epochs} epochs"
        )
        stayed = self.lowest + excess <= TARGET
        return (median(came), excess) if stayed and len(came) == len(reached) else None

    def best(self, run: Run) -> float:
        """Return the rate, within a factor of about 3 of the run's, that comes there first."""
        found = {}
        for power, step in itertools.product(range(-4, 3), STEPS):
            lr = round(step * 10.0**power, 6)
            if abs(math.log10(lr / run.lr)) <= 0.5:
                outcome = self.row(replace(run, lr=lr))
                if outcome is not None:
                    found[lr] = outcome
        fewest = min(examples for examples, _ in found.values())
        equal = [lr for lr, (examples, _) in found.items() if examples <= fewest + EVERY]
        return min(equal, key=lambda lr: found[lr][1])


def _examples_to(curve: Curve) -> int | None:
    for examples, loss in zip(curve.examples, curve.loss, strict=True):
        if loss <= TARGET:
            return examples
    return None


def plain(name: str, batch_size: int, lr: float, epochs: int, **other: Any) -> Run:
    """Return a run from scratch, without the data loader's cost."""
    return Run(
        run=name,
        batch_size=batch_size,
        lr=lr,
        epochs=epochs,
        loss="half_squared",
        loader="sliced",
        implementation="scratch",
        **other,
    )


def main() -> None:
    """Try all rates and print the table, then the best."""
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    print("         run       lr examples to the target  loss above the lowest")
    with tempfile.TemporaryDirectory() as folder:
        tuner = Tuner(Path(folder), seeds)
        best = {}
        for batch_size, epochs in EPOCHS.items():
            # An update may go as far as it is sure, but for stability not beyond about 1.
            lr = min(0.007 * batch_size, 0.7)
            name = f"batch {batch_size}"
            best[name] = tuner.best(plain(name, batch_size, lr, epochs))
        for name, lr in OPTIMIZERS.items():
            own = {"optimizer": name, "momentum": 0.9 if name == "momentum" else None}
            run = plain(name, OPTIMIZERS_BATCH, lr, OPTIMIZERS_EPOCHS, **own)
            best[name] = tuner.best(run)
    for name, lr in best.items():
        print(f"{name}: {lr:g}")


if __name__ == "__main__":
    main()
