"""From scratch and with the framework's own parts, in every framework that has some."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from report.analysis import quantities
from report.experiments.catalogue import of_records
from report.experiments.training.tables import seconds_sheet
from report.figures import plotting
from report.figures.figure import Figure, Number, Sheet, Table, Words, in_words, number, together
from report.sections.frameworks.ways import Way, records_of
from report.text.numerals import times

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from report.analysis.estimate import Estimate
    from report.analysis.quantities import Quantity
    from report.results.result import Result

MILLI = 1e-3
BOTH = ("scratch", "concise")
NAMES = {"scratch": "from scratch", "concise": "concise"}


def figures(result: Result, experiment: str) -> list[Figure]:
    """Draw seconds per epoch of both implementations, where several frameworks have both."""
    pairs = _pairs(result, experiment)
    if len({backend for backend, _ in pairs}) < 2:
        return []
    variants = Counter(backend for backend, _ in pairs)
    named = {
        (backend, variant): Way(backend, variant, several=variants[backend] > 1).name
        for backend, variant in pairs
    }

    def draw(axes: Axes, *, narrow: bool) -> None:
        plotting.dot_axes(axes, list(named.values()), "milliseconds per epoch", narrow=narrow)
        for index, one in enumerate(BOTH):
            estimates = [pair[one].time().scaled(1 / MILLI) for pair in pairs.values()]
            plotting.dots(axes, estimates, index, label=NAMES[one])
        plotting.legend_above(axes, narrow=narrow)

    name = f"frameworks-{experiment}-concise"
    labelled = [(named[key], pair) for key, pair in pairs.items()]
    said = _words(labelled)
    return [
        Figure(
            name=name,
            question="concise",
            words=said,
            drawing=plotting.drawing(name, said.alt, draw, height=130 + 44 * len(named)),
            table=_table(labelled),
            sheet=_sheet(pairs),
        )
    ]


def _pairs(result: Result, experiment: str) -> dict[tuple[str, str], dict[str, Quantity]]:
    """Return the first run that was done in both ways, by framework and variant."""
    found: dict[tuple[str, str], dict[str, Quantity]] = {}
    for backend, records in records_of(result, experiment).items():
        by_run: dict[tuple[str, str], dict[str, Quantity]] = {}
        for q in of_records(records, result.run):
            key = str(q.labels["run"]), str(q.labels["variant"])
            by_run.setdefault(key, {})[str(q.labels["implementation"])] = q
        for (_, variant), pair in by_run.items():
            if pair.keys() >= set(BOTH):
                found.setdefault((backend, variant), pair)
    return found


def _words(labelled: Sequence[tuple[str, dict[str, Quantity]]]) -> Words:
    ratios = {name: _ratio(pair) for name, pair in labelled}
    most = max(ratios, key=lambda name: ratios[name].value)
    least = min(ratios, key=lambda name: ratios[name].value)
    heading = (
        f"The concise version takes {times(ratios[least].value)} times as long as the one from "
        f"scratch in {least}, {times(ratios[most].value)} times in {most}"
    )
    caption = "Concise over from scratch: " + "; ".join(
        f"{name} {in_words(ratio, 1, 'times')}" for name, ratio in ratios.items()
    )
    explanation = (
        "Layers, losses and optimizers bring their own calls for each update; where the whole "
        "update is compiled, what they add is compiled with it."
    )
    alt = f"Dot plot of milliseconds per epoch by framework and version. {heading}. {caption}."
    return Words(title=heading, caption=f"{caption}.", explanation=explanation, alt=alt)


def _ratio(pair: dict[str, Quantity]) -> Estimate:
    return quantities.ratio(pair["concise"], pair["scratch"])


def _table(labelled: Sequence[tuple[str, dict[str, Quantity]]]) -> Table:
    rows: list[list[str | Number]] = [
        [name, *(number(pair[one].time(), MILLI) for one in BOTH), number(_ratio(pair))]
        for name, pair in labelled
    ]
    header = ["framework", *(f"{NAMES[one]}, ms per epoch" for one in BOTH)]
    return Table(header=[*header, "concise / from scratch"], rows=rows)


def _sheet(pairs: dict[tuple[str, str], dict[str, Quantity]]) -> Sheet:
    sheets = (
        (backend, seconds_sheet([pair[one] for one in BOTH]))
        for (backend, _), pair in pairs.items()
    )
    return together(sheets, "backend")
