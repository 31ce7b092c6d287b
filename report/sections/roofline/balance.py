"""What the arithmetic could take in, against what caches and memory give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from report.figures import plotting
from report.figures.figure import Figure, Number, Sheet, Table, cells, columns, number
from report.sections.roofline.hardware import CHAPTER, CHAPTER_MEMORY, vector_estimate
from report.sections.roofline.kernels import ITEM_BYTES
from report.sections.roofline.words import balance_words
from report.text.numerals import digits, scaled, times

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from report.analysis.estimate import Estimate
    from report.figures.figure import Cell
    from report.results.machine import Machine
    from report.sections.roofline.ceilings import Ceilings
    from report.sections.roofline.hardware import VectorEstimate

GIGA = 1e9


@dataclass(frozen=True, kw_only=True)
class Flow:
    """Bytes per second, taken or given.

    Attributes:
        name: Whose.
        bytes_per_s: An estimate if it was measured, a plain number if it was reckoned.
    """

    name: str
    bytes_per_s: Estimate | float

    @property
    def value(self) -> float:
        """Return the number itself."""
        flow = self.bytes_per_s
        return flow if isinstance(flow, float) else flow.value

    @property
    def ends(self) -> tuple[float, float]:
        """Return the ends of its interval, or itself twice."""
        flow = self.bytes_per_s
        if isinstance(flow, float) or flow.low is None or flow.high is None:
            return self.value, self.value
        return flow.low, flow.high


def figure(name: str, ceilings: Ceilings, dtype: str, machine: Machine, device: str) -> Figure:
    """Draw this machine's bytes per second beside the chapter's.

    Args:
        name: Of the figure.
        ceilings: The measured roofs.
        dtype: The number format whose peak counts.
        machine: The machine.
        device: Where the kernels ran.
    """
    here = vector_estimate(machine, device)
    flows = _flows(ceilings, dtype, here)
    words = balance_words(ceilings, dtype, _chapter(), _here(here, ceilings, device))
    labels = [flow.name for flow in flows]

    def draw(axes: Axes, *, narrow: bool) -> None:
        plotting.dot_axes(axes, labels, "bytes per second, GB/s", narrow=narrow)
        found = [flow.bytes_per_s for flow in flows]
        measured = [None if isinstance(flow, float) else flow.scaled(1 / GIGA) for flow in found]
        plotting.dots(axes, measured, 0, label="measured")
        axes.plot(
            [flow / GIGA for flow in found if isinstance(flow, float)],
            [row for row, flow in enumerate(found) if isinstance(flow, float)],
            linestyle="none",
            color=plotting.colour(0),
            marker=plotting.MARKERS[0],
            markerfacecolor="none",
            markersize=6.5,
            label="reckoned, not measured",
        )
        # Three decades or more, so that the ticks are powers of ten and never collide.
        ends = [end / GIGA for flow in flows for end in flow.ends]
        axes.set_xlim(min(ends) / 4, max(ends) * 4)
        plotting.legend_above(axes, narrow=narrow)

    return Figure(
        name=name,
        question="balance",
        words=words,
        drawing=plotting.drawing(name, words.alt, draw, height=110 + 44 * len(labels)),
        table=_table(flows, ceilings),
        sheet=_sheet(flows),
    )


def _flows(ceilings: Ceilings, dtype: str, here: VectorEstimate | None) -> list[Flow]:
    demand = ceilings.peak.scaled(ITEM_BYTES[dtype])
    return [
        Flow(name=f"chapter: {CHAPTER.words}", bytes_per_s=CHAPTER.bytes_per_s),
        Flow(name="chapter: memory", bytes_per_s=CHAPTER_MEMORY),
        *([Flow(name=f"here: {here.words}", bytes_per_s=here.bytes_per_s)] if here else []),
        Flow(name=f"here: {dtype} operands at the measured peak", bytes_per_s=demand),
        *(Flow(name=f"here: {roof.name}", bytes_per_s=roof.bandwidth) for roof in ceilings.roofs),
    ]


def _chapter() -> str:
    ratio = digits(CHAPTER.bytes_per_s / CHAPTER_MEMORY)
    return (
        f"The chapter's estimate is {CHAPTER.words} = {scaled(CHAPTER.bytes_per_s, 'B/s')} against "
        f"{scaled(CHAPTER_MEMORY, 'B/s')} from memory, a ratio of {ratio}."
    )


def _here(here: VectorEstimate | None, ceilings: Ceilings, device: str) -> str:
    if here is None:
        reason = "this machine does not tell its clock" if device == "cpu" else f"this is {device}"
        return f"The same arithmetic cannot be done here: {reason}."
    ratio = ceilings.memory.bandwidth.reciprocal(here.bytes_per_s)
    clock = ", at the clock that the system reports, which may be only nominal"
    return (
        f"The same arithmetic here gives {here.words} = {scaled(here.bytes_per_s, 'B/s')}"
        f"{clock if here.nominal else ''}: {times(ratio.value)} times what memory was measured to "
        "give."
    )


def _table(flows: Sequence[Flow], ceilings: Ceilings) -> Table:
    memory = ceilings.memory.bandwidth.value
    rows: list[list[str | Number]] = []
    for flow in flows:
        given = flow.bytes_per_s
        shown = (
            Number(text=digits(given / GIGA)) if isinstance(given, float) else number(given, GIGA)
        )
        # The chapter's numbers go with the chapter's memory.
        other = CHAPTER_MEMORY if flow.name.startswith("chapter") else memory
        rows.append([flow.name, shown, Number(text=digits(flow.value / other))])
    return Table(
        header=["bytes", "GB/s", "times the memory's"],
        rows=rows,
        caption="Values with their 95 % intervals; those without one are reckoned",
    )


def _sheet(flows: Sequence[Flow]) -> Sheet:
    rows: list[list[Cell]] = []
    for flow in flows:
        given = flow.bytes_per_s
        numbers = [given, None, None] if isinstance(given, float) else cells(given)[:3]
        rows.append([flow.name, "no" if isinstance(given, float) else "yes", *numbers])
    return Sheet(header=["what", "measured", *columns("bytes_per_s")[:3]], rows=rows)
