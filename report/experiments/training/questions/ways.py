"""The same runs done in two ways: two loaders, or from scratch and with the framework's parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.analysis import quantities
from report.experiments.training import words
from report.experiments.training.tables import MILLI, seconds_sheet
from report.figures import plotting
from report.figures.figure import Figure, Number, Table, Words, number
from report.text.numerals import digits, percent, scaled, sentence, times

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from matplotlib.axes import Axes

    from report.analysis.estimate import Estimate
    from report.analysis.quantities import Quantity
    from report.experiments.training.case import Case


def figures(case: Case, way: str) -> list[Figure]:
    """Draw seconds per epoch of two ways to do the same runs, if any run was done in both."""
    name, found = f"{case.name}-{way}", case.epochs
    ways, by_run = both_ways(way, found)
    if not by_run:
        return []
    said = _words(way, found, case.examples)

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


def _ways_table(ways: tuple[str, str], by_run: Mapping[str, Mapping[str, Quantity]]) -> Table:
    rows: list[list[str | Number]] = [
        [
            run,
            *(number(pair[one].time(), MILLI) for one in ways),
            number(ratio_of_ways(pair, ways)),
        ]
        for run, pair in by_run.items()
    ]
    header = ["run", *(f"{w}, ms per epoch" for w in ways), f"{ways[1]} / {ways[0]}"]
    return Table(header=header, rows=rows)


def both_ways(
    way: str, found: Sequence[Quantity]
) -> tuple[tuple[str, str], dict[str, dict[str, Quantity]]]:
    """Return the names of two ways, and each run that was done in both, by way."""
    names = ("dataloader", "sliced") if way == "loader" else ("scratch", "concise")
    by_run: dict[str, dict[str, Quantity]] = {}
    for quantity in found:
        by_run.setdefault(str(quantity.labels["run"]), {})[str(quantity.labels[way])] = quantity
    return names, {run: pair for run, pair in by_run.items() if set(names) <= pair.keys()}


def _words(way: str, found: Sequence[Quantity], examples: int) -> Words:
    """Speak of two ways to do the same runs; at least one run was done in both."""
    names, by_run = both_ways(way, found)
    known = {run: ratio_of_ways(pair, names) for run, pair in by_run.items()}
    if way == "loader":
        return _loader(by_run, names, known, examples)
    slower = max(known, key=lambda run: known[run].value)
    ratio = known[slower]
    title = (
        f"The {names[1]} version takes {times(ratio.value)} times as long as {names[0]}"
        if ratio.excludes(1)
        else "The two versions take the same time, as far as this run can tell"
    )
    caption = "; ".join(
        f"{run}: "
        + ", ".join(f"{one} {words.milliseconds(pair[one].time())}" for one in names)
        + f"; ratio {digits(known[run].value)} ({words.ends(known[run])})"
        for run, pair in by_run.items()
    )
    explanation = (
        "Both do the same arithmetic on the same batches. The framework's optimizer and layers "
        "bring their own bookkeeping for each update, the version from scratch only the calls "
        "that it needs."
    )
    alt = f"Dot plot of milliseconds per epoch by version. {title}. {caption}."
    return Words(title=title, caption=f"{sentence(caption)}.", explanation=explanation, alt=alt)


def _loader(
    by_run: Mapping[str, Mapping[str, Quantity]],
    names: Sequence[str],
    ratios: Mapping[str, Estimate],
    examples: int,
) -> Words:
    # Of the chapter's seconds, what is left once batches are cut from a tensor is not the loader's.
    shares = {run: 1 - ratio.value for run, ratio in ratios.items()}
    most = max(shares, key=lambda run: shares[run])
    least = min(shares, key=lambda run: shares[run])
    title = f"The loader takes {percent(shares[most])} of an epoch of {most}"
    if least != most:
        title += f", {percent(shares[least])} of {least}"
    caption = (
        "The data loader's share of the seconds per epoch: "
        + "; ".join(
            f"{run}: {percent(shares[run])} ({_share_ends(ratio)})" for run, ratio in ratios.items()
        )
        + "."
    )
    order = {name: sorted(by_run, key=lambda run: by_run[run][name].time().value) for name in names}
    fastest = {name: order[name][0] for name in names}
    costs = {
        run: (pair[names[0]].time().value - pair[names[1]].time().value) / examples
        for run, pair in by_run.items()
    }
    dear, cheap = max(costs, key=_of(costs)), min(costs, key=_of(costs))
    explanation = (
        "The framework's loader fetches examples one by one in Python and stacks them into "
        f"batches. Beyond cutting the same batches from a tensor that takes "
        f"{scaled(costs[cheap], 's')} an example with {cheap}"
    )
    explanation += f" and {scaled(costs[dear], 's')} with {dear}. " if dear != cheap else ". "
    if fastest[names[0]] == fastest[names[1]]:
        if len(by_run) > 1:
            explanation += f"Either way {fastest[names[0]]} has the fastest epoch."
    else:
        explanation += (
            f"With the loader {fastest[names[0]]} has the fastest epoch; with batches cut from a "
            f"tensor it is {fastest[names[1]]}. The chapter's order of seconds per epoch is in "
            "part an order of loaders."
        )
    alt = f"Dot plot of milliseconds per epoch by run and loader. {title}. {caption}"
    return Words(title=title, caption=caption, explanation=explanation, alt=alt)


def _of(values: Mapping[str, float]) -> Callable[[str], float]:
    return lambda name: values[name]


def ratio_of_ways(pair: Mapping[str, Quantity], names: Sequence[str]) -> Estimate:
    """Return seconds of the second way over seconds of the first."""
    return quantities.ratio(pair[names[1]], pair[names[0]])


def _share_ends(ratio: Estimate) -> str:
    if ratio.low is None or ratio.high is None:
        return words.TOO_FEW
    return f"95 % interval {percent(1 - ratio.high)} to {percent(1 - ratio.low)}"
