"""Colours by what a thing is: the same everywhere, and different within a figure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from report.figures.identity import COLOURS, KNOWN, WHOLE, places
from report.figures.plotting import colour
from report.figures.svg import MUTED


@pytest.mark.parametrize("sort", KNOWN)
def test_what_is_known_keeps_its_place_whoever_else_is_there(sort: str) -> None:
    """Backwards, alone, or beside what nobody knows."""
    every = KNOWN[sort]
    place = dict(zip(every, places(sort, every), strict=True))
    assert len(set(place.values())) == len(every)
    assert places(sort, every[::-1]) == [place[name] for name in every[::-1]]
    for name in every:
        assert places(sort, ["a stranger", name])[1] == places(sort, [name])[0] == place[name]


def test_batches_of_a_hundred_are_not_what_sgd_is_elsewhere() -> None:
    """Though one experiment has them second, and another third."""
    first = places("batch_size", [WHOLE, 1, 100, 10])
    assert places("batch_size", [WHOLE, 100]) == [first[0], first[2]]


@given(st.lists(st.text(max_size=5), unique=True, max_size=COLOURS))
def test_as_many_things_as_there_are_colours_are_told_apart(names: list[str]) -> None:
    """Whatever they are called, and the same in each process."""
    found = places("of no sort", names)
    assert len({place % COLOURS for place in found}) == len(names)
    assert found == places("of no sort", names)


def test_beyond_as_many_as_can_be_told_apart_all_are_grey() -> None:
    """A ninth machine does not look like the first."""
    colours = [colour(index) for index in range(COLOURS + 4)]
    assert len(set(colours[:COLOURS])) == COLOURS
    assert set(colours[COLOURS:]) == {MUTED}
