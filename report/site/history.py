"""A machine over its runs: the numbers that most people want, what changed, and where they stepped.

All finished runs count here, not only those that are like the newest. Numbers are joined, and held
against each other, where the same plan was timed in the same way: whether newer code changed them
is what the page is read for.
"""

from __future__ import annotations

import math
import re
from dataclasses import replace
from datetime import datetime
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

from report.analysis import changes
from report.analysis.estimate import Estimate, product, stable
from report.comparing import asked
from report.comparing.gate import Gate, differences
from report.figures import prose, shapes
from report.figures.figure import Figure, Sheet, cells, columns, number, shared_prefix, table
from report.figures.shapes import Axis, Curves, Guide, Upright, points
from report.registry import WITH_DATA
from report.results import runs
from report.site import pages
from report.site.machine import graded
from report.text.numerals import scaled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.comparing.asked import Asked
    from report.results.result import Result
    from report.results.store import Saved

ARROW = " \N{RIGHTWARDS ARROW} "

Changed = dict[str, list[str]]
"""What is recorded and differs between two runs, in words, by the sort of change."""


class Run(NamedTuple):
    """A run of the machine, or several that count as one."""

    result: Result
    began: datetime
    grade: str
    files: list[str]
    changed: Changed  # since the run before

    @property
    def when(self) -> str:
        """Return when it began, UTC, for readers."""
        return f"{self.began.day} {self.began:%b %Y, %H:%M}"


class Point(NamedTuple):
    """What a run measured, by its own processes alone."""

    at: int  # the run's place, from 1
    run: Run
    asked: Asked
    estimate: Estimate


class Change(NamedTuple):
    """A number that became slower or faster by a share, and between which runs."""

    label: str
    before: Run
    after: Run
    word: str
    share: Estimate
    levels: tuple[Guide, Guide]  # the means before and after, as lines of the figure


class History(NamedTuple):
    """All that the page says."""

    path: str
    runs: list[Run]
    figures: dict[str, tuple[Figure, str]]  # by what they show; with its experiment
    steps: list[tuple[list[Change], Changed]]  # between the same two runs, with what differs
    most: int  # in how many runs the same work was measured, at most
    least: int = changes.LEAST
    one_in: int = round(1 / changes.FALSE)  # of so many that never change, one page tells of a step


def drawn(history: History | None) -> list[Figure]:
    """Return the figures of a history, if there is one."""
    return [figure for figure, _ in history.figures.values()] if history else []


def of_machine(name: str, saved: Sequence[Saved]) -> History | None:
    """Return the history of a machine among results; None where it has not two runs."""
    shown = _runs([one for one in saved if one.head.machine.id == name])
    if len(shown) < 2:
        return None
    found = [asked.numbers(run.result) for run in shown]
    numbers: dict[str, list[list[Point]]] = {}
    for label in asked.KINDS:
        works: dict[str, list[Point]] = {}
        for at, run in enumerate(shown):
            if one := found[at].get(label):
                point = Point(at + 1, run, one, _alone(one, run))
                works.setdefault(_work(run.result, one), []).append(point)
        if sum(map(len, works.values())) > 1:
            numbers[label] = [*works.values()]
    flat = [(label, work) for label, works in numbers.items() for work in works]
    days = [str(run.began.date()) for run in shown]
    steps = changes.steps([_series(work) for _, work in flat], days)
    between: dict[tuple[datetime, datetime], list[Change]] = {}
    for step in steps:
        change = _change(*flat[step.of], step)
        between.setdefault((change.before.began, change.after.began), []).append(change)
    changed = [change for same in between.values() for change in same]
    return History(
        path=f"{pages.home(name)}/history.html",
        runs=shown,
        figures={
            label: _figure(label, works, shown, [one for one in changed if one.label == label])
            for label, works in numbers.items()
        },
        steps=[(same, _changed(same[0].before, same[0].after)) for same in between.values()],
        most=max((len(work) for _, work in flat), default=0),
    )


def _runs(saved: Sequence[Saved]) -> list[Run]:
    names = {one.head.run_id: f"data/{one.name}" for one in saved}
    shown: list[Run] = []
    for several in runs.separate(one.result for one in saved):
        began = datetime.fromisoformat(several[0].started_at)
        result, files = runs.together(several), [names[one.run_id] for one in several]
        run = Run(result, began, graded(result), files, {})
        shown.append(run._replace(changed=_changed(shown[-1], run)) if shown else run)
    return shown


def _changed(before: Run, after: Run) -> Changed:
    one, other = before.result, after.result
    changed: Changed = {}
    if one.config_hash != other.config_hash:
        apart = one.profile != other.profile
        words = f"profile: {one.profile}{ARROW}{other.profile}" if apart else "another plan"
        changed["plan"] = [words]
    # What an older version did not record is not known to differ.
    known = [fact for fact in differences([one, other]) if all(fact.values)]
    for sort in dict.fromkeys(fact.sort for fact in known):
        gate = Gate(answer="yes", because=[], differences=[f for f in known if f.sort == sort])
        if gate.weighty:
            mark = "code or data" if sort == "incomparable" else sort
            changed[mark] = [f"{fact}: {ARROW.join(values)}" for fact, values in gate.weighty]
    return changed


def _alone(one: Asked, run: Run) -> Estimate:
    """Estimate a number without the variance between runs, which is what a history shows."""
    factor = one.quantity.factor(one.metric)
    return product([replace(factor, group=None, key=f"{factor.key} in the run of {run.began}")])


def _work(result: Result, one: Asked) -> str:
    """Return what runs must have in common for a number to be of the same work."""
    kind, data, plan = one.quantity.kind, result.dataset, result.config["experiments"].values()
    # Of all experiments of the kind, since a peak is the highest of several.
    planned = [{**each, "title": ""} for each in plan if each["kind"] == kind]
    rows = (result.config["examples"], data and (data.source, data.sha1))
    of = (result.method, one.quantity.backend, one.quantity.device, planned)
    return repr((of, rows if kind in WITH_DATA else ()))


def _series(work: Sequence[Point]) -> changes.Series:
    return changes.Series(
        runs=tuple(point.at - 1 for point in work),
        logs=tuple(math.log(point.estimate.value) for point in work),
        variance=fmean(point.estimate.error**2 for point in work),
    )


def _change(label: str, work: Sequence[Point], step: changes.Step) -> Change:
    before, after = work[step.start : step.at], work[step.at : step.stop]
    rises, rate = step.ratio.value > 1, bool(after[0].asked.metric)
    word = "faster" if rises == rate else "slower"
    if label in asked.AMOUNTS:
        word = "higher" if rises else "lower"
    share = step.ratio.complement().scaled(-1.0 if rises else 1.0)
    return Change(
        label=label,
        before=before[-1].run,
        after=after[0].run,
        word=word,
        share=replace(share, key=f"change of {after[0].estimate.key}"),
        levels=(_level(before), _level(after)),
    )


def _level(side: Sequence[Point]) -> Guide:
    mean = stable(math.exp(fmean(math.log(point.estimate.value) for point in side)))
    return Guide(x=(side[0].at - 0.3, side[-1].at + 0.3), y=(mean, mean))


def _shape(
    axis: str, unit: float, works: Sequence[Sequence[Point]], shown: Sequence[Run]
) -> Curves:
    """Draw runs in their order; a line joins what is of the same work."""
    every = [point.estimate for work in works for point in work]
    ends = [end for one in every for end in (one.value, one.low, one.high) if end is not None]
    # With room for what changed; none of the numbers can be below zero.
    foot = max(0, 1.4 * min(ends) - 0.4 * max(ends)) / unit
    below = "%H:%M" if len({run.began.date() for run in shown}) < len(shown) else "%Y"
    dates = tuple(f"{run.began.day} {run.began:%b}\n{run.began:{below}}" for run in shown)
    lines = [
        shapes.line("", k, [p.at for p in work], [p.estimate for p in work], width=1, marked=False)
        for k, work in enumerate(works)
    ]
    return Curves(
        x=Axis(label="run", scale="whole", names=dates),
        y=Axis(label=axis, scale="linear", unit=unit, low=foot),
        lines=tuple(replace(line, low=(), high=(), dash="-") for line in lines),
        marks=(
            *(points("", k, [(p.at, p.estimate) for p in w]) for k, w in enumerate(works)),
            *(
                Upright(x=at - 0.5, label=", ".join(run.changed))
                for at, run in enumerate(shown, start=1)
                if run.changed
            ),
        ),
        names="none",
        height=250,
    )


def _figure(
    label: str, works: Sequence[Sequence[Point]], shown: Sequence[Run], stepped: Sequence[Change]
) -> tuple[Figure, str]:
    every = sorted((point for work in works for point in work), key=lambda point: point.at)
    newest, values = every[-1].asked, sorted(point.estimate.value for point in every)
    unit, metric = shared_prefix(values), newest.metric
    axis = f"{label}, {scaled(unit, newest.unit).partition(' ')[2]}"
    shape = _shape(axis, unit, works, shown)
    numbered = [(k, point) for k, work in enumerate(works, start=1) for point in work]
    figure = prose.figure(
        "over-runs.html",
        "history-" + re.sub("[^a-z0-9]+", "-", label.lower()),
        "history",
        replace(shape, marks=(*shape.marks, *(level for one in stepped for level in one.levels))),
        table=table(
            "run",
            [point.run.when for point in every],
            {
                axis: [number(point.estimate, unit) for point in every],
                "of": [point.asked.note for point in every],
            },
            "Values with their 95 % intervals over the processes of a run",
        ),
        sheet=Sheet(
            header=["run", "profile", "work", *columns(metric or "seconds"), "key"],
            rows=[
                [str(p.run.began), p.run.result.profile, k, *cells(p.estimate), p.estimate.key]
                for k, p in numbered
            ],
        ),
        label=label,
        changes=stepped,
        lowest=values[0],
        highest=values[-1],
        unit=newest.unit,
        note=newest.note,
        most=max(map(len, works)),
        count=len(every),
        works=len(works),
        least=changes.LEAST,
    )
    return figure, newest.quantity.experiment
