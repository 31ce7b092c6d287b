"""Data parallelism: what more workers would bring, by a cost model fed with this machine's figures.

Named a model and not a measurement wherever it is shown: there is one machine.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from report.figures import prose
from report.figures.figure import Figure, Number, Sheet, Table, cells, columns, number, table
from report.figures.shapes import (
    YARDSTICK,
    Axis,
    Curves,
    Dots,
    Points,
    Reference,
    Row,
    Upright,
    line,
    row,
)
from report.sections.data_parallel import model
from report.sections.data_parallel.measured import OFF, Point, points
from report.sections.data_parallel.model import Setting, inputs, scenarios
from report.text.numerals import MILLI, count, digits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.figures.figure import Cell, Columns
    from report.results.result import Result

TITLE = "Many workers: a model, not a measurement"

TEMPLATE = "sections/data-parallel.html"

TRAINED = {
    "regression": "the chapter\N{RIGHT SINGLE QUOTATION MARK}s linear regression",
    "resnet": "a ResNet-50",
}


def figures(result: Result) -> list[Figure]:
    """Draw the predicted speed-up of each scenario for each backend that measured its inputs."""
    beside = [_beside(f"data-parallel-{name}", mine) for name, mine in points(result).items()]
    return beside + [
        _figure(f"data-parallel-{given.backend}-{question}", question, settings, result)
        for given in inputs(result)
        for question, settings in scenarios(given).items()
    ]


def experiments(result: Result) -> list[str]:
    """Return the names of the experiments that feed the model."""
    used = {name for given in inputs(result) for name in given.experiments}
    used |= {point.experiment for mine in points(result).values() for point in mine}
    return [name for name in result.config["experiments"] if name in used]


def method(result: Result) -> list[str]:
    """Describe the model, what of it was measured, and what is assumed."""
    measured = [(given, scenarios(given)["regression"][0].parts()) for given in inputs(result)]
    return prose.sentences(TEMPLATE, "method", inputs=measured, model=model) if measured else []


def _figure(name: str, question: str, settings: Sequence[Setting], result: Result) -> Figure:
    # The chapter's own examples are so many, whatever the minibatch.
    examples = result.config["examples"] if question == "regression" else None
    return prose.figure(
        TEMPLATE,
        name,
        question,
        _shape(settings, examples),
        table=_table(settings, examples),
        sheet=_sheet(settings),
        model=model,
        trained=TRAINED[question],
        settings=settings,
        examples=examples,
    )


def _beside(name: str, mine: Sequence[Point]) -> Figure:
    """Draw updates of groups as they were measured, and as the model has them."""
    labels = [f"batch {p.batch:,}, {count(p.world, 'process')}" for p in mine]
    modelled, none = tuple(point.model_s for point in mine), (None,) * len(mine)
    shape = Dots(
        labels=tuple(labels),
        x=Axis(label="time of an update", scale="seconds"),
        rows=(
            row("measured", 0, [point.update for point in mine]),
            Row(name="model", index=YARDSTICK, values=modelled, low=none, high=none, hollow=True),
        ),
    )
    found: Columns = {
        "measured, ms": [number(point.update, MILLI) for point in mine],
        "model, ms": [Number(text=digits(point.model_s / MILLI)) for point in mine],
        "measured / model": [number(point.off) for point in mine],
    }
    return prose.figure(
        TEMPLATE,
        f"{name}-measured",
        "measured",
        shape,
        table=table("update", labels, found),
        sheet=Sheet(
            header=["batch_size", "processes", *columns("update_s"), "model_s", "key"],
            rows=[[p.batch, p.world, *cells(p.update), p.model_s, p.update.key] for p in mine],
        ),
        points=mine,
        far=[p for p in mine if abs(math.log(p.off.value)) > math.log1p(OFF)],
        worst=max(mine, key=lambda point: abs(math.log(point.off.value))),
        limit=OFF,
    )


def _shape(settings: Sequence[Setting], examples: int | None) -> Curves:
    counts = sorted({1, *(setting.workers for setting in settings)})
    lowest = min(setting.speedup(setting.workers).value for setting in settings)
    halves = [
        (half.value, setting.workers / 2)
        for setting in settings
        if (half := setting.half()) is not None and half.value > setting.workers
    ]
    return Curves(
        x=Axis(label="minibatch, examples"),
        y=Axis(
            label="speed-up over one worker, model",
            narrow="speed-up in the model",
            low=min(lowest, 1) / 1.6,
            high=2.2 * counts[-1],
        ),
        lines=tuple(
            line(one.name, k, one.batches(), [one.speedup(batch) for batch in one.batches()])
            for k, one in enumerate(settings)
        ),
        marks=(
            *(Reference(y=n, label="one worker" if n == 1 else f"at most {n}") for n in counts),
            *(
                [Upright(x=examples, label=f"all {examples:,} examples", top=True)]
                if examples
                else []
            ),
            Points(
                name="half the number of workers",
                index=YARDSTICK,
                x=tuple(x for x, _ in halves),
                y=tuple(y for _, y in halves),
                marker="o",
                hollow=True,
                size=9,
            ),
        ),
        names="above",
    )


def _table(settings: Sequence[Setting], examples: int | None) -> Table:
    exchanges = [Number(text=digits(one.exchange_s / MILLI)) for one in settings]
    columns: Columns = {
        "exchange of the gradient, ms": exchanges,
        "smallest minibatch": [Number(text=f"{one.workers:,}") for one in settings],
        "step with it, ms": [number(one.step(one.workers), MILLI) for one in settings],
        "speed-up with it": [number(one.speedup(one.workers)) for one in settings],
        "minibatch for a speed-up of half the workers": [number(one.half()) for one in settings],
    }
    if examples:
        columns[f"speed-up with all {examples:,} examples"] = [
            number(one.speedup(examples) if examples >= one.workers else None) for one in settings
        ]
    caption = "Predictions of a model, with the 95 % intervals that its inputs give them"
    return table("workers", [one.name for one in settings], columns, caption)


def _sheet(settings: Sequence[Setting]) -> Sheet:
    predicted = [(one, n, one.speedup(n), one.step(n)) for one in settings for n in one.batches()]
    rows: list[list[Cell]] = [
        [s.name, s.workers, n, s.exchange_s, *cells(speedup)[:3], speedup.key, *cells(step)[:3]]
        for s, n, speedup, step in predicted
    ]
    header = ["setting", "workers", "batch_size", "communication_s"]
    header += [*columns("predicted_speedup")[:3], "key", *columns("predicted_step_s")[:3]]
    return Sheet(header=header, rows=rows)
