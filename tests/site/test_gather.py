"""A list of results -> the files of a site: which there are, and that they hold what they should.

Nothing is compared with texts of yesterday: numbers are computed again from the results.
"""

from __future__ import annotations

import csv
import gzip
import io
import math
import re
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from factories import measured, small_results
from pages import COMPARED, Page, Report, gather, marks, read_pages, report_of, words
from report import frames
from report.claims import verdicts
from report.experiments import catalogue
from report.experiments.catalogue import LABELS
from report.experiments.training.quantities import Case
from report.experiments.training.runs import median_times, trained
from report.figures import prose
from report.figures.shapes import BOOKS_WAY
from report.results import runs, store
from report.results.files import Cache
from report.sections.catalogue import SECTIONS
from report.site import gather as site
from report.site import machine
from report.text.numerals import digits, stable
from results_factory import only

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from pages import OnPage
    from report.analysis.quantities import Quantity
    from report.results.result import Record, Result, Verdict

    Made = Callable[..., Result]

RUN = "20260102T030405Z-quick"
FIXED = "machines/fixed-machine"

LOSS = "loss above the optimum of 0.2417"
INTENSITY, BANDWIDTH = "arithmetic intensity, FLOP/byte", "bytes per second, GB/s (logarithmic)"
BATCH, SPEEDUP = "minibatch, examples", "speed-up over one worker, model"
HALF = "half the number of workers"


def expected(table: str) -> dict[str, list[str]]:
    """Read a table of figures: experiment and question, both axes, and words of the drawing."""
    found = {}
    for line in table.strip().splitlines():
        name, *words = line.split(" | ")
        experiment, *question = name.split()
        found["-".join([experiment, "pytorch", *question])] = words
    return found


# What each figure of the default experiments must have: its horizontal and its vertical axis, each
# with quantity and unit, and words that must stand in the drawing. A dot plot has its rows there.
MEASURED = expected(f"""
vectorization | rate, GFLOPS (logarithmic) | element | measured | {BOOKS_WAY}
matrix-size | n, rows and columns | rate, GFLOPS | float32 | bfloat16
small-products | n, rows and columns | rate, GFLOPS | full, memory kept | batched
block-width | columns of a block | rate, GFLOPS | n = 256 | n = 1,024
threads | rate, GFLOPS (logarithmic) | 2 threads | 1 thread
scaling messages | message | time of an all-reduce, µs
scaling speed | processes | thousand examples per second | batch 100 | batch 1,000
scaling loss | time to a loss of 0.25 (logarithmic) | 1 process | 2 processes
gradient-noise slope | batch size b | standard deviation of the gradient | start | halfway | optimum
gradient-noise population | batch size b | noise without / with replacement
memory working-set | working set | bandwidth, GB/s | read | copy | triad
memory order | table of values | time of one look-up, ns | sequential | random
memory stride | stride, elements | time of one element, ns | 64 bytes, a common cache line
overhead dispatch | elements | time of one call, µs
overhead update | batch size | time of one update, µs | eager | compiled
chapter-training epochs | epochs | {LOSS} | GD | loss 0.25
chapter-training time | time of training | {LOSS} | GD | SGD | loss 0.25
chapter-training seconds | milliseconds per epoch (logarithmic) | SGD | GD
chapter-training printed | milliseconds per epoch (logarithmic) | SGD | measured | {BOOKS_WAY}
loader loader | milliseconds per epoch (logarithmic) | batch 100 | dataloader | sliced
concise implementation | milliseconds per epoch (logarithmic) | batch 10 | scratch | concise
concise-as-listed listed | epochs | {LOSS} | from scratch | concise as listed | concise, same path
batch-sizes batch_size | batch size | examples per second | in proportion
batch-sizes target | batch size | milliseconds to a loss of 0.25
stability stability | epochs, each of them one step | {LOSS} | lr 1 | best fixed lr | momentum
decay schedule | epochs | {LOSS} | constant | cosine
grid grid | learning rate | batch size | 1,500 | 0.003
replacement sampling | epochs | {LOSS} | each once | with replacement
twice copies | epochs | {LOSS} | GD | GD, twice | SGD | SGD, twice
optimizers optimizer | milliseconds to a loss of 0.25 (logarithmic) | adadelta | sgd | adam
""")

# The same of the models, which put together what several experiments measured.
MODELLED = expected(f"""
roofline float32 | {INTENSITY} | rate, GFLOPS | full | column | triad | update
roofline balance | {BANDWIDTH} | here: memory | chapter: memory | here: L1 | computed
roofline dtype | {INTENSITY} | rate, GFLOPS | float32 | float64 | bfloat16 | float16
data-parallel measured | time of an update (logarithmic) | measured | model
data-parallel regression | {BATCH} | {SPEEDUP} | 8 workers | 128 workers | {HALF}
data-parallel resnet | {BATCH} | {SPEEDUP} | 128 workers at 10 Gbit/s | 128 workers at 100 Gbit/s
""")

FIGURES = MEASURED | MODELLED

KINDS_OF_FIGURES = ("Curve of", "Curves of", "Dot plot of", "Heat map of")
"""How the words begin for a person who does not see a figure."""

ON_A_PHONE = {
    "batch size b": "batch size",
    "standard deviation of the gradient": "standard deviation",
    "noise without / with replacement": "ratio of noise",
    "speed-up over one worker, model": "speed-up in the model",
}
"""Shorter words for an axis; on other axes only "(logarithmic)" is left out."""


@pytest.fixture(scope="module")
def result(two_results: list[Result]) -> Result:
    """Return the result of `fixed-machine`."""
    return two_results[1]


@pytest.fixture(scope="module")
def page(one_machine_site: dict[str, bytes]) -> Report:
    """Return the pages of `fixed-machine`."""
    return report_of(one_machine_site)


@pytest.fixture(scope="module")
def figures(page: Report) -> dict[str, OnPage]:
    """Return the figures of `fixed-machine`'s pages by name."""
    return page.figures()


def files_of(machine: str) -> set[str]:
    """Return the files that a machine with one run of the default experiments adds."""
    sheets = {f"data/{machine}/{name}.csv" for name in [*FIGURES, "verdicts"]}
    parts = ["products", "memory", "overhead", "training", "exercises", "workers"]
    pages = {f"machines/{machine}/{n}.html" for n in ("index", *parts, "statements", "code")}
    run = {f"data/{machine}/{name}" for name in (f"{RUN}.json.gz", "experiments.yaml")}
    return {f"machine-{machine}.html"} | run | pages | sheets


SHARED = {
    *("index.html", "method.html", "404.html", "style.css", "script.js", ".nojekyll"),
    *("data/index.json", "data/result.schema.json", site.ESTIMATES),
}


def rows_of(content: bytes) -> list[dict[str, str]]:
    """Parse a CSV file; every row must have as many cells as the header."""
    rows = list(csv.reader(io.StringIO(content.decode(), newline=""), strict=True))
    assert len({len(row) for row in rows}) == 1
    header, *body = rows
    assert len(set(header)) == len(header)
    return [dict(zip(header, row, strict=True)) for row in body]


def found_in(result: Result, experiment: str) -> list[Quantity]:
    """Return what an experiment measured."""
    return [q for q in catalogue.of_result(result) if q.experiment == experiment]


def sheet(site: Mapping[str, bytes], name: str) -> list[dict[str, str]]:
    """Return a figure's data."""
    return rows_of(site[f"data/fixed-machine/{name}.csv"])


# The same everywhere


def test_same_results_give_the_same_bytes(
    result: Result, one_machine_site: dict[str, bytes]
) -> None:
    """A site is a function of the list of results: no clock, no counter, no order of a set."""
    assert gather([result]) == one_machine_site


# Which files there are


def test_each_machine_has_its_page_and_data_and_two_have_a_comparison(
    one_machine_site: dict[str, bytes], two_machine_site: dict[str, bytes]
) -> None:
    """What every site has; of a machine its run, plan and verdicts, and a CSV of each figure."""
    parts = ["products", "memory", "overhead", "training", "exercises", "workers"]
    parts.append("with-fixed-machine")
    compared = {f"data/compare/compare-{name}.csv" for name in COMPARED} | {"compare.html"}
    compared |= {"data/compare/machines-scale.csv"}
    compared |= {f"compare/{name}.html" for name in parts}
    alone = SHARED | files_of("fixed-machine")
    assert set(one_machine_site) == alone
    compared |= {f"data/{name}/estimates.csv" for name in ("fixed-machine", "fast-machine")}
    assert set(two_machine_site) == alone | files_of("fast-machine") | compared


@pytest.mark.parametrize("level", [None, 1, 9])
def test_run_is_downloadable_as_its_file_is(
    make_result: Made, tmp_path: Path, level: int | None
) -> None:
    """Byte by byte, however zlib packed it where it was measured, or unpacked, as a person did."""
    result = only(make_result(), "threads")
    content = store.dump(result) if level is None else gzip.compress(store.dump(result), level)
    (tmp_path / "run.json").write_bytes(content)
    files = site.gather(store.read_all(tmp_path / "run.json", LABELS)[0])
    name = f"data/fixed-machine/{RUN}.json" + ("" if level is None else ".gz")
    assert files[name] == content
    assert name in report_of(files).links()
    assert [path for path in files if RUN in path] == [name]


def test_site_has_the_table_of_all_machines(
    two_results: list[Result], two_machine_site: dict[str, bytes]
) -> None:
    """As one file, which the pages that speak of downloads lead to."""
    table = frames.sheet([(result, False) for result in two_results])
    assert two_machine_site[site.ESTIMATES] == table.csv()
    assert len(two_machine_site[site.ESTIMATES]) < 1_000_000
    for name, page in read_pages(two_machine_site).items():
        if name == "index.html" or re.fullmatch(r"machines/[^/]+/index\.html", name):
            links = [each.get("href", "") for each in page.elements("a")]
            assert any(link.endswith(site.ESTIMATES) for link in links), name


def test_a_result_is_judged_once_for_each_content(
    make_result: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a cache, the next rendering takes its verdicts; other content is judged by itself."""
    counted: list[str] = []

    def judge(result: Result) -> list[Verdict]:
        counted.append(result.started_at)
        return verdicts.of_result(result)

    monkeypatch.setattr(site, "of_result", judge)
    kept = Cache(tmp_path / "cache")
    folder = tmp_path / "results"
    store.save(only(make_result(), "threads"), folder)
    first = site.gather(store.read_all(folder, LABELS)[0], kept)
    assert site.gather(store.read_all(folder, LABELS)[0], kept) == first
    assert len(counted) == 1
    store.save(only(make_result(speed=2.0, started_at="2026-02-03T04:05:06Z"), "threads"), folder)
    site.gather(store.read_all(folder, LABELS)[0], kept)
    assert counted[1:] == ["2026-02-03T04:05:06Z"]
    site.gather(store.read_all(folder, LABELS)[0])
    assert len(counted) == 3


def test_alike_runs_of_a_machine_are_one_page(make_result: Made) -> None:
    """Its numbers stand on all of them, which it counts, dates and offers for download."""
    began = {"2026-01-02T03:04:05Z": 1.0, "2026-01-02T04:04:05Z": 1.05, "2026-01-09T03:04:05Z": 1.1}
    alike = [only(make_result(speed=v, started_at=t), "threads") for t, v in began.items()]
    page = report_of(files := gather(alike))
    assert "2 January 2026 to 9 January 2026, 3 runs on 2 days" in page.words()
    rates = [max(q.rate().value for q in found_in(one, "threads")) for one in alike]
    mean = math.prod(rates) ** (1 / 3)
    assert digits(mean / 1e9) in page.figures()["threads-pytorch"].folds["The numbers"]
    assert {f"data/{store.name_of(one)}" for one in alike} <= page.links() & files.keys()


def test_runs_too_near_to_count_apart_are_told(make_result: Made) -> None:
    """Their processes stand together, and the page says that it was measured twice."""
    began = ("2026-01-02T03:04:05Z", "2026-01-02T03:14:05Z")
    near = [only(make_result(started_at=start), "threads") for start in began]
    told = report_of(gather(near)).words()
    assert "2 January 2026, 1 run" in told
    assert "Measured twice" in told
    assert "Measured" not in report_of(gather(near[:1])).words().partition("The machine")[0]


def test_an_experiment_that_answers_an_exercise_stands_with_them(make_result: Made) -> None:
    """By the claims that it explains; without them it is a training like others."""
    made = only(make_result(), "decay", "chapter-training")
    parts = {"exercises": "decay", "training": "chapter-training"}
    site = gather([made])
    for page, name in parts.items():
        assert name in Page(page, site[f"{FIXED}/{page}.html"]).ids()
    silent = gather([replace(made, config={**made.config, "claims": {}})])
    assert f"{FIXED}/exercises.html" not in silent
    assert set(parts.values()) <= set(Page("x", silent[f"{FIXED}/training.html"]).ids())


def test_first_page_tells_what_of_the_chapter_does_not_hold(
    result: Result, one_machine_site: dict[str, bytes]
) -> None:
    """All of it and nothing of ours, each with a link to where it is explained."""
    page = Page("index.html", one_machine_site["index.html"])
    (listed,) = [each for each in page.elements("ul") if each.get("class") == "claims"]
    leading = verdicts.leading(result)
    wrong = [result.config["claims"][v.claim] for v in leading if v.verdict == "contradicted"]
    chapters = [prose.typeset(claim["says"]) for claim in wrong if claim["source"] == "chapter"]
    assert [words(link) for link in listed.iter("a")] == chapters != []


def test_newest_run_is_shown_and_an_older_one_of_another_plan_can_be_downloaded(
    make_result: Made,
) -> None:
    """Of two runs that are not alike the newer is on the page; the older is a download."""
    older = only(make_result(started_at="2026-01-02T03:04:05Z"), "threads")
    older = replace(older, config_hash="1" * 64)
    newer = only(make_result(speed=3.0, started_at="2026-02-03T04:05:06Z"), "threads")
    files = gather([older, newer])
    page = report_of(files)
    assert "3 February 2026" in page.words()
    best = max(q.rate().value for q in found_in(newer, "threads"))
    assert digits(best / 1e9) in page.figures()["threads-pytorch"].folds["The numbers"]
    path = f"data/{store.name_of(older)}"
    assert files[path] == store.pack(store.dump(older))
    (link,) = [each for each in page.elements("a") if str(each.get("href")).endswith(path)]
    assert link.text == "2 January 2026, 03:04 UTC, profile quick"


def test_start_page_shows_the_newest_machine_and_links_all(
    two_machine_site: dict[str, bytes],
) -> None:
    """With several machines each is a row of the start page's table, with its numbers."""
    index = Page("index.html", two_machine_site["index.html"])
    table, *_ = index.elements("table")  # before the numbers of the figure
    linked = {each.get("href") for each in table.iter("a")}
    assert linked == {f"machines/{name}/index.html" for name in ("fast-machine", "fixed-machine")}
    assert "peak, float32" in index.words("machines")
    assert index.figures().keys() == {"machines-scale"}


def test_start_page_is_about_a_run_that_was_finished(make_result: Made) -> None:
    """A newer one of another machine that was cut short is in the table, and says so."""
    whole = only(make_result(started_at="2026-01-02T03:04:05Z"), "threads")
    cut = only(make_result("other-machine", started_at="2026-02-03T04:05:06Z"), "threads")
    cut = replace(cut, records=cut.records[:1], finished_at=None)
    pages = read_pages(gather([whole, cut]))
    assert "2 January 2026" in pages["index.html"].words().partition("All machines")[0]
    assert "unfinished" in pages["index.html"].words("machines")
    assert "Unfinished: other-machine" in pages["compare.html"].words()
    assert "Unfinished" in read_pages(gather([cut]))["index.html"].words()


# Figures


def test_default_experiments_have_every_figure(result: Result, figures: dict[str, OnPage]) -> None:
    """All are on a machine's pages: those of every experiment, and the models."""
    assert set(figures) == set(FIGURES)
    sections = {name.partition("-pytorch")[0] for name in figures}
    models = [name for name, model in SECTIONS.items() if not model.every_framework]
    elsewhere = {"strategies-at-scale"}  # on an accelerator
    assert sections == {*result.config["experiments"], *models} - elsewhere


def test_several_frameworks_have_a_section_of_their_own(make_result: Made) -> None:
    """With their figures, data and code; the others stay about the framework that leads."""
    files = gather([make_result(frameworks=("pytorch", "tensorflow", "numba"))])
    text = report_of(files).source
    assert text.count('<h2 id="frameworks">') == 1
    assert '<a href="frameworks.html#frameworks">separate section</a>' in text
    drawn = set(re.findall(r'id="figure_([a-z0-9-]+)"', text))
    shared = {name for name in drawn if name.startswith("frameworks-")}
    assert {"frameworks-vectorization-strategies", "frameworks-startup"} <= shared
    assert {f"data/fixed-machine/{name}.csv" for name in shared} <= files.keys()
    led = {name for name in drawn - shared if not name.startswith("latency-")}
    assert not any("-tensorflow" in name or "-numba" in name for name in led)
    code = files[f"{FIXED}/code.html"].decode()
    for title in ("PyTorch", "TensorFlow", "Numba"):
        assert f">{title}</h2>" in code
    listed = re.findall(r"<pre.*?</pre>", code, re.DOTALL)
    assert len(set(listed)) == len(listed)


@pytest.mark.parametrize("name", FIGURES)
def test_axes_carry_quantity_and_unit(figures: dict[str, OnPage], name: str) -> None:
    """Both layouts of each figure have labelled axes, and name what is drawn."""
    x, y, *drawn = FIGURES[name]
    wide, narrow = figures[name].drawings
    assert {x, y, *drawn} <= set(wide)
    axes = {ON_A_PHONE.get(words, words.removesuffix(" (logarithmic)")) for words in (x, y)}
    assert axes | set(drawn) <= set(narrow)


@pytest.mark.parametrize("name", FIGURES)
def test_each_figure_says_what_it_shows(figures: dict[str, OnPage], name: str) -> None:
    """Its title is a finding of this run; who does not see the figure is told the same."""
    figure = figures[name]
    assert re.search(r"\d", figure.title)
    assert re.search(r"\. Data \(CSV\)$", figure.caption)
    assert len(re.findall(r"\d\u2013\d", figure.caption)) <= 1  # the table has the intervals
    (alt,) = set(figure.alts)
    assert figure.title in alt
    assert alt.startswith(KINDS_OF_FIGURES)


@pytest.mark.parametrize("name", FIGURES)
def test_each_figure_folds_out_numbers_and_method_and_links_its_code(
    figures: dict[str, OnPage], page: Report, name: str
) -> None:
    """Numbers, how they were measured, and the code; a model measures nothing of its own."""
    folds = figures[name].folds
    measured, method = name in MEASURED, folds["How this was measured"]
    assert list(folds) == ["The numbers", "How this was measured"]
    assert "PyTorch 2.13.0+cpu on cpu, up to 2 threads." in method
    # One of three failed, or was skipped.
    whole = 2 if name.startswith(("threads-", "concise-pytorch")) else 3
    assert (f"{whole} fresh processes" in method) == measured
    assert len(figures[name].code) == measured
    for anchor in figures[name].code:
        use = next(each for each in page.elements() if each.get("id") == anchor)
        functions = [link for each in use.iter() if (link := each.get("href"))]
        assert functions
        assert all("def " in page.words(one.removeprefix("#")) for one in functions)


def test_measured_peak_is_a_labelled_line(result: Result, figures: dict[str, OnPage]) -> None:
    """GFLOPS against n: the best rate of all curves is drawn in, with its number."""
    best = max(q.rate().value for q in found_in(result, "matrix-size"))
    for drawing in figures["matrix-size-pytorch"].drawings:
        assert f"highest: {digits(best / 1e9)}" in drawing


def test_the_books_way_is_hollow_and_measured_is_solid(page: Report) -> None:
    """What the chapter's own timing gives is filled with paper, a sound one with its colour."""
    _, _, after = page.source.partition('id="figure_vectorization-pytorch"')
    drawing = after.partition("</svg>")[0]
    looks = [(mark["fill"], mark["stroke"]) for mark in marks(drawing) if "stroke" in mark]
    hollow = Counter(stroke for fill, stroke in looks if fill == "var(--paper)")
    # Four that the chapter times, and one in the legend; what the book prints is a third mark.
    assert hollow == {"var(--series-1)": 5, "var(--ink)": 5}
    assert ("var(--series-1)", "var(--series-1)") in looks


def test_a_headline_is_the_quantity_that_it_names(result: Result, page: Report) -> None:
    """The number beside "an epoch at batch 100" is that run's time, with unit and interval."""
    cards = [words(each) for each in page.elements("li")]
    (card,) = [each for each in cards if each.startswith("an epoch at batch 100")]
    hundred = found_in(result, "chapter-training")[2]
    assert hundred.labels["run"] == "batch 100"
    time = hundred.time()
    value, low, high = (digits((s or 0) * 1e3) for s in (time.value, time.low, time.high))
    assert f"{value} ms {low}\N{EN DASH}{high}" in card


def test_numbers_and_their_units_stay_on_one_line(page: Report) -> None:
    """A line never ends between "4.28" and "ms", and so on."""
    source = re.sub("</?data[^>]*>", "", page.source)
    told = re.findall(r"<(?:p|figcaption|h3|li)\b[^>]*>[^<]*", source)
    assert len(told) > 50
    broken = re.compile(r"\d (%|[mµ]s|GFLOPS|TFLOPS|GiB)|\bn = \d|\d \N{MULTIPLICATION SIGN} 10")
    assert [each for each in told if broken.search(each)] == []
    assert any("\N{NO-BREAK SPACE}GFLOPS" in each for each in told)


# Data


@pytest.mark.parametrize("name", FIGURES)
def test_each_figure_links_its_data(
    figures: dict[str, OnPage], one_machine_site: dict[str, bytes], name: str
) -> None:
    """A CSV file in seconds, or by the second; gradient noise has no unit and takes no time."""
    (link,) = figures[name].links
    rows = rows_of(one_machine_site[link])
    assert len(rows) > 1
    timed = [column for column in rows[0] if column.endswith("_s")]
    assert bool(timed) == (not name.startswith("gradient-noise"))


@pytest.mark.parametrize("experiment", ["vectorization", "matrix-size", "block-width", "threads"])
def test_numbers_of_products_are_those_of_the_quantities(
    result: Result, one_machine_site: dict[str, bytes], experiment: str
) -> None:
    """A row for each series, unrounded and in SI units, with its 95 % interval."""
    found = found_in(result, experiment)
    rows = sheet(one_machine_site, f"{experiment}-pytorch")
    assert len(rows) == len(found)
    for row, quantity in zip(rows, found, strict=True):
        time, rate = quantity.time(), quantity.rate()
        assert row["strategy"] == quantity.labels["strategy"]
        assert int(row["flop"]) == quantity.flops == 2 * int(row["size"]) ** 3
        assert float(row["elapsed_s"]) == time.value
        assert float(row["flop_per_s"]) == rate.value
        low, high = float(row["elapsed_s_low95"]), float(row["elapsed_s_high95"])
        assert (low, high) == (time.low, time.high)
        assert low <= time.value <= high
        assert (int(row["replicates"]), int(row["samples"])) == (time.replicates, time.samples)


def test_rates_as_printed_use_the_chapters_rounded_count(
    result: Result, one_machine_site: dict[str, bytes]
) -> None:
    """The chapter counts 0.03e9 operations; `row` is not in its list, so that cell is empty."""
    cold = [
        printed.elapsed_s
        for record in result.of("vectorization")
        for printed in (record.outcome.as_printed if record.outcome else ())
        if printed.strategy == "full"
    ]
    assert len(cold) == 3
    mean = (cold[0] * cold[1] * cold[2]) ** (1 / 3)
    rates = {
        row["strategy"]: row["as_printed_flop_per_s"]
        for row in sheet(one_machine_site, "vectorization-pytorch")
    }
    assert float(rates["full"]) == pytest.approx(0.03e9 / mean)
    assert rates["row"] == ""


@pytest.mark.parametrize(
    ("experiment", "question"),
    [("chapter-training", "seconds"), ("loader", "loader"), ("concise", "implementation")],
)
def test_seconds_per_epoch_are_those_of_the_quantities(
    result: Result, one_machine_site: dict[str, bytes], experiment: str, question: str
) -> None:
    """A row for each run and way, in seconds."""
    rows = sheet(one_machine_site, f"{experiment}-pytorch-{question}")
    expected = [
        (q.labels["run"], q.labels["loader"], q.labels["implementation"], q.time().value)
        for q in found_in(result, experiment)
    ]
    assert expected == [
        (row["run"], row["loader"], row["implementation"], float(row["epoch_s"])) for row in rows
    ]


@pytest.mark.parametrize("name", [name for name in FIGURES if name.endswith(("time", "epochs"))])
def test_curves_are_those_of_each_seed(
    result: Result, one_machine_site: dict[str, bytes], name: str
) -> None:
    """Every point of every seed: examples, loss, distance from the optimum, seconds."""
    experiment = name.partition("-pytorch-")[0]
    lowest = Case(name="", result=result, runs=[]).lowest
    assert lowest is not None
    expected = [
        (run.labels["run"], seed.seed, examples, loss, stable(loss - lowest), stable(seconds))
        for run in trained(result.of(experiment))
        for seed in run.seeds
        for examples, loss, seconds in zip(
            seed.examples, seed.loss, median_times(seed), strict=True
        )
    ]
    numbers = ("loss", "loss_above_optimum", "elapsed_s")
    assert expected == [
        (row["run"], int(row["seed"]), int(row["examples"]), *(float(row[n]) for n in numbers))
        for row in sheet(one_machine_site, name)
    ]


def test_loaders_share_is_what_the_seconds_say(result: Result, figures: dict[str, OnPage]) -> None:
    """The share is one less the ratio of the seconds without the loader to those with it."""
    with_loader, without = (
        q.time().value for q in found_in(result, "loader") if q.labels["run"] == "GD"
    )
    share = f"{100 * (1 - without / with_loader):.0f} % of an epoch of GD"
    assert share in figures["loader-pytorch-loader"].title


def test_machines_page_lists_variables_and_packages(make_result: Callable[..., Result]) -> None:
    """Folded: what steers, what only finds things, and all that is installed, with versions."""
    made = make_result("fixed-machine")
    other = replace(
        made.environments["pytorch"],
        backend="numba",
        steering={"OMP_NUM_THREADS": "4"},
        packages={"llvmlite": "0.45.0"},
    )
    made.environments = {**made.environments, "numba": other}
    page = report_of(gather([made]))
    said = page.words("the_machine")
    # The cells of a row, one after the other.
    for cells in ("OMP_NUM_THREADS2PyTorch", "OMP_NUM_THREADS4Numba", "HOME<home>all"):
        assert cells in said
    assert "torch 2.13.0" in said
    assert "llvmlite 0.45.0" in said
    folded = " ".join(words(each) for each in page.elements("details"))
    assert "HOME<home>" in folded
    made.environments = {
        name: replace(one, steering=None, places=None, packages=None)
        for name, one in made.environments.items()
    }
    assert "Variables" not in report_of(gather([made])).words("the_machine")


def test_one_busy_run_of_several_does_not_grade_the_machine() -> None:
    """The worst of many is always bad; how far processes differ is in the intervals."""
    quiet = small_results.products("products", full=[[1.0], [1.3], [1.02]])
    busy = [replace(one, conditions=replace(measured.QUIET, steal_fraction=0.04)) for one in quiet]
    hours = ("08", "12", "16")

    def graded(*of_runs: Sequence[Record]) -> tuple[str, str]:
        made = [
            small_results.result(records, started_at=f"2026-01-02T{hour}:00:00Z")
            for hour, records in zip(hours, of_runs, strict=False)
        ]
        whole = runs.together(made)
        saved = [store.saved(one, b"") for one in made]
        (section, *_) = machine.view(whole, "name", saved, dict(machine.figures_of(whole))).sections
        assert section.grade is not None
        return section.grade.level, section.spread

    assert graded(quiet) == ("quiet", "processes differ by up to 30 %")
    assert graded(busy)[0] == "fair"
    assert graded(quiet, busy, quiet)[0] == "quiet"
    assert graded(quiet, busy, busy)[0] == "fair"


def test_first_page_of_several_leads_to_what_does_not_hold(
    two_machine_site: dict[str, bytes],
) -> None:
    """To all statements of the newest machine, whose own page begins with those."""
    index = Page("index.html", two_machine_site["index.html"])
    own = Page("own", two_machine_site["machines/fast-machine/index.html"])
    links = {str(one.get("href")) for one in index.elements("a")}
    assert "machines/fast-machine/statements.html" in links
    assert "What does not hold here" in own.words()


def test_frameworks_have_contents_and_are_linked_from_what_they_measured(
    make_result: Callable[..., Result],
) -> None:
    """Each figure by its title; a table in short above; experiments lead to their own figure."""
    made = gather([make_result(frameworks=("pytorch", "numpy"))])
    page = Page("frameworks", made[f"{FIXED}/frameworks.html"])
    figures = [one for one in page.ids() if one.startswith("figure_")]
    assert len(figures) > 3
    assert {f"#{one}" for one in figures} <= {one.get("href") for one in page.elements("a")}
    assert "epoch of batch 100, ms" in page.words("in_short")
    overhead = Page("overhead", made[f"{FIXED}/overhead.html"])
    links = {str(one.get("href")) for one in overhead.elements("a")}
    assert any(one.endswith("frameworks.html#figure_frameworks-overhead-calls") for one in links)
