"""Figures of a `training` experiment with several machines on the same axes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from report.analysis import quantities
from report.experiments.training import curves, labels
from report.experiments.training.axes import loss_axis, time_curves
from report.experiments.training.figures import announced
from report.experiments.training.quantities import of_records, trained
from report.experiments.training.questions.grid import by_batch_size
from report.experiments.training.tables import curve_sheet, seconds_sheet, target_table
from report.figures import plotting, ticks
from report.figures.figure import Figure, Number, Table, Words, absent, in_words, number, together
from report.text.numerals import scaled, sentence, times

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from report.analysis.quantities import Key, Quantity
    from report.experiments.training.curves import Line
    from report.results.result import Result

MILLI = 1e-3


def comparisons(results: Sequence[Result], experiment: str) -> list[Figure]:
    """Draw seconds per epoch, and loss against time of the run that is first at the target."""
    # An epoch over other data is another amount of work.
    results = [r for r in results if r.config["examples"] == results[0].config["examples"]]
    drawn = _seconds(results, experiment)
    solved = [result for result in results if curves.optimum(result) is not None]
    chosen = _first_at_target(solved, experiment)
    if len(chosen) > 1:
        drawn.append(_loss_by_time(f"compare-{experiment}-time", solved[0], chosen))
    return [announced(figure, results) for figure in drawn]


def _seconds(results: Sequence[Result], experiment: str) -> list[Figure]:
    found = {r.machine.id: {q.key: q for q in _epochs(r, experiment)} for r in results}
    found = {machine: series for machine, series in found.items() if series}
    if len(found) < 2:
        return []
    common = set.intersection(*(set(series) for series in found.values()))
    first = next(iter(found.values()))
    named = labels.names([quantity.labels for quantity in first.values()])
    rows = {key: name for key, name in zip(first, named, strict=True) if key in common}
    return [_seconds_figure(experiment, rows, found)] if rows else []


def _epochs(result: Result, experiment: str) -> list[Quantity]:
    """Return what takes seconds; of a grid one for each batch size, for a rate costs no time."""
    found: list[Quantity] = []
    for records in quantities.by_backend(result.of(experiment)).values():
        epochs = of_records(records, result.run)
        # By its runs: a pair that diverged before an epoch was over has no seconds of one.
        grid = labels.is_grid([run.labels for run in trained(records)])
        found += by_batch_size(epochs) if grid else epochs
    return found


def _seconds_figure(
    experiment: str, names: dict[Key, str], found: dict[str, dict[Key, Quantity]]
) -> Figure:
    def draw(axes: Axes, *, narrow: bool) -> None:
        plotting.dot_axes(axes, list(names.values()), "milliseconds per epoch", narrow=narrow)
        for index, (machine, series) in enumerate(found.items()):
            estimates = [series[key].time().scaled(1 / MILLI) for key in names]
            plotting.dots(axes, estimates, index, label=machine)
        plotting.legend_above(axes, narrow=narrow)

    ordered = {m: [s[key] for key in names] for m, s in found.items()}
    title, caption = _words(list(names.values()), ordered)
    rows: list[list[str | Number]] = [
        [name, *(number(series[key].time(), MILLI) for series in found.values())]
        for key, name in names.items()
    ]
    sheets = ((m, seconds_sheet(series)) for m, series in ordered.items())
    name = f"compare-{experiment}-seconds"
    alt = f"Dot plot of milliseconds per epoch by run and machine. {title}. {caption}"
    return Figure(
        name=name,
        question="compare",
        words=Words(title=title, caption=caption, alt=alt),
        drawing=plotting.drawing(name, alt, draw, height=130 + 44 * len(names)),
        table=Table(header=["run", *(f"{m}, ms per epoch" for m in found)], rows=rows),
        sheet=together(sheets),
    )


def _words(labels: Sequence[str], shared: dict[str, list[Quantity]]) -> tuple[str, str]:
    """Return title and caption: which machine is fastest, and by how much for each run."""
    totals = {m: math.fsum(q.time().value for q in series) for m, series in shared.items()}
    fastest = min(totals, key=lambda machine: totals[machine])
    slowest = max(totals, key=lambda machine: totals[machine])
    parts = []
    for label, slow, fast in zip(labels, shared[slowest], shared[fastest], strict=True):
        ratio = quantities.ratio(slow, fast)
        parts.append(f"{label}: {in_words(ratio, 1, 'times')}")
    title = f"An epoch takes least on {fastest}, over all runs together"
    caption = f"Seconds per epoch on {slowest} over those on {fastest}. {'; '.join(parts)}."
    return title, caption


def _first_at_target(results: Sequence[Result], experiment: str) -> dict[str, Line]:
    """Return one run's line for each machine: of the run that is first on the first machine."""
    chosen: dict[str, Line] = {}
    wanted: Line | None = None
    for result in results:
        backends = quantities.by_backend(result.of(experiment))
        for backend in list(backends)[:1]:
            lines = curves.lines(result, experiment, backend)
            wanted = wanted or _soonest(lines, curves.target(result))
            for line in lines:
                # The same settings, not just the same name.
                if wanted is not None and line.run.labels == wanted.run.labels:
                    chosen[result.machine.id] = line
    return chosen


def _soonest(lines: Sequence[Line], target: float | None) -> Line | None:
    if target is None:
        return None
    timed = [(curves.towards(line.run, target).time, line) for line in lines]
    reached = [(time.value, line) for time, line in timed if time is not None]
    return min(reached, key=lambda pair: pair[0])[1] if reached else None


def _loss_by_time(name: str, solved: Result, chosen: dict[str, Line]) -> Figure:
    lowest, target = curves.optimum(solved), curves.target(solved)
    run = next(iter(chosen.values())).name

    def draw(axes: Axes, *, narrow: bool) -> None:
        ticks.log_axis(axes.xaxis)
        drawn = time_curves(axes, chosen, 0.0)
        loss_axis(axes, list(chosen.values()), lowest)
        axes.set_xlabel("seconds of training" if narrow else "seconds of training (logarithmic)")
        plotting.legend_above(axes, drawn, narrow=narrow)

    fared = {m: curves.towards(line.run, target or 0.0).time for m, line in chosen.items()}
    timed = {machine: time for machine, time in fared.items() if time}
    parts = [f"{machine}: {in_words(time, MILLI, 'ms')}" for machine, time in timed.items()]
    reached = "; ".join(parts) or "not reached"
    caption = f"Time until {run} is at a loss of {target:g}, by machine: {reached}."
    title = f"{sentence(run)} against time on {len(chosen)} machines"
    if len(timed) > 1:
        first = min(timed, key=lambda machine: timed[machine].value)
        factor = max(time.value for time in timed.values()) / timed[first].value
        title = (
            f"With {run}, {first} is first at a loss of {target:g}, after "
            f"{scaled(timed[first].value, 's')}, {times(factor)} times sooner than the last"
        )
    alt = f"Curves of loss against training time, a line for each machine. {title}. {caption}"
    rows: list[list[str | Number]] = []
    for machine, line in chosen.items():
        row = target_table([line], target).rows[0]
        rows.append([machine, *(row[1:] or [absent()])])
    return Figure(
        name=name,
        question="compare",
        words=Words(title=title, caption=caption, alt=alt),
        drawing=plotting.drawing(name, alt, draw),
        table=Table(
            header=["machine", *target_table(list(chosen.values()), target).header[1:]], rows=rows
        ),
        sheet=together((m, curve_sheet([line], lowest)) for m, line in chosen.items()),
    )
