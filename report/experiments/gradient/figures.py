"""Figures of a `gradient` experiment of one machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from report.analysis.quantities import by_backend
from report.experiments.gradient.noise import THEORY, correction, exponent, lessened, noises
from report.figures import identity, prose
from report.figures.figure import Cell, Figure, Number, Sheet, Table, cells, columns, number
from report.figures.shapes import Axis, Curves, Line, Mark, Points, Reference, points
from report.text.numerals import digits, scientific, signed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.analysis.estimate import Estimate
    from report.experiments.gradient.noise import Lessened, Noise
    from report.results.result import Result

    Lines = dict[str, list[Noise]]
    """By point, each sorted by batch size."""

TEMPLATE = "experiments/gradient.html"

CODE = ["Gradients.gradient", "Gradients.each", "Gradients.draw", "Gradients.deviations"]

BATCH_SIZE = Axis(label="batch size b", narrow="batch size")


def figures(result: Result, experiment: str) -> list[Figure]:
    """Draw noise against batch size, and what drawing without replacement takes off it."""
    drawn: list[Figure] = []
    settings = result.config["experiments"][experiment]["settings"]
    data = {
        "examples": result.config["examples"],
        "dtype": settings.get("dtype", "the dtype"),
        "surrogate": result.surrogate,
    }
    for backend, records in by_backend(result.of(experiment)).items():
        every = noises(records, data["examples"], result.run)
        shown = with_replacement(every)
        lines: Lines = {noise.point: [] for noise in shown}
        for noise in sorted(shown, key=lambda noise: noise.batch_size):
            lines[noise.point].append(noise)
        if lines:
            drawn.append(_by_size(f"{experiment}-{backend}-slope", lines, every, data))
        if ratios := lessened(every):
            drawn.append(_by_share(f"{experiment}-{backend}-population", ratios, data))
    return drawn


def with_replacement(every: Sequence[Noise]) -> list[Noise]:
    """Return what there is of noise where batches are drawn so, or else in the other way."""
    noisy = [noise for noise in every if not noise.whole and noise.std() is not None]
    return [noise for noise in noisy if noise.sampling == "replacement"] or noisy


def _by_size(name: str, lines: Lines, every: Sequence[Noise], data: dict[str, Any]) -> Figure:
    """Draw noise against batch size, and the length of the gradient where it crosses that."""
    shown = [noise for line in lines.values() for noise in line]
    heights = [noise.expected() for noise in shown]
    hues = identity.places("point", lines)
    marks: list[Mark] = [
        points(point, hue, [(noise.batch_size, noise.std()) for noise in line])
        for hue, (point, line) in zip(hues, lines.items(), strict=True)
    ]
    marks += [
        Reference(
            y=line[0].gradient,
            label=f"length of the gradient, {point}",
            narrow=f"gradient, {point}",
            below=True,
        )
        for point, line in lines.items()
        if min(heights) < line[0].gradient < max(heights)
    ]
    shape = Curves(
        x=BATCH_SIZE,
        y=Axis(label="standard deviation of the gradient", narrow="standard deviation"),
        lines=tuple(_theory(hue, line) for hue, line in zip(hues, lines.values(), strict=True)),
        marks=tuple(marks),
        names="above",
    )
    exponents = {point: exponent(line) for point, line in lines.items()}
    known = [one for one in exponents.values() if one is not None and one.low is not None]
    return prose.figure(
        TEMPLATE,
        name,
        "slope",
        shape,
        table=_table(lines, exponents),
        sheet=_sheet(every),
        code=CODE,
        first=shown[0],
        biased=shown[0].biased(),
        lines=lines,
        power=exponent(shown),
        exponents={point: one for point, one in exponents.items() if one is not None},
        theory=THEORY,
        known=len(known),
        holding=sum(not one.excludes(THEORY) for one in known),
        compared=any(line[0].even_batch() is not None for line in lines.values()),
        **data,
    )


def _theory(index: int, line: Sequence[Noise]) -> Line:
    """Return theory's line between the smallest and the largest batch that were measured."""
    first, last = line[0], line[-1]
    bends = first.sampling == "permutation"
    sizes = _spaced(first.batch_size, last.batch_size, 60 if bends else 2)
    bend = (correction(b, first.examples) if bends else 1.0 for b in sizes)
    heights = [(first.population / b) ** 0.5 * at for b, at in zip(sizes, bend, strict=True)]
    return _thin(index, sizes, heights)


def _spaced(first: float, last: float, count: int) -> list[float]:
    return [first * (last / first) ** (k / (count - 1)) for k in range(count)]


def _thin(index: int, x: Sequence[float], y: Sequence[float]) -> Line:
    return Line(name="", index=index, x=tuple(x), y=tuple(y), dash="-", width=1, marked=False)


def _table(lines: Lines, exponents: dict[str, Estimate | None]) -> Table:
    stds = [{noise.batch_size: noise.std() for noise in line} for line in lines.values()]
    rows: list[list[str | Number]] = [
        [f"{size:,}", *(number(at.get(size)) for at in stds)] for size in sorted(set().union(*stds))
    ]
    return Table(
        header=["batch size", *lines],
        rows=[*rows, ["exponent", *map(_exponent, exponents.values())]],
        caption="Standard deviation of the gradient by point, with 95 % intervals",
    )


def _exponent(one: Estimate | None) -> Number:
    if one is None:
        return number(None)
    ends = "" if one.low is None or one.high is None else f"{signed(one.low)} to {signed(one.high)}"
    return Number(text=signed(one.value), interval=ends, estimate=one)


def _sheet(every: Sequence[Noise]) -> Sheet:
    """Return every series, also those with all examples in a batch."""
    rows: list[list[Cell]] = []
    for noise in every:
        labels: list[Cell] = [noise.point, noise.sampling, noise.batch_size, noise.draws]
        theory = [noise.expected(), noise.population, noise.gradient]
        rows.append([*labels, *_value(noise.std(), 0.0), *theory, noise.quantity.name()])
    header = ["point", "sampling", "batch_size", "draws", *columns("std")[:4]]
    header += ["std_theory", "population_variance", "gradient_length", "key"]
    return Sheet(header=header, rows=rows)


def _value(estimate: Estimate | None, otherwise: float) -> list[Cell]:
    return cells(estimate)[:4] if estimate else [otherwise, None, None, None]


def _by_share(name: str, shares: Sequence[Lessened], data: dict[str, Any]) -> Figure:
    """Draw noise without replacement over noise with it, against batch size."""
    examples = data["examples"]
    # Dense where the curve falls, which is at the end.
    spaced = _spaced(1, examples, 120)
    sizes = sorted({*spaced, *(examples + 1 - size for size in spaced)})
    whole = [one for one in shares if one.ratio is None]
    x, y = tuple(one.batch_size for one in whole), tuple(one.rest for one in whole)
    shape = Curves(
        x=BATCH_SIZE,
        y=Axis(label="noise without / with replacement", narrow="ratio of noise", scale="linear"),
        lines=(_thin(0, sizes, [correction(size, examples) for size in sizes]),),
        marks=(
            points("", 0, ((one.batch_size, one.ratio) for one in shares)),
            Points(name="", index=0, x=x, y=y),
        ),
        names="none",
        height=320,
    )
    rows: list[list[str | Number]] = []
    lines: list[list[Cell]] = []
    for one in shares:
        share = number(one.ratio) if one.ratio else Number(text=scientific(one.rest))
        rows.append([f"{one.batch_size:,}", share, Number(text=digits(one.expected))])
        key = one.ratio.key if one.ratio else None
        lines.append([one.batch_size, *_value(one.ratio, one.rest), one.expected, key])
    return prose.figure(
        TEMPLATE,
        name,
        "population",
        shape,
        table=Table(
            header=["batch size", "without / with replacement", "theory"],
            rows=rows,
            caption="Ratios of standard deviations with their 95 % intervals",
        ),
        sheet=Sheet(header=["batch_size", *columns("ratio")[:4], "theory", "key"], rows=lines),
        code=CODE,
        parts=[one for one in shares if one.ratio is not None],
        whole=whole,
        tenth=correction(examples / 10, examples),
        **data,
    )
