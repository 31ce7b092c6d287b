"""What kinds share: which of several subjects comes first, and which are tied with it."""

from __future__ import annotations

import re

import pytest

from factories import small_results
from pages import overlay
from reading import said
from report.analysis.quantities import Highest, Quantity, highest
from report.experiments.kind import ranking, timing_facts
from report.experiments.training.kind import TRAINING
from report.figures.prose import plain
from results_factory import make_result


def test_processes_are_those_that_measured() -> None:
    """One of three that was killed is not among the fresh processes that a page counts."""
    records = [
        small_results.record("products", 0, small_results.series("full", [1.0] * 3)),
        small_results.record("products", 1, status="failed", reason="killed", outcome=None),
        small_results.record("products", 2, small_results.series("full", [1.0] * 3)),
    ]
    facts = timing_facts(records)
    assert facts is not None
    assert facts["processes"] == 2
    runs = [small_results.record("training", k, small_results.run("a", [1.0, 0.5])) for k in (0, 2)]
    killed = small_results.record("training", 1, status="failed", reason="killed", outcome=None)
    assert "2 fresh processes" in plain(" ".join(TRAINING.method([runs[0], killed, runs[1]])))


def top(*rates: float) -> Highest:
    """Return the highest of one quantity with these bytes per second, one for each process."""
    quantity = Quantity(
        experiment="memory",
        kind="bandwidth",
        backend="pytorch",
        labels={},
        groups=[[1 / rate] for rate in rates],
        bytes_moved=1,
    )
    return highest([quantity], "bytes_per_s")


@pytest.mark.parametrize(
    ("second", "ties"),
    [
        # Ratios to the first of 1.2, 1.02 and 0.99, which hold 1, and of 1.2, 1.18 and 1.3.
        ((10.0, 12.0, 14.0), ["second"]),
        ((10.0, 10.3, 10.7), []),
    ],
)
def test_those_that_no_interval_separates_from_the_first_are_tied(
    second: tuple[float, ...], ties: list[str]
) -> None:
    """Whatever their order; the gap is that between the first and the last."""
    tops = {"last": top(5, 6, 7), "second": top(*second), "first": top(12, 12.2, 13.9)}
    found = ranking(tops, "bytes_per_s")
    assert list(tops) != list(found["tops"]) == ["first", "second", "last"]
    assert (found["first"], found["last"], found["ties"]) == ("first", "last", ties)
    gap = found["gap"]
    assert gap.value == pytest.approx((12 * 12.2 * 13.9 / 5 / 6 / 7) ** (1 / 3))


@pytest.mark.parametrize("experiment", ["memory", "matrix-size"])
def test_machines_that_are_tied_are_named_together(experiment: str) -> None:
    """Two of one speed beside one of half of it: none of the two is called the fastest."""
    machines = [make_result("slow", 0.5), make_result("one"), make_result("twin")]
    titles = [said(figure)["title"] for figure in overlay(machines, experiment)]
    tied = [title for title in titles if re.match("(The CPU of )?(one|twin) and", title)]
    assert tied, titles
    assert all(re.search("; (the CPU of )?slow ", title) for title in tied)
