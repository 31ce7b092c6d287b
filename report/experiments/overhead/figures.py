"""Figures and tables of an `overhead` experiment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.ticker import LogLocator

from report.analysis import quantities
from report.experiments.matmul.quantities import peaks
from report.experiments.overhead import model, words
from report.experiments.overhead.quantities import of_records
from report.figures import plotting, ticks
from report.figures.figure import Figure, Number, Sheet, Table, absent, cells, columns, number
from report.figures.svg import MUTED
from report.text.numerals import digits, scaled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

    from report.analysis.estimate import Estimate
    from report.analysis.quantities import Quantity
    from report.experiments.overhead.words import Updates
    from report.results.result import Result

MICRO, KILO = 1e-6, 1e3
VARIANTS = ("eager", "compiled")
STEP = ["Update.step", "mean_loss", "linreg", "squared_loss", "sgd"]
"""What an update consists of, in the backend's files."""


def figures(result: Result, experiment: str) -> list[Figure]:
    """Draw an experiment of one machine: calls, updates, what of them is not arithmetic."""
    drawn = []
    for backend, records in quantities.by_backend(result.of(experiment)).items():
        found = of_records(records, result.run)
        name = f"{experiment}-{backend}"
        adds = additions(found)
        lines = updates(found)
        if adds:
            drawn.append(_dispatch(f"{name}-dispatch", adds))
        if lines:
            shortest = next(iter(adds.values()), None)
            drawn.append(_update(f"{name}-update", lines, shortest))
            drawn += _share(f"{name}-share", lines, _peak(result, backend))
            drawn += _throughput(f"{name}-throughput", lines)
    return drawn


def additions(found: Sequence[Quantity]) -> dict[int, Quantity]:
    """Return the additions by size, the smallest first."""
    chosen = {int(str(q.labels["size"])): q for q in found if q.labels["operation"] == "add"}
    return dict(sorted(chosen.items()))


def updates(found: Sequence[Quantity]) -> dict[str, Updates]:
    """Return the updates by batch size, for each variant that was measured, eager first."""
    lines = {variant: model.updates(found, variant) for variant in VARIANTS}
    return {variant: line for variant, line in lines.items() if line}


def _peak(result: Result, backend: str) -> float | None:
    """Return the highest rate of a float32 product, in operations per second."""
    best = peaks(result).get("float32")
    if best is None or best.quantity.backend != backend:
        return None
    return best.estimate.value


def _dispatch(name: str, adds: Mapping[int, Quantity]) -> Figure:
    """Draw seconds per addition against elements, with the shortest vector's as a reference."""
    small, floor = next(iter(adds.items()))
    cost, twice = floor.time().value, words.doubled(adds)

    def draw(axes: Axes, *, narrow: bool) -> None:
        size_axis(axes, max(adds), narrow=narrow)
        ticks.log_axis(axes.yaxis)
        times = [q.time().scaled(1 / MICRO) for q in adds.values()]
        plotting.line(axes, list(adds), times, 0, label="add")
        label = f"{words.elements(small)}: {scaled(cost, 's')}"
        plotting.reference(axes, cost / MICRO, label, below=True)
        # Room for that label below the line.
        low, high = axes.get_ylim()
        axes.set_ylim(min(low, cost / MICRO / 2), high)
        if twice is not None:
            _mark(axes, twice, f"twice that: {digits(twice, 2)}")
        axes.set_xlabel("elements")
        axes.set_ylabel("time of one call, µs")

    said = words.dispatch(adds)
    rows: list[list[str | Number]] = [
        [f"{size:,}", number(q.time(), MICRO), number(_paired(q, floor)), number(_rate(q), 1e6)]
        for size, q in adds.items()
    ]
    header = ["elements", "time, µs", "times the shortest", "million additions a second"]
    return Figure(
        name=name,
        question="dispatch",
        words=said,
        drawing=plotting.drawing(name, said.alt, draw),
        table=Table(header=header, rows=rows),
        sheet=sheet(list(adds.values())),
        code=["addition"],
    )


def size_axis(axes: Axes, largest: int, *, narrow: bool) -> None:
    """Lay out a logarithmic axis of sizes; on a phone long numbers need every other tick."""
    ticks.log_axis(axes.xaxis)
    if narrow and largest >= 100_000:
        axes.xaxis.set_major_locator(LogLocator(base=100))


def _paired(one: Quantity, other: Quantity) -> Estimate:
    return quantities.ratio(one, other)


def _rate(quantity: Quantity) -> Estimate:
    return quantity.rate()


def _mark(axes: Axes, x: float, label: str) -> None:
    """Draw a labelled thin line upright, its label at the top on the side with more room."""
    axes.axvline(x, color=MUTED, linewidth=1, linestyle=(0, (2, 2)))
    left, right = axes.get_xlim()
    late = x * x > left * right  # on a logarithmic axis
    axes.annotate(
        label,
        (x, 1),
        xycoords=("data", "axes fraction"),
        xytext=(-5 if late else 5, -4),
        textcoords="offset points",
        ha="right" if late else "left",
        va="top",
        color=MUTED,
        fontsize=11.5,
    )


def _update(name: str, lines: Mapping[str, Updates], shortest: Quantity | None) -> Figure:
    """Draw seconds per update against batch size, with the part that is fixed as a reference."""
    variant, found = next(iter(lines.items()))
    fitted = model.fit({size: q.time().value for size, q in found.items()})

    def draw(axes: Axes, *, narrow: bool) -> None:
        ticks.log_axis(axes.xaxis)
        drawn = [
            plotting.line(
                axes,
                list(line),
                [q.time().scaled(1 / MICRO) for q in line.values()],
                VARIANTS.index(one),
                label=one,
            )
            for one, line in lines.items()
        ]
        time_axis(axes)
        if fitted is not None:
            label = f"fixed part, {variant}: {scaled(fitted.fixed_s, 's')}"
            plotting.reference(axes, fitted.fixed_s / MICRO, label, below=True)
        axes.set_xlabel("batch size")
        axes.set_ylabel("time of one update, µs")
        plotting.name_lines(axes, drawn, narrow=narrow)

    said = words.update(lines, fitted, shortest)
    return Figure(
        name=name,
        question="update",
        words=said,
        drawing=plotting.drawing(name, said.alt, draw),
        table=_update_table(lines),
        sheet=sheet([q for line in lines.values() for q in line.values()]),
        code=_code(lines),
    )


def time_axis(axes: Axes) -> None:
    """Begin at zero where the values span less than a decade; else use a logarithmic axis."""
    low, high = axes.dataLim.y0, axes.dataLim.y1
    if high < 10 * low:
        axes.set_ylim(0, 1.12 * high)
    else:
        ticks.log_axis(axes.yaxis)


def _code(lines: Mapping[str, Updates]) -> list[str]:
    return [*STEP, *(["Update.compile"] if "compiled" in lines else [])]


def _sizes(lines: Mapping[str, Updates]) -> list[int]:
    return sorted({size for line in lines.values() for size in line})


def _update_table(lines: Mapping[str, Updates]) -> Table:
    """Return times by batch size, a column for each variant, and their ratio if there are two."""
    both = len(lines) > 1
    rows: list[list[str | Number]] = []
    for size in _sizes(lines):
        at = {variant: line[size] for variant, line in lines.items() if size in line}
        row: list[str | Number] = [f"{size:,}"]
        row += [number(at[one].time(), MICRO) if one in at else absent() for one in lines]
        if both:
            row.append(number(_paired(at["compiled"], at["eager"])) if len(at) > 1 else absent())
        rows.append(row)
    header = ["batch size", *(f"{variant}, µs" for variant in lines)]
    return Table(header=[*header, "compiled / eager"] if both else header, rows=rows)


def _share(name: str, lines: Mapping[str, Updates], peak: float | None) -> list[Figure]:
    """Draw the share of an eager update that is not arithmetic, if enough sizes tell it."""
    found = lines.get("eager", {})
    fitted = model.fit({size: q.time().value for size, q in found.items()})
    shares = model.shares(found)
    if fitted is None or not shares:
        return []
    arithmetic = (
        {size: (q.flops or 0) / peak / q.time().value for size, q in found.items()} if peak else {}
    )

    def draw(axes: Axes, *, narrow: bool) -> None:
        del narrow
        ticks.log_axis(axes.xaxis)
        plotting.line(axes, list(shares), [s.scaled(100) for s in shares.values()], 0, label="")
        axes.set_ylim(0, 108)
        axes.set_xlabel("batch size")
        axes.set_ylabel("share that is not arithmetic, %")

    said = words.fixed_share(shares, fitted, arithmetic)
    header = ["batch size", "time, µs", "not arithmetic, %"]
    names = ["batch_size", *columns("elapsed_s"), *columns("not_arithmetic")[:3]]
    rows: list[list[str | Number]] = []
    data = []
    for size, one in shares.items():
        time = found[size].time()
        row: list[str | Number] = [f"{size:,}", number(time, MICRO), _percent(one)]
        if arithmetic:
            row.append(Number(text=digits(100 * arithmetic[size], 2)))
        rows.append(row)
        strict = 1 - arithmetic[size] if arithmetic else None
        data.append([size, *cells(time), *cells(one)[:3], strict])
    return [
        Figure(
            name=name,
            question="share",
            words=said,
            drawing=plotting.drawing(name, said.alt, draw),
            table=Table(
                header=[*header, *(["operations at the peak rate, %"] if arithmetic else [])],
                rows=rows,
            ),
            sheet=Sheet(header=[*names, "not_operations_at_peak_rate"], rows=data),
            code=STEP,
        )
    ]


def _percent(share: Estimate) -> Number:
    """Write a share in percent with two places, since three digits would make 99.98 % all."""
    ends = ""
    if share.low is not None and share.high is not None:
        ends = f"{100 * share.low:.2f}\N{EN DASH}{100 * share.high:.2f}"
    return Number(text=f"{100 * share.value:.2f}", interval=ends)


def _throughput(name: str, lines: Mapping[str, Updates]) -> list[Figure]:
    """Draw examples per second against batch size, beside what proportion would bring."""
    found = next(iter(lines.values()))
    if len(found) < 2:
        return []
    fitted = model.fit({size: q.time().value for size, q in found.items()})

    def draw(axes: Axes, *, narrow: bool) -> None:
        ticks.log_axis(axes.xaxis)
        ticks.log_axis(axes.yaxis)
        drawn = [
            plotting.line(
                axes,
                list(line),
                [examples_per_s(q).scaled(1 / KILO) for q in line.values()],
                VARIANTS.index(variant),
                label=variant,
            )
            for variant, line in lines.items()
        ]
        (small, first), large = next(iter(found.items())), max(found)
        rate = examples_per_s(first).value / KILO
        axes.plot(
            [small, large],
            [rate, rate * large / small],
            color=MUTED,
            linewidth=1,
            linestyle=(0, (2, 2)),
        )
        axes.annotate(
            "in proportion",
            (large, rate * large / small),
            xytext=(-16, -2),
            textcoords="offset points",
            ha="right",
            color=MUTED,
            fontsize=11.5,
        )
        axes.set_xlabel("batch size")
        axes.set_ylabel("thousand examples per second")
        plotting.name_lines(axes, drawn, narrow=narrow)

    said = words.throughput(lines, fitted)
    return [
        Figure(
            name=name,
            question="throughput",
            words=said,
            drawing=plotting.drawing(name, said.alt, draw),
            table=_throughput_table(lines),
            sheet=_throughput_sheet(lines),
            code=_code(lines),
        )
    ]


def examples_per_s(quantity: Quantity) -> Estimate:
    """Return the examples of an update per second."""
    return quantity.examples_per_s()


def _throughput_table(lines: Mapping[str, Updates]) -> Table:
    variant, found = next(iter(lines.items()))
    before: dict[int, Quantity] = dict(zip(list(found)[1:], found.values(), strict=False))
    rows: list[list[str | Number]] = []
    for size in _sizes(lines):
        row: list[str | Number] = [f"{size:,}"]
        row += [
            number(examples_per_s(line[size]), KILO) if size in line else absent()
            for line in lines.values()
        ]
        row.append(
            number(model.times_per_doubling(before[size], found[size]))
            if size in before
            else absent()
        )
        rows.append(row)
    header = ["batch size", *(f"{one}, thousand examples/s" for one in lines)]
    return Table(header=[*header, f"{variant}, times per doubling"], rows=rows)


def _throughput_sheet(lines: Mapping[str, Updates]) -> Sheet:
    every = [q for line in lines.values() for q in line.values()]
    names = list(every[0].labels)
    return Sheet(
        header=[*names, *columns("examples_per_s")],
        rows=[[q.labels[n] for n in names] + cells(examples_per_s(q)) for q in every],
    )


def sheet(found: Sequence[Quantity]) -> Sheet:
    """Return all series with their labels, in SI units."""
    names = list(found[0].labels)
    return Sheet(
        header=[*names, "flop", "bytes_moved", *columns("elapsed_s")],
        rows=[
            [q.labels[n] for n in names] + [q.flops, q.bytes_moved] + cells(q.time()) for q in found
        ],
    )
