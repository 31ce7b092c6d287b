"""The figures of gradient noise and their words, for usual and for odd data."""

from __future__ import annotations

import math
import random
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

import results_factory
from factories import gradient, small_results
from pages import gather, report_of
from reading import curves, said, whole
from report.analysis.quantities import Question
from report.comparing import export
from report.comparing.comparison import compare
from report.config.configuration import Config
from report.config.plan import plan
from report.experiments import catalogue
from report.experiments.catalogue import LABELS
from report.experiments.gradient.figures import figures
from report.experiments.gradient.kind import GRADIENT
from report.figures.prose import plain
from report.figures.shapes import Curves, Points, Reference
from report.results import store
from report.results.result import Dataset
from report.site.machine import figures_of, view
from report.worker.records import Outcome

if TYPE_CHECKING:
    from pathlib import Path

    from report.results.result import Result

MINUS = "\N{MINUS SIGN}"


def made(*, processes: int = 3, machine: str = "fixed-machine", **keys: Any) -> Result:
    """Make a result of one gradient experiment; keys are those of the experiment in the file."""
    experiment = {"kind": "gradient", "processes": processes, **keys}
    planned = plan(
        Config.model_validate({"version": 1, "experiments": {"noise": experiment}}), "quick"
    )
    (one,) = planned.experiments
    rng = random.Random(machine)
    return results_factory.bare(
        config=planned.stored(),
        config_hash=planned.fingerprint(),
        machine=results_factory.make_machine(machine),
        environments={"pytorch": results_factory.make_environment()},
        records=[
            small_results.record(
                "noise", process, *gradient.outcome(one, process, 1.0, rng).noise, threads=1
            )
            for process in range(processes)
        ],
    )


def changed(result: Result, **fields: Any) -> Result:
    """Return a result with these numbers in all of its noise."""
    return results_factory.each_outcome(
        result, lambda outcome, _: Outcome(noise=[replace(n, **fields) for n in outcome.noise])
    )


def names(result: Result) -> list[str]:
    """Return which figures a result gets."""
    return [figure.name for figure in figures(result, "noise")]


def test_two_figures_answer_two_questions() -> None:
    """With the exponent of theory, the correction of theory, and the sizes that are worth it."""
    slope, population = figures(made(), "noise")
    assert slope.name == "noise-pytorch-slope"
    assert population.name == "noise-pytorch-population"
    assert f"to the power {MINUS}0.5" in plain(slope.words.title).replace("0.49", "0.5")
    exponents = next(row for row in slope.table.rows if row[0] == "exponent")
    assert [str(cell).count(f"text='{MINUS}0.") for cell in exponents[1:]] == [1, 1, 1]
    # |g| is 0.59 at the start and 0.11 halfway: on rows with the data's moments as well.
    assert "at the start it is 0.58" in slope.words.explanation
    assert "at the optimum it is zero" in slope.words.explanation
    assert "With 1,000 of 1,500 examples" in population.words.title
    assert "0.578" in str(next(row for row in population.table.rows if row[0] == "1,000"))
    assert "rounding in float64" in population.words.explanation


def test_what_is_drawn_is_measured_dots_on_theorys_lines() -> None:
    """A line and eleven dots for each point; the lengths of the gradient where they cross."""
    slope, population = figures(made(), "noise")
    assert isinstance(slope.shape, Curves)
    dots = [mark for mark in slope.shape.marks if isinstance(mark, Points)]
    assert [(mark.name, len(mark.x)) for mark in dots] == [
        ("start", 11),
        ("halfway", 11),
        ("optimum", 11),
    ]
    for line, mark in zip(slope.shape.lines, dots, strict=True):
        assert line.index == mark.index
        assert line.y[0] / line.y[-1] == pytest.approx(math.sqrt(1500))
        assert mark.y[0] == pytest.approx(line.y[0], rel=0.3)
    lengths = [mark.y for mark in slope.shape.marks if isinstance(mark, Reference)]
    assert lengths == pytest.approx([0.588, 0.109], rel=0.05)
    (curve,) = curves(population).lines
    assert (curve.y[0], curve.y[-1]) == (1, 0)


def test_tables_hold_every_size_and_the_exponents() -> None:
    """A row for each of the eleven batch sizes, and one for the exponents."""
    slope, population = figures(made(), "noise")
    assert slope.table.header == ["batch size", "start", "halfway", "optimum"]
    assert [row[0] for row in slope.table.rows][-3:] == ["1,000", "1,500", "exponent"]
    assert len(slope.table.rows) == 12
    assert [row[0] for row in population.table.rows][-2:] == ["1,000", "1,500"]


def test_sheets_hold_every_series_with_its_theory() -> None:
    """66 series; at b = 1500 theory says 0 without replacement, and sqrt(P / 1500) with it."""
    slope, population = figures(made(), "noise")
    header = slope.sheet.header
    assert len(slope.sheet.rows) == 3 * 2 * 11
    for row in slope.sheet.rows:
        one = dict(zip(header, row, strict=True))
        size, variance = int(str(one["batch_size"])), float(str(one["population_variance"]))
        expected = math.sqrt(variance / size)
        if one["sampling"] == "permutation":
            expected *= math.sqrt((1500 - size) / 1499)
        assert one["std_theory"] == pytest.approx(expected)
        assert float(str(one["std"])) == pytest.approx(expected, rel=0.3, abs=1e-14)
        assert one["replicates"] == 3
    sizes = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 1500]
    assert [row[0] for row in population.sheet.rows] == sizes


def test_surrogate_data_are_announced_under_the_figures() -> None:
    """Their fourth moments are made up, and with them the noise."""
    made_up = Dataset(source="surrogate", origin="made up", sha1=None, examples=1500, features=5)
    for figure in figures(replace(made(), dataset=made_up), "noise"):
        assert "Surrogate data" in figure.words.caption
    assert "Surrogate" not in figures(made(), "noise")[0].words.caption


SINGLE, OPTIMUM = {"batch_size": 100}, {"point": "optimum"}
WHOLE = {"batch_size": 1500, "sampling": ["permutation", "replacement"]}


@pytest.mark.parametrize(
    ("settings", "figure", "part", "told", "untold"),
    [
        # Of one size the noise is said instead of an exponent.
        (SINGLE, 0, "title", "The gradient of a batch of 100 has a standard deviation", "power"),
        (SINGLE, 0, "caption", "Dots", "xponent"),
        # With one process the numbers are given as what it found.
        ({"processes": 1}, 0, "caption", "no interval", r"95 % interval(?!s)"),
        ({"processes": 1}, 0, "explanation", "", "The interval"),
        ({"processes": 1}, 1, "caption", "no interval", r"95 % interval(?!s)"),
        # At the optimum there is no length to compare noise with, and no advice on batches.
        (OPTIMUM, 0, "explanation", "at the optimum it is zero", "much larger than that"),
        (WHOLE, 1, "title", "A batch of all examples", "power"),
        # At 2 of 1500 examples the correction is 0.9997, and nothing of it shows.
        ({"batch_size": [1, 2]}, 1, "title", "shows no difference", "power"),
    ],
)
def test_of_less_than_the_usual_only_what_holds_is_said(
    settings: dict[str, Any], figure: int, part: str, told: str, untold: str
) -> None:
    """Fewer sizes, processes or points: nothing that they cannot show."""
    words = said(figures(made(**settings), "noise")[figure])[part]
    assert told in words
    assert not re.search(untold, words)


def test_single_series_is_drawn() -> None:
    """One dot on two logarithmic axes, without an interval; both layouts bear it."""
    result = made(point="optimum", batch_size=100, sampling="replacement", processes=1)
    (slope,) = figures(result, "noise")
    assert len(slope.sheet.rows) == 1
    whole(slope)


def test_one_way_of_sampling_has_one_figure() -> None:
    """Without replacement the line bends, and the exponent is the same with that taken out."""
    assert names(made(sampling="replacement")) == ["noise-pytorch-slope"]
    (slope,) = figures(made(sampling="permutation"), "noise")
    assert "drawn without replacement" in slope.words.caption
    assert f"to the power {MINUS}0.5" in plain(slope.words.title).replace("0.49", "0.5")
    # The batch of all examples has no noise to be drawn on a logarithmic axis.
    assert [row[0] for row in slope.table.rows][-2:] == ["1,000", "exponent"]


def test_noise_that_does_not_fall_is_not_said_to() -> None:
    """Where the interval of the exponent reaches zero nothing is claimed."""
    slope, _ = figures(changed(made(), mean_square=1.0), "noise")
    assert slope.words.title == "How noise depends on the batch size does not show in this run"
    assert "0 of 3" in slope.words.explanation


def test_data_without_any_noise_are_survived() -> None:
    """Where every example has the same gradient, or every batch holds all, nothing is drawn."""
    zero = changed(made(batch_size=[1, 2]), mean_square=0.0, population=0.0, gradient=0.0)
    assert names(zero) == []
    assert names(made(batch_size=1500, sampling="permutation")) == []


def test_failed_processes_are_left_out() -> None:
    """Two of three remain; with none there is no figure."""
    result = made()
    failed = [replace(record, status="failed", outcome=None) for record in result.records]
    assert len(names(replace(result, records=[failed[0], *result.records[1:]]))) == 2
    assert names(replace(result, records=failed)) == []
    assert names(replace(result, records=[])) == []


def test_nothing_is_timed_and_pages_bear_it(tmp_path: Path) -> None:
    """A result without a single time: its page, the comparison's, and the terminal's table."""
    results = [made(), made(machine="other-machine")]
    for result in results:
        assert catalogue.of_result(result) == []
        assert store.load(store.save(result, tmp_path), LABELS) == result
    site = gather(results)
    page = report_of(site)
    assert {"noise-pytorch-slope", "noise-pytorch-population"} <= set(page.figures())
    assert "Nothing is timed" in page.words()
    saved = [store.saved(results[0], b"")]
    shown = view(results[0], "name", saved, dict(figures_of(results[0])))
    assert all("Gradients.deviations" in f.code for one in shown.sections for f in one.figures)
    assert any("autograd" in one.code for one in shown.code.every.values())
    assert "compare.html" in site
    assert export.tables(compare(results[0], results[1]))


def test_method_says_how_often_it_was_drawn() -> None:
    """And from how many processes the intervals come."""
    said = " ".join(GRADIENT.method(made().records))
    assert "3 fresh processes" in said
    assert "300" in said
    assert "t over processes" in said
    assert "With one process there is no interval." in GRADIENT.method(made(processes=1).records)
    assert GRADIENT.method([]) == []


def test_claims_are_made_of_noise_and_not_of_rounding() -> None:
    """A value in each process for every series, but none for batches of all examples."""
    result = made()
    found = GRADIENT.observe(result, result.records, Question(metric="std"))
    assert all(len(one.groups) == 3 for one in found)
    assert all(value > 1e-6 for one in found for group in one.groups for value in group)
    labels = [(one.labels["sampling"], one.labels["batch_size"]) for one in found]
    assert ("permutation", 1500) not in labels
    assert ("replacement", 1500) in labels
