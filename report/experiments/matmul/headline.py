"""What a machine's matrix products come to, in a few numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.analysis import quantities
from report.experiments.matmul.figures import number_format, peaks
from report.experiments.matmul.quantities import of_result
from report.figures.figure import Card, interval
from report.text.numerals import digits, percent, scaled, times

if TYPE_CHECKING:
    from report.analysis.quantities import Quantity
    from report.results.result import Result


def cards(result: Result) -> list[Card]:
    """Return the highest measured rate of each dtype, the fastest first."""
    found = []
    for dtype, quantity in peaks(result).items():
        value, _, unit = scaled(quantity.rate().value, "FLOPS").partition(" ")
        n = int(str(quantity.labels["size"]))
        factor = quantity.rate().value / float(value.replace(",", ""))
        found.append(
            Card(
                label=f"peak, {dtype}",
                value=value,
                unit=unit,
                interval=interval(quantity.rate(), factor),
                note=f"product of two {n:,} \N{MULTIPLICATION SIGN} {n:,}",
            )
        )
    return found


def sentences(result: Result) -> list[str]:
    """Return what could stand in a mail."""
    top = peaks(result)
    said = []
    named = _chapters_products(result)
    full = named.get("full")
    if full is not None:
        size, dtype = full.labels["size"], number_format(full)
        share = full.rate().value / top[dtype].rate().value
        said.append(
            f"The full {size} \N{MULTIPLICATION SIGN} {size} product runs at {_gflops(full)} "
            f"GFLOPS, {percent(share)} of the best that this machine reached in {dtype}."
        )
        if "element" in named:
            factor = quantities.ratio(named["element"], full)
            said.append(f"Element by element it takes {times(factor.value)} times as long.")
    elif top:
        dtype, best = next(iter(top.items()))
        said.append(f"The highest rate measured is {_gflops(best)} GFLOPS, in {dtype}.")
    return said


def _chapters_products(result: Result) -> dict[str, Quantity]:
    """Return the products of the first experiment that compares strategies, by strategy."""
    for experiment, settings in result.config["experiments"].items():
        found = [q for q in of_result(result) if q.experiment == experiment]
        named = {str(q.labels.get("strategy")): q for q in found}
        if settings["kind"] == "matmul" and len(named) > 1:
            return named
    return {}


def _gflops(quantity: Quantity) -> str:
    return digits(quantity.rate().value / 1e9)
