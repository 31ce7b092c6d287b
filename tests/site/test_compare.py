"""The page that puts several machines side by side."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pages import COMPARED, Page, Report, comparison_of, gather, overlay, words
from report.figures.prose import plain
from report.figures.shapes import Curves, Dots
from report.site.compare import pair
from results_factory import only

if TYPE_CHECKING:
    from collections.abc import Callable
    from xml.etree.ElementTree import Element

    from report.figures.figure import Figure
    from report.results.result import Result, StoredExperiment

    Made = Callable[..., Result]


@pytest.fixture(scope="module")
def page(two_machine_site: dict[str, bytes]) -> Report:
    """Return the comparison of `fast-machine` with `fixed-machine`, half as fast."""
    return comparison_of(two_machine_site)


def rows_of(table: Element) -> list[list[str]]:
    """Return the cells of a table, without its head."""
    rows = [row for body in table.iter("tbody") for row in body if row.get("class") != "group"]
    return [[words(cell) for cell in row] for row in rows]


@pytest.mark.parametrize("name", COMPARED)
def test_machines_are_on_the_same_axes(page: Report, name: str) -> None:
    """Each figure names both machines in one drawing, on a desk as on a phone."""
    figure = page.figures()[f"compare-{name}"]
    assert len(figure.drawings) == 2
    for drawing in figure.drawings:
        assert {"fast-machine", "fixed-machine"} <= {text.split(" (")[0] for text in drawing}


def test_all_that_can_be_compared_is_drawn(page: Report) -> None:
    """Whatever these tests say of every figure, they say of these."""
    assert set(page.figures()) == {f"compare-{name}" for name in COMPARED}


@pytest.mark.parametrize("name", COMPARED)
def test_finding_names_the_machine_or_the_factor(page: Report, name: str) -> None:
    """Titles are made of these machines' numbers: one is twice as fast throughout."""
    figure = page.figures()[f"compare-{name}"]
    assert "fast-machine" in figure.title + figure.folds["The numbers"]
    assert figure.title in figure.alts[0]
    factors = re.findall(r"([\d.]+) times", figure.title)
    if name == "vectorization-strategies":  # of one machine each, and alike
        assert factors == []
    elif name == "concise-implementations":
        assert len(set(factors)) == 1
    else:
        assert [float(factor) for factor in factors] == [pytest.approx(2, rel=0.06)]


def number(cell: str) -> float:
    """Return the number in a cell, whose interval may stand behind it."""
    return float(cell.split(maxsplit=1)[0].replace(",", ""))


def test_every_ratio_is_two_with_an_interval(page: Report) -> None:
    """Half of the other's time for each quantity, in folds by experiment and framework."""
    (section,) = (e for e in page.elements("section") if e.get("aria-labelledby") == "ratios")
    folds = [e for e in section.iter("details") if "lacks" not in words(e)]
    rows = [(words(fold[0]), *row) for fold in folds for row in rows_of(next(fold.iter("table")))]
    assert len({row[:2] for row in rows}) == len(rows) > 50
    for fold, what, first, second, speedup, detects, verdict, _, noise in rows:
        assert "PyTorch" in fold
        assert re.search(r", (s|ms|µs|ns)$", what)
        value, ends = speedup.split()
        low, high = (float(end) for end in ends.split("\N{EN DASH}"))
        assert low <= float(value) <= high
        assert float(value) == pytest.approx(0.5, rel=0.08)
        assert float(value) == pytest.approx(number(first) / number(second), rel=0.01)
        assert (high < 1 / 1.05, verdict) == (True, "slower")
        assert 1 < float(detects) < 2
        assert noise == "quiet"
    assert "fixed-machine beside fast-machine" in page.words()
    assert re.search(r"Common factor: 0\.(49|50|51)", page.words("ratios"))


def test_what_people_ask_for_stands_above_all_figures(page: Report) -> None:
    """Peaks, memory, a call, an epoch: each machine's number, times the baseline, the best bold."""
    table = next(e for e in page.elements("table") if "peak, float32" in words(e))
    labels = {row[0] for row in rows_of(table)}
    asked = {"peak, float64", "memory", "one call", "one update", "an epoch", "start-up"}
    assert asked <= labels
    for row in (row for body in table.iter("tbody") for row in body if row.get("class") != "group"):
        label, baseline, other = list(row)
        told = re.findall(r"([\d.]+) times as long \(([\d.]+).[\d.]+\)", words(other))
        assert bool(told) != ("undecided" in words(other))
        assert len(list(baseline.iter("strong"))) == len(told)
        assert not list(other.iter("strong"))
        for times, low in told:
            assert float(times) == pytest.approx(2, rel=0.08), words(label)
            assert float(low) > 1
    text = page.words()
    assert text.index("Any two of them") < text.index("peak, float32")
    assert text.index("peak, float32") < text.index("On the same axes")


def test_the_answer_stands_above_everything(page: Report) -> None:
    """Who is faster for large products and small models, by factors with intervals."""
    text = page.words()
    before = text[text.index("side by side") : text.index("Any two of them")]
    products, small = before.index("large products"), before.index("small models")
    untold = before.index("the intervals do not tell")
    for part in (before[products:small], before[small:untold]):
        assert part.index("fast-machine") < part.index("is faster")
        factors = re.findall(r"([\d.]+) \(([\d.]+).[\d.]+\)", part)
        assert factors
        assert all(float(one) == pytest.approx(2, rel=0.08) for one, _ in factors)
        assert all(float(low) > 1 for _, low in factors)
    assert "GPU" not in before


def test_a_number_that_is_missing_says_why(make_result: Made) -> None:
    """A machine whose memory failed, and one that did not plan it: no dash, but the reason."""
    names = ("memory", "matrix-size")
    whole, failed = (only(make_result(name), *names) for name in ("a", "b"))
    without = only(make_result("c"), "matrix-size")
    records = [
        replace(one, status="failed", reason="no room", outcome=None)
        if one.experiment == "memory"
        else one
        for one in failed.records
    ]
    page = comparison_of(gather([whole, replace(failed, records=records), without]))
    table = next(e for e in page.elements("table") if "peak, float32" in words(e))
    (memory,) = (row for row in rows_of(table) if row[0] == "memory")
    assert memory[2:] == ["failed: no room", "not measured"]


def test_what_differs_is_told_hardware_before_versions_and_settings_apart(
    make_result: Made,
) -> None:
    """Before the times of the two; facts are folded, and what has no weight has its own table."""
    left, right = (only(make_result(name), "block-width") for name in ("a", "b"))
    cpu = replace(right.machine.cpu, model="AMD EPYC 7R13 48-Core Processor")
    newer = replace(right.environments["pytorch"], versions={"torch": "9.9.9"})
    planned = right.config["experiments"]["block-width"]
    longer: StoredExperiment = {**planned, "budget_s": 77.0}
    right = replace(
        right,
        machine=replace(right.machine, cpu=cpu),
        environments={"pytorch": newer},
        config={**right.config, "seed": 5, "experiments": {"block-width": longer}},
    )
    page = Page("compare/with-b.html", gather([left, right])["compare/with-b.html"])
    weighty, weightless = (rows_of(table) for table in page.elements("table")[:2])
    (_, *machines), *rest = weighty
    assert ["Xeon" in machines[0], "EPYC" in machines[1]] == [True, True]
    assert rest == [
        ["Processor", left.machine.cpu.model, cpu.model],
        ["PyTorch: torch", left.environments["pytorch"].versions["torch"], "9.9.9"],
    ]
    assert weightless == [
        ["Seed", str(left.config["seed"]), "5"],
        ["block-width: budget_s", str(planned["budget_s"]), "77.0"],
    ]
    order = [page.words().index(each) for each in ("Can these", "Processor", planned["title"])]
    assert order == sorted(order)
    assert "hardware and software differ" in page.words("may_they")


def test_machines_that_differ_in_nothing_are_said_to(page: Report) -> None:
    """The two machines of the fixture have the same hardware, versions and settings."""
    assert "Nothing that is recorded differs" in page.words("may_they")


def test_machines_with_nothing_in_common_are_said_to(make_result: Made) -> None:
    """Each did another experiment: no figure, no ratio, and a sentence."""
    left, right = only(make_result("a"), "threads"), only(make_result("b"), "vectorization")
    page = comparison_of(gather([left, right]))
    assert page.figures() == {}
    assert "These machines share no measurement." in page.words("ratios")
    assert "No, for this reason" in page.words("may_they")
    assert pair(left, right, ("a", "b")).groups == {}


def test_others_are_compared_with_the_baseline_that_is_asked_for(make_result: Made) -> None:
    """Its name stands in the configuration; one that is not there leaves the first by name."""
    both = [only(make_result(name), "vectorization") for name in ("a", "b")]
    for asked, other in (("b", "a"), ("", "b"), ("c", "b")):
        found = [name for name in gather(both, baseline=asked) if name.startswith("compare/with-")]
        assert found == [f"compare/with-{other}.html"]


def test_many_machines_are_rows_and_few_of_them_are_drawn(make_result: Made) -> None:
    """A table of a hundred columns is no table, and a hundred lines are no figure."""
    many = [only(make_result(f"m-{k:02}", 1 + k / 10), "vectorization") for k in range(14)]
    pages = gather(many)
    page = Page("compare.html", pages["compare.html"])
    table = next(e for e in page.elements("table") if e.get("class") == "heat")
    rows = rows_of(table)
    assert [row[0] for row in rows] == [one.machine.id for one in many]
    counted = page.words("verdicts_there")
    assert "supported" in counted
    drawn = Page("compare/products.html", pages["compare/products.html"])
    assert drawn.words().count("m-08") == 0
    assert "m-07" in drawn.words()
    index = Page("index.html", pages["index.html"])
    assert len([row for row in index.elements("tr") if row.get("data-facts")]) == 14


def test_machine_without_claims_has_no_link_to_its_verdicts(make_result: Made) -> None:
    """Its configuration makes none; the statements of the other are shown beside its name."""
    judged, silent = (only(make_result(name), "vectorization") for name in ("a", "b"))
    silent = replace(silent, config={**silent.config, "claims": {}})
    page = comparison_of(gather([judged, silent]))
    assert {"machines/a/statements.html", "machines/b/index.html"} <= page.links()
    assert "machines/b/statements.html" not in page.links()


def drawn(figure: Figure) -> set[str]:
    """Return what is named in the drawing of a figure: its lines, or its rows and their dots."""
    match figure.shape:
        case Curves(lines=lines):
            return {line.name for line in lines}
        case Dots(labels=labels, rows=rows):
            return {*labels, *(row.name for row in rows)}
    raise AssertionError(figure.shape)


def test_figures_leave_out_what_one_machine_lacks(make_result: Made) -> None:
    """Three machines, of which the first lacks training: its other numbers are compared."""
    both = ("block-width", "chapter-training")
    results = [
        only(make_result("a"), "block-width"),
        *(only(make_result(name, speed), *both) for name, speed in (("b", 2.0), ("c", 4.0))),
    ]
    (widths,) = overlay(results, "block-width")
    assert {"a", "b", "c"} <= drawn(widths)
    assert re.search(r"\bc\b.* [34]\.\d times as fast as .*a$", plain(widths.words.title))
    for figure in overlay(results, "chapter-training"):
        assert {"b", "c"} <= drawn(figure)
        assert "a" not in drawn(figure)


def test_result_without_moments_leaves_the_others_comparable(make_result: Made) -> None:
    """Where the exact solution is known for two of three, these two race to the target."""
    unsolved = replace(only(make_result("a"), "chapter-training"), moments=None, dataset=None)
    results = [unsolved, make_result("b", 2.0), make_result("c", 4.0)]
    seconds, race = overlay(results, "chapter-training")
    assert {"a", "b", "c"} <= drawn(seconds)
    assert {"b", "c"} <= drawn(race)
    assert "a" not in drawn(race)
    assert re.search(r" c .* on b: 2\.\d times as long", plain(race.words.title))


def test_runs_of_one_name_and_other_settings_are_not_mixed(make_result: Made) -> None:
    """A run that has the same label but another learning rate is another run."""
    left, right = (only(make_result(name), "chapter-training") for name in ("a", "b"))
    for record in right.records:
        for run in record.outcome.runs if record.outcome else ():
            if run.labels["run"] == "batch 100":
                run.labels["lr"] = 0.123
    seconds, *races = overlay([left, right], "chapter-training")
    labels = {str(row[0]).partition(",")[0] for row in seconds.table.rows}
    assert "batch 10" in labels
    assert "batch 100" not in labels
    # It was the first at the target on the left, so that it takes part in no race.
    assert not any("batch 100" in plain(race.words.title).lower() for race in races)
    rows = [what for group in pair(left, right, ("a", "b")).groups.values() for _, what, _ in group]
    assert set(rows) == {"GD, ms", "SGD, ms", "batch 10, ms"}


def test_other_data_make_epochs_incomparable(make_result: Made) -> None:
    """An epoch over half of the examples is another amount of work: no figure has both."""
    left, right = (only(make_result(name), "threads", "chapter-training") for name in ("a", "b"))
    half = replace(right, config={**right.config, "examples": 750})
    assert overlay([left, half], "chapter-training") == []
    # The third has the first one's data, so that these two are compared.
    third = only(make_result("c"), "threads", "chapter-training")
    for figure in overlay([left, half, third], "chapter-training"):
        assert {"a", "c"} <= drawn(figure)
        assert "b" not in drawn(figure)


def test_title_claims_no_difference_that_the_intervals_do_not_show(make_result: Made) -> None:
    """Two runs of equal speed: the faster of two noisy medians is not called the faster machine."""
    results = [only(make_result("a"), "block-width"), only(make_result("b", 1.0001), "block-width")]
    (figure,) = overlay(results, "block-width")
    assert "no difference" in plain(figure.words.title).lower()


def test_grid_is_compared_by_batch_size(two_results: list[Result]) -> None:
    """A rate costs no time; pairs that diverge at once leave gaps, and it is a grid still."""
    grid = two_results[0].config["experiments"]["grid"]["settings"]["grid"]
    seconds = overlay(two_results, "grid")[0]
    labels = [row[0] for row in seconds.table.rows]
    assert labels == [f"batch {size:,}, ms per epoch" for size in grid["batch_size"]]
