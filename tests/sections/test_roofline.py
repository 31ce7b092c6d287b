"""The roofline: its figures, and words that stay true for odd data."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from report.figures.draw import drawing
from report.figures.prose import plain
from report.figures.shapes import YARDSTICK, Curves, Guide, Upright
from report.sections import roofline
from report.sections.roofline.cases import cases

if TYPE_CHECKING:
    from collections.abc import Callable

    from report.figures.figure import Figure
    from report.results.result import Result

    Made = Callable[..., Result]
    Asked = Callable[..., dict[str, Figure]]
    Drawn = Callable[..., list[Figure]]

# Without noise every process measures the same, so that answers are exact.
EXACT = {"noise": 0.0}


@pytest.fixture(name="asked")
def by_question(figures_of: Drawn) -> Asked:
    """Return a function that draws, and returns figures by the question that each answers."""

    def ask(**fields: object) -> dict[str, Figure]:
        return {figure.question: figure for figure in figures_of("roofline", **fields)}

    return ask


def guides(figure: Figure) -> dict[str, Guide]:
    """Return the roofs of a roofline by their short names."""
    assert isinstance(figure.shape, Curves)
    return {mark.narrow: mark for mark in figure.shape.marks if isinstance(mark, Guide)}


def test_figures_are_float32_then_balance_then_all_formats(figures_of: Drawn) -> None:
    """However many formats there are, they share one figure; one alone has none."""
    names = [f"roofline-pytorch-{name}" for name in ("float32", "balance", "dtype")]
    questions = ["roofline", "balance", "dtype"]
    for dtypes, count in ((["float32"], 2), (["bfloat16"], 3), (["float64", "float16"], 3)):
        figures = figures_of("roofline", peaks={"float32": 3e11, **dict.fromkeys(dtypes, 2e11)})
        assert [figure.name for figure in figures] == names[:count]
        assert [figure.question for figure in figures] == questions[:count]


def test_two_backends_have_their_own_figures(result_of: Made) -> None:
    """Also where one's name begins like the other's."""
    names = [f.name for f in roofline.figures(result_of(backends=("pytorch", "pytorch2")))]
    assert [names.count(f"roofline-{name}-balance") for name in ("pytorch", "pytorch2")] == [1, 1]


def test_table_and_sheet_hold_every_kernel(result_of: Made) -> None:
    """And the sheet the roofs and the balance as well; each row says whose number it is."""
    result = result_of()
    figure, _, formats = roofline.figures(result)
    case, other = cases(result)
    assert [row[0] for row in figure.table.rows] == [kernel.name for kernel in case.kernels]
    assert [row[0] for row in formats.table.rows] == [f"bfloat16, {k.name}" for k in other.kernels]
    for one in (figure, formats):
        assert {len(row) for row in one.table.rows} == {len(one.table.header)}
        assert {len(row) for row in one.sheet.rows} == {len(one.sheet.header)}
        assert all(row[-1] for row in one.sheet.rows)
    # L1, L2, memory and the peak, then the balance.
    assert [row[0] for row in figure.sheet.rows][:6] == ["roof"] * 4 + ["balance", "kernel"]
    assert {row[1] for row in formats.sheet.rows} == {"float32", "bfloat16"}


def test_slopes_end_at_the_peak_and_say_whose_they_are(result_of: Made, asked: Asked) -> None:
    """Memory's is drawn in ink; on a phone only their names tell caches apart."""
    case = cases(result_of(**EXACT))[0]
    figure = asked(**EXACT)["roofline"]
    roofs = guides(figure)
    assert list(roofs)[:3] == ["L1", "L2", "memory"]
    for name, roof in case.roofs.items():
        assert roofs[name].y[1] == case.peak.value
        assert roofs[name].y[1] / roofs[name].x[1] == pytest.approx(roof.estimate.value)
        assert (roofs[name].colour == YARDSTICK) == (name == "memory")
    assert isinstance(figure.shape, Curves)
    (balance,) = (mark for mark in figure.shape.marks if isinstance(mark, Upright))
    assert balance.x == case.balance().value
    named = [line.name for line in figure.shape.lines if line.name]
    assert {name.partition(",")[0] for name in named} == {one.family for one in case.kernels}
    assert len(set(named)) == len(figure.shape.lines)
    drawn = drawing(figure.name, figure.words.alt, figure.shape)
    for name in ("L1", "L2", "memory", "balance", "element", "update"):
        assert name in drawn.wide
        assert name in drawn.narrow


def test_caches_close_to_each_other_share_a_name(asked: Asked) -> None:
    """Two names beside each other would touch; memory always has its own."""
    apart, close = (
        guides(asked(bandwidths={2**14: 200e9, 2**18: second, 2**28: 20e9})["roofline"])
        for second in (60e9, 190e9)
    )
    assert (apart["L1"].va, apart["L2"].va) == ("bottom", "bottom")
    assert close["L1 to L2"].label == "L1 to L2, 188 to 198 GB/s"
    assert (close["L1 to L2"].va, close["memory"].va) == ("bottom", "top")
    assert "L2" not in close


def test_title_counts_the_kernels_below_the_balance(asked: Asked) -> None:
    """As many as the table puts on memory's side."""
    figure = asked()["roofline"]
    fewer = [row[-1] for row in figure.table.rows].count("memory")
    assert f"{fewer} of {len(figure.table.rows)} do fewer" in figure.words.title


def test_title_of_all_formats_names_the_highest_and_the_lowest_balance(
    result_of: Made, asked: Asked
) -> None:
    """1.9 TFLOPS in bfloat16 against 320 GFLOPS in float32, with the same memory."""
    float32, bfloat16 = cases(result_of(**EXACT))
    figure = asked(**EXACT)["dtype"]
    highest, lowest = (f"{case.balance().value:.1f}" for case in (bfloat16, float32))
    assert re.search(rf"{highest} .* bfloat16, {lowest} .* float32$", plain(figure.words.title))
    assert re.search(r"float32 317 GFLOPS.*bfloat16 1\.88 TFLOPS", plain(figure.words.caption))
    assert f"{bfloat16.least_size()} in bfloat16" in figure.words.explanation


def test_words_name_the_calls_where_no_roof_decides(asked: Asked) -> None:
    """9 us for a dot product, of which its roof explains less than a thousandth; an add is 1 us."""
    words = plain(asked(**EXACT)["roofline"].words.explanation)
    assert "9.0 (element), 12 (column), 9.0 (row)" in words
    assert re.search(r"For element, .* less than 10 %", words)
    # 80 us and 13 ns for one example; 99.5 us for 1,500.
    assert re.search(r"1 example takes .* 80 of these .* 1,500 examples takes .* 99 of", words)


def test_without_updates_and_additions_the_rest_stands(result_of: Made) -> None:
    """No sentence compares with an addition that was not measured; what was is named."""
    assert roofline.experiments(result_of()) == ["products", "memory", "steps"]
    result = result_of(leave_out=("overhead",))
    figure = roofline.figures(result)[0]
    assert roofline.experiments(result) == ["products", "memory"]
    assert "add" not in figure.words.explanation
    assert "update" not in figure.words.explanation


def test_one_process_claims_no_interval(result_of: Made) -> None:
    """With too few samples for the median's own there is none to show."""
    result = result_of(processes=1)
    for record in result.records:
        for series in record.outcome.series if record.outcome else ():
            assert series.timing is not None
            del series.timing.elapsed_s[2:]
    for figure in roofline.figures(result):
        assert "no interval" in figure.words.caption
        assert "95 %" not in plain(figure.words.caption)


def test_unknown_caches_leave_one_slope(result_of: Made, asked: Asked) -> None:
    """The largest working set's, as memory."""
    unknown: dict[str, object] = {"machine": {"caches": []}}
    assert list(cases(result_of(**unknown))[0].roofs) == ["memory"]
    assert next(iter(guides(asked(**unknown)["roofline"]))) == "memory"


def test_caches_slower_than_memory_are_drawn_as_they_are(result_of: Made, asked: Asked) -> None:
    """On small working sets calls decide; no word says that nearer is faster."""
    flat = {2**14: 2e9, 2**18: 9e9, 2**28: 20e9}
    case = cases(result_of(bandwidths=flat))[0]
    assert case.steepest is case.memory
    assert list(guides(asked(bandwidths=flat)["roofline"]))[:3] == ["memory", "L2", "L1"]


def test_memory_that_feeds_the_peak_turns_the_title(asked: Asked) -> None:
    """A slow processor with fast memory: the finding is the other way round."""
    title = plain(asked(noise=0.0, bandwidths={2**28: 1e13})["balance"].words.title)
    # 4 bytes for each of about 3.2e11 operations against 1e13.
    assert title.startswith("Memory delivers 7.9 times the bytes")
    # Where the interval holds 1, no side wins.
    tied = asked(noise=0.2, bandwidths={2**28: 4 * 317e9}, triads=1.0)["balance"]
    assert tied.words.title.startswith("Memory delivers about")


def test_chapters_estimate_stands_beside_this_machines(asked: Asked) -> None:
    """Both ratios, and which clock was taken."""
    figure = asked(**EXACT)["balance"]
    caption = plain(figure.words.caption)
    assert "2 GHz × 16 cores × 32 B = 1.02 TB/s against 100 GB/s from memory" in caption  # noqa: RUF001
    # 2.6 GHz * 2 * 32 B = 166.4 GB/s, 8.3 times 20 GB/s.
    assert "= 166 GB/s, at the clock that the system reports" in caption
    assert "8.3 times what memory was measured to deliver" in caption
    rows = {str(row[0]): row for row in figure.table.rows}
    assert getattr(rows["here: memory"][2], "text", "") == "1.00"
    assert getattr(rows["here: L1"][2], "text", "") == "10.0"


def test_without_a_clock_the_arithmetic_is_not_made(result_of: Made, asked: Asked) -> None:
    """The row is missing, and the caption says why; an accelerator is not the processor."""
    figure = asked(machine={"frequency_hz": None})["balance"]
    assert "the clock is not known" in figure.words.caption
    assert not [row for row in figure.table.rows if re.search("here.*GHz", str(row[0]))]
    result = result_of(device="cuda:0", machine={"max_frequency_hz": 3e9})
    drawn, balance, _ = roofline.figures(result)
    assert "does not apply to an accelerator" in balance.words.caption
    assert "Dotted" not in drawn.words.caption
    assert any("what cuda:0 does in a cycle" in s for s in roofline.method(result))


def test_what_ran_on_another_device_than_the_memory_has_no_roof(result_of: Made) -> None:
    """Where threads are swept on the processor beside an accelerator, say."""
    result = result_of(device="cuda:0")
    steps = [replace(r, device="cpu") if r.kind == "overhead" else r for r in result.records]
    families = [
        {kernel.family for kernel in cases(replace(result, records=records))[0].kernels}
        for records in (result.records, steps)
    ]
    assert families[0] - families[1] == {"add", "update"}


def test_theoretical_peak_is_drawn_where_it_can_hold(result_of: Made) -> None:
    """3 GHz * 2 cores * 64 = 384 GFLOPS is above the measured 320; 2 GHz would not be."""
    known = result_of(machine={"max_frequency_hz": 3e9})
    wrong = result_of(machine={"max_frequency_hz": 2e9})
    figure = roofline.figures(known)[0]
    assert "384 GFLOPS" in plain(figure.words.caption)
    promised, measured = guides(figure)["384 GFLOPS"], list(guides(figure).values())[3]
    assert promised.y == pytest.approx((384e9, 384e9))
    # Close to each other: one is named above its line, one below.
    assert (promised.va, measured.va) == ("bottom", "top")
    assert "Dotted" not in roofline.figures(wrong)[0].words.caption
    assert any("less than was measured" in sentence for sentence in roofline.method(wrong))
