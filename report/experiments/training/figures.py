"""Figures and tables of a `training` experiment."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from report import plotting, quantities
from report.experiments.training import curves, words
from report.experiments.training.quantities import median_times
from report.figures import (
    Figure,
    Number,
    Sheet,
    Table,
    absent,
    cells,
    columns,
    number,
)
from report.numerals import digits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

    from report.experiments.training.curves import Line
    from report.quantities import Quantity
    from report.results import Result
    from report.worker.records import Scalar

MILLI = 1e-3


def figures(result: Result, experiment: str) -> list[Figure]:
    """Draw an experiment of one machine.

    Runs that differ in nothing but themselves get the chapter's curves; runs that were done in
    two ways (two loaders, two implementations) get the comparison of the two.
    """
    drawn: list[Figure] = []
    examples = result.config["examples"]
    for backend, records in quantities.by_backend(result.of(experiment)).items():
        found = quantities.of_records(records)
        lines = curves.lines(result, experiment, backend)
        if not found or not lines:
            continue
        name = f"{experiment}-{backend}"
        varying = quantities.varying([q.labels for q in found])
        if "loader" in varying:
            drawn += _ways(f"{name}-loader", "loader", found, examples)
        if "implementation" in varying:
            drawn.append(loss_by_epoch(f"{name}-epochs", result, lines))
            drawn += _ways(f"{name}-implementation", "implementation", found, examples)
        if not {"loader", "implementation"} & set(varying):
            drawn += [
                loss_by_epoch(f"{name}-epochs", result, lines),
                _loss_by_time(f"{name}-time", result, lines),
                *_excess_by_time(f"{name}-excess", result, lines),
                _seconds(f"{name}-seconds", found, examples),
            ]
    return [announced(figure, [result]) for figure in drawn]


def announced(figure: Figure, results: Sequence[Result]) -> Figure:
    """Say under a figure whether the data it was made from are made up."""
    made_up = [r.machine.id for r in results if r.dataset and r.dataset.source == "surrogate"]
    if not made_up:
        return figure
    where = f" on {' and '.join(made_up)}" if len(results) > 1 else ""
    caption = (
        f"{figure.words.caption} Surrogate data{where}: made up, with the real data's moments."
    )
    return dataclasses.replace(figure, words=dataclasses.replace(figure.words, caption=caption))


def loss_by_epoch(name: str, result: Result, lines: Sequence[Line]) -> Figure:
    """Draw loss against passes over the data: what an example is worth."""
    lowest = curves.optimum(result)

    def draw(axes: Axes, *, narrow: bool) -> None:
        drawn = []
        for index, line in enumerate(lines):
            # The untrained point has no place on a logarithmic axis.
            (median,) = axes.plot(
                line.epochs[1:],
                line.loss[1:],
                **plotting.style(index, len(line.epochs)),
                label=plotting.safe(line.name),
            )
            axes.fill_between(
                line.epochs[1:],
                line.lowest[1:],
                line.highest[1:],
                color=plotting.colour(index),
                alpha=0.18,
                linewidth=0,
            )
            drawn.append(median)
        loss_axis(axes, lines, lowest)
        plotting.log_axis(axes.xaxis)
        axes.set_xlabel("epochs" if narrow else "epochs (logarithmic)")
        plotting.legend_above(axes, drawn, narrow=narrow)

    said = words.by_epoch(result, lines)
    return Figure(
        name=name,
        question="epochs",
        words=said,
        drawing=plotting.drawing(name, said.alt, draw),
        table=_final_table(lines, lowest),
        sheet=curve_sheet(lines, lowest),
        code=_functions(lines),
    )


def _loss_by_time(name: str, result: Result, lines: Sequence[Line]) -> Figure:
    """Draw the chapter's comparison: loss against time on a logarithmic axis."""
    lowest, target = curves.optimum(result), curves.target(result)

    def draw(axes: Axes, *, narrow: bool) -> None:
        plotting.log_axis(axes.xaxis)
        drawn = time_curves(axes, {line.name: line for line in lines}, 0.0)
        loss_axis(axes, lines, lowest)
        axes.set_xlabel("seconds of training" if narrow else "seconds of training (logarithmic)")
        plotting.legend_above(axes, drawn, narrow=narrow)

    said = words.by_time(result, lines)
    return Figure(
        name=name,
        question="time",
        words=said,
        drawing=plotting.drawing(name, said.alt, draw),
        table=target_table(lines, target),
        sheet=curve_sheet(lines, lowest),
        code=_functions(lines),
    )


def _excess_by_time(name: str, result: Result, lines: Sequence[Line]) -> list[Figure]:
    """Draw how far the loss is above the lowest possible, against time, both logarithmic."""
    lowest = curves.optimum(result)
    if lowest is None:
        return []

    def draw(axes: Axes, *, narrow: bool) -> None:
        plotting.log_axis(axes.xaxis)
        plotting.log_axis(axes.yaxis)
        drawn = time_curves(axes, {line.name: line for line in lines}, lowest)
        axes.set_xlabel("seconds of training" if narrow else "seconds of training (logarithmic)")
        axes.set_ylabel("loss above the optimum")
        plotting.legend_above(axes, drawn, narrow=narrow)

    said = words.by_excess(lowest, lines)
    return [
        Figure(
            name=name,
            question="excess",
            words=said,
            drawing=plotting.drawing(name, said.alt, draw),
            table=_final_table(lines, lowest),
            sheet=curve_sheet(lines, lowest),
            code=_functions(lines),
        )
    ]


def time_curves(axes: Axes, lines: Mapping[str, Line], lowest: float) -> list[Line2D]:
    """Draw each seed as a thin line under the median of all; the untrained point has no place."""
    drawn = []
    for index, (name, line) in enumerate(lines.items()):
        for seed in line.run.seeds:
            seconds = median_times(seed)
            axes.plot(
                seconds[1:],
                [loss - lowest for loss in seed.loss[1:]],
                color=plotting.colour(index),
                linewidth=0.6,
                alpha=0.45,
            )
        (median,) = axes.plot(
            line.elapsed_s[1:],
            [loss - lowest for loss in line.loss[1:]],
            **plotting.style(index, len(line.loss)),
            label=plotting.safe(name),
        )
        drawn.append(median)
    return drawn


def loss_axis(axes: Axes, lines: Sequence[Line], lowest: float | None) -> None:
    """Lay out the axis of losses, with the optimum drawn in."""
    axes.set_ylabel("loss")
    highest = max((line.highest[1] for line in lines if len(line.highest) > 1), default=None)
    if lowest is None or highest is None:
        return
    # From the optimum to the first points: the untrained loss would press all else together.
    top = lowest + 1.25 * max(min(highest, 2 * lowest) - lowest, 0.02 * lowest)
    axes.set_ylim(lowest - 0.12 * (top - lowest), top)
    plotting.reference(axes, lowest, f"lowest possible: {digits(lowest, 4)}", below=True)


def _seconds(name: str, found: Sequence[Quantity], examples: int) -> Figure:
    """Draw seconds per epoch: a dot for each run."""
    said = words.seconds(found, examples)
    labels = [str(q.labels["run"]) for q in found]

    def draw(axes: Axes, *, narrow: bool) -> None:
        plotting.dot_axes(axes, labels, "milliseconds per epoch", narrow=narrow)
        plotting.dots(axes, [q.time().scaled(1 / MILLI) for q in found], 0)

    return Figure(
        name=name,
        question="seconds",
        words=said,
        drawing=plotting.drawing(name, said.alt, draw, height=90 + 44 * len(labels)),
        table=seconds_table(found),
        sheet=seconds_sheet(found),
        code=["loaded", "train_scratch"],
    )


def _ways(name: str, way: str, found: Sequence[Quantity], examples: int) -> list[Figure]:
    """Draw seconds per epoch of two ways to do the same runs, if any run was done in both."""
    ways, by_run = words.both_ways(way, found)
    if not by_run:
        return []
    said = words.ways(way, found, examples)

    def draw(axes: Axes, *, narrow: bool) -> None:
        plotting.dot_axes(axes, list(by_run), "milliseconds per epoch", narrow=narrow)
        for index, one in enumerate(ways):
            times = [pair[one].time().scaled(1 / MILLI) for pair in by_run.values()]
            plotting.dots(axes, times, index, label=one)
        plotting.legend_above(axes, narrow=narrow)

    figure = Figure(
        name=name,
        question=way,
        words=said,
        drawing=plotting.drawing(name, said.alt, draw, height=130 + 48 * len(by_run)),
        table=_ways_table(ways, by_run),
        sheet=seconds_sheet(found),
        code=["loaded", "sliced"] if way == "loader" else ["train_scratch", "train_concise"],
    )
    return [figure]


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


def _ways_table(ways: tuple[str, str], by_run: Mapping[str, Mapping[str, Quantity]]) -> Table:
    rows: list[list[str | Number]] = [
        [
            run,
            *(number(pair[one].time(), MILLI) for one in ways),
            number(words.ratio_of_ways(pair, ways)),
        ]
        for run, pair in by_run.items()
    ]
    header = ["run", *(f"{w}, ms per epoch" for w in ways), f"{ways[1]} / {ways[0]}"]
    return Table(header=header, rows=rows)


def _final_table(lines: Sequence[Line], lowest: float | None) -> Table:
    rows: list[list[str | Number]] = []
    for line in lines:
        one = curves.after_one(line)
        rows.append(
            [
                line.name,
                Number(text=f"{line.epochs[-1]:.0f}"),
                absent() if one is None else _loss(line, one),
                _loss(line, -1),
                absent() if lowest is None else Number(text=words.tiny(line.loss[-1] - lowest)),
                Number(text=f"{line.run.diverged} of {len(line.run.seeds)}"),
            ]
        )
    header = ["run", "epochs", "loss after one epoch", "loss at the end", "above the optimum"]
    return Table(
        header=[*header, "diverged"],
        rows=rows,
        caption="Medians over seeds; beside a loss, the lowest and the highest of the seeds",
    )


def _loss(line: Line, at: int) -> Number:
    text, low, high = (words.loss(each[at]) for each in (line.loss, line.lowest, line.highest))
    several = len(line.run.seeds) > 1
    return Number(text=text, interval=f"{low}\N{EN DASH}{high}" if several else "")


def target_table(lines: Sequence[Line], target: float | None) -> Table:
    """Return how each run fared towards a loss."""
    if target is None:
        return _final_table(lines, None)
    rows: list[list[str | Number]] = []
    fared = {line.name: curves.towards(line.run, target) for line in lines}
    times = [one.time.value for one in fared.values() if one.time]
    for line in lines:
        one = fared[line.name]
        time = absent()
        if one.time:
            time = number(one.time, MILLI, best=one.time.value == min(times))
        rows.append([line.name, Number(text=f"{one.reached} of {one.seeds}"), time])
    return Table(
        header=["run", f"seeds that reach {target:g}", "milliseconds until then"], rows=rows
    )


def curve_sheet(lines: Sequence[Line], lowest: float | None) -> Sheet:
    """Return every seed's curve."""
    header = ["run", "loader", "implementation", "seed", "examples", "epochs", "loss"]
    header += ["loss_above_optimum", "elapsed_s"]
    rows: list[list[Scalar]] = []
    for line in lines:
        labels = line.run.labels
        ways = [labels["run"], labels["loader"], labels["implementation"]]
        for seed in line.run.seeds:
            points = zip(seed.examples, seed.loss, median_times(seed), strict=True)
            for k, (examples, loss, seconds) in enumerate(points):
                above = None if lowest is None else loss - lowest
                epochs = line.epochs[k] if k < len(line.epochs) else None
                rows.append([*ways, seed.seed, examples, epochs, loss, above, seconds])
    return Sheet(header=header, rows=rows)


def seconds_sheet(found: Sequence[Quantity]) -> Sheet:
    """Return seconds per epoch in SI units."""
    names = ["run", "batch_size", "lr", "loader", "implementation"]
    return Sheet(
        header=[*names, *columns("epoch_s")],
        rows=[[q.labels[name] for name in names] + cells(q.time()) for q in found],
    )


def _functions(lines: Sequence[Line]) -> list[str]:
    used = {str(line.run.labels["implementation"]) for line in lines}
    own = ["linreg", "squared_loss", "sgd", "train_scratch"] if "scratch" in used else []
    return own + (["train_concise"] if "concise" in used else [])
