"""The roofline's numbers, to read and to download."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.figures.figure import Number as Shown
from report.figures.figure import Sheet, Table, cells, columns, number
from report.sections.roofline.ceilings import side
from report.text.numerals import digits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.figures.figure import Cell
    from report.sections.roofline.ceilings import Ceilings
    from report.sections.roofline.kernels import Kernel

GIGA = 1e9
PERCENT = 0.01


def table(kernels: Sequence[Kernel], ceilings: Ceilings) -> Table:
    """Return each kernel's intensity, rate, and shares of the roofs above and of memory."""
    balance = ceilings.balance()
    rows: list[list[str | Shown]] = [
        [
            kernel.name,
            Shown(text=digits(kernel.intensity)),
            number(kernel.quantity.rate(), GIGA, best=kernel.quantity is ceilings.compute),
            number(ceilings.share(kernel, ceilings.highest), PERCENT),
            number(ceilings.share(kernel, ceilings.memory), PERCENT),
            SIDES[side(kernel, balance)],
        ]
        for kernel in kernels
    ]
    header = [
        "kernel",
        "FLOP/byte",
        "GFLOPS",
        "share of the highest roof above it, %",
        "of memory's roof, %",
        "side of the balance",
    ]
    return Table(header=header, rows=rows)


SIDES = {"memory": "memory", "either": "within the interval", "arithmetic": "arithmetic"}


def sheet(kernels: Sequence[Kernel], ceilings: Ceilings) -> Sheet:
    """Return roofs and kernels in SI units; a roof has no intensity, a peak no bytes."""
    header = [
        "what",
        "name",
        "experiment",
        "flop",
        "least_bytes",
        *columns("flop_per_byte")[:3],
        *columns("flop_per_s")[:3],
        *columns("bytes_per_s")[:3],
        *columns("share_of_highest_roof")[:3],
        *columns("share_of_memory_roof")[:3],
    ]
    none: list[Cell] = [None] * 3
    rows: list[list[Cell]] = [
        ["roof", roof.name, roof.quantity.experiment, None, None]
        + none * 2
        + cells(roof.bandwidth)[:3]
        + none * 2
        for roof in ceilings.roofs
    ]
    compute = ceilings.compute
    rows.append(
        ["roof", "compute", compute.experiment, compute.flops, None]
        + none
        + cells(ceilings.peak)[:3]
        + none * 3
    )
    rows.append(
        ["balance", "compute / memory", None, None, None] + cells(ceilings.balance())[:3] + none * 4
    )
    rows += [
        [
            "kernel",
            kernel.name,
            kernel.quantity.experiment,
            kernel.flops,
            kernel.least_bytes,
            kernel.intensity,
            None,
            None,
            *cells(kernel.quantity.rate())[:3],
            *cells(kernel.quantity.time().reciprocal(kernel.least_bytes))[:3],
            *cells(ceilings.share(kernel, ceilings.highest))[:3],
            *cells(ceilings.share(kernel, ceilings.memory))[:3],
        ]
        for kernel in kernels
    ]
    return Sheet(header=header, rows=rows)
