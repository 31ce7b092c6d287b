"""From records to verdicts: every relation and every verdict, on numbers worked out by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from factories import measured, small_results
from factories.small_results import products, record, run, series
from report.analysis.quantities import by_backend
from report.claims import judge, verdicts
from report.claims.verdicts import leading
from report.experiments.training.quantities import of_records
from report.results.result import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from report.results.result import Record, Result

    Judge = Callable[..., Any]

FULL = {"experiment": "products", "series": {"strategy": "full"}}
COLUMN = {"experiment": "products", "series": {"strategy": "column"}}
ROW = {"experiment": "products", "series": {"strategy": "row"}}
OTHER = {"experiment": "other", "series": {"strategy": "full"}}

SLOW = (1.0, 1.1, 0.9)
"""How slow each of three processes is."""


def slowed(value: float, slow: Sequence[float] = SLOW) -> list[list[float]]:
    """Return a sample a process, each as slow as that."""
    return [[value * each] for each in slow]


def scattered(value: float, logs: Sequence[float]) -> list[list[float]]:
    """Return a sample a process, at these logarithms from a value."""
    return [[value * math.exp(log)] for log in logs]


def busy(records: Sequence[Record]) -> list[Record]:
    """Return records of a machine on which other programs were at work."""
    return [replace(each, conditions=measured.BUSY) for each in records]


# --- greater, less, equivalent


def test_greater_is_supported_with_its_numbers(judged: Judge) -> None:
    """Twice as long in every process: the ratio is 2 without doubt, though the sides differ."""
    # The typical value of 2, 2.2 and 1.8 is their geometric mean, (7.92)^(1/3) = 1.99332.
    found = judged(products(column=slowed(2.0), full=slowed(1.0)), left=COLUMN, right=FULL)
    assert (found.verdict, found.kind) == ("supported", "ratio")
    assert (found.grade, found.reason) == ("quiet", "")
    assert (found.effect.value, found.effect.low, found.effect.high) == pytest.approx((2, 2, 2))
    assert (found.effect.unit, found.effect.replicates) == ("", 3)
    assert found.left.value == pytest.approx(7.92 ** (1 / 3))
    assert found.left.unit == "s"
    assert found.right.value == pytest.approx(0.99 ** (1 / 3))
    # Alone, each side has the processes' differences in it.
    assert found.left.low < 1.7


THREE_WAYS = {
    # logarithm of 1.3: 0.262; error 0.01 / sqrt(3), t of two degrees 4.303: +- 0.025
    "far apart": (1.3, 0.01, "supported", "contradicted", "contradicted"),
    # 0.01 +- 0.0025: at most 1.0125 < 1.02, and at least 1.0075 > 1
    "nearly the same": (1.01, 0.001, "too small to matter", "contradicted", "supported"),
    # +- 0.0025 around 0: which is the larger is open
    "the same": (1.0, 0.001, "inconclusive", "inconclusive", "supported"),
    # +- 0.25 around 0.05
    "in doubt": (1.05, 0.1, "inconclusive", "inconclusive", "inconclusive"),
}


@pytest.mark.parametrize(
    ("ratio", "step", "expected"),
    [(ratio, step, three) for ratio, step, *three in THREE_WAYS.values()],
    ids=THREE_WAYS,
)
def test_the_three_comparisons_read_one_interval(
    judged: Judge, ratio: float, step: float, expected: list[str]
) -> None:
    """Logarithms of the ratio at -step, 0 and step around that of the ratio."""
    records = products(column=scattered(ratio, (-step, 0, step)), full=[[1.0]] * 3)
    for relation, verdict in zip(("greater", "less", "equivalent"), expected, strict=True):
        found = judged(records, left=COLUMN, right=FULL, relation=relation)
        assert found.verdict == verdict
        assert bool(found.reason) == (verdict == "inconclusive")
        half = 4.30265 * step / math.sqrt(3)
        assert found.effect.low == pytest.approx(ratio * math.exp(-half), rel=1e-5)
        assert found.effect.high == pytest.approx(ratio * math.exp(half), rel=1e-5)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"least": 1.2}, "supported"),
        ({"least": 1.4}, "too small to matter"),
        ({"relation": "equivalent", "margin": 1.5}, "supported"),
        ({"relation": "equivalent", "margin": 1.2}, "contradicted"),
    ],
)
def test_the_claim_says_what_matters(judged: Judge, keys: dict[str, Any], expected: str) -> None:
    """A ratio of 1.3 +- 2.5 % is more than 1.2 and less than 1.4, and within 1.5 but not 1.2."""
    records = products(column=scattered(1.3, (-0.01, 0, 0.01)), full=[[1.0]] * 3)
    assert judged(records, left=COLUMN, right=FULL, **keys).verdict == expected


def test_a_single_process_is_inconclusive_and_says_what_to_do(judged: Judge) -> None:
    """However far apart: what another process would measure is not known."""
    found = judged(products(column=[[9.0] * 30], full=[[1.0] * 30]), left=COLUMN, right=FULL)
    assert (found.verdict, found.reason) == ("inconclusive", judge.ONE)
    assert found.effect.value == pytest.approx(9)
    assert (found.effect.low, found.effect.high) == (None, None)


def test_a_plain_number_may_stand_on_the_right(judged: Judge) -> None:
    """1000 operations in half a second are 2000 a second, 4/3 of 1500; a constant is exact."""
    records = products(full=slowed(0.5, (1, 1, 1)))
    found = judged(records, left={**FULL, "metric": "flop_per_s"}, right=1500)
    assert found.verdict == "supported"
    assert found.effect.value == pytest.approx(4 / 3)
    assert found.left.value == pytest.approx(2000)
    assert found.left.unit == "FLOPS"
    assert found.right == Value(value=1500, low=None, high=None, unit="FLOPS", replicates=0)


def test_over_makes_a_ratio_of_ratios(judged: Judge) -> None:
    """(8 / 2) / (3 / 1.5) = 2 in every process, whose speeds cancel in each part."""
    records = products(row=slowed(8.0), column=slowed(2.0), block=slowed(3.0), full=slowed(1.5))
    left = {**ROW, "over": {"series": {"strategy": "column"}}}
    right = {"series": {"strategy": "block"}, "over": {"series": {"strategy": "full"}}}
    found = judged(records, left=left, right=right)
    assert found.verdict == "supported"
    assert (found.effect.low, found.effect.high) == pytest.approx((2, 2))
    assert found.left.value == pytest.approx(4)
    assert found.left.unit == ""
    assert found.right.value == pytest.approx(2)


def test_other_experiments_are_not_paired(judged: Judge) -> None:
    """The same numbers, but from two experiments: the processes' speeds do not cancel."""
    records = products(column=slowed(2.0)) + products("other", full=slowed(1.0))
    found = judged(records, left=COLUMN, right=OTHER)
    assert found.effect.value == pytest.approx(2)
    assert found.effect.low < 1.7


SIZES = [
    record("products", process, series("full", [1.0 * slow], 64), series("full", [5.0 * slow], 256))
    for process, slow in enumerate(SLOW)
]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [({"pick": "highest"}, 5), ({"pick": "lowest"}, 1), ({"largest": "size"}, 5)],
)
def test_one_of_several_series_is_picked(
    judged: Judge, keys: dict[str, Any], expected: float
) -> None:
    """Of the two sizes the slower, the faster, or the larger one, in seconds over 1 s."""
    found = judged(SIZES, left={**FULL, **keys}, right=1)
    assert found.effect.value == pytest.approx(expected * 0.99 ** (1 / 3))
    assert (found.left.highest_of, found.left.ties) == (2 if "pick" in keys else 0, [])


def test_a_pick_names_its_ties(judged: Judge) -> None:
    """Of three that do not differ more than processes do the others stand beside the highest."""
    records = products(row=[[1.0], [1.1]], column=[[1.1], [1.01]], full=[[0.1], [0.1]])
    found = judged(records, left={"experiment": "products", "pick": "highest"}, right=1)
    assert found.left.highest_of == 3
    assert len(found.left.ties) == 1
    assert "strategy=row" in found.left.ties[0]
    assert "strategy=column" in found.left.key


# --- not run


@pytest.mark.parametrize("keys", [{}, {"largest": "strategy"}], ids=["none", "no number"])
def test_several_series_without_a_pick_are_not_run(judged: Judge, keys: dict[str, str]) -> None:
    """The remedy is in the reason; nothing is chosen silently, nor by a label without numbers."""
    found = judged(SIZES, left={**FULL, **keys}, right=1)
    assert (found.verdict, found.effect) == ("not run", None)
    assert found.reason == (
        "2 series of products fit strategy full; name more labels, or pick the highest or lowest"
    )


FAILED = [
    record("products", process, status="failed", reason="it ran out of memory", outcome=None)
    for process in range(3)
]
GOOD = products(column=slowed(2.0), full=slowed(1.0))
NOT_RUN = {
    "no experiment": (GOOD, {"left": {"experiment": "gone"}}, "there is no experiment gone"),
    "metric of a later version": (
        GOOD,
        {"left": {**COLUMN, "metric": "hertz"}},
        "Products has no hertz",
    ),
    "experiment without records": ([], {"left": COLUMN}, "Products has not been run"),
    "right experiment without records": (
        GOOD,
        {"left": COLUMN, "right": {"experiment": "other"}},
        "Other has not been run",
    ),
    "every process failed": (FAILED, {"left": COLUMN}, "it ran out of memory"),
    "no such series": (GOOD, {"left": ROW}, "products (strategy row) was not measured"),
    "skipped series": (
        products(column=["float16 is not supported"] * 3, full=slowed(1.0)),
        {"left": COLUMN},
        "float16 is not supported",
    ),
    "nothing to divide by": (
        GOOD,
        {"left": {**COLUMN, "over": {"series": {"strategy": "row"}}}},
        "products (strategy row) was not measured",
    ),
}


@pytest.mark.parametrize(("records", "keys", "reason"), NOT_RUN.values(), ids=NOT_RUN)
def test_what_was_not_measured_is_not_run_and_says_why(
    judged: Judge, records: list[Record], keys: dict[str, Any], reason: str
) -> None:
    """The reason is the series' or the process's own where there is one."""
    found = judged(records, **{"right": 1.0, **keys})
    assert (found.verdict, found.reason, found.grade) == ("not run", reason, "")
    assert (found.effect, found.left, found.right, found.numbers) == (None, None, None, {})


def test_a_process_that_failed_leaves_the_others_to_decide(judged: Judge) -> None:
    """Two of three processes are enough for an interval, and the count says so."""
    found = judged([*GOOD[:2], *FAILED[2:]], left=COLUMN, right=FULL)
    assert found.verdict == "supported"
    assert found.effect.replicates == 2


def test_zero_has_no_ratio(judged: Judge) -> None:
    """A loss of nothing, on data that a line fits exactly: not run, and no error."""
    records = [
        record("training", k, run("a", [1, 0.5], k), run("b", [1, 0.0], k)) for k in range(3)
    ]
    none = {"experiment": "training", "series": {"run": "b"}, "metric": "loss"}
    found = judged(records, left={**none, "series": {"run": "a"}}, right=none)
    assert found.verdict == "not run"
    assert found.reason == "training (run b) has a loss of zero, which has no ratio"


def test_every_backend_has_its_verdict() -> None:
    """Two frameworks, of which only one has the row series; claims stay in their order."""
    torch = products(column=slowed(2.0), full=slowed(1.0))
    alike = products(column=slowed(1.0), full=slowed(1.0))
    other = [replace(each, backend="numpy") for each in alike]
    claims = {
        "columns": small_results.claim(left=COLUMN, right=FULL),
        "rows": small_results.claim(left=FULL, right={"series": {"strategy": "row"}}),
    }
    result = small_results.result([*torch, *other], claims, ["pytorch", "numpy"])
    found = [(each.claim, each.backend, each.verdict) for each in verdicts.of_result(result)]
    assert found == [
        ("columns", "pytorch", "supported"),
        ("columns", "numpy", "contradicted"),
        ("rows", "pytorch", "not run"),
        ("rows", "numpy", "not run"),
    ]


# --- noise


def test_a_claim_that_names_a_backend_is_judged_on_that_one_and_leads_with_it() -> None:
    """The sentence speaks of it, so that no other framework can contradict it."""
    fast = products(column=slowed(1.0), full=slowed(2.0))
    named = [
        replace(each, backend="numpy") for each in products(column=slowed(2.0), full=slowed(1))
    ]
    claims = {
        "of one": small_results.claim(left=COLUMN, right=FULL, backend="numpy"),
        "of all": small_results.claim(left=COLUMN, right=FULL),
        "of none": small_results.claim(left=COLUMN, right=FULL, backend="jax"),
    }
    result = small_results.result([*fast, *named], claims, ["pytorch", "numpy"])
    result.verdicts = verdicts.of_result(result)
    found = {(each.claim, each.backend): each.verdict for each in result.verdicts}
    assert found == {
        ("of one", "numpy"): "supported",
        ("of all", "pytorch"): "contradicted",
        ("of all", "numpy"): "supported",
        ("of none", "jax"): "not run",
    }
    led = [(each.claim, each.backend) for each in leading(result)]
    assert led == [("of one", "numpy"), ("of all", "pytorch"), ("of none", "jax")]


def test_what_noise_spoils_is_not_called_supported_by_a_little(judged: Judge) -> None:
    """A ratio of 1.3 whose interval begins below 1.29: supported, possibly by too little."""
    records = products(column=scattered(1.3, (-0.01, 0, 0.01)), full=[[1.0]] * 3)
    found = judged(records, left=COLUMN, right=FULL, least=1.29)
    assert (found.verdict, found.marginal) == ("supported", True)
    found = judged(busy(records), left=COLUMN, right=FULL, least=1.29)
    assert (found.verdict, found.marginal) == ("inconclusive", False)


def test_a_noisy_machine_gives_no_verdict_on_times(judged: Judge) -> None:
    """However large the ratio: the verdict is withheld, the numbers are not, the remedy is told."""
    found = judged(busy(GOOD), left=COLUMN, right=FULL)
    assert (found.verdict, found.grade) == ("inconclusive", "noisy")
    assert "other programs kept 2 cores busy" in found.reason
    assert "measure again on a quieter one" in found.reason
    assert found.effect.value == pytest.approx(2)


def test_a_disturbed_process_is_left_out_and_said_to_be(judged: Judge) -> None:
    """Of three, by what was seen of the machine: its times, five times too long, have no part."""
    spoiled = products(column=[[2.0], [2.0], [9.0]], full=[[1.0]] * 3)[2:]
    found = judged([*GOOD[:2], *busy(spoiled)], left=COLUMN, right=FULL)
    assert (found.verdict, found.grade, found.left_out) == ("supported", "quiet", 1)
    assert found.effect.replicates == 2
    assert found.effect.value == pytest.approx(2)


def test_most_processes_must_be_left(judged: Judge) -> None:
    """Where two of three were disturbed, all count, and their noise forbids a verdict."""
    found = judged([GOOD[0], *busy(GOOD[1:])], left=COLUMN, right=FULL)
    assert (found.verdict, found.grade, found.left_out) == ("inconclusive", "noisy", 0)


def test_noise_while_the_right_side_was_measured_counts(judged: Judge) -> None:
    """A claim over two experiments is as noisy as the noisier one."""
    quiet = products(column=scattered(2.0, (0, 0, 0)))
    noisy = busy(products("other", full=scattered(1.0, (0, 0, 0))))
    assert judged(quiet + noisy, left=COLUMN, right=OTHER).verdict == "inconclusive"
    assert judged(quiet + noisy, left=COLUMN, right=1).verdict == "supported"


def test_doubt_keeps_its_own_reason_on_a_noisy_machine(judged: Judge) -> None:
    """More processes are the first remedy where the interval is wide."""
    records = products(column=scattered(1.05, (-0.1, 0, 0.1)), full=[[1.0]] * 3)
    found = judged(busy(records), left=COLUMN, right=FULL)
    assert (found.verdict, found.grade) == ("inconclusive", "noisy")
    assert judge.MORE in found.reason


def test_noise_does_not_spoil_what_no_clock_measures(judged: Judge) -> None:
    """Losses are the same on a busy machine; they have no grade."""
    records = [
        record("training", k, run("a", [1, 0.4], k), run("b", [1, 0.3], k)) for k in range(3)
    ]
    left = {"experiment": "training", "series": {"run": "a"}, "metric": "loss"}
    found = judged(busy(records), left=left, right={"series": {"run": "b"}})
    assert (found.verdict, found.grade) == ("supported", "")


def test_verdict_of_an_unobserved_machine_stands_and_its_grade_is_unknown(judged: Judge) -> None:
    """What was not watched is not known to be noisy, and not called quiet."""
    records = [replace(each, conditions=None) for each in GOOD]
    found = judged(records, left=COLUMN, right=FULL)
    assert (found.verdict, found.grade) == ("supported", "unknown")


SPREAD: dict[str, tuple[list[float], float, tuple[str, str]]] = {
    # 60 % apart, and all of them far above 1
    "agree": ([2.0, 2.6, 3.2], 1.02, ("supported", "quiet")),
    # 28 % apart, on both sides of 1, and none of them near the claim's 2
    "agree that it is not twice": ([0.85, 0.8, 1.02, 0.84, 0.82], 2, ("contradicted", "quiet")),
    # Mean logarithm 0.2467, error 0.0157, t of 19 degrees 2.093: the interval begins at
    # e^0.214 = 1.24, and yet a process in twenty says the opposite.
    "disagree": ([1.3] * 19 + [0.95], 1.02, ("inconclusive", "noisy")),
}


@pytest.mark.parametrize(("ratios", "least", "expected"), SPREAD.values(), ids=SPREAD)
def test_processes_that_differ_give_a_verdict_if_they_agree_on_the_answer(
    judged: Judge, ratios: list[float], least: float, expected: tuple[str, str]
) -> None:
    """One that says the opposite spoils it, although the interval lies above 1."""
    records = products(column=[[ratio] for ratio in ratios], full=[[1.0]] * len(ratios))
    found = judged(records, left=COLUMN, right=FULL, least=least)
    assert (found.verdict, found.grade) == expected
    if found.grade == "noisy":
        assert found.effect.low == pytest.approx(1.24, abs=0.01)
        assert "processes differ by up to 37 % and disagree" in found.reason
        assert "machine" not in found.reason


# --- what explains it


def test_numbers_are_those_that_were_measured(judged: Judge) -> None:
    """One stands beside the verdict with its unit; the series that is missing does not."""
    rate = {"series": {"strategy": "full"}, "metric": "flop_per_s"}
    numbers = {"rate": rate, "row": {"series": {"strategy": "row"}}}
    found = judged(GOOD, left=COLUMN, right=FULL, numbers=numbers)
    assert list(found.numbers) == ["rate"]
    assert found.numbers["rate"].unit == "FLOPS"
    assert found.numbers["rate"].value == pytest.approx(1000 / 0.99 ** (1 / 3))


# --- several frameworks, some of which do the same in several ways

FRAMEWORKS = ("pytorch", "tensorflow", "jax", "numba")


@pytest.fixture(name="result", scope="module")
def of_four(make_result: Callable[..., Result]) -> Result:
    """Return a made-up result: TensorFlow trains in three ways, JAX in two."""
    return make_result(frameworks=FRAMEWORKS)


def verdict(result: Result, claim: str, backend: str) -> Any:
    """Return what a framework says to a claim."""
    return next(v for v in result.verdicts if (v.claim, v.backend) == (claim, backend))


def test_claim_that_names_no_variant_is_judged_by_the_ordinary_one(result: Result) -> None:
    """TensorFlow's as it is written, JAX's with a compiled update: not by all of them at once."""
    for backend, variant in (("tensorflow", "eager"), ("jax", "compiled"), ("numba", "epoch")):
        found = verdict(result, "sgd-epoch-slower-than-gd", backend)
        records = by_backend(result.of("chapter-training"))[backend]
        labels = {"run": "SGD", "variant": variant}
        (epoch,) = (q for q in of_records(records) if labels.items() <= q.labels.items())
        assert found.left.value == epoch.time().value


def test_each_framework_gets_a_verdict_and_the_first_leads(result: Result) -> None:
    """Those that measured it; the page is about one of them."""
    of_claim = [v for v in result.verdicts if v.claim == "column-slower-than-full"]
    assert [v.backend for v in of_claim] == list(FRAMEWORKS)
    assert all(v.verdict != "not run" for v in of_claim)
    first = [v.backend for v in leading(result) if v.claim == "column-slower-than-full"]
    assert first == ["pytorch"]


def test_framework_without_layers_says_why_it_was_not_judged(result: Result) -> None:
    """The reason is the framework's own."""
    found = verdict(result, "concise-as-fast", "jax")
    assert (found.verdict, found.effect) == ("not run", None)
    assert found.reason
