"""Which batch size with which learning rate? A heat map of where each pair ends."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from matplotlib.patches import Patch, Rectangle

from report.experiments.training import curves, labels, tables, words
from report.figures import plotting
from report.figures.figure import (
    Figure,
    Number,
    Sheet,
    Table,
    Words,
    absent,
    cells,
    columns,
    number,
)
from report.figures.svg import INK, MUTED, SERIES
from report.text.numerals import count, digits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from report.analysis.quantities import Quantity
    from report.experiments.training.case import Case
    from report.experiments.training.curves import Line

MILLI = 1e-3

SHADES = [0.55, 0.41, 0.29, 0.18, 0.08]
"""Opacities of the one hue, the lowest losses first; ink is legible on each in both themes."""

DIVERGED = "\N{MULTIPLICATION SIGN}"
"""Stands in the cell of a pair with which a seed diverged."""


@dataclass(frozen=True, kw_only=True)
class Grid:
    """The runs of a grid, by what they differ in.

    Attributes:
        sizes: Batch sizes, ascending.
        rates: Learning rates, ascending.
        runs: The run of each pair.
        base: What losses are shown above.
    """

    sizes: list[int]
    rates: list[float]
    runs: dict[tuple[int, float], Line]
    base: float

    def height(self, size: int, rate: float) -> float | None:
        """Return the loss above the base at the end; None where a seed diverged."""
        line = self.runs[size, rate]
        if line.run.diverged:
            return None
        return line.above(self.base)[-1]

    def heights(self) -> dict[tuple[int, float], float]:
        """Return all heights that there are."""
        every = ((pair, self.height(*pair)) for pair in self.runs)
        return {pair: height for pair, height in every if height is not None}

    def edges(self) -> list[float]:
        """Return the heights between the shades: equal factors from the lowest to the highest."""
        known = self.heights().values()
        if not known:
            return []
        low, steps = min(known), len(SHADES)
        return [low * (max(known) / low) ** (k / steps) for k in range(1, steps)]


def grid(case: Case) -> Grid:
    """Return the runs of a case as a grid."""
    runs = {(line.batch_size, float(str(line.run.labels["lr"]))): line for line in case.lines}
    return Grid(
        sizes=sorted({size for size, _ in runs}),
        rates=sorted({rate for _, rate in runs}),
        runs=runs,
        base=case.base,
    )


def by_batch_size(found: Sequence[Quantity]) -> list[Quantity]:
    """Return the seconds per epoch of each batch size, whatever the rate: it costs no time."""
    pooled: dict[int, Quantity] = {}
    for quantity in sorted(found, key=lambda q: labels.whole(q.labels, "batch_size")):
        size = labels.whole(quantity.labels, "batch_size")
        before = pooled.get(size, replace(quantity, groups=[[] for _ in quantity.groups]))
        groups = [a + b for a, b in zip(before.groups, quantity.groups, strict=True)]
        named = {**quantity.labels, "run": f"batch {size:,}", "lr": None}
        pooled[size] = replace(quantity, groups=groups, labels=named)
    return list(pooled.values())


def limit(case: Case, of: Grid) -> float | None:
    """Return the largest stable rate of full batches, in terms of the rates of the grid.

    Returns:
        None if the data's moments are not known, or the runs do not all mean the same by a rate.
    """
    known = curves.stability_limit(case.result)
    every = [line.run.labels for line in of.runs.values()]
    factors = {labels.rate(each) / float(str(each["lr"])) for each in every}
    if known is None or len(factors) > 1 or not all(labels.plain(each) for each in every):
        return None
    return known / factors.pop()


def figures(case: Case) -> list[Figure]:
    """Draw where each pair ends as a heat map."""
    of = grid(case)
    bound = limit(case, of)
    said = _words(case, of, bound)

    def draw(axes: Axes, *, narrow: bool) -> None:
        _cells(axes, of, narrow=narrow)
        if bound is not None:
            _limit(axes, of, bound, narrow=narrow)
        axes.set_xlabel("learning rate")
        axes.set_ylabel("batch size")
        _legend(axes, case, of, narrow=narrow)

    name = f"{case.name}-grid"
    return [
        Figure(
            name=name,
            question="grid",
            words=said,
            drawing=plotting.drawing(name, said.alt, draw, height=150 + 42 * len(of.sizes)),
            table=_table(case, of),
            sheet=_sheet(case, of),
            code=tables.functions(case.lines),
        )
    ]


def shade(height: float, edges: Sequence[float]) -> float:
    """Return the opacity of a height: of the first shade whose upper edge is above it."""
    return SHADES[sum(height > edge for edge in edges)]


def _cells(axes: Axes, of: Grid, *, narrow: bool) -> None:
    edges, known = of.edges(), of.heights()
    least = min(known.values(), default=None)
    for (row, size), (column, rate) in itertools.product(enumerate(of.sizes), enumerate(of.rates)):
        height = known.get((size, rate))
        text = DIVERGED if height is None else _thousandths(height)
        if height is not None:
            corner = (column - 0.48, row - 0.47)
            alpha = shade(height, edges)
            axes.add_patch(
                Rectangle(corner, 0.96, 0.94, facecolor=SERIES[0], alpha=alpha, linewidth=0)
            )
        axes.text(
            column,
            row,
            text,
            ha="center",
            va="center",
            color=MUTED if height is None else INK,
            fontsize=11.5 if narrow else 12,
            fontweight="bold" if height is not None and height == least else "normal",
        )
    axes.grid(visible=False)
    axes.set_xticks(range(len(of.rates)), [f"{rate:g}" for rate in of.rates])
    axes.set_yticks(range(len(of.sizes)), [f"{size:,}" for size in of.sizes])
    axes.set_xlim(-0.55, len(of.rates) - 0.45)
    axes.set_ylim(len(of.sizes) - 0.5, -0.5)
    axes.tick_params(length=0)
    for side in axes.spines.values():
        side.set_visible(False)


def _thousandths(height: float) -> str:
    """Write a height in thousandths in few letters; a cell on a phone has room for four."""
    value = height / MILLI
    if value >= 9999.5:
        return "\N{GREATER-THAN SIGN}9999"
    return digits(value, 2).replace(",", "") if value >= 0.01 else "0.00"


def _limit(axes: Axes, of: Grid, bound: float, *, narrow: bool) -> None:
    """Draw the limit between the columns of the rates below and above it."""
    at = sum(rate <= bound for rate in of.rates) - 0.5
    axes.plot([at, at], [-0.5, len(of.sizes) - 0.5], color=INK, linewidth=1.6)
    right = at > (len(of.rates) - 1) / 2
    words_ = f"2/\N{GREEK SMALL LETTER LAMDA} = {digits(bound)}"
    axes.annotate(
        words_ if narrow else f"stability limit of full batches, {words_}",
        (at, -0.5),
        xytext=(-3 if right else 3, 3),
        textcoords="offset points",
        ha="right" if right else "left",
        va="bottom",
        color=INK,
        fontsize=11.5,
        annotation_clip=False,
    )


def _legend(axes: Axes, case: Case, of: Grid, *, narrow: bool) -> None:
    # In one row, or column by column: the shades are an order.
    axes.figure.legend(
        handles=_key(of),
        loc="outside upper left",
        ncols=2 if narrow else len(SHADES) + 1,
        title=f"{case.height}, thousandths",
        alignment="left",
        labelcolor=INK,
        fontsize=11.5,
        title_fontsize=11.5,
        handlelength=1.6,
        columnspacing=1.4,
    )


def _key(of: Grid) -> list[Patch]:
    """Return what the shades mean, for a legend."""
    edges = of.edges()
    if not edges:
        return [Patch(facecolor="none", label=f"{DIVERGED} diverged")]
    written = [_thousandths(edge) for edge in edges]
    spans = [f"up to {written[0]}", *(f"to {each}" for each in written[1:]), "above"]
    return [
        *(
            Patch(facecolor=SERIES[0], alpha=alpha, linewidth=0, label=span)
            for alpha, span in zip(SHADES, spans, strict=True)
        ),
        Patch(facecolor="none", linewidth=0, label=f"{DIVERGED} diverged"),
    ]


def _words(case: Case, of: Grid, bound: float | None) -> Words:
    known = of.heights()
    lost = len(of.runs) - len(known)
    pairs = f"{len(of.sizes)} batch sizes with {len(of.rates)} learning rates"
    if not known:
        title = f"All {len(of.runs)} pairs of batch size and learning rate diverge"
        return Words(title=title, caption=f"{pairs}.", alt=f"Heat map, empty. {title}. {pairs}.")
    (size, rate), least = min(known.items(), key=lambda item: item[1])
    epochs = max(line.epochs[-1] for line in of.runs.values())
    title = (
        f"After {count(round(epochs), 'epoch')}, batches of {size:,} at a rate of {rate:g} end "
        f"lowest, at a {case.height} of {words.tiny(least)}; {lost} of {len(of.runs)} pairs diverge"
    )
    several = len(case.lines[0].run.seeds)
    seeds = f"the geometric mean over {several} seeds" if several > 1 else "a single seed"
    caption = (
        f"{case.height[0].upper()}{case.height[1:]} at the end of {pairs}, in thousandths: "
        f"{seeds}. The more colour, the lower; {DIVERGED}: at least one seed "
        f"diverged, which is so for {lost} of {len(of.runs)} pairs."
    )
    level = sum(_level(of, of.runs[size, rate], of.runs[pair]) for pair in known) - 1
    if several == 1:
        caption += " One seed does not tell pairs that end at about the same height."
    elif level:
        caption += f" The seeds do not tell {count(level, 'other pair')} from the lowest."
    if bound is not None:
        caption += f" The line is the largest stable rate of full batches, {digits(bound)}."
    alt = f"Heat map of the {case.height} by batch size and learning rate. {title}. {caption}"
    explanation = _explanation(case, of, bound)
    return Words(title=title, caption=caption, explanation=explanation, alt=alt)


def _explanation(case: Case, of: Grid, bound: float | None) -> str:
    said = []
    if bound is not None:
        said.append(
            f"Above 2/\N{GREEK SMALL LETTER LAMDA} = {digits(bound)} even the exact gradient "
            "overshoots in the steepest direction, a little more with each step; a few steps may "
            "not show it yet. Smaller batches add noise of their own, which lowers the limit."
        )
    best = {size: low for size in of.sizes if (low := _best(of, size)) is not None}
    said.append(
        "Lowest in each row: "
        + "; ".join(f"batches of {size:,} at {rate:g}" for size, rate in best.items())
        + "."
    )
    first = [(size, rate) for size in of.sizes if (rate := _breaks(of, size)) is not None]
    if first:
        parts = "; ".join(f"batches of {size:,} from {rate:g}" for size, rate in first)
        said.append(f"Divergence begins: {parts}.")
    pooled = by_batch_size(case.epochs)
    if len(pooled) > 1:
        fast = min(pooled, key=lambda q: q.time().value)
        slow = max(pooled, key=lambda q: q.time().value)
        said.append(
            f"What a row costs is another matter: an epoch takes {words.short(fast.time())} in "
            f"batches of {fast.labels['batch_size']:,} and {words.short(slow.time())} in batches "
            f"of {slow.labels['batch_size']:,}."
        )
    return " ".join(said)


def _level(of: Grid, lowest: Line, other: Line) -> bool:
    """Return whether the seeds do not tell where two runs end."""
    ratio = curves.ratio(*(curves.above(line.run, of.base) for line in (other, lowest)))
    return other is lowest or (ratio is not None and not ratio.excludes(1))


def _best(of: Grid, size: int) -> float | None:
    heights = {rate: h for rate in of.rates if (h := of.height(size, rate)) is not None}
    return min(heights, key=lambda rate: heights[rate]) if heights else None


def _breaks(of: Grid, size: int) -> float | None:
    return next((rate for rate in of.rates if of.height(size, rate) is None), None)


def _table(case: Case, of: Grid) -> Table:
    seconds = {labels.whole(q.labels, "batch_size"): q for q in by_batch_size(case.epochs)}
    rows: list[list[str | Number]] = []
    for size in of.sizes:
        best = _best(of, size)
        row: list[str | Number] = [f"{size:,}"]
        row.append(number(seconds[size].time(), MILLI) if size in seconds else absent())
        for rate in of.rates:
            height = of.height(size, rate)
            said = DIVERGED if height is None else words.tiny(height)
            row.append(Number(text=said, best=rate == best))
        rows.append(row)
    header = ["batch size", "milliseconds per epoch", *(f"lr {rate:g}" for rate in of.rates)]
    caption = (
        f"Geometric means over seeds of the {case.height} at the end, by learning rate; seconds "
        "with their 95 % intervals over all rates"
    )
    return Table(header=header, rows=rows, caption=caption)


def _sheet(case: Case, of: Grid) -> Sheet:
    header = [*tables.NAMES, "seeds", "diverged", "loss", "loss_above_optimum"]
    rows = []
    for line in of.runs.values():
        epoch = case.seconds(line)
        loss = line.loss[-1]
        above = None if case.lowest is None else loss - case.lowest
        said = [len(line.run.seeds), line.run.diverged, loss, above]
        time = cells(None if epoch is None else epoch.time())
        rows.append([*tables.settings(line.run.labels), *said, *time])
    return Sheet(header=[*header, *columns("epoch_s")], rows=rows)
