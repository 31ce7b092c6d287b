"""The roofline: each kernel below what arithmetic and memory of this machine allow it.

Source: S. Williams, A. Waterman, D. Patterson, "Roofline: An Insightful Visual Performance Model
for Multicore Architectures", CACM 52(4), 2009; A. Ilic, F. Pratas, L. Sousa, "Cache-aware Roofline
Model", IEEE CAL 13(1), 2014, for a roof of each cache.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

from report.analysis.estimate import Estimate
from report.analysis.quantities import ratio
from report.experiments.bandwidth.quantities import MEMORY
from report.experiments.matmul.figures import CHAPTERS_WIDTH
from report.experiments.matmul.quantities import number_format
from report.figures import identity, prose
from report.figures.figure import Cell, Figure, Number, Sheet, Table, cells, columns, number
from report.figures.shapes import YARDSTICK, Axis, Curves, Dots, Guide, Line, Upright, line, row
from report.sections.roofline.cases import FAMILIES, Case, Kernel, at, cases
from report.sections.roofline.hardware import CHAPTER, CHAPTER_MEMORY, vector_estimate
from report.text.numerals import GIGA, PERCENT, digits, scaled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from report.results.machine import Machine
    from report.results.result import Result
    from report.sections.roofline.hardware import VectorEstimate

TITLE = "Roofline: what bounds each kernel"

TEMPLATE = "sections/roofline.html"

PIECEWISE = ("element", "column", "row", "block", "full")
"""Strategies that are compared, from the smallest piece to the largest."""

LITTLE = 0.1
"""Roofs that account for less of a kernel's time than this do not decide it."""

HEADER = ["kernel", "FLOP/byte", "GFLOPS", "share of the highest roof above it, %"]
HEADER += ["of memory's roof, %", "side of the balance"]


def figures(result: Result) -> list[Figure]:
    """Draw for each backend its first number format, the balance, and all formats together."""
    found, drawn = cases(result), []
    for backend in dict.fromkeys(case.backend for case in found):
        mine = [case for case in found if case.backend == backend]
        drawn += [of_case(mine[0]), balance(mine[0], result.machine)]
        if len(mine) > 1:
            drawn.append(of_formats(mine))
    return drawn


def experiments(result: Result) -> list[str]:
    """Return the names of the experiments whose numbers are drawn."""
    found = cases(result)
    used = {k.quantity.experiment for case in found for k in case.kernels}
    used |= {roof.quantity.experiment for case in found for roof in case.roofs.values()}
    return [name for name in result.config["experiments"] if name in used]


def method(result: Result) -> list[str]:
    """Describe how the figures were made."""
    found = cases(result)
    if not found:
        return []
    titles = [result.config["experiments"][name]["title"] for name in experiments(result)]
    return prose.sentences(
        TEMPLATE, "method", titles=titles, roof_formats=roof_formats(found), cases=found
    )


def of_case(case: Case) -> Figure:
    """Draw the roofline of a number format."""
    lines = [
        one
        for index, family in enumerate(FAMILIES)
        for one in _lines(family, index, [k for k in case.kernels if k.family == family])
    ]
    balance = case.balance()
    upright = Upright(x=balance.value, label=f"balance {digits(balance.value)}")
    shape = _roofline([case], [YARDSTICK], lines, upright)
    sides = {
        family: [case.side(k) for k in mine]
        for family, mine in itertools.groupby(case.kernels, lambda k: k.family)
    }
    return prose.figure(
        TEMPLATE,
        f"roofline-{case.backend}-{case.dtype.lower()}",
        "roofline",
        shape,
        table=Table(header=HEADER, rows=[_cells_of(kernel, case) for kernel in case.kernels]),
        sheet=_sheet({case.dtype: case.kernels}, [case]),
        case=case,
        roof_formats=roof_formats([case]),
        fewer=sum(mine.count("memory") for mine in sides.values()),
        below=[family for family, mine in sides.items() if set(mine) == {"memory"}],
        above=[family for family, mine in sides.items() if set(mine) == {"arithmetic"}],
        sides=sides,
        **_of_pieces(case),
    )


def of_formats(cases: Sequence[Case]) -> Figure:
    """Draw full products of all number formats below the same slopes."""
    products = {case.dtype: [k for k in case.kernels if k.family == "full"] for case in cases}
    hues = identity.places("dtype", [case.dtype for case in cases])
    lines = [
        one
        for hue, case in zip(hues, cases, strict=True)
        for one in _lines(case.dtype, hue, products[case.dtype])
    ]
    shape = _roofline(cases, hues, lines)
    high, low = (pick(cases, key=lambda case: case.peak.value) for pick in (max, min))
    rows = [
        [f"{case.dtype}, {kernel.name}", *_cells_of(kernel, case)[1:]]
        for case in cases[1:]  # the first has a figure of its own
        for kernel in products[case.dtype]
    ]
    return prose.figure(
        TEMPLATE,
        f"roofline-{cases[0].backend}-dtype",
        "dtype",
        shape,
        table=Table(header=HEADER, rows=rows),
        sheet=_sheet(products, cases),
        cases=cases,
        roof_formats=roof_formats(cases),
        high=high,
        low=low,
        # Memory is the same, so that their balances are as their peaks.
        gap=ratio(high.compute.quantity, low.compute.quantity, "flop_per_s"),
        sides={case.dtype: [case.side(k) for k in products[case.dtype]] for case in cases},
    )


def roof_formats(cases: Sequence[Case]) -> list[str]:
    """Return the number formats in which the slopes were measured."""
    return sorted({number_format(r.quantity) for case in cases for r in case.roofs.values()})


DASHES = ("-", "--", ":")


def _lines(name: str, index: int, kernels: Sequence[Kernel]) -> list[Line]:
    """Return a line for each set of kernels that differ in one size only, told by name and dash."""
    lines: dict[str, list[Kernel]] = {}
    for kernel in kernels:
        lines.setdefault(kernel.line, []).append(kernel)
    return [
        line(
            name + mine[0].line.removeprefix(mine[0].family) if len(lines) > 1 else name,
            index,
            [k.intensity for k in mine],
            [k.quantity.rate() for k in mine],
            dash=DASHES[k % len(DASHES)],
            width=0.8,
            marked=True,
        )
        for k, mine in enumerate(lines.values())
    ]


def _roofline(
    cases: Sequence[Case], colours: Sequence[int], lines: Sequence[Line], *marks: Upright
) -> Curves:
    """Draw kernels below a flat roof for each case, and the slopes that all of them share."""
    case = max(cases, key=lambda case: case.peak.value)
    slopes = {name: roof.estimate.value for name, roof in case.roofs.items()}
    steepest = case.steepest.estimate.value
    flats: list[tuple[float, int | None, str]] = [
        (case.peak.value, colour, "measured") for case, colour in zip(cases, colours, strict=True)
    ]
    if len(cases) == 1 and case.theoretical:
        flats.append((case.theoretical, None, "hardware, at most"))
    top = max(flat for flat, *_ in flats)
    # The left part is for the names of the slopes: no kernel lies there, and none has ended.
    xs = [x for one in lines for x in one.x]
    left = min(min(xs) / 16, min(flat for flat, *_ in flats) / steepest / 8)
    right = 3 * max(*xs, case.balance().value)
    low = min(left * min(slopes.values()), *(y for one in lines for y in one.y)) / 2.5
    return Curves(
        x=Axis(label="arithmetic intensity, FLOP/byte", low=left, high=right),
        y=Axis(label="rate, GFLOPS", unit=GIGA, low=low / GIGA, high=4 * top / GIGA),
        lines=tuple(lines),
        marks=(
            *_slopes(slopes, left, case.peak.value),
            *(
                Guide(
                    x=(flat / steepest, right),
                    y=(flat, flat),
                    label=f"{name} {scaled(flat, 'FLOPS')}" if len(cases) == 1 else "",
                    narrow=scaled(flat, "FLOPS") if len(cases) == 1 else "",
                    at=(right, flat),
                    # Two close to each other: the lower one's name goes below its line.
                    offset=(-3, -3 if flat < top < 2 * flat else 3),
                    ha="right",
                    va="top" if flat < top < 2 * flat else "bottom",
                    colour=colour,
                )
                for flat, colour, name in flats
            ),
            *marks,
        ),
        names="above",
        height=520,
    )


def _slopes(slopes: Mapping[str, float], left: float, peak: float) -> list[Guide]:
    """Draw each bandwidth up to where it meets the peak, its name along it."""
    # Caches too close to each other for a name each have one, above the steepest of them.
    groups: list[list[str]] = []
    for name in sorted(slopes, key=lambda name: -slopes[name]):
        close = groups and MEMORY not in {name, groups[-1][-1]}
        if close and slopes[groups[-1][-1]] < 2 * slopes[name]:
            groups[-1].append(name)
        else:
            groups.append([name])
    guides: list[Guide] = []
    start, previous = 1.5 * left, math.inf
    for group in groups:
        named = " to ".join(dict.fromkeys((min(group), max(group))))
        ends = [scaled(slope, "B/s") for slope in (slopes[group[-1]], slopes[group[0]])]
        if ends[0].split(" ")[1:] == ends[1].split(" ")[1:]:
            ends[0] = ends[0].split(" ")[0]
        words = f"{named}, {' to '.join(ends)}" if len(group) > 1 else f"{named} {ends[1]}"
        below = len(group) == 1 and (group is groups[-1] or previous < 2 * slopes[group[0]])
        previous = slopes[group[-1]]
        guides += [
            Guide(
                x=(left, peak / slopes[name]),
                y=(left * slopes[name], peak),
                label="" if k else words,
                narrow="" if k else named,
                at=(start, start * slopes[name]),
                along=not k,
                va="top" if below else "bottom",
                colour=YARDSTICK if name == MEMORY else None,
            )
            for k, name in enumerate(group)
        ]
    return guides


def _pieces(case: Case) -> list[Kernel]:
    """Return the ways to compute one product, of the size that most of them share."""
    by_size: dict[object, dict[str, Kernel]] = {}
    for kernel in case.kernels:
        labels = kernel.quantity.labels
        strategy = str(labels.get("strategy"))
        if strategy in PIECEWISE:
            of_size = by_size.setdefault(labels["size"], {})
            # Of several widths, the chapter's.
            if strategy not in of_size or labels["block_width"] == CHAPTERS_WIDTH:
                of_size[strategy] = kernel
    most = max(by_size.values(), key=len, default={})
    return [most[strategy] for strategy in PIECEWISE if strategy in most]


def _of_pieces(case: Case) -> dict[str, Any]:
    """Return how far the ways to compute one product lie below their roofs, and in how many calls.

    A call is compared with the smallest one there is, an addition of single elements.
    """
    add = at(case.kernels, operation="add", size=1, variant="eager")

    def in_adds(kernels: Sequence[Kernel]) -> list[tuple[Kernel, Estimate]]:
        calls = [(k, ratio(k.quantity, add.quantity)) for k in kernels] if add else []
        return [(k, one.scaled(1 / k.calls, f"call of {one.key}")) for k, one in calls]

    pieces = _pieces(case)
    shares = [(k, case.share(k, case.steepest)) for k in pieces]
    to_memory = [(k, case.share(k, case.memory)) for k in pieces]
    adds = in_adds(pieces)
    updates = [k for k in case.kernels if k.line == "update"]
    return {
        "pieces": shares,
        "cached": [k for k, share in to_memory if share.low is not None and share.low > 1],
        "add": add,
        "adds": adds,
        "dispatched": [
            k
            for (k, share), (_, each) in zip(shares, adds, strict=False)
            if share.value < LITTLE and share.value * each.value < 1
        ],
        "little": LITTLE,
        "updates": in_adds([k for k in updates if k in (updates[0], updates[-1])]),
    }


def _cells_of(kernel: Kernel, case: Case) -> list[str | Number]:
    best = kernel.quantity.name() == case.compute.quantity.name()
    side = case.side(kernel)
    return [
        kernel.name,
        Number(text=digits(kernel.intensity)),
        number(kernel.quantity.rate(), GIGA, best=best),
        *(
            Number(text="100") if best else number(case.share(kernel, roof), PERCENT)
            for roof in (case.steepest, case.memory)
        ),
        side if side != "either" else "within the interval",
    ]


def _sheet(kernels: Mapping[str, Sequence[Kernel]], cases: Sequence[Case]) -> Sheet:
    """Return roofs and kernels in SI units; a roof has no intensity, a peak no bytes."""
    # A row's key is that of its first estimate; a kernel's intensity is a count and none.
    names = ["flop_per_s", "bytes_per_s", "flop_per_byte"]
    names += ["share_of_highest_roof", "share_of_memory_roof"]
    header = ["what", "dtype", "name", "experiment", "flop", "least_bytes"]
    header += [column for name in names for column in columns(name)[:3]]

    def line(what: list[Cell], *values: Estimate | float | None) -> list[Cell]:
        key = next((one.key for one in values if isinstance(one, Estimate)), None)
        each = [[v, None, None] if isinstance(v, float) else cells(v)[:3] for v in values]
        row = [*what, *[None] * (6 - len(what)), *itertools.chain(*each)]
        return [*row, *[None] * (len(header) - len(row)), key]

    rows: list[list[Cell]] = []
    for case in cases:
        dtype, best = case.dtype, case.compute.quantity
        for name, roof in case.roofs.items():
            rows.append(line(["roof", dtype, name, roof.quantity.experiment], None, roof.estimate))
        rows.append(line(["roof", dtype, "compute", best.experiment, best.flops], case.peak))
        rows.append(line(["balance", dtype, "compute / memory"], None, None, case.balance()))
        for k in kernels[dtype]:
            q = k.quantity
            what: list[Cell] = ["kernel", dtype, k.name, q.experiment, q.flops, q.bytes_moved]
            shares = [case.share(k, roof) for roof in (case.steepest, case.memory)]
            rows.append(line(what, q.rate(), q.bandwidth(), k.intensity, *shares))
    return Sheet(header=[*header, "key"], rows=rows)


def balance(case: Case, machine: Machine) -> Figure:
    """Draw this machine's bytes per second beside the chapter's."""
    here = vector_estimate(machine, case.device)
    flows = _flows(case, here)
    ends = [pick(flow.value for _, flow, _ in flows) / GIGA for pick in (min, max)]
    shape = Dots(
        labels=tuple(name for name, _, _ in flows),
        # Three decades or more, so that the ticks are powers of ten and never collide.
        x=Axis(label="bytes per second, GB/s", unit=GIGA, low=ends[0] / 4, high=ends[1] * 4),
        rows=(
            row("measured", 0, [flow if flow.key else None for _, flow, _ in flows]),
            row("computed", 0, [None if flow.key else flow for _, flow, _ in flows], hollow=True),
        ),
        of=1,
    )
    return prose.figure(
        TEMPLATE,
        f"roofline-{case.backend}-balance",
        "balance",
        shape,
        table=Table(
            header=["bytes", "GB/s", "times the memory's"],
            rows=[[name, number(flow, GIGA), number(times)] for name, flow, times in flows],
            caption="Values with their 95 % intervals; those without one are computed",
        ),
        sheet=Sheet(
            header=["what", "measured", *columns("bytes_per_s")[:3], "key"],
            rows=[
                [name, "yes" if flow.key else "no", *cells(flow)[:3], flow.key]
                for name, flow, _ in flows
            ],
        ),
        case=case,
        chapter=CHAPTER,
        chapters_memory=CHAPTER_MEMORY,
        here=here,
        of_memory=here and _of_memory(case, here),
    )


def _flows(case: Case, here: VectorEstimate | None) -> list[tuple[str, Estimate, Estimate]]:
    """Return bytes per second, and how many times memory's; what is computed has no key."""
    chapter = CHAPTER.bytes_per_s
    flows = [
        (f"chapter: {CHAPTER.words}", _exact(chapter), _exact(chapter / CHAPTER_MEMORY)),
        ("chapter: memory", _exact(CHAPTER_MEMORY), _exact(1)),
    ]
    if here is not None:
        flows.append((f"here: {here.words}", _exact(here.bytes_per_s), _of_memory(case, here)))
    peak = f"here: {case.dtype} operands at the measured peak"
    flows.append((peak, case.demand(), case.demands()))
    for name, roof in case.roofs.items():
        times = ratio(roof.quantity, case.memory.quantity, "bytes_per_s")
        flows.append((f"here: {name}", roof.estimate, times if name != MEMORY else _exact(1)))
    return flows


def _exact(value: float) -> Estimate:
    return Estimate(value=value, low=None, high=None, replicates=0, samples=0, basis="nothing")


def _of_memory(case: Case, here: VectorEstimate) -> Estimate:
    memory = case.memory.estimate
    return memory.reciprocal(here.bytes_per_s, f"{here.words} / {memory.key}")
