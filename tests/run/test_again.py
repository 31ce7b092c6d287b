"""What is measured again: decided by what was seen of the machine, and by nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from factories import measured
from report.results.result import Record
from report.run import allocation
from report.worker.records import Outcome, Probe

if TYPE_CHECKING:
    from report.results.machine import Conditions
    from report.worker.records import Status

MOVED = replace(measured.QUIET, probes_after=[Probe(name="hash", seconds=[2e-3])])


def record(conditions: Conditions | None, status: Status = "ok", **fields: Any) -> Record:
    """Return a record that was made under these conditions."""
    return Record(
        experiment="first",
        kind="matmul",
        backend="pytorch",
        process=0,
        device="cpu",
        threads=2,
        status=status,
        started_at="2026-11-27T09:00:00Z",
        elapsed_s=2.0,
        conditions=conditions,
        outcome=Outcome() if status == "ok" else None,
        **fields,
    )


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (record(measured.QUIET), False),
        (record(measured.BUSY), True),
        (record(MOVED), True),
        (record(replace(measured.QUIET, steal_fraction=0.2)), True),
        (record(replace(measured.QUIET, other_cores=0.2)), False),  # fair
        (record(replace(measured.QUIET, other_cores=None)), False),  # unknown
        (record(None), False),
        (record(measured.BUSY, attempts=2), False),
        (record(measured.BUSY, status="failed"), False),
        (record(measured.BUSY, status="skipped"), False),
    ],
)
def test_what_was_measured_on_a_noisy_machine_is_measured_once_more(
    one: Record,
    *,
    expected: bool,
) -> None:
    """Not what was fair or is unknown, nor what failed, nor a third time."""
    assert allocation.disturbed([one]) == [one] * expected


def test_a_sweep_in_another_state_is_measured_once_more() -> None:
    """All that its processes measured, though no single record tells."""
    slow = [Probe(name="hash", seconds=[1.04e-3])]
    usual = [Probe(name="hash", seconds=[1e-3])]
    states = [usual, usual, usual, slow]
    every = [
        replace(record(replace(measured.QUIET, probes_before=p, probes_after=p)), process=k)
        for k, p in enumerate(states)
    ]
    assert allocation.disturbed(every) == every[3:]


@pytest.mark.parametrize(
    ("left_s", "chosen"),
    [(10.0, [0, 1, 2]), (6.0, [0, 1, 2]), (4.0, [0, 2]), (1.0, [2]), (0.5, []), (-3.0, [])],
)
def test_no_more_is_measured_again_than_the_time_left_suffices_for(
    left_s: float, chosen: list[int]
) -> None:
    """In their order; a short one still fits where a long one does not."""
    assert allocation.affordable([2.0, 3.0, 1.0], left_s) == chosen


def test_second_attempt_is_kept_unless_the_machine_was_noisier() -> None:
    """Either says how often it was measured, and keeps the start of the process that began it."""
    first = record(MOVED, measured_s=1.0, import_s=0.7)
    for conditions in (measured.QUIET, MOVED):
        second = record(conditions, measured_s=9.0, import_s=0.5)
        assert allocation.better(first, second) == replace(second, attempts=2, import_s=0.7)
    worse = replace(MOVED, other_cores=50.0)
    for second in (record(worse, measured_s=0.1), record(None), record(None, status="failed")):
        assert allocation.better(first, second) == replace(first, attempts=2)
