"""The concise listings as they stand, each framework's with the rate that the chapter gives it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.experiments.training import curves, labels, words
from report.experiments.training.axes import epochs_axis, loss_axis
from report.experiments.training.tables import curve_sheet, loss_at
from report.figures import plotting
from report.figures.figure import Figure, Number, Table, Words, absent, together
from report.sections.frameworks.losses import Path, paths
from report.text.names import title
from report.text.numerals import digits, sentence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from report.results.result import Result


def figures(result: Result, experiment: str) -> list[Figure]:
    """Draw the loss of concise runs that one framework alone was to train, beside the first's."""
    chosen = _listed(paths(result, experiment))
    if len(chosen) < 2:
        return []
    name, lowest = f"frameworks-{experiment}-listed", curves.optimum(result)

    def draw(axes: Axes, *, narrow: bool) -> None:
        drawn = []
        for path in chosen:
            look = plotting.style(path.way.index, len(path.line.loss))
            axes.fill_between(
                path.line.epochs[1:],
                path.line.lowest[1:],
                path.line.highest[1:],
                color=look["color"],
                alpha=0.18,
                linewidth=0,
            )
            (middle,) = axes.plot(
                path.line.epochs[1:],
                path.line.loss[1:],
                **look,
                label=plotting.safe(_name(path)),
            )
            drawn.append(middle)
        loss_axis(axes, [path.line for path in chosen], lowest)
        epochs_axis(axes)
        plotting.legend_above(axes, drawn, narrow=narrow)

    said = _words(chosen)
    sheets = ((path.way.backend, curve_sheet([path.line], lowest)) for path in chosen)
    return [
        Figure(
            name=name,
            question="listed",
            words=said,
            drawing=plotting.drawing(name, said.alt, draw),
            table=_table(chosen),
            sheet=together(sheets, "backend"),
            code=["train_concise", "Concise.step"],
            backends=[path.way.backend for path in chosen],
        )
    ]


def _listed(found: Sequence[Path]) -> list[Path]:
    """Return the first framework's concise run, and one of each other that only it trained."""
    concise = [p for p in found if p.line.run.labels["implementation"] == "concise"]
    trained: dict[str, set[str]] = {}
    for path in concise:
        trained.setdefault(path.run, set()).add(path.way.backend)
    own = [path for path in concise if len(trained[path.run]) == 1]
    if not own:
        return []
    chosen: dict[str, Path] = {}
    for path in [*(p for p in concise if p.way.backend == concise[0].way.backend), *own]:
        chosen.setdefault(path.way.backend, path)
    return list(chosen.values())


def _name(path: Path) -> str:
    return f"{title(path.way.backend)}, lr {path.line.run.labels['lr']}"


def _words(chosen: Sequence[Path]) -> Words:
    ends = "; ".join(f"{_name(path)} {words.loss(path.line.loss[-1])}" for path in chosen)
    rates = "; ".join(
        f"{title(path.way.backend)} {digits(labels.rate(path.line.run.labels), 2)}"
        for path in chosen
    )
    last = [path.line.loss[-1] for path in chosen]
    alike = max(last) - min(last) < words.SAME
    heading = (
        f"As listed, all end at a loss of {words.loss(last[0])}"
        if alike
        else f"As listed, they end at losses from {words.loss(min(last))} to "
        f"{words.loss(max(last))}"
    )
    explanation = (
        "The listings differ in their rates, and the frameworks' losses in whether they have the "
        f"factor 1/2. As steps of a loss that has it, the rates are: {rates}. A larger step comes "
        "down sooner and then wanders further from the optimum; the code has no part in that."
    )
    caption = (
        f"{sentence(words.centres([path.line for path in chosen]))} Losses at the end: {ends}."
    )
    alt = f"Curves of loss against epochs, one for each framework. {heading}. {caption}"
    return Words(title=heading, caption=caption, explanation=explanation, alt=alt)


def _table(chosen: Sequence[Path]) -> Table:
    rows: list[list[str | Number]] = []
    for path in chosen:
        of, one = path.line.run.labels, curves.after_one(path.line)
        rows.append(
            [
                title(path.way.backend),
                "without 1/2" if of["loss"] == "mse" else "with 1/2",
                Number(text=str(of["lr"])),
                Number(text=digits(labels.rate(of), 2)),
                Number(text=f"{path.line.epochs[-1]:.0f}"),
                absent() if one is None else loss_at(path.line, one),
                loss_at(path.line, -1),
            ]
        )
    header = ["framework", "its loss", "learning rate", "the same with 1/2", "epochs"]
    return Table(
        header=[*header, "loss after one epoch", "loss at the end"],
        rows=rows,
        caption=sentence(words.OVER_SEEDS),
    )
