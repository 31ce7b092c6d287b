"""How do two implementations compare when they are not told the same? Settings beside losses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.experiments.training import curves, labels, tables, words
from report.experiments.training.questions import epochs
from report.figures.figure import Number, Table, Words, absent
from report.text.numerals import scientific, sentence

if TYPE_CHECKING:
    from report.experiments.training.case import Case
    from report.experiments.training.curves import Line
    from report.figures.figure import Figure

LOSSES = {"half_squared": "half the squared error", "mse": "the squared error, without 1/2"}


def figures(case: Case) -> list[Figure]:
    """Draw loss against epochs, with the settings in which the runs differ."""
    return [epochs.figure(case, question="listed", said=_words(case), table=_table(case))]


def _words(case: Case) -> Words:
    lines = case.lines
    ends = "; ".join(
        f"{line.name} at {words.loss(line.loss[-1])} after {line.epochs[-1]:.0f}" for line in lines
    )
    title = (
        f"{sentence(lines[0].name)} ends at a loss of {words.loss(lines[0].loss[-1])}, "
        + words.listing([f"{line.name} at {words.loss(line.loss[-1])}" for line in lines[1:]])
    )
    caption = f"{words.spread(lines)} Losses at the end, by epochs: {ends}."
    alt = f"Curves of loss against epochs, one for each run. {title}. {caption}"
    explanation = " ".join(_settings(line) for line in lines) + _same_path(lines)
    return Words(title=title, caption=caption, explanation=explanation, alt=alt)


def _settings(line: Line) -> str:
    of = line.run.labels
    step = labels.rate(of)
    said = (
        f"{sentence(line.name)} ({of['implementation']}) has a learning rate of {of['lr']:g} for "
        f"{LOSSES[str(of['loss'])]}"
    )
    if step != float(str(of["lr"])):
        said += f", whose gradient is twice as large: {step:g} for the loss that is shown"
    return f"{said}."


def _same_path(lines: list[Line]) -> str:
    """Say how far runs of different implementations differ that take the same steps."""
    said = []
    for at, one in enumerate(lines):
        for other in lines[at + 1 :]:
            if not _alike(one, other):
                continue
            gap = curves.gap(one.run, other.run)
            if gap is not None:
                distance = "not at all" if gap == 0 else f"by at most {scientific(gap)}"
                said.append(
                    f" {sentence(one.name)} and {other.name} take the same steps; their losses "
                    f"differ {distance} at any point of any seed."
                )
    return "".join(said)


def _alike(one: Line, other: Line) -> bool:
    """Return whether two runs take the same steps, in two implementations."""
    left, right = (
        labels.without(line.run.labels, "run", "lr", "loss", "implementation", "epochs")
        for line in (one, other)
    )
    ways = {line.run.labels["implementation"] for line in (one, other)}
    return left == right and len(ways) == 2 and _step(one) == _step(other)


def _step(line: Line) -> str:
    # As printed: 2 * 0.025 and 0.05 need not be the same bits.
    return f"{labels.rate(line.run.labels):.9g}"


def _table(case: Case) -> Table:
    rows: list[list[str | Number]] = []
    for line in case.lines:
        of, one = line.run.labels, curves.after_one(line)
        rows.append(
            [
                line.name,
                str(of["implementation"]),
                "1/2" if of["loss"] == "half_squared" else "1",
                Number(text=f"{of['lr']:g}"),
                Number(text=f"{labels.rate(of):g}"),
                Number(text=f"{line.batch_size:,}"),
                Number(text=f"{line.epochs[-1]:.0f}"),
                absent() if one is None else tables.loss_at(line, one),
                tables.loss_at(line, -1),
                absent()
                if case.lowest is None
                else Number(text=words.tiny(line.above(case.lowest)[-1])),
            ]
        )
    header = ["run", "implementation", "factor of the loss", "learning rate"]
    header += ["step for the loss with 1/2", "batch size", "epochs", "loss after one epoch"]
    return Table(
        header=[*header, "loss at the end", "above the optimum"],
        rows=rows,
        caption=sentence(words.OVER_SEEDS),
    )
