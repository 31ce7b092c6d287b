"""How long may a step of full-batch gradient descent be? Measured decay beside theory."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from report.experiments.training import axes as shared
from report.experiments.training import curves, labels, tables, words
from report.figures import plotting
from report.figures.figure import Figure, Number, Table, Words, absent
from report.text.numerals import digits, sentence

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from report.analysis.leastsquares import Problem
    from report.experiments.training.case import Case
    from report.experiments.training.curves import Line

LAMBDA = "\N{GREEK SMALL LETTER LAMDA}"

LAST = 5
"""Steps at the end of a run over which its rate of decay is measured: the fast parts are gone."""

ROUNDING = 1e-6
"""A loss above the optimum below this is mostly float32's rounding, and its decay means nothing."""


@dataclass(frozen=True, kw_only=True)
class Decay:
    """By what an error of a full-batch run shrinks in a step.

    Attributes:
        line: The run.
        limit: The learning rate from which it diverges; None for optimizers without such a theory.
        theory: Factor of the slowest direction; above 1 it grows.
        measured: Square root of the factor of the loss above the optimum, over the last steps;
            None for runs too short, or too near to the optimum to tell.
    """

    line: Line
    limit: float | None
    theory: float | None
    measured: float | None


def applies(case: Case) -> bool:
    """Return whether runs are full batches, some of them plain ones that differ in their rate."""
    every = [line.run.labels for line in case.lines]
    rates = {labels.rate(each) for each in every if labels.plain(each)}
    return len(rates) > 1 and all(labels.full_batch(each, case.examples) for each in every)


def slowest(problem: Problem, lr: float, momentum: float = 0.0) -> float:
    """Return by what a step multiplies the error along the direction that shrinks least.

    With v <- m v + g and theta <- theta - lr v, the errors of two steps along an eigenvector
    follow z^2 - (1 + m - lr lambda) z + m = 0; without momentum its root is 1 - lr lambda.

    Args:
        problem: Gives the eigenvalues lambda.
        lr: The learning rate, for the loss with the factor 1/2.
        momentum: m, from 0 to below 1.

    Returns:
        The largest modulus of a root over all directions.

    Source: B. T. Polyak, "Some methods of speeding up the convergence of iteration methods",
        1964; G. Goh, "Why Momentum Really Works", Distill 2017.
    """
    sums = [abs(1 + momentum - lr * curvature) for curvature in problem.hessian_eigenvalues()]
    # Of complex roots the product is m, and both are as long.
    return max(
        math.sqrt(momentum) if apart < 0 else (total + math.sqrt(apart)) / 2
        for total in sums
        for apart in [total * total - 4 * momentum]
    )


def decay(case: Case, problem: Problem, line: Line) -> Decay:
    """Return how fast a run's error shrinks, by theory and as measured."""
    of = line.run.labels
    optimizer = of["optimizer"]
    known = optimizer in {"sgd", "momentum"} and of["schedule"] == "constant"
    momentum = float(str(of["momentum"] or 0)) if optimizer == "momentum" else 0.0
    return Decay(
        line=line,
        # The roots leave the unit circle at -1, where lr lambda is 2 (1 + m).
        limit=(1 + momentum) * problem.stability_limit() if known else None,
        theory=slowest(problem, labels.rate(of), momentum) if known else None,
        measured=_measured(line, case.base),
    )


def _measured(line: Line, base: float) -> float | None:
    heights = line.above(base)
    if len(heights) <= LAST + 1 or min(heights[-1], heights[-1 - LAST]) < ROUNDING:
        return None
    return math.exp(math.log(heights[-1] / heights[-1 - LAST]) / (2 * LAST))


def figures(case: Case) -> list[Figure]:
    """Draw the loss above the optimum against epochs, each of which is one step."""
    lines = case.lines
    problem = curves.problem(case.result)
    decays = [] if problem is None else [decay(case, problem, line) for line in lines]
    said = _words(case, problem, decays)

    def draw(axes: Axes, *, narrow: bool) -> None:
        drawn = shared.height_curves(axes, case, lines)
        shared.epochs_axis(axes, "epochs, each of them one step")
        plotting.legend_above(axes, drawn, narrow=narrow)

    name = f"{case.name}-stability"
    return [
        Figure(
            name=name,
            question="stability",
            words=said,
            drawing=plotting.drawing(name, said.alt, draw),
            table=_table(decays) if decays else tables.final_table(lines, case.lowest),
            sheet=tables.curve_sheet(lines, case.lowest),
            code=tables.functions(lines),
        )
    ]


def _words(case: Case, problem: Problem | None, decays: list[Decay]) -> Words:
    ends = {line.name: line.above(case.base)[-1] for line in case.lines}
    best = min(ends, key=lambda name: ends[name])
    steps = max(len(line.loss) for line in case.lines) - 1
    title = (
        f"After {steps} steps {best} ends at a {case.height} of {words.tiny(ends[best])}, "
        f"least of {len(ends)}"
    )
    caption = (
        f"{words.centres(case.lines)} {sentence(case.height)} at the end: "
        + "; ".join(f"{name}: {words.tiny(end)}" for name, end in ends.items())
        + "."
    )
    explanation = "" if problem is None else _theory(problem, decays)
    over = [one for one in decays if _too_long(one)]
    if problem is not None and over:
        named = words.listing([one.line.name for one in over])
        title = (
            f"Plain steps longer than {digits(problem.stability_limit())} cannot settle: {named} "
            f"{'ends' if len(over) == 1 else 'end'} {_ends(over, ends)} above the optimum, "
            f"{best} {words.tiny(ends[best])}"
        )
    alt = f"Curves of {case.height} against epochs, logarithmic. {title}. {caption}"
    return Words(title=title, caption=caption, explanation=explanation, alt=alt)


def _too_long(one: Decay) -> bool:
    """Return whether plain steps are longer than the limit."""
    of = one.line.run.labels
    return labels.plain(of) and one.limit is not None and labels.rate(of) > one.limit


def _ends(over: list[Decay], ends: dict[str, float]) -> str:
    return words.listing([words.tiny(ends[one.line.name]) for one in over])


def _theory(problem: Problem, decays: list[Decay]) -> str:
    curvatures = problem.hessian_eigenvalues()
    steep, flat = (digits(curvatures[k], 4) for k in (-1, 0))
    said = (
        f"The loss is a bowl whose curvature is {LAMBDA} = {steep} where it is steepest and "
        f"{flat} where it is flattest. A plain step multiplies the error along each direction by "
        f"1 \N{MINUS SIGN} lr {LAMBDA}, so that it shrinks along all of them only below "
        f"2/{LAMBDA} = {digits(problem.stability_limit(), 4)}; the best fixed rate is "
        f"{digits(problem.best_fixed_lr(), 4)}, where the steepest and the flattest direction "
        "shrink alike."
    )
    return " ".join([said, *(_run(one) for one in decays if one.theory is not None)])


def _run(one: Decay) -> str:
    of = one.line.run.labels
    rate = labels.rate(of)
    if one.theory is None or one.limit is None:
        return ""
    said = f"{sentence(one.line.name)} takes {digits(rate)}"
    if of["optimizer"] == "momentum":
        said += f", and with its momentum may take up to {digits(one.limit)}"
    measured = (
        "" if one.measured is None else f", measured {digits(one.measured)} over the last {LAST}"
    )
    factor = f"{digits(one.theory)} a step{measured}"
    if rate > one.limit:
        return (
            f"{said}: beyond the limit, the error along the worst direction is multiplied by "
            f"{factor}{words.turn(one.line)}."
        )
    return f"{said}: the error along the slowest direction is multiplied by {factor}."


def _table(decays: list[Decay]) -> Table:
    rows: list[list[str | Number]] = []
    for one in decays:
        of = one.line.run.labels
        rows.append(
            [
                one.line.name,
                Number(text=digits(labels.rate(of))),
                absent() if one.limit is None else Number(text=digits(one.limit)),
                absent() if one.theory is None else Number(text=digits(one.theory)),
                absent() if one.measured is None else Number(text=digits(one.measured)),
                tables.loss_at(one.line, -1),
                Number(text=f"{one.line.run.diverged} of {len(one.line.run.seeds)}"),
            ]
        )
    header = ["run", "learning rate", "limit", "factor a step, theory"]
    header += [f"measured over the last {LAST}", "loss at the end", "diverged"]
    caption = (
        "Factors by which the error along the slowest direction changes in a step; "
        + words.OVER_SEEDS
    )
    return Table(header=header, rows=rows, caption=caption)
