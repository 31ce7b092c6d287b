"""What kinds share: which of several subjects comes first, and which are tied with it."""

from __future__ import annotations

import pytest

from pages import overlay
from reading import said
from report.analysis.quantities import Highest, Quantity, highest
from report.experiments.kind import ranking
from results_factory import make_result


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
    tied = [title for title in titles if title.startswith(("one and twin ", "twin and one "))]
    assert tied, titles
    assert all("; slow " in title for title in tied)
