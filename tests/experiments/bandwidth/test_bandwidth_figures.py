"""What pages say and draw of memory: true for any data, also where much of it is missing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from factories import bandwidth as model
from pages import overlay
from reading import curves, said, whole
from report.analysis.quantities import Quantity, Question
from report.experiments.bandwidth.figures import figures
from report.experiments.bandwidth.kind import BANDWIDTH
from report.experiments.bandwidth.measure import CHAIN, CHASED_ELEMENTS, Point, bytes_moved
from report.experiments.bandwidth.quantities import (
    Level,
    by_place,
    each,
    levels,
    of_records,
    roofs,
    roofs_of,
    working_set,
)
from report.figures.prose import plain
from report.figures.shapes import Guide, Upright
from report.results.machine import Cache
from report.sections.frameworks import over_frameworks
from report.text import names
from report.worker.records import Accelerator
from results_factory import each_outcome, make_machine, make_result

if TYPE_CHECKING:
    from collections.abc import Callable

    from report.figures.figure import Figure
    from report.figures.shapes import Mark
    from report.results.machine import Cpu
    from report.results.result import Result
    from report.worker.records import Labels, Series

KIB, MIB = 2**10, 2**20


@pytest.fixture(name="result", scope="module")
def model_result() -> Result:
    """Return a made-up result: L1 of 48 KiB and L2 of 2 MiB a core, two threads."""
    return make_result(frameworks=("pytorch", "numba"), profile="full")


def drawn(result: Result, experiment: str = "memory") -> dict[str, Figure]:
    """Return the first framework's figures by the question that each answers."""
    return {figure.question: figure for figure in figures(result.led(), experiment)}


def marks(figure: Figure) -> tuple[Mark, ...]:
    """Return what is drawn beside the lines."""
    return curves(figure).marks


def caches(figure: Figure) -> dict[str, float]:
    """Return where the caches that are drawn end, by their words."""
    return {mark.label: mark.x for mark in marks(figure) if isinstance(mark, Upright)}


def keep(result: Result, wanted: Callable[[Series], bool], processes: int = 99) -> Result:
    """Return the result with some of its memory's series, of the first so many processes."""
    return changed(result, lambda series: [one for one in series if wanted(one)], processes)


def changed(
    result: Result, change: Callable[[list[Series]], list[Series]], processes: int = 99
) -> Result:
    """Return the result with its memory's series changed, of the first so many processes."""
    few = [r for r in result.records if r.experiment != "memory" or r.process < processes]
    return each_outcome(
        replace(result, records=few),
        lambda outcome, _: replace(outcome, series=change(outcome.series)),
        "memory",
    )


def without_caches(result: Result) -> Result:
    """Return the result of a machine whose caches could not be read."""
    cpu = replace(result.machine.cpu, caches=[])
    return replace(result, machine=replace(result.machine, cpu=cpu))


# --- figures


def test_each_question_has_a_figure_with_all_that_belongs_to_it(result: Result) -> None:
    """A question, a finding, numbers to read and to download, and the functions that were timed."""
    found = drawn(result)
    assert list(found) == ["working_set", "order", "stride"]
    assert found["working_set"].code == ["copy", "read", "triad"]
    for figure in (*found.values(), *drawn(result, "latency").values()):
        assert figure.words.asked
        whole(figure)


def test_the_title_gives_the_model_machines_ratio(result: Result) -> None:
    """Two threads read 200 GB/s from L1 and 20 GB/s from memory: 10 times, less 0.6 % for calls."""
    title = plain(drawn(result)["working_set"].words.title)
    assert title.startswith(("Reading runs 9.9 times", "Reading runs 10 times"))
    assert title.endswith(" as over 64 MiB")


def test_caches_are_marked_where_they_reach(result: Result) -> None:
    """Streams have those of both threads, look-ups and chases those of one."""
    assert caches(drawn(result)["working_set"]) == {
        "L1 2 \N{MULTIPLICATION SIGN} 48 KiB": 96 * KIB,
        "L2 2 \N{MULTIPLICATION SIGN} 2 MiB": 4 * MIB,
    }
    for figure in (drawn(result)["order"], drawn(result, "latency")["latency"]):
        assert caches(figure) == {"L1 48 KiB": 48 * KIB, "L2 2 MiB": 2 * MIB}


def test_the_cost_of_a_call_is_drawn_and_told(result: Result) -> None:
    """A copy of 4 KiB takes 1 µs for the call and 0.02 µs at 200 GB/s; a read hides it."""
    figure = drawn(result)["working_set"]
    (guide,) = (mark for mark in marks(figure) if isinstance(mark, Guide))
    assert guide.x[0] / guide.y[0] == pytest.approx(1.03e-6, rel=0.05)
    assert "the cost of the call" in figure.words.explanation
    reads = drawn(keep(result, lambda one: one.labels["operation"] == "read"))["working_set"]
    assert not any(isinstance(mark, Guide) for mark in marks(reads))
    assert "call" not in reads.words.explanation


def test_caches_that_are_not_known_are_not_drawn(result: Result) -> None:
    """Nor those of the processor where an accelerator's memory was measured."""
    elsewhere = [replace(record, device="cuda:0") for record in result.records]
    for one in (without_caches(result), replace(result, records=elsewhere)):
        figure = drawn(one)["working_set"]
        assert caches(figure) == {}
        assert "are not known here" in figure.words.explanation
        assert list(roofs(one, "pytorch")) == ["memory"]
        levels = drawn(one, "latency")["latency"].words.caption
        assert "from memory" in levels.lower()
        assert "cache" not in levels


def test_the_cache_of_an_accelerator_is_drawn_where_its_memory_was_measured(result: Result) -> None:
    """One cache for all of its processors, which its framework tells the size of."""
    elsewhere = [replace(record, device="cuda:0") for record in result.records]
    device = Accelerator(device="cuda:0", l2_bytes=4 * MIB, works=True)
    others = Accelerator(device="cuda:1", l2_bytes=MIB, works=True)
    machine = replace(result.machine, accelerators=[others, device])
    one = replace(result, records=elsewhere, machine=machine)
    figure = drawn(one)["working_set"]
    assert caches(figure) == {"L2 4 MiB": 4 * MIB}
    assert list(roofs(one, "pytorch")) == ["L2", "memory"]


def test_one_sample_of_one_process_claims_no_difference(result: Result) -> None:
    """Factors are stated as no more than what they are."""

    def one_sample(series: list[Series]) -> list[Series]:
        return [
            replace(one, timing=replace(one.timing, samples=1, elapsed_s=one.timing.elapsed_s[:1]))
            for one in series
            if one.timing
        ]

    found = drawn(changed(result, one_sample, processes=1))
    assert "show no difference" in found["order"].words.title
    assert "show no cost" in found["stride"].words.title
    assert "no interval" in found["working_set"].words.caption


@pytest.mark.parametrize("processes", [1, 99])
@pytest.mark.parametrize(
    ("wanted", "questions"),
    [
        ({"operation": "read"}, ["working_set"]),
        ({"operation": "copy"}, ["working_set"]),
        ({"operation": "strided"}, ["stride"]),
        ({"operation": "gather"}, ["order"]),
        ({"working_set_bytes": 4096}, ["working_set", "order"]),
        ({"order": "random"}, ["order"]),
        ({"stride": 64}, ["stride"]),
        ({"stride": 2}, ["stride"]),
        ({"operation": "none"}, []),
    ],
    ids=str,
)
def test_whatever_is_left_of_a_sweep_is_drawn(
    result: Result, wanted: Labels, questions: list[str], processes: int
) -> None:
    """And nothing said of what is not there."""
    few = keep(result, lambda one: wanted.items() <= one.labels.items(), processes)
    found = drawn(few)
    assert list(found) == questions
    for figure in found.values():
        whole(figure)


def test_nothing_measured_heads_no_page(result: Result) -> None:
    """Nor has it a method."""
    nothing = keep(result, lambda _: False).led()
    assert BANDWIDTH.cards(nothing) == []
    assert BANDWIDTH.sentences(nothing) == []
    assert BANDWIDTH.method(nothing.of("memory")) == []
    assert roofs(nothing, "pytorch") == {}


def test_several_dtypes_and_threads_make_a_line_each(result: Result) -> None:
    """And their names say which."""

    def doubled(series: list[Series]) -> list[Series]:
        other: Labels = {"dtype": "float64", "threads": 1}
        return [*series, *(replace(one, labels={**one.labels, **other}) for one in series)]

    found = drawn(changed(result, doubled))
    assert "read, float32, 2 threads, GB/s" in found["working_set"].table.header
    assert "read, float64, 1 thread, GB/s" in found["working_set"].table.header
    assert "float64, 1 thread, ns" in found["stride"].table.header


def test_the_method_names_what_was_done(result: Result) -> None:
    """Three processes; of a chase nothing is said that only look-ups and streams do."""
    memory, latency = (BANDWIDTH.method(result.led().of(n)) for n in ("memory", "latency"))
    assert memory[0].startswith("3 fresh processes.")
    assert "A gather looks up" in " ".join(memory)
    assert "gather" not in " ".join(latency)


# --- accesses that wait


def test_an_access_is_one_of_as_many_as_a_call_makes(result: Result) -> None:
    """The seconds of a call by the positions that it visits, whatever the working set."""
    for quantity in of_records(result.of("latency")):
        assert quantity.bytes_moved == 8 * CHASED_ELEMENTS
        assert each(quantity).value == pytest.approx(
            quantity.time().value / CHASED_ELEMENTS, rel=1e-9
        )


def test_claims_can_ask_for_the_seconds_of_one_access_in_each_level(result: Result) -> None:
    """The same number as the figure's, and the levels by which a claim chooses it."""
    records = result.of("latency")
    found = BANDWIDTH.observe(result, records, Question(metric="seconds_per_element"))
    for quantity, call in zip(found, of_records(records), strict=True):
        assert quantity.metric == "seconds_per_element"
        assert quantity.estimate().value == pytest.approx(each(call).value, rel=1e-9)
    assert {quantity.also["level"] for quantity in found} >= {"L1", "L2", "memory"}


def test_chain_visits_as_many_positions_in_any_working_set() -> None:
    """One thread, 64-bit positions; a small chain is gone round many times."""
    for size in (2**12, 2**30):
        point = Point(
            operation="chase",
            working_set_bytes=size,
            stride=None,
            order="random",
            dtype=CHAIN,
            threads=1,
        )
        access = point.access(resident_bytes=2**21, parts=1, most_stride=1, seed=1)
        assert (access.elements, access.chunk) == (size // 8, CHASED_ELEMENTS)
        assert bytes_moved(access) == 8 * CHASED_ELEMENTS


def test_each_cache_and_memory_has_its_time(result: Result) -> None:
    """1.5 ns, 6 ns and 120 ns on the model machine, each from the largest set that it holds."""
    chases = sorted(of_records(result.of("latency")), key=working_set)
    found = by_place(levels(result.machine.cpu, 1), chases)
    assert list(found) == ["L1", "L2", "memory"]
    times = [each(mine[-1]).value for mine in found.values()]
    assert times == pytest.approx([1.5e-9, 6e-9, 120e-9], rel=0.1)
    assert working_set(found["L1"][-1]) <= model.L1_BYTES < working_set(found["L2"][0])
    caption = drawn(result, "latency")["latency"].words.caption
    for place in ("From the L1 cache", "from the L2 cache", "from memory"):
        assert place in caption


# --- caches


def cpu_of(*found: Cache, physical: int | None = 8, logical: int | None = 16) -> Cpu:
    """Return a processor with these caches."""
    made = make_machine().cpu
    return replace(made, physical_cores=physical, logical_cores=logical, caches=list(found))


def test_a_caches_reach_is_its_size_times_those_that_the_threads_have() -> None:
    """Eight cores of two hardware threads; L1 a core's own, L3 shared by four cores."""
    # Six threads on six cores have six L1 and two L3; the cache for instructions does not count.
    cpu = cpu_of(
        Cache(level=3, type="unified", size_bytes=16 * MIB, shared_by=8),
        Cache(level=1, type="data", size_bytes=32 * KIB, shared_by=2),
        Cache(level=1, type="instruction", size_bytes=32 * KIB, shared_by=2),
    )
    found = levels(cpu, 6)
    assert [(level.name, level.copies) for level in found] == [("L1", 6), ("L3", 2)]
    assert [level.reach_bytes for level in found] == [192 * KIB, 32 * MIB]


def test_first_caches_are_counted_right_where_cores_are_not_alike() -> None:
    """Eight cores of two hardware threads beside four of one: 20 threads in 12 cores."""
    first = Cache(level=1, type="data", size_bytes=48 * KIB, shared_by=2)
    last = Cache(level=3, type="unified", size_bytes=30 * MIB, shared_by=20)
    found = levels(cpu_of(first, last, physical=12, logical=20), 8)
    assert [(level.name, level.copies) for level in found] == [("L1", 8), ("L3", 1)]


def test_a_cache_that_nobody_knows_to_share_counts_once() -> None:
    """As is the number of cores unknown."""
    cache = Cache(level=2, type="unified", size_bytes=MIB, shared_by=None)
    (level,) = levels(cpu_of(cache, physical=None, logical=None), 4)
    assert (level.copies, level.words) == (1, "L2 1 MiB")


def stream(size: int, bytes_per_s: float) -> Quantity:
    """Return a read of one second a call, with a bandwidth."""
    labels: Labels = {"operation": "read", "working_set_bytes": size, "threads": 2}
    return Quantity(
        experiment="memory",
        kind="bandwidth",
        backend="pytorch",
        labels={**labels, "stride": None, "order": None, "dtype": "float32"},
        groups=[[1.0]],
        bytes_moved=round(bytes_per_s),
    )


def test_a_roof_is_the_most_well_inside_a_cache_that_the_nearer_one_cannot_hold() -> None:
    """L1 reaches to 100 bytes, L2 to 1,000."""
    # Well inside L1 is up to 70; from over 100 to 700 is L2's; memory's is from 1,500. What lies
    # between, or is too large for one and not well inside the next, shows neither.
    known = [Level(name="L1", size_bytes=50, copies=2), Level(name="L2", size_bytes=1000, copies=1)]
    rates = {60: 9, 70: 11, 80: 99, 100: 99, 110: 5, 700: 6, 800: 99, 1400: 99, 1500: 2, 9000: 1}
    found = [stream(size, rate) for size, rate in rates.items()]

    def made(levels: list[Level], series: list[Quantity]) -> list[tuple[str, float]]:
        return [(name, top.estimate.value) for name, top in roofs_of(levels, series).items()]

    assert made(known, found) == [("L1", 11), ("L2", 6), ("memory", 2)]
    assert roofs_of(known, found)["L1"].quantity is found[1]
    assert roofs_of(known, found)["L1"].estimate.highest_of == 2
    # Without the last two, memory was not reached, and no roof is its own.
    assert made(known, found[:-2]) == []
    # No set fits L2 alone: it is left out.
    assert made(known, [found[0], found[-1]]) == [("L1", 9), ("memory", 1)]
    # No cache is known: the largest set is memory.
    assert made([], found) == [("memory", 1)]


def test_a_claim_finds_a_working_set_by_the_cache_that_holds_it(result: Result) -> None:
    """Two threads have 2 x 48 KiB of L1 and 2 x 2 MiB of L2; what lies in between has no level."""
    observed = BANDWIDTH.observe(result, result.led().of("memory"), Question(metric="seconds"))
    levels = {
        names.size(working_set(one)): one.also["level"]
        for one in observed
        if one.labels["operation"] == "read"
    }
    assert levels["4 KiB"] == "L1"
    assert levels["1 MiB"] == "L2"
    assert list(levels.values())[-1] == "memory"
    assert "level" in BANDWIDTH.label_names()


def test_every_series_can_be_told_apart_by_a_claim(result: Result) -> None:
    """By its labels; bytes per second are bytes by seconds."""
    records = result.led().of("memory")
    seconds, rates = (
        BANDWIDTH.observe(result, records, Question(metric=metric))
        for metric in ("seconds", "bytes_per_s")
    )
    assert seconds == rates
    assert len({q.key for q in seconds}) == len(seconds) == len(BANDWIDTH.quantities(records, ""))
    for one in seconds:
        assert one.bandwidth().value == pytest.approx((one.bytes_moved or 0) / one.time().value)


# --- the top of the page


def test_card_and_claims_speak_of_the_same_number(result: Result) -> None:
    """Memory's roof, 20 GB/s less up to 4 % noise: named highest of those that reach memory."""
    found = roofs(result.led(), "pytorch")
    rates = {name: top.estimate.value for name, top in found.items()}
    assert list(rates) == ["L1", "L2", "memory"]
    assert list(rates.values()) == pytest.approx([200e9, 100e9, 20e9], rel=0.07)
    (card,) = BANDWIDTH.cards(result.led())
    assert (card.label, card.unit) == ("memory bandwidth", "GB/s")
    assert card.estimate == found["memory"].estimate
    assert card.interval


# --- machines and frameworks on the same axes


def test_the_faster_of_two_machines_is_named_with_the_factor() -> None:
    """Twice as fast, in one operation; each with its own working sets."""
    slow, fast = make_result("slow"), make_result("fast", speed=2.0)
    fewer = keep(fast, lambda one: one.labels["working_set_bytes"] != 16 * MIB)
    (figure,) = overlay([slow, fewer], "memory")
    title = plain(figure.words.title)
    assert title.startswith("From memory, fast moves ")
    assert any(f": {factor} times" in title for factor in ("1.9", "2.0", "2.1"))
    assert "Triad in float32, with 2 threads" in said(figure)["caption"]
    assert [one.name for one in curves(figure).lines] == ["slow", "fast"]


def test_the_same_machine_twice_shows_no_difference(result: Result) -> None:
    """Same numbers, so that the interval of their ratio holds 1."""
    again = replace(result, machine=replace(result.machine, id="again"))
    (figure,) = overlay([result, again], "memory")
    assert figure.words.title.startswith("No difference is shown between the machines")


def test_without_anything_in_common_nothing_is_compared() -> None:
    """One has reads only, the other copies; or there is one alone."""
    one = keep(make_result("one"), lambda s: s.labels["operation"] == "read")
    other = keep(make_result("other"), lambda s: s.labels["operation"] == "copy")
    assert overlay([one, other], "memory") == []
    assert overlay([one, keep(other, lambda _: False)], "memory") == []


def test_frameworks_show_reads_and_triads(result: Result) -> None:
    """Colours say the framework, dashes the operation; rows of both in one sheet."""
    (figure,) = BANDWIDTH.overlay(over_frameworks(result, "memory"))
    assert figure.words.asked.startswith("<p>Does a framework lose")
    lines = {one.name: (one.index, one.dash) for one in curves(figure).lines}
    names = ["PyTorch", "Numba (loop)"]
    assert list(lines) == [f"{name}, {how}" for name in names for how in ("read", "triad")]
    (first, read), (same, triad), (other, again), (_, last) = lines.values()
    assert first == same != other
    assert read == again != triad == last
    assert {row[0] for row in figure.sheet.rows} == set(names)
    assert figure.sheet.header[-1] == "key"
