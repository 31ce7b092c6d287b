"""Loss against time in every framework: the same path, walked at different speeds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from report.experiments.training import curves, words
from report.experiments.training.axes import loss_axis
from report.experiments.training.tables import NAMES, settings, until
from report.figures import plotting, ticks
from report.figures.figure import Figure, Number, Sheet, Table, Words, absent, cells, columns
from report.sections.frameworks.ways import Way, measured, records_of, ways
from report.text.numerals import scaled, scientific, times

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

    from report.experiments.training.curves import Line
    from report.figures.figure import Cell
    from report.results.result import Result


@dataclass(frozen=True, kw_only=True)
class Path:
    """One run in one way."""

    way: Way
    line: Line

    @property
    def run(self) -> str:
        """Return the run's label."""
        return str(self.line.run.labels["run"])


def figures(result: Result, experiment: str) -> list[Figure]:
    """Draw the loss against time of the run that is first at the target in the first framework."""
    found = paths(result, experiment)
    target, lowest = curves.target(result), curves.optimum(result)
    lead = [p.line for p in found if p.way == found[0].way] if found else []
    first = curves.soonest(lead, target) if target is not None else None
    if first is None or target is None:
        return []
    run = str(first.line.run.labels["run"])
    if any(path.way.further for path in found):
        return []  # two loaders: their seconds per epoch say it all
    chosen = [path for path in found if path.run == run]
    return [_figure(f"frameworks-{experiment}-time", chosen, found, target, lowest)]


def paths(result: Result, experiment: str) -> list[Path]:
    """Return every run of an experiment in every way."""
    found = []
    for backend in records_of(result, experiment):
        lines = curves.lines(result, experiment, backend)
        each = ways(backend, [line.run.labels for line in lines])
        found += [Path(way=way, line=line) for way, line in zip(each, lines, strict=True)]
    return found


def apart(found: Sequence[Path]) -> float | None:
    """Return how far the losses of one run and seed differ at most between two ways.

    Against the first way that trained the run, at the ends of the epochs, which all have. Runs that
    diverge in any way are left out: they double what rounding did to them.

    Args:
        found: Runs in several ways.
    """
    worst: list[float] = []
    for run in dict.fromkeys(path.run for path in found):
        one, *others = [path for path in found if path.run == run]
        worst += [gap for other in others if (gap := _gap(one.line, other.line)) is not None]
    return max(worst) if worst else None


def _gap(one: Line, other: Line) -> float | None:
    theirs = {seed.seed: seed for seed in other.run.seeds}
    gaps = [
        abs(mine.loss[a] - theirs[mine.seed].loss[b])
        for mine in one.run.seeds
        if mine.seed in theirs and not (mine.diverged or theirs[mine.seed].diverged)
        for a, b in zip(mine.epoch_ends, theirs[mine.seed].epoch_ends, strict=False)
    ]
    return max(gaps) if gaps else None


def method(result: Result) -> list[str]:
    """Say how far the losses of the frameworks lie apart."""
    experiments = result.config["experiments"]
    names = [n for n in measured(result) if experiments[n]["kind"] == "training"]
    gaps = [(n, gap) for n in names if (gap := apart(paths(result, n))) is not None]
    return [
        f"In {experiments[name]['title']}, the losses of one run and seed differ between any "
        f"framework and the first by at most {scientific(gap)} at the end of any epoch: all do the "
        "same arithmetic, up to the order of its rounding."
        for name, gap in gaps
    ]


def _figure(
    name: str, chosen: Sequence[Path], found: Sequence[Path], target: float, lowest: float | None
) -> Figure:
    def draw(axes: Axes, *, narrow: bool) -> None:
        ticks.time_axis(axes.xaxis, narrow=narrow)
        drawn = [_curve(axes, path) for path in chosen]
        loss_axis(axes, [path.line for path in chosen], lowest)
        axes.set_xlabel("time of training" if narrow else "time of training (logarithmic)")
        plotting.legend_above(axes, drawn, narrow=narrow)

    said = _words(chosen, found, target)
    return Figure(
        name=name,
        question="time",
        words=said,
        drawing=plotting.drawing(name, said.alt, draw, height=440),
        table=_table(found, target),
        sheet=_sheet(found, target),
    )


def _curve(axes: Axes, path: Path) -> Line2D:
    """Draw a run's curve; the untrained point has no place on a logarithmic axis."""
    look = plotting.style(path.way.index, len(path.line.loss))
    look["linestyle"] = path.way.dash
    (drawn,) = axes.plot(
        path.line.elapsed_s[1:], path.line.loss[1:], **look, label=plotting.safe(path.way.name)
    )
    return drawn


def _words(chosen: Sequence[Path], found: Sequence[Path], target: float) -> Words:
    fared = {path.way: curves.towards(path.line.run, target).time for path in chosen}
    timed = {way: time for way, time in fared.items() if time is not None}
    run = chosen[0].run
    first = min(timed, key=lambda way: timed[way].value)
    last = max(timed, key=lambda way: timed[way].value)
    heading = (
        f"With {run}, a loss of {target:g} takes from {scaled(timed[first].value, 's')} in "
        f"{first.name} to {scaled(timed[last].value, 's')} in {last.name}"
    )
    caption = f"{run[:1].upper()}{run[1:]}, time until a loss of {target:g}: " + "; ".join(
        f"{way.name} {words.milliseconds(time)}" for way, time in timed.items()
    )
    gap = apart(found)
    explanation = (
        "The curves are one curve, moved sideways: all ways start from the same weights and see "
        "the same batches in the same order. "
    )
    if gap is not None:
        explanation += (
            f"At the end of any epoch, losses differ by at most {scientific(gap)} in any run and "
            "seed. "
        )
    if first != last:
        explanation += (
            f"What differs is the time, by a factor of "
            f"{times(timed[last].value / timed[first].value)}. "
        )
    if "epoch" in {way.variant for way in timed}:
        explanation += (
            "An epoch that is compiled as a whole has no points but its end, so that its time to a "
            "loss is that of a whole epoch. "
        )
    explanation += "The table has every run."
    alt = f"Curves of loss against training time, a line for each framework. {heading}. {caption}."
    return Words(title=heading, caption=f"{caption}.", explanation=explanation, alt=alt)


def _table(found: Sequence[Path], target: float) -> Table:
    runs = list(dict.fromkeys(path.run for path in found))
    rows: list[list[str | Number]] = []
    for way in dict.fromkeys(path.way for path in found):
        mine = {path.run: path.line for path in found if path.way == way}
        row: list[str | Number] = [way.name]
        row += [
            until(curves.towards(mine[run].run, target)) if run in mine else absent()
            for run in runs
        ]
        rows.append(row)
    return Table(
        header=["framework", *(f"{run}, ms to {target:g}" for run in runs)],
        rows=rows,
        caption="Milliseconds of training with their 95 % intervals; at least so many where not "
        "all seeds came there",
    )


def _sheet(found: Sequence[Path], target: float) -> Sheet:
    rows: list[list[Cell]] = []
    for path in found:
        one = curves.towards(path.line.run, target)
        reached = [one.seeds, one.reached, *cells(one.time)]
        rows.append([path.way.backend, *settings(path.line.run.labels), target, *reached])
    header = ["backend", *NAMES, "target_loss", "seeds", "seeds_that_reach", *columns("elapsed_s")]
    return Sheet(header=header, rows=rows)
