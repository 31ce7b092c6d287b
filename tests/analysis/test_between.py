"""What runs of a machine differ by, in the intervals of what speaks of the machine."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

import pytest
from scipy import stats

from report.analysis.between import COMMON, ENOUGH, FREEDOM, OWN, SAME_DAY, State, group
from report.analysis.estimate import product
from report.analysis.factors import Factor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.analysis.estimate import Estimate

ONE_DAY = [f"2026-01-02T{hour:02}:00:00Z" for hour in range(8)]
DAYS = [f"2026-01-{day:02}T03:00:00Z" for day in range(1, 9)]


def factor(groups: Sequence[Sequence[float]], **fields: object) -> Factor:
    """Return a time of a large product, of a machine in some runs."""
    given = {"source": "machine", "family": "products", "group": "large products", **fields}
    return Factor(groups=groups, **given)  # type: ignore[arg-type]


def repeated(runs: Sequence[str], processes: int) -> tuple[str, ...]:
    """Return the run of each process."""
    return tuple(run for run in runs for _ in range(processes))


def half(found: Estimate) -> float:
    """Return half of an interval, on logarithms."""
    assert found.low is not None
    assert found.high is not None
    return math.log(found.high / found.low) / 2


def test_a_time_of_one_run_has_the_variance_between_runs() -> None:
    """Processes that agree do not say that the next run will: the shipped variance does."""
    found = product([factor([[2.0], [2.0], [2.0]])])
    sd = math.hypot(COMMON, OWN["large products"])
    assert half(found) == pytest.approx(sd * float(stats.t.ppf(0.975, FREEDOM)), rel=1e-6)
    assert found.value == pytest.approx(2.0)
    assert found.runs == 1


def test_a_ratio_within_a_run_has_none_of_it() -> None:
    """What slows both sides of a ratio cancels, also where they are of different experiments."""
    above, below = [[2.0], [2.2], [2.1]], [[1.0], [1.05], [1.1]]
    for family in ("products", "others"):
        mine = [factor(above), factor(below, weight=-1, family=family, group="calls")]
        plain = [factor(above, group=None), factor(below, weight=-1, family=family, group=None)]
        assert half(product(mine)) == pytest.approx(half(product(plain)))


def test_a_ratio_between_machines_has_that_of_both() -> None:
    """Two machines were in a state each."""
    groups = [[1.0], [1.0], [1.0]]
    found = product([factor(groups), factor(groups, weight=-1, source="other", family="o")])
    variance = 2 * (COMMON**2 + OWN["large products"] ** 2)
    t = float(stats.t.ppf(0.975, 2 * FREEDOM))
    assert half(found) == pytest.approx(t * math.sqrt(variance), rel=1e-6)


def test_a_rate_is_as_uncertain_as_its_time() -> None:
    """Seconds and their reciprocal, and a square, carry the state with their power."""
    groups = [[3.0], [3.0], [3.0]]
    time, rate = product([factor(groups)]), product([factor(groups, weight=-1)])
    assert half(time) == pytest.approx(half(rate))
    assert half(product([factor(groups, weight=2)])) == pytest.approx(2 * half(time))


@pytest.mark.parametrize("count", [2, 4])
def test_further_runs_narrow_it_and_those_of_other_days_more(count: int) -> None:
    """Runs of one day share a part of their state; the rest falls with their number."""
    widths = []
    for runs in (ONE_DAY[:1], ONE_DAY[:count], DAYS[:count]):
        groups = [[1.0]] * (3 * len(runs))
        widths.append(half(product([factor(groups, runs=repeated(runs, 3))])))
    one, day, days = widths
    assert day / one == pytest.approx(math.sqrt(SAME_DAY + (1 - SAME_DAY) / count))
    assert days / one == pytest.approx(1 / math.sqrt(count))


def test_enough_runs_tell_their_own_variance() -> None:
    """From five days on nothing is taken from the table: it is Student's t over the runs."""
    rng = random.Random(1)
    runs = DAYS[:ENOUGH]
    states = [rng.gauss(0, 0.1) for _ in runs]
    groups = [[math.exp(state + rng.gauss(0, 0.001))] for state in states for _ in range(3)]
    found = product([factor(groups, runs=repeated(runs, 3))])
    means = [sum(math.log(g[0]) for g in groups[3 * k : 3 * k + 3]) / 3 for k in range(len(runs))]
    wanted = stats.t.interval(0.95, ENOUGH - 1, *_mean_and_error(means))
    assert found.low == pytest.approx(math.exp(wanted[0]), rel=1e-6)
    assert found.high == pytest.approx(math.exp(wanted[1]), rel=1e-6)
    assert found.runs == ENOUGH


def test_enough_runs_of_one_day_still_have_what_that_day_shares() -> None:
    """However many runs a day has, they do not tell how the next day differs."""
    groups = [[1.0 + 0.0001 * k] for k in range(3 * ENOUGH)]
    found = product([factor(groups, runs=repeated(ONE_DAY[:ENOUGH], 3))])
    assert found.error >= math.sqrt(SAME_DAY * State(weights=((1, "large products"),)).variance())


def test_what_no_clock_has_a_part_in_has_no_state() -> None:
    """Losses are the same in every run."""
    found = product([factor([[1.0], [1.01], [1.02]], group=None)])
    assert found.error < 0.01
    assert found.runs == 0


@pytest.mark.parametrize(
    ("count", "common", "own"), [(3, 0.03, 0.01), (5, 0.03, 0.03), (2, 0.0, 0.0)]
)
def test_intervals_of_one_day_cover_a_machine_whose_state_is_as_large_as_said(
    count: int, common: float, own: float
) -> None:
    """Of a machine as steady as the table says, at least 93 % of intervals hold the truth."""
    rng, hits, drawn = random.Random(2), 0, 400
    for _ in range(drawn):
        day = rng.gauss(0, math.hypot(common, own) * math.sqrt(SAME_DAY))
        groups = []
        for _ in range(count):
            run = day + rng.gauss(0, math.hypot(common, own) * math.sqrt(1 - SAME_DAY))
            groups += [[math.exp(run + rng.gauss(0, 0.04))] for _ in range(4)]
        found = product([factor(groups, runs=repeated(ONE_DAY[:count], 4))])
        hits += not found.excludes(1)
    assert hits / drawn >= 0.93


def test_groups_go_by_what_limits_a_time() -> None:
    """Small products and large ones, caches and memory, calls and training are told apart."""
    assert group("matmul", {"size": 64}, 2 * 64**3) == "small products"
    assert group("matmul", {"size": 1024}, 2 * 1024**3) == "large products"
    assert group("bandwidth", {"working_set_bytes": 2**15}) == "caches"
    assert group("bandwidth", {"working_set_bytes": 2**30}) == "memory"
    assert group("overhead", {}) == "calls"
    assert group("training", {}) == "training"
    assert group("gradient", {}) is None
    assert set(OWN) == {"small products", "large products", "caches", "memory", "calls", "training"}


def _mean_and_error(values: Sequence[float]) -> tuple[float, float]:
    middle = sum(values) / len(values)
    variance = sum((one - middle) ** 2 for one in values) / (len(values) - 1)
    return middle, math.sqrt(variance / len(values))


def test_at_another_level_an_interval_is_that_of_students_t() -> None:
    """Comparisons are judged at 99 %, by the same error and degrees of freedom."""
    found = product([factor([[1.0], [1.1], [1.2]])])
    wider = found.at(0.99)
    expected = float(stats.t.ppf(0.995, found.freedom)) * found.error
    assert half(wider) == pytest.approx(expected, rel=1e-6)
    assert half(found.at(0.95)) == pytest.approx(half(found), rel=1e-6)
