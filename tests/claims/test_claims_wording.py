"""Verdicts in words: numbers in their units, intervals, explanations with this run's numbers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal

import pytest

from report.claims import wording
from report.config.claims import Claim, stored
from report.results.result import Value, Verdict

if TYPE_CHECKING:
    from report.results.result import StoredClaim


def value(
    number: float, low: float | None = None, high: float | None = None, unit: str = ""
) -> Value:
    """Make a measured number."""
    return Value(value=number, low=low, high=high, unit=unit, replicates=3)


def claim(**keys: Any) -> StoredClaim:
    """Make a claim as a result file keeps it."""
    given = {
        "says": "x",
        "section": "s",
        "relation": "greater",
        "left": {"experiment": "a", "series": {"strategy": "column"}},
        "right": {"series": {"strategy": "full"}},
        **keys,
    }
    return stored(Claim.model_validate(given))


def found(
    verdict: Literal["supported", "too small to matter", "inconclusive", "not run"], **keys: Any
) -> Verdict:
    """Make a verdict on the claim."""
    return Verdict(claim="c", backend="pytorch", verdict=verdict, **keys)


def finding(of: StoredClaim, verdict: Verdict) -> str:
    """Return a finding without what keeps a number and its unit on one line."""
    return wording.finding(of, verdict).replace("\xa0", " ")


VERDICT = found(
    "supported",
    effect=value(9.31, 9.1, 9.52),
    left=value(0.0004, 0.0003, 0.0005, "s"),
    right=value(0.000043, 0.00004, 0.00005, "s"),
)


def test_a_finding_names_both_sides_the_ratio_and_the_threshold() -> None:
    """In one sentence each: what was measured, and what of it would have decided otherwise."""
    assert finding(claim(), VERDICT) == (
        "Column: 400 µs; full: 43.0 µs; a factor of 9.31 (9.10 to 9.52). "
        "A factor below 1.02 would not matter."
    )


@pytest.mark.parametrize(
    ("effect", "text", "ends", "divided"),
    [
        (value(0.025, 0.02, 0.05), "40.0", "20.0 to 50.0", "full ÷ column"),
        (value(0.5, None, 0.8), "2.00", "at least 1.25", "full ÷ column"),
        (value(1.5, 1.2, None), "1.50", "at least 1.20", "column ÷ full"),
    ],
)
def test_a_ratio_below_one_is_told_the_other_way_round(
    effect: Value, text: str, ends: str, divided: str
) -> None:
    """With its ends, bounds and what is divided by what; the verdict's own number stays."""
    verdict = found("supported", effect=effect)
    turn = wording.turned(verdict)
    assert wording.effect(claim(), verdict) == text
    assert wording.interval(wording.told(claim(), verdict, turn=turn) or effect) == ends
    assert wording.ratio(claim(), turn=turn) == divided
    assert f"a factor of {text} ({ends})" in finding(claim(), verdict).lower()
    assert verdict.effect == effect


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (
            0.5,
            "a factor of 2.00 (1.67 to 2.50). A factor above 1.25 would count as more progress.",
        ),
        (
            1.42,
            "a factor of 1.42 (1.23 to 1.65). A factor below 0.800 would count as more progress.",
        ),
    ],
)
def test_a_stall_is_told_with_the_threshold_of_its_direction(left: float, said: str) -> None:
    """Half of it is left: a factor of two, which is further progress and has to read so."""
    ends = {0.5: (0.4, 0.6), 1.42: (1.23, 1.65)}[left]
    stall = claim(relation="stalls", after=6, least=1.25, right=None)
    verdict = found("inconclusive", effect=value(left, *ends))
    assert finding(stall, verdict).lower().endswith(said.lower())


@pytest.mark.parametrize(
    ("unit", "ends", "told"),
    [
        ("FLOP/B", (4.0, 6.0), "12.5 FLOP/B (11.0 to 14.0)"),
        ("s", (4.0, 6.0), "12.5 s (11.0 s to 14.0 s)"),
        ("examples", (None, 6.0), "12.5 examples (at most 14.0)"),
    ],
)
def test_a_limit_is_told_beside_what_was_measured(
    unit: str, ends: tuple[float | None, float], told: str
) -> None:
    """In its unit: five times a limit of 2.5 would have to be worked out; a bound stays one."""
    limited = claim(right=2.5, least=1)
    verdict = found("supported", effect=value(5, *ends), left=value(12.5, 11, 14, unit))
    assert finding(limited, verdict) == f"Column (claimed: more than 2.5): {told}."


def test_a_height_above_the_optimum_is_called_so() -> None:
    """A number without a unit would say nothing."""
    left = {"experiment": "a", "series": {"run": "GD"}, "metric": "excess"}
    height = claim(left=left, right={"series": {"run": "SGD"}})
    verdict = found("supported", effect=value(2.0, 1.9, 2.1), left=value(0.02), right=value(0.01))
    assert "GD: 0.0200 above the optimum; SGD: 0.0100;" in finding(height, verdict)


def test_a_finding_tells_whether_the_effect_matters() -> None:
    """Surely not, or possibly not; nothing of it where it surely does."""
    small = found("too small to matter", effect=value(1.1, 1.05, 1.15))
    perhaps = found("supported", effect=value(1.3, 1.1, 1.5), marginal=True)
    assert finding(claim(least=1.2), small).endswith("The effect is too small to matter.")
    assert finding(claim(least=1.2), perhaps).endswith("may be too small to matter.")
    assert "too small" not in finding(claim(least=1.2), VERDICT)


TALLIES = {
    "": [],
    "Of 1 statement of the chapter, 1 holds": [("chapter", "supported")],
    "Of 3 statements of the chapter, 2 hold and 1 holds by too little to matter; of 2 statements "
    "of our own, 1 is contradicted and 1 is not measured": [
        ("ours", "contradicted"),
        ("chapter", "supported"),
        ("chapter", "too small to matter"),
        ("ours", "not run"),
        ("chapter", "supported"),
    ],
    "Of 4 statements of our own, 2 hold, 1 is contradicted and 1 is inconclusive": [
        ("ours", "inconclusive"),
        ("ours", "contradicted"),
        *[("ours", "supported")] * 2,
    ],
}


@pytest.mark.parametrize("expected", TALLIES)
def test_a_tally_counts_the_chapters_statements_apart(expected: str) -> None:
    """What goes beyond the chapter cannot make it look better or worse; every verdict counts."""
    judged: Any = TALLIES[expected]
    assert wording.tally(judged) == expected
    assert sum(map(int, re.findall(r"\b\d+(?! statement)", expected))) == len(judged)


def test_a_finding_without_interval_claims_none() -> None:
    """One process: the ratio stands alone, and the reason says what to do."""
    lone = found("inconclusive", effect=value(2.0), reason="measure in more processes")
    assert finding(claim(least=1), lone) == "A factor of 2.0. Measure in more processes."


def test_a_finding_counts_the_processes_that_were_left_out() -> None:
    """So that nobody takes the interval for that of all."""
    two_out = found("supported", effect=value(2.0, 1.9, 2.1), left_out=2)
    said = finding(claim(least=1), two_out)
    assert said.endswith("2 processes were disturbed and are left out.")


def test_a_finding_of_what_was_not_run_is_its_reason() -> None:
    """Nothing is said of numbers that are not there."""
    assert finding(claim(), found("not run", reason="no compiler")) == "No compiler."


def test_a_finding_of_a_power_law_names_both_exponents() -> None:
    """The measured one with its interval, and the claim's."""
    law = claim(relation="power-law", right=None, along="size", exponent=3)
    cubic = found("supported", effect=value(2.98, 2.96, 3.0), kind="exponent")
    assert finding(law, cubic) == (
        "The exponent is 2.98 (2.96 to 3.00); the statement implies 3.00, give or take 0.05."
    )
    assert wording.effect(law, cubic) == "exponent 2.98"


INTERVALS = {
    "both ends": (value(2, 1.5, 2.5), "1.50 to 2.50"),
    "lower end": (value(2, 1.5, None), "at least 1.50"),
    "upper end": (value(2, None, 2.5), "at most 2.50"),
    "none": (value(2), ""),
    "ends that read alike": (value(2, 2.0001, 2.0002), "2.00"),
}


@pytest.mark.parametrize(("shown", "expected"), INTERVALS.values(), ids=INTERVALS)
def test_interval_shows_the_ends_that_there_are(shown: Value, expected: str) -> None:
    """Where only a bound is known, the word says which."""
    assert wording.interval(shown) == expected


NUMBERS = {
    ("s", 0.00428): "4.28 ms",
    ("FLOPS", 3.1e11): "310 GFLOPS",
    ("B/s", 2.2e10): "22.0 GB/s",
    ("FLOP/B", 8.9): "8.90 FLOP/B",
    ("examples", 1500): "1,500 examples",
    ("", 9.3): "9.3",
}


@pytest.mark.parametrize(("unit", "number"), NUMBERS)
def test_numbers_are_written_in_their_units(unit: str, number: float) -> None:
    """Prefixes where they are customary; a plain number as a factor."""
    assert wording.number(number, unit) == NUMBERS[unit, number]


WAYS = {
    "{n}": "0.250",
    "{n:percent}": "25 %",
    "{n:rest}": "75 %",
    "{n:times}": "0.250",
    "{n:inverse}": "4.0",
    "{n:loss}": "0.2500",
}


@pytest.mark.parametrize("text", WAYS)
def test_an_explanation_writes_numbers_the_way_that_it_asks(text: str) -> None:
    """A quarter, as each of the ways shows it; all ways that a file may name are here."""
    verdict = found("supported", numbers={"n": value(0.25)})
    said = wording.because(claim(because=f"It is {text}.", numbers={"n": {}}), verdict)
    assert said == f"It is {WAYS[text]}."
    assert {"", *wording.WAYS} == {text[2:-1].removeprefix(":") for text in WAYS}


def test_an_explanation_is_the_one_of_its_verdict() -> None:
    """And empty where the claim gives none, or where one of its numbers is missing."""
    of_each = claim(because={"supported": "Yes, {left}.", "contradicted": "No."})
    assert wording.because(of_each, VERDICT) == "Yes, 400 µs."
    for other in (found("inconclusive"), found("supported")):
        assert wording.because(of_each, other) == ""


def test_a_side_is_called_what_its_author_calls_it() -> None:
    """Else by its labels, else by its experiment."""
    named = claim(left={"experiment": "a", "name": "one by one"}, right={"name": ""})
    assert wording.side_name(named["left"]) == "one by one"
    assert wording.side_name(claim()["left"]) == "column"
    assert wording.side_name(claim(left={"experiment": "a"}, right=1.0)["left"]) == "a"
