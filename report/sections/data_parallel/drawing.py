"""Figures of predictions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from matplotlib.lines import Line2D

from report.figures import plotting, ticks
from report.figures.figure import Figure, Number, Sheet, Table, absent, cells, columns, number
from report.figures.svg import MUTED, PAPER
from report.sections.data_parallel.words import words
from report.text.numerals import digits

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from report.figures.figure import Cell
    from report.sections.data_parallel.scenarios import Scenario

MILLI = 1e-3


def figure(name: str, scenario: Scenario, examples: int) -> Figure:
    """Draw the predicted speed-up against the minibatch.

    Args:
        name: Of the figure.
        scenario: What is predicted.
        examples: Of the chapter's data.
    """
    said = words(scenario, examples)

    def draw(axes: Axes, *, narrow: bool) -> None:
        ticks.log_axis(axes.xaxis)
        ticks.log_axis(axes.yaxis)
        handles = [_curve(axes, scenario, index) for index in range(len(scenario.settings))]
        counts = [setting.cluster.workers for setting in scenario.settings]
        lowest = min(
            scenario.speedup(s.cluster.workers, s.cluster).value for s in scenario.settings
        )
        axes.set_ylim(min(lowest, 1) / 1.6, 2.2 * max(counts))
        for workers in sorted({1, *counts}):
            plotting.reference(
                axes, workers, "one worker" if workers == 1 else f"at most {workers}"
            )
        if narrow:
            _sparse_ticks(axes)
        if scenario.data:
            _draw_data(axes, examples)
        handles.append(_mark(label="half the number of workers"))
        axes.set_xlabel("minibatch, examples")
        axes.set_ylabel("speed-up in the model" if narrow else "speed-up over one worker, model")
        plotting.legend_above(axes, handles, narrow=narrow)

    return Figure(
        name=name,
        question=scenario.question,
        words=said,
        drawing=plotting.drawing(name, said.alt, draw),
        table=_table(scenario, examples),
        sheet=_sheet(scenario),
    )


def _curve(axes: Axes, scenario: Scenario, index: int) -> Line2D:
    setting = scenario.settings[index]
    batches = scenario.batches(setting.cluster)
    speedups = [scenario.speedup(batch, setting.cluster) for batch in batches]
    drawn = plotting.line(axes, batches, speedups, index, label=setting.name)
    half = scenario.half(setting.cluster)
    if half is not None and half.value > setting.cluster.workers:
        mark = _mark(label="")
        axes.plot(
            [half.value],
            [setting.cluster.workers / 2],
            linestyle="none",
            color=mark.get_color(),
            marker=mark.get_marker(),
            markersize=mark.get_markersize(),
            markerfacecolor=PAPER,
            zorder=4,
        )
    return drawn


def _mark(*, label: str) -> Line2D:
    return Line2D(
        [],
        [],
        linestyle="none",
        color=MUTED,
        marker="o",
        markersize=9,
        markerfacecolor=PAPER,
        label=label,
    )


def _sparse_ticks(axes: Axes) -> None:
    """Leave out every second power of ten where there are many: on a phone they would collide."""
    low, high = axes.get_xlim()
    powers = [10**k for k in range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)]
    if len(powers) > 4:
        axes.set_xticks(powers[::2], [ticks.tick(power) for power in powers[::2]])


def _draw_data(axes: Axes, examples: int) -> None:
    axes.axvline(examples, color=MUTED, linewidth=1, linestyle=(0, (2, 2)))
    axes.annotate(
        f"all {examples:,} examples",
        (examples, 0.72),
        xycoords=("data", "axes fraction"),
        xytext=(-3, 0),
        textcoords="offset points",
        rotation=90,
        ha="right",
        va="center",
        color=MUTED,
        fontsize=11.5,
    )


def _table(scenario: Scenario, examples: int) -> Table:
    header = [
        "workers",
        "exchange of the gradient, ms",
        "smallest minibatch",
        "step with it, ms",
        "speed-up with it",
        "minibatch for half the workers' number",
    ]
    if scenario.data:
        header.append(f"speed-up with all {examples:,} examples")
    rows: list[list[str | Number]] = []
    for setting in scenario.settings:
        cluster = setting.cluster
        least, half = cluster.workers, scenario.half(cluster)
        row: list[str | Number] = [
            setting.name,
            Number(text=digits(scenario.work.parts_s(least, cluster)[2] / MILLI)),
            Number(text=f"{least:,}"),
            number(scenario.step(least, cluster), MILLI),
            number(scenario.speedup(least, cluster)),
            absent() if half is None else number(half),
        ]
        if scenario.data:
            enough = examples >= least
            row.append(number(scenario.speedup(examples, cluster)) if enough else absent())
        rows.append(row)
    return Table(
        header=header,
        rows=rows,
        caption="Predictions of a model, with the 95 % intervals that its inputs give them",
    )


def _sheet(scenario: Scenario) -> Sheet:
    header = [
        "setting",
        "workers",
        "batch_size",
        "communication_s",
        *columns("predicted_step_s")[:3],
        *columns("predicted_speedup")[:3],
    ]
    rows: list[list[Cell]] = [
        [
            setting.name,
            setting.cluster.workers,
            batch,
            scenario.work.parts_s(batch, setting.cluster)[2],
            *cells(scenario.step(batch, setting.cluster))[:3],
            *cells(scenario.speedup(batch, setting.cluster))[:3],
        ]
        for setting in scenario.settings
        for batch in scenario.batches(setting.cluster)
    ]
    return Sheet(header=header, rows=rows)
