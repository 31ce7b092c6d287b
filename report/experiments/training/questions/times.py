"""The same by the clock: loss against time, and what a pass over the data costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.analysis import quantities
from report.experiments.training import curves, words
from report.experiments.training.axes import loss_axis, time_curves
from report.experiments.training.tables import (
    MILLI,
    curve_sheet,
    final_table,
    functions,
    seconds_sheet,
    seconds_table,
    target_table,
)
from report.figures import plotting, ticks
from report.figures.figure import Figure, Words
from report.text.numerals import scaled, sentence, times

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from report.analysis.quantities import Quantity
    from report.experiments.training.case import Case
    from report.experiments.training.curves import Line
    from report.results.result import Result


def loss(case: Case) -> Figure:
    """Draw the chapter's comparison: loss against time on a logarithmic axis."""
    name, lines, lowest = f"{case.name}-time", case.lines, case.lowest
    target = curves.target(case.result)

    def draw(axes: Axes, *, narrow: bool) -> None:
        ticks.log_axis(axes.xaxis)
        drawn = time_curves(axes, {line.name: line for line in lines}, 0.0)
        loss_axis(axes, lines, lowest)
        axes.set_xlabel("seconds of training" if narrow else "seconds of training (logarithmic)")
        plotting.legend_above(axes, drawn, narrow=narrow)

    said = _by_time(case.result, lines)
    return Figure(
        name=name,
        question="time",
        words=said,
        drawing=plotting.drawing(name, said.alt, draw),
        table=target_table(lines, target),
        sheet=curve_sheet(lines, lowest),
        code=functions(lines),
    )


def excess(case: Case) -> list[Figure]:
    """Draw how far the loss is above the lowest possible against time, if that is known."""
    name, lines, lowest = f"{case.name}-excess", case.lines, case.lowest
    if lowest is None:
        return []

    def draw(axes: Axes, *, narrow: bool) -> None:
        ticks.log_axis(axes.xaxis)
        ticks.log_axis(axes.yaxis)
        drawn = time_curves(axes, {line.name: line for line in lines}, lowest)
        axes.set_xlabel("seconds of training" if narrow else "seconds of training (logarithmic)")
        axes.set_ylabel("loss above the optimum")
        plotting.legend_above(axes, drawn, narrow=narrow)

    said = _by_excess(lowest, lines)
    return [
        Figure(
            name=name,
            question="excess",
            words=said,
            drawing=plotting.drawing(name, said.alt, draw),
            table=final_table(lines, lowest),
            sheet=curve_sheet(lines, lowest),
            code=functions(lines),
        )
    ]


def seconds(case: Case) -> Figure:
    """Draw seconds per epoch: a dot for each run."""
    name, found = f"{case.name}-seconds", case.epochs
    said = _seconds(found, case.examples)
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


def _by_time(result: Result, lines: Sequence[Line]) -> Words:
    """Speak of loss against time, the chapter's comparison."""
    target = curves.target(result)
    if target is None:
        title = "Loss against time"
        caption = (
            f"{words.at_the_end(lines)} The data's moments are not in the result file, so that the "
            "lowest possible loss is not known."
        )
        alt = f"Curves of loss against training time. {title}. {caption}"
        return Words(title=title, caption=caption, explanation="", alt=alt)
    fared = {line.name: curves.towards(line.run, target) for line in lines}
    timed = {name: one.time for name, one in fared.items() if one.time is not None}
    parts = [f"{name} {words.fared(one)}" for name, one in fared.items()]
    caption = f"A loss of {target:g} is reached by: " + "; ".join(parts) + "."
    if not timed:
        title = f"No run reaches a loss of {target:g} with all its seeds"
        alt = f"Curves of loss against training time on a logarithmic axis. {title}. {caption}"
        return Words(title=title, caption=caption, explanation="", alt=alt)
    first = min(timed, key=lambda name: timed[name].value)
    last = max(timed, key=lambda name: timed[name].value)
    factor = timed[last].value / timed[first].value
    title = f"{sentence(first)} comes to a loss of {target:g} after {words.short(timed[first])}"
    if first != last:
        title = (
            f"{sentence(first)} is first at a loss of {target:g}, after "
            f"{words.short(timed[first])}; {last} takes {times(factor)} times as long"
        )
    explanation = (
        "Time to a loss is updates needed, times seconds for one update. Small batches need "
        "fewer examples, because every update uses what the last one learned; large ones cost "
        "less for each example, because one call does more. What wins is decided by the cost of "
        "a call on this machine, and by how far the learning rate may go at each batch size. "
        "Evaluation is outside the timer."
    )
    alt = f"Curves of loss against training time on a logarithmic axis. {title}. {caption}"
    return Words(title=title, caption=caption, explanation=explanation, alt=alt)


def _by_excess(lowest: float, lines: Sequence[Line]) -> Words:
    """Speak of the loss above the optimum against time."""
    ends = {line.name: line.above(lowest)[-1] for line in lines}
    best = min(ends, key=lambda name: ends[name])
    line = next(line for line in lines if line.name == best)
    after = scaled(line.elapsed_s[-1], "s")
    title = f"{sentence(best)} ends {words.tiny(ends[best])} above the optimum after {after}"
    if len(lines) > 1:
        above = words.tiny(ends[best])
        title = f"{sentence(best)} ends nearest to the optimum: {above} above, in {after}"
    caption = (
        f"Loss above the lowest possible, {words.loss(lowest)}, at the end of each run: "
        + "; ".join(f"{name}: {words.tiny(value)}" for name, value in ends.items())
        + "."
    )
    explanation = (
        "On this scale a curve that goes straight down still learns, and one that turns level "
        "has met the noise of its own gradients: with a constant learning rate, small batches "
        "keep wandering about the optimum at a distance that the rate decides."
    )
    alt = f"Curves of excess loss against training time, both logarithmic. {title}. {caption}"
    return Words(title=title, caption=caption, explanation=explanation, alt=alt)


def _seconds(found: Sequence[Quantity], examples: int) -> Words:
    """Speak of seconds per epoch."""
    fast = min(found, key=lambda q: q.time().value)
    slow = max(found, key=lambda q: q.time().value)
    factor = quantities.ratio(slow, fast)
    title = f"An epoch takes {words.short(fast.time())} with {fast.labels['run']}"
    if fast is not slow:
        title += (
            f", {words.short(slow.time())} with {slow.labels['run']}: {times(factor.value)} times "
            "as long"
        )
    parts = (f"{q.labels['run']}: {words.milliseconds(q.time())}" for q in found)
    caption = sentence("; ".join(parts)) + "."
    explanation = (
        "An epoch is the same arithmetic for all. In batches of "
        f"{slow.labels['batch_size']:,} an example costs "
        f"{scaled(slow.time().value / examples, 's')}, in batches of "
        f"{fast.labels['batch_size']:,} it costs {scaled(fast.time().value / examples, 's')}. "
        "What is left of an update when its examples are taken away is the same for all sizes: "
        "the framework's calls, the gradient's bookkeeping, the loader's next batch."
    )
    alt = f"Dot plot of milliseconds per epoch on a logarithmic axis. {title}. {caption}"
    return Words(title=title, caption=caption, explanation=explanation, alt=alt)
