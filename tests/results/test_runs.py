"""Which runs of a machine are alike, and what they are together."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from factories import small_results
from report.results import runs, store
from report.worker.records import Environment

if TYPE_CHECKING:
    from report.results.result import Result


def run(started_at: str, **fields: object) -> Result:
    """Return a finished run of two processes."""
    made = small_results.result(small_results.products(full=[[1.0], [1.1]]))
    given: dict[str, object] = {
        "finished_at": started_at,
        "run_id": str(uuid.uuid5(uuid.NAMESPACE_OID, started_at)),
        **fields,
    }
    return replace(made, started_at=started_at, **given)  # type: ignore[arg-type]


MORNING, NOON, LATER = (f"2026-01-{day}Z" for day in ("02T08:00:00", "02T12:00:00", "05T08:00:00"))


def test_runs_of_the_same_thing_stand_together() -> None:
    """A machine's page is about all runs of the newest's plan, code, frameworks and hardware."""
    same = [run(MORNING), run(NOON), run(LATER)]
    other = run("2026-01-01T00:00:00Z", config_hash="1" * 64)
    assert runs.by_machine([same[2], other, *same[:2]]) == [same]


def test_a_copy_of_a_run_is_no_further_run() -> None:
    """The same file in two places must not count as two runs that agree."""
    one = run(MORNING)
    assert runs.by_machine([one, replace(one)]) == [[one]]


def test_another_clock_reading_is_no_other_hardware() -> None:
    """The clock that a system reports moves from one run to the next."""
    one, other = run(MORNING), run(NOON)
    cpu = replace(other.machine.cpu, frequency_hz=1.23e9)
    assert runs.alike(one, replace(other, machine=replace(other.machine, cpu=cpu)))
    fewer = replace(other.machine.cpu, affinity_cores=1)
    assert not runs.alike(one, replace(other, machine=replace(other.machine, cpu=fewer)))


@pytest.mark.parametrize(
    ("packages", "alike"),
    [
        ({"torch": "2", "numpy": "2"}, True),
        ({"torch": "2", "numpy": "2", "a-linter": "1"}, True),
        ({"torch": "2"}, True),
        (None, True),
        ({"torch": "2", "numpy": "3"}, False),
    ],
)
def test_a_package_beside_a_framework_makes_no_other_run(
    packages: dict[str, str] | None, *, alike: bool
) -> None:
    """Another version of one that both have does."""

    def having(began: str, packages: dict[str, str] | None) -> Result:
        made = Environment(backend="pytorch", packages=packages)
        return run(began, environments={"pytorch": made})

    one, other = having(MORNING, {"torch": "2", "numpy": "2"}), having(NOON, packages)
    assert runs.alike(one, other) == runs.alike(other, one) == alike


def test_a_run_that_was_cut_short_stands_only_where_no_other_does() -> None:
    """Half of a plan beside whole runs of it would weigh experiments differently."""
    whole, cut = run(MORNING), run(NOON, finished_at=None)
    assert runs.by_machine([whole, cut]) == [[whole]]
    assert runs.by_machine([cut]) == [[cut]]
    assert runs.by_machine([replace(whole, config_hash="1" * 64), cut]) == [[cut]]


def test_together_processes_are_numbered_on_and_say_when_their_run_began() -> None:
    """Every record is there once, and those of a run can be told from others."""
    both = runs.together([run(MORNING), run(LATER)])
    assert [record.process for record in both.records] == [0, 1, 2, 3]
    assert [record.run for record in both.records] == [MORNING, MORNING, LATER, LATER]
    assert runs.starts(both) == [MORNING, LATER]
    assert both.started_at == LATER


def test_runs_a_few_minutes_apart_count_as_one() -> None:
    """They share the machine's state, so that they say nothing of how it changes."""
    near = run("2026-01-02T08:14:00Z")
    both = runs.together([run(MORNING), near, run(NOON)])
    assert runs.starts(both) == [MORNING, NOON]
    assert len(both.records) == 6


def test_a_single_run_stays_as_it_is() -> None:
    """With one run there is nothing to put together."""
    one = run(MORNING)
    assert runs.together([one]) is one
    assert runs.starts(one) == [MORNING]


def test_files_know_nothing_of_other_runs() -> None:
    """When a run began stands in a file once, and not with each record."""
    both = runs.together([run(MORNING), run(NOON)])
    assert b'"run":' not in store.dump(both)


def test_machines_of_one_name_are_told_apart() -> None:
    """By their hardware and by their folders; the first keeps the name, and no name is taken."""
    one, other = run(MORNING), run(NOON)
    bigger = replace(other, machine=replace(other.machine, memory_bytes=2**40))
    named = other.machine.id
    third = run(LATER)
    taken = replace(third, machine=replace(third.machine, id=f"{named}-2"))
    told = runs.apart([one, bigger, third, taken, other], ["a", "a", "b", "c", "a"])
    ids = [result.machine.id for result in told]
    assert ids == [named, f"{named}-3", f"{named}-4", f"{named}-2", named]
    assert len(runs.by_machine(told)) == 4
