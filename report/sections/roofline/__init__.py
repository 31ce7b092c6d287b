"""The roofline: each kernel below what arithmetic and memory of this machine allow it.

Source: S. Williams, A. Waterman, D. Patterson, "Roofline: An Insightful Visual Performance Model
for Multicore Architectures", CACM 52(4), 2009; A. Ilic, F. Pratas, L. Sousa, "Cache-aware Roofline
Model", IEEE CAL 13(1), 2014, for a roof of each cache.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from report.experiments.bandwidth.roofs import roofs
from report.experiments.catalogue import of_result
from report.figures import plotting
from report.figures.figure import Figure
from report.sections.roofline import balance, drawing, hardware, tables
from report.sections.roofline.ceilings import Ceilings
from report.sections.roofline.kernels import ITEM_BYTES, KINDS, kernels, number_format
from report.sections.roofline.words import listing, words
from report.text.numerals import scaled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.results.result import Result
    from report.sections.roofline.kernels import Kernel

TITLE = "Roofline: what bounds each kernel"


@dataclass(frozen=True, kw_only=True)
class Case:
    """All that one roofline shows.

    Attributes:
        backend: Name in the registry.
        device: Where its kernels ran.
        dtype: The number format.
        kernels: What was measured in it.
        ceilings: What bounds it.
        promise: What the hardware's numbers promise.
    """

    backend: str
    device: str
    dtype: str
    kernels: list[Kernel]
    ceilings: Ceilings
    promise: hardware.Promise

    @property
    def theoretical(self) -> float | None:
        """Return the theoretical peak, unless the measured one shows that it is none."""
        promised = self.promise.flop_per_s
        return None if promised is None or promised < self.ceilings.peak.value else promised


def figures(result: Result) -> list[Figure]:
    """Draw a roofline for each backend and number format, and the balance once for each backend."""
    drawn: list[Figure] = []
    seen: set[str] = set()
    for case in cases(result):
        first = case.backend not in seen
        drawn.append(_roofline(case, first=first))
        if first:
            seen.add(case.backend)
            name = f"roofline-{case.backend}-balance"
            drawn.append(
                balance.figure(name, case.ceilings, case.dtype, result.machine, case.device)
            )
    return drawn


def cases(result: Result) -> list[Case]:
    """Return what can be drawn: both a rate and bandwidths are needed; float32 comes first."""
    found = of_result(result)
    made = []
    for backend in dict.fromkeys(quantity.backend for quantity in found):
        mine = [q for q in found if q.backend == backend and q.kind in KINDS]
        slopes = roofs(result, backend)
        if not slopes:
            continue
        device = next(r.device for r in result.records if r.backend == backend and r.outcome)
        formats = {number_format(q) for q in mine if q.kind == "matmul"}
        for dtype in (dtype for dtype in ITEM_BYTES if dtype in formats):
            drawn = kernels(mine, dtype)
            products = [k.quantity for k in drawn if k.quantity.kind == "matmul"]
            compute = max(products, key=lambda quantity: quantity.rate().value)
            made.append(
                Case(
                    backend=backend,
                    device=device,
                    dtype=dtype,
                    kernels=drawn,
                    ceilings=Ceilings(compute=compute, roofs=slopes),
                    promise=hardware.peak(result.machine, dtype, device),
                )
            )
    return made


def _roofline(case: Case, *, first: bool) -> Figure:
    name = f"roofline-{case.backend}-{case.dtype.lower()}"
    said = words(case.kernels, case.ceilings, case.dtype, case.theoretical)
    draw = drawing.draw(case.kernels, case.ceilings, case.theoretical)
    return Figure(
        name=name,
        question="roofline" if first else "dtype",
        words=said,
        drawing=plotting.drawing(name, said.alt, draw, height=drawing.HEIGHT),
        table=tables.table(case.kernels, case.ceilings),
        sheet=tables.sheet(case.kernels, case.ceilings),
    )


def experiments(result: Result) -> list[str]:
    """Return the names of the experiments whose numbers are drawn."""
    return _experiments(result, cases(result))


def _experiments(result: Result, found: Sequence[Case]) -> list[str]:
    used = {k.quantity.experiment for case in found for k in case.kernels}
    used |= {roof.quantity.experiment for case in found for roof in case.ceilings.roofs}
    return [name for name in result.config["experiments"] if name in used]


def sentences(_: Result) -> list[str]:
    """Say nothing at the top of the page: what it stands on does."""
    return []


def method(result: Result) -> list[str]:
    """Describe how the figures were made."""
    found = cases(result)
    if not found:
        return []
    titles = [result.config["experiments"][n]["title"] for n in _experiments(result, found)]
    return [
        f"Nothing is timed for this: it puts together what was measured in {listing(titles)}.",
        (
            "A kernel's intensity is its operations divided by the bytes that its calls must at "
            "least read and write, each operand once in each call, nothing kept in a cache "
            "between calls. In numbers moved: a dot product 2 n + 1, a matrix times a vector n² + "
            "2 n, times a block of w columns n² + 2 n w, a full product 3 n². The copy of a "
            "finished column to its place is not counted."
        ),
        (
            "Triads, additions and updates count their own bytes: what they read plus what they "
            "write. Of each kind only series with the most threads are drawn."
        ),
        (
            "The flat roof is the fastest product of the number format, however it was computed. "
            f"The sloped roofs were measured in {listing(_roof_formats(found))}; bytes per second "
            "do not depend on what the bytes mean, so that the same roofs stand in the figures of "
            "all number formats."
        ),
        (
            "Shares are of the lower of two limits: the flat roof, and the kernel's intensity "
            "times the bandwidth of the steepest roof or of memory. Their intervals are of ratios: "
            "process by process within an experiment, Welch's between experiments."
        ),
        *dict.fromkeys(_promised(case) for case in found),
    ]


def _roof_formats(found: Sequence[Case]) -> list[str]:
    return sorted({number_format(roof.quantity) for case in found for roof in case.ceilings.roofs})


def _promised(case: Case) -> str:
    """Say where the theoretical peak comes from, or why there is none."""
    promise, dtype = case.promise, case.dtype
    if promise.flop_per_s is None:
        return f"No theoretical peak is drawn for {dtype}: {promise.words}."
    value = scaled(promise.flop_per_s, "FLOPS")
    if case.theoretical is None:
        return (
            f"No theoretical peak is drawn for {dtype}: {promise.words}, would make {value}, less "
            "than was measured, so that one of these numbers does not hold here."
        )
    return (
        f"The theoretical peak for {dtype} is {value}: {promise.words}. The number of arithmetic "
        "units of a core is an assumption, the most that any core of this kind has, and cores "
        "seldom run all of them at the highest clock."
    )
