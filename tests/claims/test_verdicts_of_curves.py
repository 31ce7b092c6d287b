"""Verdicts on losses, times to a loss and power laws, on numbers worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from factories import small_results
from factories.measured import BUSY
from factories.small_results import noise, record, run, series
from report.claims import evidence, judge
from report.claims.evidence import Found

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from report.results.result import Record

    Judge = Callable[..., Any]


def side(name: str, metric: str = "loss", **keys: Any) -> dict[str, Any]:
    """Return a side of a claim about training runs."""
    return {"experiment": "training", "series": {"run": name}, "metric": metric, **keys}


def trained(*curves: tuple[str, Sequence[float]], epoch_s: float = 1.0) -> list[Record]:
    """Make records of three processes with a seed each; the losses are the same in all."""
    return [
        record("training", seed, *(run(name, loss, seed, epoch_s) for name, loss in curves))
        for seed in range(3)
    ]


# --- times to a loss

NEVER = ("never", [1.0, 0.5, 0.4, 0.3])
"""Does not come to 0.25 in its three seconds."""

SOON = ("soon", [1.0, 0.2, 0.2])
"""Comes to 0.25 within the first second."""

LATER = ("later", [1.0, 0.5, 0.2])
"""Comes to it in the second second."""

TO_LOSS = {
    # two seconds against one
    ("later", "greater", "soon"): "supported",
    ("soon", "less", "later"): "supported",
    ("soon", "greater", "later"): "contradicted",
    # at least three seconds against one
    ("never", "greater", "soon"): "supported",
    ("never", "less", "soon"): "contradicted",
    ("soon", "less", "never"): "supported",
    ("soon", "greater", "never"): "contradicted",
    ("soon", "equivalent", "never"): "inconclusive",
    ("never", "equivalent", "soon"): "inconclusive",
    # nothing is known of the ratio of two bounds
    ("never", "greater", "never"): "inconclusive",
    ("never", "less", "never"): "inconclusive",
    ("never", "equivalent", "never"): "inconclusive",
}


@pytest.mark.parametrize(("left", "relation", "right"), TO_LOSS)
def test_a_run_that_never_comes_to_the_loss_counts_as_at_least_so_long(
    judged: Judge, left: str, relation: str, right: str
) -> None:
    """By time and by examples: what is known of the others decides as far as it can."""
    records = trained(NEVER, SOON, LATER)
    for metric in ("seconds_to_loss", "examples_to_loss"):
        left_side = side(left, metric, loss=0.25)
        found = judged(records, left=left_side, right=side(right, metric), relation=relation)
        expected = TO_LOSS[left, relation, right]
        assert found.verdict == expected
        assert found.reason == (judge.CENSORED if expected == "inconclusive" else "")


def test_bounds_are_shown_as_bounds(judged: Judge) -> None:
    """At least three seconds has no upper end; nor has its ratio to one second.

    The lower end of the time holds what runs differ by, and that of a ratio within a run does not.
    """
    records = trained(NEVER, SOON)
    never, soon = (side(name, "seconds_to_loss", loss=0.25) for name in ("never", "soon"))
    up = judged(records, left=never, right=soon)
    assert up.left.value == up.effect.value == up.effect.low == pytest.approx(3)
    assert up.left.high is up.effect.high is None
    assert up.left.low < 3
    down = judged(records, left=soon, right=never, relation="less")
    assert down.effect.low is None
    assert down.effect.high == pytest.approx(1 / 3)


def test_an_upper_bound_of_a_quotient_has_no_lower_end(judged: Judge) -> None:
    """Soon over never is at most a third: less than one half for sure, more than it never."""
    left = side("soon", "seconds_to_loss", loss=0.25, over={"series": {"run": "never"}})
    records = trained(NEVER, SOON)
    less = judged(records, left=left, right=0.5, relation="less")
    assert less.verdict == "supported"
    assert less.left.low is None
    assert less.left.high == pytest.approx(1 / 3)
    assert judged(records, left=left, right=0.5).verdict == "contradicted"
    assert judged(records, left=left, right=0.1).verdict == "inconclusive"


@pytest.mark.parametrize("metric", ["seconds_to_loss", "examples_to_loss"])
def test_a_single_seed_that_does_not_come_there_makes_a_bound(judged: Judge, metric: str) -> None:
    """Two of three seeds are there after two epochs; the third is not, and would take longer."""
    late = {"run": "late"}
    records = [
        record("training", k, run("late", [1.0, 0.5, end], k), run("soon", [1.0, 0.2], k))
        for k, end in enumerate((0.2, 0.2, 0.3))
    ]
    left = {"experiment": "training", "series": late, "metric": metric, "loss": 0.25}
    found = judged(records, left=left, right={"series": {"run": "soon"}}, least=3)
    # At least twice as long, and perhaps three times.
    assert (found.verdict, found.marginal) == ("supported", True)
    assert (found.left.high, found.effect.high) == (None, None)
    assert found.effect.low == pytest.approx(2)


SIDES = {
    "exact": side("later", "seconds_to_loss", loss=0.25),
    "at least": side("never", "seconds_to_loss", loss=0.25),
    "at most": side("soon", "seconds_to_loss", loss=0.25, over={"series": {"run": "never"}}),
}

BOUNDS = {
    ("exact", "exact"): set(),
    ("at least", "exact"): {"above"},
    ("exact", "at most"): {"above"},
    ("at least", "at most"): {"above"},
    ("at most", "exact"): {"below"},
    ("exact", "at least"): {"below"},
    ("at most", "at least"): {"below"},
    ("at least", "at least"): {"above", "below"},
    ("at most", "at most"): {"above", "below"},
}


@pytest.mark.parametrize(("left", "right"), BOUNDS)
def test_a_bound_on_either_side_bounds_the_ratio(judged: Judge, left: str, right: str) -> None:
    """What is at least so much makes a ratio larger above the line, and smaller below it."""
    found = judged(trained(NEVER, SOON, LATER), left=SIDES[left], right=SIDES[right])
    open_ends = {"above"} if found.effect.high is None else set()
    assert (open_ends | ({"below"} if found.effect.low is None else set())) == BOUNDS[left, right]


TURNED = {"above": "below", "below": "above", "timed": "timed"}


@pytest.mark.parametrize("flag", TURNED)
@pytest.mark.parametrize("place", [0, 1])
def test_either_part_of_a_quotient_makes_it_a_bound(place: int, flag: str) -> None:
    """And gives it a clock; below the line a bound is one the other way round."""
    parts = [Found(factors=[], unit="", timed=False)] * 2
    changed: dict[str, Any] = {flag: True}
    parts[place] = replace(parts[place], **changed)
    made = evidence.divided(*parts)
    assert [name for name in ("above", "below", "timed") if getattr(made, name)] == [
        TURNED[flag] if place else flag
    ]


# --- losses


def test_losses_are_those_after_the_epoch_that_is_asked_for(judged: Judge) -> None:
    """After one epoch 0.5 against 0.2, at the end 0.1 against 0.2."""
    records = trained(("a", [1.0, 0.5, 0.1]), ("b", [1.0, 0.2, 0.2]))
    last = judged(records, left=side("a"), right=side("b"), relation="less")
    assert last.verdict == "supported"
    assert last.effect.value == pytest.approx(0.5)
    first = judged(records, left=side("a", epoch=1), right=side("b"), relation="less")
    assert first.verdict == "contradicted"
    assert first.effect.value == pytest.approx(2.5)


def test_seeds_are_the_replicates_of_losses(judged: Judge) -> None:
    """Four seeds in two processes are four replicates, paired seed by seed: always twice."""
    records = [
        record(
            "training",
            process,
            *(run("a", [1, 0.2 * (1 + seed)], seed) for seed in (process, process + 2)),
            *(run("b", [1, 0.1 * (1 + seed)], seed) for seed in (process, process + 2)),
        )
        for process in range(2)
    ]
    found = judged(records, left=side("a"), right=side("b"))
    assert found.effect.replicates == 4
    assert (found.effect.low, found.effect.high) == pytest.approx((2, 2))


STALLING = {
    # falls by 1 / 0.3, and ends at 0.29 / 0.3 = 0.967 > 1 / 1.05 = 0.952 of it
    "stalls": ([1.0, 0.5, 0.3, 0.29, 0.29], "supported"),
    "rises again": ([1.0, 0.5, 0.3, 0.4, 0.6], "supported"),
    # 0.1 / 0.3 = 0.33 < 0.952
    "goes on": ([1.0, 0.5, 0.3, 0.2, 0.1], "contradicted"),
    "never fell": ([0.3, 0.3, 0.3, 0.3, 0.3], "contradicted"),
    "rose at once": ([0.3, 0.5, 0.6, 0.6, 0.6], "contradicted"),
}


@pytest.mark.parametrize(("losses", "expected"), STALLING.values(), ids=STALLING)
def test_stalling_compares_start_turn_and_end(
    judged: Judge, losses: list[float], expected: str
) -> None:
    """After two epochs, with 1.05 as the least decrease; the effect is end over turn."""
    keys: dict[str, Any] = {"relation": "stalls", "after": 2, "least": 1.05}
    found = judged(trained(("it", losses)), left=side("it"), **keys)
    assert found.verdict == expected
    assert found.effect.value == pytest.approx(losses[4] / losses[2])
    assert (found.left.value, found.right.value) == pytest.approx((losses[4], losses[2]))


def test_seeds_that_disagree_leave_stalling_open(judged: Judge) -> None:
    """End over turn is 0.7, 1 and 1.4: the interval holds 1 / 1.05 and reaches below it."""
    records = [
        record("training", seed, run("it", [1.0, 0.3, 0.3 * ratio], seed))
        for seed, ratio in enumerate((0.7, 1.0, 1.4))
    ]
    found = judged(records, left=side("it"), relation="stalls", after=1, least=1.05)
    assert found.verdict == "inconclusive"
    assert judge.MORE in found.reason


def test_a_run_too_short_to_stall_is_not_run(judged: Judge) -> None:
    """There is no loss after six of four epochs."""
    records = trained(("it", [1.0, 0.5, 0.3, 0.2, 0.1]))
    found = judged(records, left=side("it"), relation="stalls", after=6)
    assert (found.verdict, found.reason) == ("not run", "training (run it) has no loss")


# --- power laws


def noisy(
    exponent: float, sizes: Sequence[int] = (1, 4, 16, 64), wobble: float = 0
) -> list[Record]:
    """Make gradients' noise that follows a power law, with slopes that differ by process."""
    return [
        record("noise", k, *(noise(b, 2 * b ** (exponent + wobble * (k - 1))) for b in sizes))
        for k in range(3)
    ]


LAW = {
    "left": {"experiment": "noise", "series": {"point": "start"}, "metric": "std"},
    "relation": "power-law",
    "along": "batch_size",
    "exponent": -0.5,
}

POWERS = {
    "exactly": (-0.5, 0, "supported"),
    "within 0.05": (-0.53, 0, "supported"),
    "steeper": (-1.0, 0, "contradicted"),
    "constant": (0.0, 0, "contradicted"),
    # slopes -0.6, -0.5, -0.4: error 0.1 / sqrt(3) = 0.058, t of two degrees 4.3, +- 0.25
    "in doubt": (-0.5, 0.1, "inconclusive"),
}


@pytest.mark.parametrize(("exponent", "wobble", "expected"), POWERS.values(), ids=POWERS)
def test_a_power_law_is_judged_by_its_exponent(
    judged: Judge, exponent: float, wobble: float, expected: str
) -> None:
    """The effect is the exponent itself, with neither side."""
    found = judged(noisy(exponent, wobble=wobble), **LAW)
    assert (found.verdict, found.kind, found.grade) == (expected, "exponent", "")
    assert (found.left, found.right) == (None, None)
    assert found.effect.value == pytest.approx(exponent, abs=1e-9)


def test_zero_has_no_place_in_a_power_law(judged: Judge) -> None:
    """Losses 1, 1/2 and 1/3 after as many epochs, and none after four: three points are left."""
    ends = (1, 1 / 2, 1 / 3, 0)
    records = trained(*((f"of {n}", [2.0] * n + [end]) for n, end in enumerate(ends, 1)))
    left = {"experiment": "training", "metric": "loss"}
    found = judged(records, **{**LAW, "left": left, "along": "epochs", "exponent": -1.0})
    assert found.verdict == "supported"
    assert found.effect.value == pytest.approx(-1, abs=1e-9)


def test_a_power_law_needs_three_points_of_one_series_each(judged: Judge) -> None:
    """Any two lie on a law, and which of two runs of one batch size is meant has to be said."""
    found = judged(noisy(-0.5, (1, 4)), **LAW)
    assert found.verdict == "not run"
    assert "needs three values of batch_size; there are 2" in found.reason
    left = {"experiment": "training", "metric": "loss"}
    found = judged(trained(("a", [1, 0.5]), ("b", [1, 0.5])), **{**LAW, "left": left})
    assert found.verdict == "not run"
    assert "several series have batch_size 1500; name more labels" in found.reason


def test_a_point_that_is_a_bound_leaves_the_exponent_open(judged: Judge) -> None:
    """1, 2 and 3 epochs to the loss along the epochs that there are, and one that never comes."""
    ends = ([0.2], [0.5, 0.2], [0.5, 0.4, 0.2], [0.5, 0.5, 0.5, 0.5])
    curves = [(name, [1.0, *losses]) for name, losses in zip("abcd", ends, strict=True)]
    keys = {**LAW, "along": "epochs", "exponent": 1.0}
    keys["left"] = {"experiment": "training", "metric": "seconds_to_loss", "loss": 0.25}
    assert judged(trained(*curves[:3]), **keys).verdict == "supported"
    found = judged(trained(*curves), **keys)
    assert (found.verdict, found.reason) == ("inconclusive", judge.CENSORED)


def products_along_sizes(*exponents: float) -> list[Record]:
    """Make products of 1000 operations whose seconds go as these powers, a process each."""
    return [
        record("products", k, *(series("full", [n**e], size=n) for n in (2, 4, 8, 16)))
        for k, e in enumerate(exponents)
    ]


@pytest.mark.parametrize(("metric", "expected"), [("seconds", 2.0), ("flop_per_s", -2.0)])
def test_a_rate_has_its_own_power(judged: Judge, metric: str, expected: float) -> None:
    """Seconds that go as n^2 for the same operations are a rate that goes as n^-2."""
    left = {"experiment": "products", "metric": metric}
    keys = {**LAW, "left": left, "along": "size", "exponent": expected}
    found = judged(products_along_sizes(2, 2, 2), **keys)
    assert found.verdict == "supported"
    assert found.effect.value == pytest.approx(expected)


@pytest.mark.parametrize(
    ("odd", "verdict", "grade"),
    # Beyond the tolerance, 17 and 13 % apart (the limits are 15 and 5 %), and within it.
    [(-0.66, "inconclusive", "noisy"), (-0.62, "supported", "fair"), (-0.54, "supported", "quiet")],
)
def test_processes_that_disagree_on_an_exponent_spoil_it(
    judged: Judge, odd: float, verdict: str, grade: str
) -> None:
    """Nineteen exponents of -0.5 and an odd one: negative ones too have a spread."""
    # The interval lies within the tolerance of 0.05: with -0.66 it is -0.508 +- 0.017.
    keys = {**LAW, "left": {"experiment": "products"}, "along": "size"}
    found = judged(products_along_sizes(*[-0.5] * 19, odd), **keys)
    assert (found.verdict, found.grade) == (verdict, grade)


# --- noise


@pytest.mark.parametrize("turned", [False, True])
def test_a_clock_on_either_side_makes_noise_count(judged: Judge, *, turned: bool) -> None:
    """A loss over seconds, or seconds over a loss, on a busy machine."""
    records = trained(("a", [1.0, 0.5])) + small_results.products(full=[[0.1]] * 3)
    sides = [side("a"), {"experiment": "products", "series": {"strategy": "full"}}]
    left, right = sides[::-1] if turned else sides
    for each, expected in (
        (records, "quiet"),
        ([replace(r, conditions=BUSY) for r in records], "noisy"),
    ):
        assert judged(each, left=left, right=right).grade == expected


def test_a_run_of_disturbed_processes_alone_is_graded_by_these(
    judged: Judge,
) -> None:
    """Run b was trained in the last two of five processes only, and these were disturbed."""
    records = [
        record("training", k, run("a" if k < 3 else "b", [1.0, 0.5], k, epoch_s=1.0 + (k > 2)))
        for k in range(5)
    ]
    records[3:] = [replace(each, conditions=BUSY) for each in records[3:]]
    quiet = judged(records, left=side("a", "seconds"), right=0.5)
    assert (quiet.verdict, quiet.grade, quiet.left_out) == ("supported", "quiet", 2)
    for left, right in (("b", "a"), ("a", "b")):
        found = judged(records, left=side(left, "seconds"), right=side(right, "seconds"))
        assert (found.verdict, found.grade, found.left_out) == ("inconclusive", "noisy", 0)
