"""Tables and sheets that figures of training runs share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.experiments.training import curves, labels, words
from report.experiments.training.quantities import median_times
from report.figures.figure import Number, Sheet, Table, absent, cells, columns, interval, number
from report.text.numerals import sentence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.analysis.estimate import Estimate
    from report.analysis.quantities import Quantity
    from report.experiments.training.curves import Line
    from report.worker.records import Labels, Scalar

MILLI = 1e-3

NAMES = ["run", "batch_size", "lr", "loader", "implementation", "optimizer", "momentum"]
NAMES += ["schedule", "sampling", "copies", "variant"]
"""The settings in a sheet."""


def settings(of: Labels) -> list[Scalar]:
    """Return a run's settings, as `NAMES` names them."""
    return [of[name] for name in NAMES]


def seconds_table(found: Sequence[Quantity]) -> Table:
    """Return seconds per epoch, a row for each run."""
    fastest = min(found, key=lambda q: q.time().value)
    rows: list[list[str | Number]] = [
        [
            str(q.labels["run"]),
            f"{q.labels['batch_size']:,}",
            number(q.time(), MILLI, best=q is fastest),
        ]
        for q in found
    ]
    return Table(header=["run", "batch size", "milliseconds per epoch"], rows=rows)


def final_table(lines: Sequence[Line], lowest: float | None) -> Table:
    """Return where each run ends."""
    rows: list[list[str | Number]] = []
    for line in lines:
        one = curves.after_one(line)
        rows.append(
            [
                line.name,
                Number(text=f"{line.epochs[-1]:.0f}"),
                absent() if one is None else loss_at(line, one),
                loss_at(line, -1),
                absent() if lowest is None else Number(text=words.tiny(line.above(lowest)[-1])),
                Number(text=f"{line.run.diverged} of {len(line.run.seeds)}"),
            ]
        )
    header = ["run", "epochs", "loss after one epoch", "loss at the end", "above the optimum"]
    return Table(
        header=[*header, "diverged"],
        rows=rows,
        caption=sentence(words.OVER_SEEDS),
    )


def loss_at(line: Line, at: int) -> Number:
    """Return the loss at a point of a curve, with the lowest and the highest of the seeds.

    Args:
        line: The curve.
        at: Which point.
    """
    text, low, high = (words.loss(each[at]) for each in (line.loss, line.lowest, line.highest))
    several = len(line.run.seeds) > 1
    return Number(text=text, interval=f"{low}\N{EN DASH}{high}" if several else "")


def small(estimate: Estimate | None, *, best: bool = False) -> Number:
    """Return a loss above the optimum, with its interval over seeds."""
    if estimate is None:
        return absent()
    return Number(text=words.tiny(estimate.value), interval=words.tiny_ends(estimate), best=best)


def factor(estimate: Estimate | None) -> Number:
    """Return a ratio with its interval."""
    return absent() if estimate is None else number(estimate)


def until(fared: curves.Target, *, best: bool = False) -> Number:
    """Return milliseconds to a target; where not all seeds came there, that it takes longer."""
    if fared.time is not None:
        return number(fared.time, MILLI, best=best)
    if fared.at_least is None:
        return absent()
    return Number(
        text=f"\N{GREATER-THAN OR EQUAL TO} {number(fared.at_least, MILLI).text}",
        interval=interval(fared.at_least, MILLI),
    )


def target_table(lines: Sequence[Line], target: float | None) -> Table:
    """Return how each run fared towards a loss."""
    if target is None:
        return final_table(lines, None)
    rows: list[list[str | Number]] = []
    fared = [curves.towards(line.run, target) for line in lines]
    times = [one.time.value for one in fared if one.time]
    for line, one in zip(lines, fared, strict=True):
        best = one.time is not None and one.time.value == min(times)
        reached = Number(text=f"{one.reached} of {one.seeds}")
        rows.append([line.name, reached, until(one, best=best)])
    return Table(
        header=["run", f"seeds that reach {target:g}", "milliseconds until then"], rows=rows
    )


def curve_sheet(lines: Sequence[Line], lowest: float | None) -> Sheet:
    """Return every seed's curve."""
    header = [*NAMES, "seed", "examples", "epochs", "updates", "loss"]
    header += ["loss_above_optimum", "elapsed_s"]
    rows: list[list[Scalar]] = []
    for line in lines:
        said = settings(line.run.labels)
        for seed in line.run.seeds:
            points = zip(seed.examples, seed.loss, median_times(seed), strict=True)
            for k, (examples, loss, seconds) in enumerate(points):
                above = None if lowest is None else loss - lowest
                known = k < len(line.epochs)
                epochs = line.epochs[k] if known else None
                updates = line.updates[k] if known else None
                rows.append([*said, seed.seed, examples, epochs, updates, loss, above, seconds])
    return Sheet(header=header, rows=rows)


def seconds_sheet(found: Sequence[Quantity]) -> Sheet:
    """Return seconds per epoch in SI units."""
    return Sheet(
        header=[*NAMES, "examples", *columns("epoch_s")],
        rows=[[*settings(q.labels), q.examples, *cells(q.time())] for q in found],
    )


def target_sheet(lines: Sequence[Line], target: float) -> Sheet:
    """Return the seconds and examples to a loss in SI units; bounds where not all seeds reach it.

    Args:
        lines: Runs.
        target: The loss.
    """
    header = [*NAMES, "target_loss", "seeds", "seeds_that_reach", *columns("elapsed_s")]
    header += ["elapsed_s_at_least", "examples"]
    rows: list[list[Scalar]] = []
    for line in lines:
        one = curves.towards(line.run, target)
        bound = None if one.at_least is None else one.at_least.value
        examples = None if one.examples is None else one.examples.value
        said = settings(line.run.labels)
        rows.append([*said, target, one.seeds, one.reached, *cells(one.time), bound, examples])
    return Sheet(header=header, rows=rows)


def functions(lines: Sequence[Line]) -> list[str]:
    """Return the names of the functions that trained some runs, as backends call them."""
    every = [line.run.labels for line in lines]
    ways = labels.distinct(every, "implementation")
    own = [str(name) for name in labels.distinct(every, "optimizer")]
    found = ["linreg", "squared_loss", *own, "train_scratch"] if "scratch" in ways else []
    return found + (["train_concise"] if "concise" in ways else [])
