"""What is an example worth? Loss against passes over the data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.experiments.training import curves, labels, words
from report.experiments.training.axes import loss_axis
from report.experiments.training.tables import curve_sheet, final_table, functions
from report.figures import plotting, ticks
from report.figures.figure import Figure, Table, Words
from report.text.numerals import digits, scientific, sentence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from report.experiments.training.case import Case
    from report.experiments.training.curves import Line
    from report.results.result import Result


def figure(
    case: Case, *, question: str = "epochs", said: Words | None = None, table: Table | None = None
) -> Figure:
    """Draw loss against passes over the data: what an example is worth.

    Args:
        case: The experiment.
        question: Which of the template's texts stands before it.
        said: What is said about it, if it is about something else than examples.
        table: Its numbers, if they are others than where each run ends.
    """
    lines, lowest = case.lines, case.lowest

    def draw(axes: Axes, *, narrow: bool) -> None:
        drawn = []
        for index, line in enumerate(lines):
            # The untrained point has no place on a logarithmic axis.
            (middle,) = axes.plot(
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
            drawn.append(middle)
        loss_axis(axes, lines, lowest)
        ticks.log_axis(axes.xaxis)
        axes.set_xlabel("epochs" if narrow else "epochs (logarithmic)")
        plotting.legend_above(axes, drawn, narrow=narrow)

    said = said or _words(case.result, lines)
    return Figure(
        name=f"{case.name}-epochs",
        question=question,
        words=said,
        drawing=plotting.drawing(f"{case.name}-epochs", said.alt, draw),
        table=table or final_table(lines, lowest),
        sheet=curve_sheet(lines, lowest),
        code=functions(lines),
    )


def _words(result: Result, lines: Sequence[Line]) -> Words:
    """Speak of loss against epochs."""
    caption = f"{words.spread(lines)} {words.at_the_end(lines)}"
    title = _first_epoch(lines)
    explanation = _equality(lines) + _gradient_descent(result, lines)
    alt = f"Curves of loss against epochs, one for each run. {title}. {caption}"
    return Words(title=title, caption=caption, explanation=explanation, alt=alt)


def _first_epoch(lines: Sequence[Line]) -> str:
    first = {line.name: line.loss[at] for line in lines if (at := curves.after_one(line))}
    if not first:
        return "No run gets through an epoch"
    best = min(first, key=lambda name: first[name])
    worst = max(first, key=lambda name: first[name])
    if first[worst] - first[best] >= words.SAME:
        return (
            f"After one epoch {best} is at a loss of {words.loss(first[best])}, "
            f"{worst} at {words.loss(first[worst])}"
        )
    if len(first) == 1:
        return f"After one epoch {best} is at a loss of {words.loss(first[best])}"
    every = "both" if len(first) == 2 else "all"
    if _one_path(lines):
        return (
            f"{sentence(every)} follow the same path, to a loss of {words.loss(first[best])} after "
            "one epoch"
        )
    return f"After one epoch {every} are at a loss of {words.loss(first[best])}"


def _one_path(lines: Sequence[Line]) -> bool:
    """Return whether the curves are the same at each of their points, as they are printed."""
    one, *others = lines
    return all(
        other.epochs == one.epochs
        and max(abs(a - b) for a, b in zip(one.loss, other.loss, strict=True)) < words.SAME
        for other in others
    )


def _equality(lines: Sequence[Line]) -> str:
    """Compare two implementations of one run point by point."""
    by_run: dict[object, list[Line]] = {}
    for line in lines:
        by_run.setdefault(line.run.labels["run"], []).append(line)
    sentences = []
    for run, pair in by_run.items():
        ways = {str(line.run.labels["implementation"]) for line in pair}
        if len(pair) != 2 or ways != {"scratch", "concise"}:
            continue
        gap = curves.gap(pair[0].run, pair[1].run)
        if gap is None:
            continue
        distance = "not at all" if gap == 0 else f"by at most {scientific(gap)}"
        sentences.append(
            f"For {run} the two implementations' losses differ {distance} at any point of any "
            "seed. They start from the same weights and see the same batches. The framework's "
            "loss has no factor 1/2, so the version from scratch takes twice its learning rate; "
            "the losses shown have the 1/2 in both. "
        )
    return "".join(sentences)


def _gradient_descent(result: Result, lines: Sequence[Line]) -> str:
    """Compare full-batch runs with the exact path and the stability limit."""
    gap = curves.deviation(result, [line.run for line in lines])
    limit = curves.stability_limit(result)
    if gap is None or limit is None:
        return ""
    keeps = "keeps within" if gap < words.CLOSE else "departs by up to"
    said = (
        f"Full-batch gradient descent {keeps} {scientific(gap)} "
        f"{'of' if gap < words.CLOSE else 'from'} its exact path, computed "
        "in double precision. On these data it is stable up to a learning rate of "
        f"{digits(limit)}, two divided by the largest curvature of the loss. "
    )
    for line in lines:
        of, examples = line.run.labels, result.config["examples"]
        step = labels.rate(of)
        full = labels.full_batch(of, examples) and labels.plain(of)
        if full and step > limit and len(line.loss) > 2:
            said += (
                f"{sentence(line.name)} takes {digits(step)}, beyond it: along the steepest "
                f"direction each step overshoots a little further{words.turn(line)}. "
            )
    return said
