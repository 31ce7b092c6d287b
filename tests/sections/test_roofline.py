"""The roofline: balance, sides and shares by hand, and words that stay true for odd data."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from report.analysis.estimate import Estimate
from report.sections import roofline
from report.sections.roofline.ceilings import side
from report.sections.roofline.kernels import at

if TYPE_CHECKING:
    from collections.abc import Callable

    from report.figures.figure import Figure
    from report.results.result import Result
    from report.sections.roofline import Case

# Without noise every process measures the same, so that answers are exact.
EXACT = {"noise": 0.0}

PEAK = 2 * 4096**3 / (2e-6 + 2 * 4096**3 / (320e9 * 4096 / 4136))
"""Of the factory's largest float32 product: 2 us and so much a second."""


@pytest.fixture(name="case")
def an_exact_case(result_of: Callable[..., Result]) -> Case:
    """Return the float32 roofline of a machine without noise."""
    return roofline.cases(result_of(**EXACT))[0]


def by_name(figures: list[Figure]) -> dict[str, Figure]:
    """Return figures by name."""
    return {figure.name: figure for figure in figures}


def test_balance_is_peak_over_memory(case: Case) -> None:
    """Operations at the highest measured rate for each byte at 20 GB/s."""
    balance = case.ceilings.balance()
    assert balance.value == pytest.approx(PEAK / 20e9)
    # Equal processes: an interval without width.
    assert [balance.low, balance.high] == pytest.approx([balance.value] * 2)


def test_more_bandwidth_lowers_the_balance(result_of: Callable[..., Result]) -> None:
    """Twice the bytes a second, half the operations that each must be worth."""
    slow, fast = (
        roofline.cases(result_of(noise=0.0, bandwidths={2**28: rate}))[0] for rate in (20e9, 40e9)
    )
    assert slow.ceilings.balance().value == pytest.approx(2 * fast.ceilings.balance().value)
    # No kernel's share of the higher roof is larger.
    for before, after in zip(slow.kernels, fast.kernels, strict=True):
        if before.family == "triad":
            continue  # made faster with the memory
        lower = slow.ceilings.share(before, slow.ceilings.memory).value
        assert fast.ceilings.share(after, fast.ceilings.memory).value <= lower * (1 + 1e-9)


def test_share_below_the_balance_is_of_the_sloped_roof(case: Case) -> None:
    """A column: 131,072 operations in 12 us, 0.496 of them a byte, against 20 and 200 GB/s."""
    column = at(case.kernels, strategy="column", size=256)
    assert column is not None
    rate, intensity = 131_072 / 12e-6, 131_072 / (66_048 * 4)
    memory = case.ceilings.share(column, case.ceilings.memory)
    highest = case.ceilings.share(column, case.ceilings.highest)
    assert memory.value == pytest.approx(rate / (intensity * 20e9))
    assert highest.value == pytest.approx(rate / (intensity * 200e9))


def test_share_above_the_balance_is_of_the_peak(case: Case) -> None:
    """Whichever sloped roof is asked for; of the peak itself it is all, exactly."""
    full = at(case.kernels, strategy="full", size=256)
    best = at(case.kernels, strategy="full-out", size=4096, dtype="float32")
    assert full is not None
    assert best is not None
    for roof in (case.ceilings.memory, case.ceilings.highest):
        assert case.ceilings.share(full, roof).value == pytest.approx(2 * 256**3 / 110e-6 / PEAK)
        assert case.ceilings.share(best, roof).value == 1


@pytest.mark.parametrize(
    ("intensity", "expected"),
    [(0.9, "memory"), (1.0, "either"), (1.05, "either"), (1.2, "arithmetic")],
)
def test_within_the_balances_interval_a_kernel_is_on_no_side(
    case: Case, intensity: float, expected: str
) -> None:
    """A difference that the interval does not show is not claimed."""
    balance = Estimate(value=1.02, low=0.95, high=1.1, replicates=3, samples=9, basis="replicates")
    add = at(case.kernels, operation="add", size=1)
    assert add is not None
    kernel = replace(add, quantity=replace(add.quantity, flops=round(1000 * intensity)))
    assert side(replace(kernel, least_bytes=1000), balance) == expected


def test_figures_are_float32_then_balance_then_other_formats(
    figures_of: Callable[..., list[Figure]],
) -> None:
    """Each named after its backend, with a question that the template knows."""
    figures = figures_of("roofline")
    assert [(figure.name, figure.question) for figure in figures] == [
        ("roofline-pytorch-float32", "roofline"),
        ("roofline-pytorch-balance", "balance"),
        ("roofline-pytorch-bfloat16", "dtype"),
    ]


def test_two_backends_have_their_own_figures(result_of: Callable[..., Result]) -> None:
    """Also where one's name begins like the other's."""
    names = [f.name for f in roofline.figures(result_of(backends=("pytorch", "pytorch2")))]
    assert names.count("roofline-pytorch-balance") == names.count("roofline-pytorch2-balance") == 1


def test_table_and_sheet_hold_every_kernel(result_of: Callable[..., Result]) -> None:
    """And the sheet the roofs and the balance as well."""
    result = result_of()
    figure, case = roofline.figures(result)[0], roofline.cases(result)[0]
    assert [row[0] for row in figure.table.rows] == [kernel.name for kernel in case.kernels]
    assert all(len(row) == len(figure.table.header) for row in figure.table.rows)
    assert all(len(row) == len(figure.sheet.header) for row in figure.sheet.rows)
    # L1, L2, memory and the peak, then the balance.
    assert [row[0] for row in figure.sheet.rows][:6] == ["roof"] * 4 + ["balance", "kernel"]


def test_title_counts_the_kernels_below_the_balance(
    figures_of: Callable[..., list[Figure]],
) -> None:
    """As many as the table puts on memory's side."""
    figure = figures_of("roofline")[0]
    fewer = [row[-1] for row in figure.table.rows].count("memory")
    assert f"{fewer} of {len(figure.table.rows)} kernels have fewer" in figure.words.title


def test_words_name_the_calls_where_no_roof_decides(
    figures_of: Callable[..., list[Figure]],
) -> None:
    """9 us for a dot product, of which its roof explains less than a thousandth; an add is 1 us."""
    words = figures_of("roofline", **EXACT)[0].words.explanation
    assert "element 9.0, column 12, row 9.0" in words
    assert "For element, memory and arithmetic at their roofs account for less than 10 %" in words
    # 80 us and 13 ns for one example; 99.5 us for 1,500.
    assert "with 1 example takes as long as 80 of these adds" in words
    assert "with 1,500 examples takes as long as 99 of these adds" in words


@pytest.mark.parametrize("kind", ["matmul", "bandwidth"])
def test_without_rates_or_bandwidths_there_is_no_roofline(
    result_of: Callable[..., Result], kind: str
) -> None:
    """Nothing is drawn, and nothing said."""
    result = result_of(leave_out=(kind,))
    assert roofline.figures(result) == []
    assert roofline.experiments(result) == []
    assert roofline.method(result) == []


def test_without_updates_and_additions_the_rest_stands(result_of: Callable[..., Result]) -> None:
    """No sentence compares with an addition that was not measured."""
    result = result_of(leave_out=("overhead",))
    figure = roofline.figures(result)[0]
    assert roofline.experiments(result) == ["products", "memory"]
    assert "add" not in figure.words.explanation
    assert "update" not in figure.words.explanation


def test_all_experiments_that_are_drawn_are_named(result_of: Callable[..., Result]) -> None:
    """Their noise grades decide how far the figure can be trusted."""
    assert roofline.experiments(result_of()) == ["products", "memory", "steps"]


def test_one_number_format_makes_one_roofline(figures_of: Callable[..., list[Figure]]) -> None:
    """And the balance."""
    figures = figures_of("roofline", peaks={"float32": 320e9})
    assert len(figures) == 2


def test_one_process_claims_no_interval(result_of: Callable[..., Result]) -> None:
    """With too few samples for the median's own there is none to show."""
    result = result_of(processes=1)
    for record in result.records:
        assert record.outcome is not None
        for index, series in enumerate(record.outcome.series):
            assert series.timing is not None
            short = replace(series.timing, elapsed_s=series.timing.elapsed_s[:2], samples=2)
            record.outcome.series[index] = replace(series, timing=short)
    figures = by_name(roofline.figures(result))
    assert "no interval" in figures["roofline-pytorch-float32"].words.caption
    assert "95 %" not in figures["roofline-pytorch-balance"].words.caption


def test_unknown_caches_leave_one_slope(
    result_of: Callable[..., Result], figures_of: Callable[..., list[Figure]]
) -> None:
    """The largest working set's, as memory."""
    case = roofline.cases(result_of(machine={"caches": []}))[0]
    assert [roof.name for roof in case.ceilings.roofs] == ["memory"]
    assert figures_of("roofline", machine={"caches": []})[0].drawing.narrow


def test_caches_slower_than_memory_are_drawn_as_they_are(
    result_of: Callable[..., Result], figures_of: Callable[..., list[Figure]]
) -> None:
    """On small working sets calls decide; no word says that nearer is faster."""
    flat = {2**14: 2e9, 2**18: 9e9, 2**28: 20e9}
    case = roofline.cases(result_of(bandwidths=flat))[0]
    assert case.ceilings.highest is case.ceilings.memory
    assert figures_of("roofline", bandwidths=flat)[0].drawing.wide


def test_memory_that_feeds_the_peak_turns_the_title(
    figures_of: Callable[..., list[Figure]],
) -> None:
    """A slow processor with fast memory: the finding is the other way round."""
    figures = by_name(figures_of("roofline", noise=0.0, bandwidths={2**28: 1e13}))
    # 4 bytes for each of about 3.2e11 operations against 1e13.
    title = figures["roofline-pytorch-balance"].words.title
    assert title.startswith("Memory gives 7.9 times the bytes")


def test_a_tie_is_called_one(figures_of: Callable[..., list[Figure]]) -> None:
    """Where the interval holds 1, no side wins."""
    figures = by_name(figures_of("roofline", noise=0.2, bandwidths={2**28: 4 * PEAK}, triads=1.0))
    assert figures["roofline-pytorch-balance"].words.title.startswith("Memory gives about")


def test_chapters_estimate_stands_beside_this_machines(
    figures_of: Callable[..., list[Figure]],
) -> None:
    """Both ratios, and which clock was taken."""
    caption = figures_of("roofline", **EXACT)[1].words.caption
    assert "2 GHz × 16 cores × 32 B = 1.02 TB/s against 100 GB/s from memory" in caption  # noqa: RUF001
    # 2.6 GHz * 2 * 32 B = 166.4 GB/s, 8.3 times 20 GB/s.
    assert "= 166 GB/s, at the clock that the system reports" in caption
    assert "8.3 times what memory was measured to give" in caption


def test_without_a_clock_the_arithmetic_is_not_made(
    figures_of: Callable[..., list[Figure]],
) -> None:
    """The row is missing, and the caption says why."""
    figure = figures_of("roofline", machine={"frequency_hz": None})[1]
    assert "does not tell its clock" in figure.words.caption
    assert not any("GHz" in str(row[0]) and "here" in str(row[0]) for row in figure.table.rows)


def test_an_accelerator_is_not_reckoned_with_the_processors_clock(
    result_of: Callable[..., Result],
) -> None:
    """Neither for the chapter's arithmetic nor for a theoretical peak."""
    result = result_of(device="cuda:0", machine={"max_frequency_hz": 3e9})
    figures = roofline.figures(result)
    assert "cannot be done here: this is cuda:0" in figures[1].words.caption
    assert "Dotted" not in figures[0].words.caption
    assert any("no table here tells what cuda:0" in s for s in roofline.method(result))


def test_theoretical_peak_is_drawn_where_it_can_hold(result_of: Callable[..., Result]) -> None:
    """3 GHz * 2 cores * 64 = 384 GFLOPS is above the measured 320; 2 GHz would not be."""
    known = result_of(machine={"max_frequency_hz": 3e9})
    wrong = result_of(machine={"max_frequency_hz": 2e9})
    assert "384 GFLOPS" in roofline.figures(known)[0].words.caption
    assert "Dotted" not in roofline.figures(wrong)[0].words.caption
    assert any("less than was measured" in sentence for sentence in roofline.method(wrong))


def test_both_layouts_name_every_roof(figures_of: Callable[..., list[Figure]]) -> None:
    """The colours of the roofs are alike; only their names tell them apart."""
    drawing = figures_of("roofline")[0].drawing
    for layout in (drawing.wide, drawing.narrow):
        for name in ("L1", "L2", "memory", "balance", "element", "update"):
            assert name in layout
