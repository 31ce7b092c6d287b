"""Products of matrices: the rate of each strategy, and of the full product by size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.analysis import quantities
from report.experiments.catalogue import of_records
from report.experiments.matmul.figures import choose_axis, sheet, x_of
from report.experiments.matmul.quantities import sampled
from report.experiments.matmul.words import name_series
from report.experiments.training import words
from report.figures import plotting, ticks
from report.figures.figure import Figure, Number, Sheet, Table, Words, absent, number, together
from report.registry import BACKENDS
from report.sections.frameworks.ways import FLOOR, Way, draw_line, index_of, records_of
from report.text.names import title
from report.text.numerals import digits, percent, times

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from matplotlib.axes import Axes

    from report.analysis.estimate import Estimate
    from report.analysis.quantities import Quantity
    from report.results.result import Result
    from report.worker.records import Environment

GIGA = 1e9
PER_FRAMEWORK = 13
"""Pixels that a framework's dot takes in its strategy's row."""

CODE = ["Products.element", "Products.one_element", "Products.column", "Products.full"]
CODE += ["set_element", "set_column", "element", "column"]
"""The functions that compute products, as one backend or another calls them."""


def figures(result: Result, experiment: str) -> list[Figure]:
    """Draw an experiment's products, a series for each framework."""
    found = {
        backend: mine
        for backend, records in records_of(result, experiment).items()
        if (mine := of_records(records, result.run))
    }
    if len(found) < 2:
        return []
    axis = choose_axis(next(iter(found.values())))
    if axis is None:
        return _strategies(result, experiment, found)
    return _sizes(f"frameworks-{experiment}-sizes", found) if axis == "size" else []


def _strategies(result: Result, experiment: str, found: dict[str, list[Quantity]]) -> list[Figure]:
    name = f"frameworks-{experiment}-strategies"
    first = next(iter(found.values()))
    varying = quantities.varying([q.labels for q in first])
    if "strategy" not in varying:
        return []
    rates = {b: {name_series(q.labels, varying): q for q in mine} for b, mine in found.items()}
    rows = list(dict.fromkeys(row for mine in rates.values() for row in mine))

    def draw(axes: Axes, *, narrow: bool) -> None:
        plotting.dot_axes(axes, rows, "rate, GFLOPS", narrow=narrow)
        for backend, mine in rates.items():
            estimates = [mine[row].rate().scaled(1 / GIGA) if row in mine else None for row in rows]
            plotting.dots(
                axes,
                estimates,
                index_of(backend),
                label=title(backend),
                of=len(BACKENDS),
            )
        plotting.legend_above(axes, narrow=narrow)

    said = _strategy_words(result, rates, _sampled(result, experiment))
    height = 120 + PER_FRAMEWORK * len(rates) * len(rows)
    return [
        Figure(
            name=name,
            question="strategies",
            words=said,
            drawing=plotting.drawing(name, said.alt, draw, height=height),
            table=_table(rows, rates),
            sheet=_together(found),
            code=CODE,
            backends=list(rates),
        )
    ]


def _table(rows: Sequence[str], rates: Mapping[str, Mapping[str, Quantity]]) -> Table:
    best = {row: max(m[row].rate().value for m in rates.values() if row in m) for row in rows}
    lines: list[list[str | Number]] = []
    for backend, mine in rates.items():
        line: list[str | Number] = [title(backend)]
        for row in rows:
            if row not in mine:
                line.append(absent())
                continue
            rate = mine[row].rate()
            line.append(number(rate, GIGA, best=rate.value == best[row]))
        lines.append(line)
    return Table(header=["framework", *(f"{row}, GFLOPS" for row in rows)], rows=lines)


def _strategy_words(result: Result, rates: dict[str, dict[str, Quantity]], drawn: str) -> Words:
    tops = {b: max(mine.values(), key=_rate) for b, mine in rates.items()}
    lows = {b: min(mine.values(), key=_rate) for b, mine in rates.items()}
    gains = {b: quantities.ratio(lows[b], tops[b]).value for b in rates}
    most, least = max(gains, key=_of(gains)), min(gains, key=_of(gains))
    names = {b: {id(q): row for row, q in mine.items()} for b, mine in rates.items()}
    heading = (
        f"From its slowest way to its fastest, {title(most)} gains a factor of {times(gains[most])}"
        f", {title(least)} one of {times(gains[least])}"
    )
    caption = "Slowest and fastest of each: " + "; ".join(
        f"{title(b)} {names[b][id(lows[b])]} {digits(_rate(lows[b]) / GIGA)}, "
        f"{names[b][id(tops[b])]} {digits(_rate(tops[b]) / GIGA)} GFLOPS"
        for b in rates
    )
    alt = f"Dot plot of GFLOPS by strategy, a mark for each framework. {heading}. {caption}."
    return Words(
        title=heading,
        caption=f"{caption}.{drawn}",
        explanation=_elements(rates) + _libraries(result, tops),
        alt=alt,
    )


def _sampled(result: Result, experiment: str) -> str:
    """Say where some elements stand for all; empty where each was computed."""
    parts = [
        f"{computed:,} of {every:,} in {title(backend)}"
        for backend, records in records_of(result, experiment).items()
        for computed, every in sampled(records)
    ]
    if not parts:
        return ""
    return f" Elements computed, drawn at random, their time scaled to all: {'; '.join(parts)}."


def _elements(rates: dict[str, dict[str, Quantity]]) -> str:
    """Say what one element costs in each framework: a call or three, whatever is computed."""
    calls = {
        b: mine["element"].time().value / int(str(mine["element"].labels["size"])) ** 2
        for b, mine in rates.items()
        if "element" in mine
    }
    if len(calls) < 2:
        return ""
    each = "; ".join(f"{title(b)} {digits(seconds * 1e6)} µs" for b, seconds in calls.items())
    said = f"An element is one dot product, cut out of two matrices and stored in a third: {each}. "
    if FLOOR in calls:
        said += (
            f"In {title(FLOOR)}'s compiled loop there is nothing to call, so that its time is the "
            "arithmetic itself; what the others take beyond it is what they do for a call. "
        )
    if "jax" in calls:
        said += (
            "JAX's arrays cannot be assigned to: there an element is a compiled function that is "
            "handed the whole matrix and may write into its memory. "
        )
    return said


def _libraries(result: Result, tops: Mapping[str, Quantity]) -> str:
    """Say whose code multiplies at once, and with which kernels."""
    parts = []
    for backend in tops:
        environment = result.environments.get(backend)
        if environment is None:
            continue
        kernels = f" ({environment.simd})" if environment.simd else ""
        parts.append(f"{title(backend)}, {_library(backend, environment)}{kernels}")
    said = (
        "What multiplies at once is a library and not the framework; in brackets are the kernels "
        f"that it has chosen, which may be made for an older processor: {'; '.join(parts)}."
    )
    libraries = [backend for backend in tops if backend != FLOOR]
    if len(libraries) < 2:
        return said
    fastest = max(libraries, key=lambda b: _rate(tops[b]))
    slowest = min(libraries, key=lambda b: _rate(tops[b]))
    share = _rate(tops[slowest]) / _rate(tops[fastest])
    return f"{said} {title(slowest)} reaches {percent(share)} of {title(fastest)}'s rate."


def _library(backend: str, environment: Environment) -> str:
    if environment.blas:
        return environment.blas
    return "loops of its own" if backend == FLOOR else "a library that it does not name"


def _sizes(name: str, found: dict[str, list[Quantity]]) -> list[Figure]:
    lines = {
        backend: sorted(line, key=lambda q: x_of(q, "size"))
        for backend, mine in found.items()
        if (line := [q for q in mine if q.labels["dtype"] == "float32" and not q.labels["tf32"]])
    }
    if len(lines) < 2:
        return []

    def draw(axes: Axes, *, narrow: bool) -> None:
        every = sorted({x_of(q, "size") for line in lines.values() for q in line})
        ticks.log2_axis(axes, every)
        ticks.log_axis(axes.yaxis)
        drawn = [
            draw_line(
                axes,
                [x_of(q, "size") for q in line],
                [q.rate().scaled(1 / GIGA) for q in line],
                Way(backend),
            )
            for backend, line in lines.items()
        ]
        axes.set_xlabel("n, rows and columns")
        axes.set_ylabel("rate, GFLOPS")
        plotting.name_lines(axes, drawn, narrow=narrow)

    said = _size_words(lines)
    sizes = sorted({x_of(q, "size") for line in lines.values() for q in line})
    rates = {b: {f"{x_of(q, 'size'):,}": q for q in line} for b, line in lines.items()}
    table = _table([f"{size:,}" for size in sizes], rates)
    header = ["framework", *(f"n = {size:,}, GFLOPS" for size in sizes)]
    return [
        Figure(
            name=name,
            question="sizes",
            words=said,
            drawing=plotting.drawing(name, said.alt, draw),
            table=Table(header=header, rows=table.rows),
            sheet=_together(lines),
        )
    ]


def _size_words(lines: dict[str, list[Quantity]]) -> Words:
    tops = {b: max(line, key=_rate) for b, line in lines.items()}
    order = sorted(tops, key=lambda b: -_rate(tops[b]))
    best = order[0]
    level = [b for b in order[1:] if not _slower(tops[b], tops[best]).excludes(1)]
    rate = f"{digits(_rate(tops[best]) / GIGA)} GFLOPS"
    heading = f"{title(best)} multiplies fastest in float32, at {rate}"
    if level:
        names = words.listing([title(b) for b in (best, *level)])
        rates = words.listing([digits(_rate(tops[b]) / GIGA) for b in (best, *level)])
        heading = f"{names} reach the highest rates in float32, {rates} GFLOPS"
    caption = "Highest rates: " + "; ".join(
        f"{title(b)} {digits(_rate(tops[b]) / GIGA)} GFLOPS at n = {x_of(tops[b], 'size'):,}"
        for b in order
    )
    small = {b: line[0] for b, line in lines.items()}
    first = min(x_of(q, "size") for q in small.values())
    at_first = {b: q for b, q in small.items() if x_of(q, "size") == first}
    quick = max(at_first, key=lambda b: _rate(at_first[b]))
    slow = min(at_first, key=lambda b: _rate(at_first[b]))
    factor = times(_rate(at_first[quick]) / _rate(at_first[slow]))
    explanation = (
        f"At n = {first} a product is {digits((small[quick].flops or 0) / 1e3)} thousand "
        f"operations, and {title(quick)} does {factor} times as many products a second as "
        f"{title(slow)}: there the call decides. Towards the "
        "right the call no longer counts, and what is left of the difference is the library's."
    )
    alt = f"Curves of GFLOPS against matrix size, one for each framework. {heading}. {caption}."
    return Words(title=heading, caption=f"{caption}.", explanation=explanation, alt=alt)


def _together(found: Mapping[str, Sequence[Quantity]]) -> Sheet:
    return together(((backend, sheet(list(mine))) for backend, mine in found.items()), "backend")


def _slower(one: Quantity, other: Quantity) -> Estimate:
    """Return how many times as long one product takes as another, operation by operation."""
    ratio = quantities.ratio(one, other)
    return ratio.scaled((other.flops or 1) / (one.flops or 1))


def _rate(quantity: Quantity) -> float:
    return quantity.rate().value


def _of(values: Mapping[str, float]) -> Callable[[str], float]:
    return lambda name: values[name]
