"""What pages say and draw of memory: true for any data, also where much of it is missing."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import pytest

from report.analysis.quantities import Quantity, Question
from report.experiments.bandwidth import caches, comparisons, figures, headline, method
from report.experiments.bandwidth.kind import BANDWIDTH
from report.experiments.bandwidth.roofs import of_levels, roofs
from report.results.machine import Cache, Cpu
from report.text import names

if TYPE_CHECKING:
    from collections.abc import Callable

    from report.figures.figure import Figure
    from report.results.result import Record, Result
    from report.worker.records import Labels, Series

KIB, MIB = 2**10, 2**20


@pytest.fixture(name="result", scope="module")
def model_result(make_result: Callable[..., Result]) -> Result:
    """Return a made-up result: L1 of 48 KiB and L2 of 2 MiB a core, two threads."""
    return make_result(profile="full")


@pytest.fixture(name="records")
def model_records(result: Result) -> list[Record]:
    """Return the records of its bandwidth experiment."""
    return result.of("memory")


def drawn(result: Result) -> dict[str, Figure]:
    """Return the figures by the question that each answers."""
    return {figure.question: figure for figure in figures.figures(result, "memory")}


def keep(result: Result, wanted: Callable[[Series], bool], processes: int = 99) -> Result:
    """Return the result with some of its memory's series, of the first so many processes."""
    records = []
    for record in result.records:
        if record.experiment == "memory" and record.outcome is not None:
            if record.process >= processes:
                continue
            series = [one for one in record.outcome.series if wanted(one)]
            records.append(replace(record, outcome=replace(record.outcome, series=series)))
        else:
            records.append(record)
    return replace(result, records=records)


def everything(_: Series) -> bool:
    """Keep all."""
    return True


def without_caches(result: Result) -> Result:
    """Return the result of a machine whose caches could not be read."""
    cpu = replace(result.machine.cpu, caches=[])
    return replace(result, machine=replace(result.machine, cpu=cpu))


# --- figures


def test_each_question_has_a_figure_with_all_that_belongs_to_it(result: Result) -> None:
    """A finding, numbers to read and to download, and the functions that were timed."""
    found = drawn(result)
    assert list(found) == ["working_set", "order", "stride"]
    assert found["working_set"].code == ["copy", "read", "triad"]
    for figure in found.values():
        assert figure.name.startswith("memory-pytorch")
        assert figure.words.title in figure.words.alt
        assert {len(row) for row in figure.table.rows} == {len(figure.table.header)}
        assert {len(row) for row in figure.sheet.rows} == {len(figure.sheet.header)}


def test_the_title_gives_the_model_machines_ratio(result: Result) -> None:
    """Two threads read 200 GB/s from L1 and 20 GB/s from memory: 10 times, less 0.6 % for calls."""
    title = drawn(result)["working_set"].words.title
    assert title.startswith(("Reading runs 9.9 times", "Reading runs 10 times"))
    assert title.endswith("KiB as over 64 MiB")


def test_the_caches_are_named_where_they_are_known(result: Result) -> None:
    """With two threads twice what a core has: 2 x 48 KiB and 2 x 2 MiB."""
    svg = drawn(result)["working_set"].drawing.wide
    assert "L1 2 \N{MULTIPLICATION SIGN} 48 KiB" in svg
    assert "L2 2 \N{MULTIPLICATION SIGN} 2 MiB" in svg
    assert "L1 48 KiB" in drawn(result)["order"].drawing.wide  # a look-up goes anywhere


def test_the_cost_of_a_call_is_drawn_and_told(result: Result) -> None:
    """A copy of 4 KiB takes 1 µs for the call and 0.02 µs at 200 GB/s."""
    figure = drawn(result)["working_set"]
    assert "one call: 1.0 µs" in figure.drawing.narrow
    assert "nearly all of it the cost of the call" in figure.words.explanation


def test_no_cost_of_a_call_is_told_where_only_reads_were_measured(result: Result) -> None:
    """A read hides it, and large sets do not show it."""
    only = keep(result, lambda one: one.labels["operation"] == "read")
    assert "call" not in drawn(only)["working_set"].words.explanation


def test_without_known_caches_none_are_drawn(result: Result) -> None:
    """And the page says so."""
    figure = drawn(without_caches(result))["working_set"]
    assert "are not known here" in figure.words.explanation
    assert "L1" not in figure.drawing.wide


def test_an_accelerators_memory_is_not_measured_by_the_processors_caches(result: Result) -> None:
    """Its own are not known."""
    records = [
        replace(record, device="cuda:0") if record.experiment == "memory" else record
        for record in result.records
    ]
    figure = drawn(replace(result, records=records))["working_set"]
    assert "L1" not in figure.drawing.wide
    assert [roof.name for roof in roofs(replace(result, records=records), "pytorch")] == ["memory"]


def test_one_sample_of_one_process_claims_no_difference(result: Result) -> None:
    """Without an interval values are stated, and factors only as what they are."""

    def one_sample(record: Record) -> Record:
        if record.outcome is None:
            return record
        series = [
            replace(one, timing=replace(one.timing, samples=1, elapsed_s=one.timing.elapsed_s[:1]))
            for one in record.outcome.series
            if one.timing
        ]
        return replace(record, outcome=replace(record.outcome, series=series))

    few = keep(result, everything, processes=1)
    few.records = [one_sample(r) if r.experiment == "memory" else r for r in few.records]
    found = drawn(few)
    assert found["working_set"].words.title.startswith("Reading moves ")
    assert "show no difference" in found["order"].words.title
    assert "show no cost" in found["stride"].words.title
    assert "no interval" in found["working_set"].words.caption


@pytest.mark.parametrize("operation", ["read", "copy", "triad", "strided", "gather"])
@pytest.mark.parametrize("processes", [1, 99])
def test_any_operation_alone_is_drawn(result: Result, operation: str, processes: int) -> None:
    """One figure, and nothing said of what is not there."""
    only = keep(result, lambda one: one.labels["operation"] == operation, processes)
    assert len(drawn(only)) == 1


@pytest.mark.parametrize(
    "wanted",
    [
        lambda one: one.labels["working_set_bytes"] == 4096,
        lambda one: one.labels["order"] == "random",
        lambda one: one.labels["stride"] == 64,
        lambda one: one.labels["stride"] in (2, 4),
    ],
    ids=["one size", "random only", "one stride", "two strides below a line"],
)
def test_few_points_are_drawn(result: Result, wanted: Callable[[Series], bool]) -> None:
    """Whatever a configuration leaves of the sweep."""
    assert drawn(keep(result, wanted))


def test_nothing_measured_draws_nothing(result: Result) -> None:
    """And heads no page."""
    nothing = keep(result, lambda _: False)
    assert drawn(nothing) == {}
    assert headline.cards(nothing) == []
    assert headline.sentences(nothing) == []
    assert method.method(nothing.of("memory")) == []
    assert roofs(nothing, "pytorch") == []


def test_several_dtypes_and_threads_make_a_line_each(result: Result) -> None:
    """And their names say which."""

    def doubled(record: Record) -> Record:
        if record.outcome is None:
            return record
        more = [
            replace(one, labels={**one.labels, "dtype": "float64", "threads": 1})
            for one in record.outcome.series
        ]
        series = [*record.outcome.series, *more]
        return replace(record, outcome=replace(record.outcome, series=series))

    both = keep(result, everything)
    both.records = [doubled(r) if r.experiment == "memory" else r for r in both.records]
    header = drawn(both)["working_set"].table.header
    assert "read, float32, 2 threads, GB/s" in header
    assert "read, float64, 1 thread, GB/s" in header
    assert "float64, 1 thread, ns" in drawn(both)["stride"].table.header


# --- caches


def cpu_of(*found: Cache, physical: int | None = 8, logical: int | None = 16) -> Cpu:
    """Return a processor with these caches."""
    names = {field.name for field in fields(Cpu)}
    names -= {"physical_cores", "logical_cores", "simd", "caches"}
    unknown: dict[str, Any] = dict.fromkeys(names)
    return Cpu(
        **unknown, physical_cores=physical, logical_cores=logical, simd=[], caches=list(found)
    )


def test_a_caches_reach_is_its_size_times_those_that_the_threads_have() -> None:
    """Eight cores of two hardware threads; L1 a core's own, L3 shared by four cores.

    Six threads on six cores have six L1 and two L3; the cache for instructions does not count.
    """
    cpu = cpu_of(
        Cache(level=3, type="unified", size_bytes=16 * MIB, shared_by=8),
        Cache(level=1, type="data", size_bytes=32 * KIB, shared_by=2),
        Cache(level=1, type="instruction", size_bytes=32 * KIB, shared_by=2),
    )
    found = caches.levels(cpu, 6)
    assert [(level.name, level.copies) for level in found] == [("L1", 6), ("L3", 2)]
    assert [level.reach_bytes for level in found] == [192 * KIB, 32 * MIB]
    assert [level.words for level in found] == [
        "L1 6 \N{MULTIPLICATION SIGN} 32 KiB",
        "L3 2 \N{MULTIPLICATION SIGN} 16 MiB",
    ]


def test_a_cache_that_nobody_knows_to_share_counts_once() -> None:
    """As is the number of cores unknown."""
    cache = Cache(level=2, type="unified", size_bytes=MIB, shared_by=None)
    (level,) = caches.levels(cpu_of(cache, physical=None, logical=None), 4)
    assert (level.copies, level.words) == (1, "L2 1 MiB")


# --- roofs


def stream(size: int, bytes_per_s: float) -> Quantity:
    """Return a read of one second a call, with a bandwidth."""
    labels: Labels = {"operation": "read", "working_set_bytes": size, "threads": 2}
    return Quantity(
        experiment="memory",
        kind="bandwidth",
        backend="pytorch",
        metric="call",
        labels={**labels, "stride": None, "order": None, "dtype": "float32"},
        groups=[[1.0]],
        bytes_moved=round(bytes_per_s),
    )


def test_a_roof_is_the_most_well_inside_a_cache_that_the_nearer_one_cannot_hold() -> None:
    """L1 reaches to 100 bytes, L2 to 1,000.

    Well inside L1 is up to 70; from over 100 to 700 is L2's; memory's is from 1,500. What lies
    between, or is too large for one and not well inside the next, shows neither.
    """
    known = [
        caches.Level(name="L1", size_bytes=50, copies=2),
        caches.Level(name="L2", size_bytes=1000, copies=1),
    ]
    rates = {60: 9, 70: 11, 80: 99, 100: 99, 110: 5, 700: 6, 800: 99, 1400: 99, 1500: 2, 9000: 1}
    found = [stream(size, rate) for size, rate in rates.items()]
    made = of_levels(known, found)
    assert [(roof.name, roof.bandwidth.value) for roof in made] == [
        ("L1", 11),
        ("L2", 6),
        ("memory", 2),
    ]
    assert made[0].quantity is found[1]
    # Without the last two, memory was not reached, and no roof is its own.
    assert of_levels(known, found[:-2]) == []
    # No set fits L2 alone: it is left out.
    assert [r.name for r in of_levels(known, [found[0], found[-1]])] == ["L1", "memory"]
    # No cache is known: the largest set is memory.
    assert [(r.name, r.bandwidth.value) for r in of_levels([], found)] == [("memory", 1)]


def test_a_claim_finds_a_working_set_by_the_cache_that_holds_it(result: Result) -> None:
    """Two threads have 2 x 48 KiB of L1 and 2 x 2 MiB of L2; what lies in between has no level."""
    found = BANDWIDTH.observe(result, result.of("memory"), Question(metric="seconds"))
    levels = {
        names.size(int(str(one.labels["working_set_bytes"]))): one.also["level"]
        for one in found
        if one.labels["operation"] == "read"
    }
    assert levels["4 KiB"] == "L1"
    assert levels["1 MiB"] == "L2"
    assert list(levels.values())[-1] == "memory"
    assert "level" in BANDWIDTH.label_names()


def test_the_model_machines_roofs_are_its_rates(result: Result) -> None:
    """200, 100 and 20 GB/s, less up to 4 % noise, 2 % within a sample and the calls."""
    found = {roof.name: roof.bandwidth.value for roof in roofs(result, "pytorch")}
    assert list(found) == ["L1", "L2", "memory"]
    assert list(found.values()) == pytest.approx([200e9, 100e9, 20e9], rel=0.07)
    assert roofs(result, "another") == []


# --- the top of the page, claims, comparisons


def test_the_card_is_the_largest_sets_best(result: Result) -> None:
    """64 MiB here, at 20 GB/s for each of three operations."""
    (card,) = headline.cards(result)
    assert (card.label, card.unit) == ("memory bandwidth", "GB/s")
    assert float(card.value) == pytest.approx(20, rel=0.07)
    assert card.note.endswith(" over 64 MiB")
    assert card.interval
    assert headline.sentences(result)[0].startswith("Memory delivers ")


def test_without_caches_the_sentence_is_of_memory_alone(result: Result) -> None:
    """Nothing nearer is known."""
    (said,) = headline.sentences(without_caches(result))
    assert "cache" not in said


def test_every_series_can_be_told_apart_by_a_claim(result: Result, records: list[Record]) -> None:
    """By its labels; bytes per second are bytes by seconds."""
    seconds, rates = (
        BANDWIDTH.observe(result, records, Question(metric=metric))
        for metric in ("seconds", "bytes_per_s")
    )
    assert set(BANDWIDTH.metrics) == {"seconds", "bytes_per_s"}
    assert seconds == rates
    assert len({q.key for q in seconds}) == len(seconds) == len(BANDWIDTH.quantities(records, ""))
    for one in seconds:
        assert one.bandwidth().value == pytest.approx((one.bytes_moved or 0) / one.time().value)


def test_two_machines_are_compared_over_the_largest_set_that_both_have(
    make_result: Callable[..., Result],
) -> None:
    """One twice as fast as the other; in the same operation, and each with its own threads."""
    slow, fast = make_result("slow"), make_result("fast", speed=2.0)
    fewer = keep(fast, lambda one: one.labels["working_set_bytes"] != 64 * MIB)
    (figure,) = comparisons.comparisons([slow, fewer], "memory")
    # The model machine's triad over 16 MiB runs at memory's rate, on both.
    assert figure.words.title.startswith("fast moves ")
    assert figure.words.title.endswith(" times the bytes of slow, over 16 MiB")
    assert "with 2 threads" in figure.words.caption
    assert figure.table.rows[-1][0] == "64 MiB"
    assert comparisons.comparisons([slow], "memory") == []


def test_machines_without_anything_in_common_are_not_compared(
    make_result: Callable[..., Result],
) -> None:
    """One has reads only, the other copies."""
    one = keep(make_result("one"), lambda s: s.labels["operation"] == "read")
    other = keep(make_result("other"), lambda s: s.labels["operation"] == "copy")
    assert comparisons.comparisons([one, other], "memory") == []


def test_the_same_machine_twice_shows_no_difference(make_result: Callable[..., Result]) -> None:
    """Same numbers, so that the interval of their ratio holds 1."""
    one = make_result("one")
    again = replace(one, machine=replace(one.machine, id="again"))
    (figure,) = comparisons.comparisons([one, again], "memory")
    assert figure.words.title.startswith("These runs show no difference between the machines")


def test_the_method_tells_how_many_processes_and_what_is_counted(records: list[Record]) -> None:
    """Three processes here."""
    said = method.method(records)
    assert said[0].startswith("3 fresh processes.")
    assert any("read plus written, each once" in sentence for sentence in said)
