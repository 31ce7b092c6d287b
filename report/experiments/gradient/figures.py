"""Figures and tables of a `gradient` experiment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.analysis import quantities
from report.experiments.gradient import words
from report.experiments.gradient.noise import correction, lessened, noises
from report.experiments.gradient.slopes import exponent
from report.experiments.training.figures import announced
from report.figures import plotting, ticks
from report.figures.figure import Figure, Number, Sheet, Table, absent, number
from report.figures.svg import MUTED
from report.text.numerals import digits, scientific

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from report.analysis.estimate import Estimate
    from report.experiments.gradient.noise import Lessened, Noise
    from report.figures.figure import Cell
    from report.results.result import Result

CODE = ["Gradients.gradient", "Gradients.each", "Gradients.draw", "Gradients.squares"]
"""What ran on the backend: the functions that the page lists."""


def figures(result: Result, experiment: str) -> list[Figure]:
    """Draw an experiment of one machine.

    Noise against batch size, with replacement if that was measured; and what drawing without
    replacement takes off it, if both were.
    """
    drawn: list[Figure] = []
    dtype = str(result.config["experiments"][experiment]["settings"].get("dtype", "the dtype"))
    for backend, records in quantities.by_backend(result.of(experiment)).items():
        found = noises(records, result.config["examples"], result.run)
        noisy = [noise for noise in found if not noise.whole and noise.std() is not None]
        name = f"{experiment}-{backend}"
        if noisy:
            samplings = {noise.sampling for noise in noisy}
            sampling = "replacement" if "replacement" in samplings else "permutation"
            shown = sorted(
                (noise for noise in noisy if noise.sampling == sampling),
                key=lambda noise: noise.batch_size,
            )
            drawn.append(_by_size(f"{name}-slope", shown, found))
        ratios = lessened(found)
        if ratios:
            drawn.append(_by_share(f"{name}-population", ratios, dtype))
    return [announced(figure, [result]) for figure in drawn]


def _by_size(name: str, shown: Sequence[Noise], found: Sequence[Noise]) -> Figure:
    """Draw noise against batch size, and the length of the gradient where it crosses that."""
    points: dict[str, list[Noise]] = {}
    for noise in found:
        mine = [each for each in shown if each.point == noise.point]
        if mine:
            points[noise.point] = mine

    def draw(axes: Axes, *, narrow: bool) -> None:
        ticks.log_axis(axes.xaxis)
        ticks.log_axis(axes.yaxis)
        # Set and not found, since a single size has no extent.
        axes.set_xlim(shown[0].batch_size / 1.4, shown[-1].batch_size * 1.4)
        for index, (point, series) in enumerate(points.items()):
            axes.plot(*_theory(series), color=plotting.colour(index), linewidth=1)
            _dots(axes, [(each.batch_size, each.std()) for each in series], index, label=point)
        lowest = min(noise.expected() for noise in shown)
        for point, series in points.items():
            # Far below the noise it would only push the dots together.
            if series[0].even_batch() is not None and series[0].gradient > lowest / 2:
                named = f"gradient, {point}" if narrow else f"length of the gradient, {point}"
                plotting.reference(axes, series[0].gradient, named, below=True)
        axes.set_xlabel("batch size" if narrow else "batch size b (logarithmic)")
        axes.set_ylabel(
            "standard deviation" if narrow else "standard deviation of the gradient (logarithmic)"
        )
        plotting.legend_above(axes, narrow=narrow)

    said = words.by_size(shown)
    return Figure(
        name=name,
        question="slope",
        words=said,
        drawing=plotting.drawing(name, said.alt, draw),
        table=_table(points),
        sheet=_sheet(found),
        code=CODE,
    )


def _theory(series: Sequence[Noise]) -> tuple[list[float], list[float]]:
    """Return theory's line between the smallest and the largest batch that were measured."""
    first, last = series[0], series[-1]
    bends = first.sampling == "permutation"
    # A single size has no line, and a rounded copy beside it would make one of no length.
    several = first.batch_size < last.batch_size
    sizes = _spaced(first.batch_size, last.batch_size, 60 if several else 1)
    return sizes, [
        (first.population / size) ** 0.5 * (correction(size, first.examples) if bends else 1.0)
        for size in sizes
    ]


def _spaced(first: float, last: float, count: int) -> list[float]:
    """Return so many sizes at equal factors, or only the first."""
    return [first * (last / first) ** (k / max(1, count - 1)) for k in range(count)]


def _dots(
    axes: Axes, dots: Sequence[tuple[int, Estimate | None]], index: int, *, label: str
) -> None:
    """Draw a dot for each estimate, with its 95 % interval as a whisker."""
    for size, estimate in dots:
        if estimate is None:
            continue
        ends = None
        if estimate.low is not None and estimate.high is not None:
            ends = [[estimate.value - estimate.low], [estimate.high - estimate.value]]
        axes.errorbar(
            [size],
            [estimate.value],
            yerr=ends,
            fmt=plotting.MARKERS[index % len(plotting.MARKERS)],
            color=plotting.colour(index),
            elinewidth=1.4,
            capsize=3,
            label=label,
        )
        label = "_"  # one entry in the legend is enough


def _table(points: dict[str, list[Noise]]) -> Table:
    sizes = sorted({noise.batch_size for series in points.values() for noise in series})
    rows: list[list[str | Number]] = []
    for size in sizes:
        row: list[str | Number] = [f"{size:,}"]
        for series in points.values():
            std = next((each.std() for each in series if each.batch_size == size), None)
            row.append(absent() if std is None else number(std))
        rows.append(row)
    return Table(
        header=["batch size", *points],
        rows=[*rows, ["exponent", *(_exponent(series) for series in points.values())]],
        caption="Standard deviation of the gradient by point, with 95 % intervals",
    )


def _exponent(series: Sequence[Noise]) -> Number:
    found = exponent(series)
    if found is None:
        return absent()
    ends = ""
    if found.low is not None and found.high is not None:
        ends = f"{words.signed(found.low)} to {words.signed(found.high)}"
    return Number(text=words.signed(found.value), interval=ends)


def _sheet(found: Sequence[Noise]) -> Sheet:
    """Return every series, also those whose batches hold all examples."""
    rows: list[list[Cell]] = []
    for noise in found:
        std = noise.std()
        rows.append(
            [
                noise.point,
                noise.sampling,
                noise.batch_size,
                noise.draws,
                0.0 if std is None else std.value,
                None if std is None else std.low,
                None if std is None else std.high,
                sum(each is not None for each in noise.by_process),
                noise.expected(),
                noise.population,
                noise.gradient,
            ]
        )
    return Sheet(
        header=[
            "point",
            "sampling",
            "batch_size",
            "draws",
            "std",
            "std_low95",
            "std_high95",
            "processes",
            "std_theory",
            "population_variance",
            "gradient_length",
        ],
        rows=rows,
    )


def _by_share(name: str, found: Sequence[Lessened], dtype: str) -> Figure:
    """Draw noise without replacement over noise with it, against batch size."""
    examples = found[0].examples

    def draw(axes: Axes, *, narrow: bool) -> None:
        ticks.log_axis(axes.xaxis)
        # Dense where the curve falls, which is at the end.
        spaced = _spaced(1, examples, 120)
        sizes = sorted({*spaced, *(examples + 1 - size for size in spaced)})
        axes.plot(sizes, [correction(size, examples) for size in sizes], color=MUTED, linewidth=1)
        _dots(axes, [(one.batch_size, one.ratio) for one in found], 0, label="_")
        for one in found:
            if one.ratio is None:
                axes.plot(
                    [one.batch_size], [one.rest], plotting.MARKERS[0], color=plotting.colour(0)
                )
        axes.set_ylim(bottom=-0.04)
        axes.set_xlabel("batch size" if narrow else "batch size b (logarithmic)")
        axes.set_ylabel("ratio of noise" if narrow else "noise without / with replacement")

    said = words.by_share(found, dtype)
    return Figure(
        name=name,
        question="population",
        words=said,
        drawing=plotting.drawing(name, said.alt, draw, height=320),
        table=_shares(found),
        sheet=Sheet(
            header=["batch_size", "ratio", "ratio_low95", "ratio_high95", "processes", "theory"],
            rows=[[one.batch_size, *_cells(one), one.expected()] for one in found],
        ),
        code=CODE,
    )


def _cells(one: Lessened) -> list[Cell]:
    if one.ratio is None:
        return [one.rest, None, None, None]
    return [one.ratio.value, one.ratio.low, one.ratio.high, one.ratio.replicates]


def _shares(found: Sequence[Lessened]) -> Table:
    rows: list[list[str | Number]] = []
    for one in found:
        measured = Number(text=scientific(one.rest) if one.rest else "0")
        if one.ratio is not None:
            measured = number(one.ratio)
        rows.append([f"{one.batch_size:,}", measured, Number(text=digits(one.expected()))])
    return Table(
        header=["batch size", "without / with replacement", "theory"],
        rows=rows,
        caption="Ratios of standard deviations with their 95 % intervals",
    )
