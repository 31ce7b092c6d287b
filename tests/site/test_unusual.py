"""Results that are not as one would wish: partial, broken, from strangers. All are shown."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pages import Page, comparison_of, gather, overlay, read_pages, report_of
from report.cli import main
from report.experiments.catalogue import LABELS
from report.registry import WITH_DATA
from report.results import store
from report.results.result import Dataset, fingerprint
from report.site.compare import pair
from report.text.plain import showable
from results_factory import only

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pages import Report
    from report.results.result import Record, Result, StoredExperiment
    from report.worker.records import Series, TrainingRun

    Change = Callable[[Result], Result]

    Made = Callable[..., Result]

FIXED = "machines/fixed-machine/index.html"

MADE_UP = Dataset(source="surrogate", origin="made up", sha1=None, examples=1500, features=5)

HOSTILE = [
    "<script>alert(1)</script>",
    "</title><img src=x onerror=alert(1)>",
    "<!-- & --> &lt;b&gt; ]]>",
    "$x$ and $\\frac{$",
    "_label",
    "=1+1",
    "../../etc/passwd",
    "%s %(a)d {{ 7 * 7 }} {% raw %}",
    "\"double\" and 'single' and `back`",
    "\N{PILE OF POO} \N{FAMILY}",
    "\N{HEBREW LETTER ALEF}\N{HEBREW LETTER BET} \N{RIGHT-TO-LEFT OVERRIDE}abc",
    'id="x" url(#y) #c0ffe1 #1a2b3c font: 9px',
]


@pytest.fixture(scope="module")
def result(make_result: Made) -> Result:
    """Return a whole result."""
    return make_result()


def each_record(result: Result, change: Callable[[Record], Record]) -> Result:
    """Return a result with every record changed."""
    return replace(result, records=[change(record) for record in result.records])


def each_outcome(
    result: Result,
    *,
    series: Callable[[Series], Series | None] | None = None,
    run: Callable[[TrainingRun], TrainingRun | None] | None = None,
) -> Result:
    """Return a result with every series and training run changed, or dropped."""

    def change(record: Record) -> Record:
        if (before := record.outcome) is None:
            return record
        changed = [kept for one in before.series if (kept := series(one) if series else one)]
        runs = [same for each in before.runs if (same := run(each) if run else each)]
        return replace(record, outcome=replace(before, series=changed, runs=runs))

    return each_record(result, change)


def page_of(result: Result) -> Report:
    """Render a result and return its machine's pages; all pages must be valid HTML."""
    site = gather([result])
    read_pages(site)
    return report_of(site)


# What is said at the top


def test_surrogate_data_are_announced(result: Result) -> None:
    """Training on made-up rows is said on the start page and at the top of the machine's."""
    assert result.dataset is not None
    real = read_pages(gather([only(result, "threads")]))
    assert "surrogate" not in real[FIXED].words() + real["index.html"].words()
    pages = read_pages(gather([replace(only(result, "threads"), dataset=MADE_UP)]))
    assert "Surrogate data." in pages["index.html"].words()
    assert "Surrogate data." in pages[FIXED].words().partition("The report")[0]


def test_every_figure_made_from_surrogate_data_says_so(two_results: list[Result]) -> None:
    """A figure that is copied out of its page still says it, on the comparison with the machine."""
    first, second = two_results
    site = gather([replace(first, dataset=MADE_UP), second])
    figures = report_of(site, first.machine.id).figures()
    told = {name for name, figure in figures.items() if "Surrogate data:" in figure.caption}
    fed = {name for name, e in first.config["experiments"].items() if e["kind"] in WITH_DATA}
    assert told == {name for name in figures if name.rpartition("-pytorch")[0] in fed} != set()
    compared = comparison_of(site).figures()
    said = {n for n, f in compared.items() if f"Surrogate data on {first.machine.id}:" in f.caption}
    assert said == {n for n in compared if any(f"compare-{one}-" in n for one in fed)} != set()
    assert "Surrogate" not in report_of(site, second.machine.id).words()


def test_unfinished_run_says_how_much_is_missing(result: Result) -> None:
    """Two of three processes have not run: the page says so and names the command to go on."""
    begun = only(result, "vectorization")
    begun = replace(begun, records=begun.records[:1], finished_at=None)
    page = page_of(begun)
    assert "Unfinished. 67 % of the planned processes have not run yet" in page.words()
    assert "report build continues it" in page.words()


def test_failed_and_skipped_are_shown_with_their_reasons(result: Result) -> None:
    """The end of a page lists what went wrong: which, how, why, and what the program printed."""
    whole = page_of(only(result, "matrix-size", "threads", "concise"))
    for listed in (
        "failed Concise implementation (in 1 of 3 processes): it was ended by SIGKILL",
        "Fatal Python error: Aborted",
        "skipped Threads (in 1 of 3 processes): the device was taken by another program",
        "skipped Matrix size: strategy full-out, size 1024, dtype float16",
        "in 3 processes",
    ):
        assert listed in whole.words("what_failed")
    assert "Something failed." in whole.words()


def test_where_nothing_went_wrong_the_page_says_so(result: Result) -> None:
    """An empty list would leave open whether anybody had looked."""
    page = page_of(only(result, "vectorization"))
    assert "Nothing was skipped, and nothing failed." in page.words("what_failed")
    assert "Something failed." not in page.words()


def test_machine_that_could_not_be_watched_is_unknown_and_not_quiet(result: Result) -> None:
    """In every section; the verdicts stand."""

    def unwatched(record: Record) -> Record:
        seen = record.conditions
        return replace(record, conditions=seen and replace(seen, other_cores=None))

    watched = only(result, "vectorization")
    texts = [page_of(each).words() for each in (watched, each_record(watched, unwatched))]
    levels = [set(re.findall(r"Conditions: (\w+)", text)) for text in texts]
    assert levels == [{"quiet"}, {"unknown"}]
    assert "rocessor time of other programs could not be read" in texts[1]
    counted = [re.findall(r"of the chapter, \d+ hold", text)[:1] for text in texts]
    assert counted[0] == counted[1] != []


def test_result_with_nothing_measured_is_a_page(result: Result) -> None:
    """All processes crashed: the page has the reasons and the machine, and no figure."""

    def crashed(record: Record) -> Record:
        return replace(record, status="failed", outcome=None, reason="it crashed")

    page = page_of(each_record(result, crashed))
    assert page.figures() == {}
    assert "failed Threads (in 3 processes): it crashed" in page.words("what_failed")
    for name in result.config["experiments"]:
        assert "Nothing to show. failed: it crashed" in page.words(name)
    assert "Intel(R) Xeon(R) Processor" in page.words("the_machine")


# Fewer of everything


def one_process(result: Result) -> Result:
    """Keep the first process."""
    return replace(result, records=[each for each in result.records if each.process == 0])


def one_changed(result: Result, name: str, change: Callable[[TrainingRun], TrainingRun]) -> Result:
    """Change the training runs of one name."""
    return each_outcome(result, run=lambda run: change(run) if run.labels["run"] == name else run)


def one_seed(result: Result) -> Result:
    """Keep one seed, of one process."""
    return each_outcome(one_process(result), run=lambda run: run if run.seed == 0 else None)


def one_core(result: Result) -> Result:
    """Keep what one thread did; the sweep over threads has a single point."""

    def series(one: Series) -> Series | None:
        swept = one.labels.get("strategy") == "full-out"
        return one if not swept or one.labels["threads"] == 1 else None

    return each_outcome(result, series=series)


def few_samples(result: Result) -> Result:
    """Keep two samples of a single process, which have no interval."""

    def series(one: Series) -> Series:
        if one.timing is None:
            return one
        kept = one.timing.elapsed_s[:2]
        timing = replace(one.timing, elapsed_s=kept, samples=2, low_s=None, high_s=None)
        return replace(one, timing=timing)

    def run(one: TrainingRun) -> TrainingRun:
        return replace(one, elapsed_s=one.elapsed_s[:1], repeats=1)

    return each_outcome(one_process(result), series=series, run=run)


def without_data(result: Result) -> Result:
    """Forget the data set and its moments."""
    return replace(result, dataset=None, moments=None)


def diverged(result: Result) -> Result:
    """Let gradient descent's loss grow a thousandfold with each epoch."""

    def run(one: TrainingRun) -> TrainingRun:
        loss = [value * 1e3**k for k, value in enumerate(one.loss)]
        return replace(one, loss=loss, diverged=True)

    return one_changed(result, "GD", run)


def cut_short(result: Result) -> Result:
    """Let SGD end before its first point, as where its loss became infinite at once."""

    def run(one: TrainingRun) -> TrainingRun:
        start: dict[str, Any] = {"loss": one.loss[:1], "examples": one.examples[:1]}
        times = [elapsed[:1] for elapsed in one.elapsed_s]
        return replace(one, **start, epoch_ends=[], elapsed_s=times, diverged=True)

    return one_changed(result, "SGD", run)


def one_run(result: Result) -> Result:
    """Keep one training run of each experiment, and one product."""
    return each_outcome(
        result,
        series=lambda one: one if one.labels.get("strategy") in {"full", "full-out"} else None,
        run=lambda one: one if one.labels["run"] == "batch 10" else None,
    )


def one_loader(result: Result) -> Result:
    """Let every run lack one of the two loaders."""

    def run(one: TrainingRun) -> TrainingRun | None:
        sliced = one.labels["run"] in {"GD", "SGD"}
        return one if (one.labels["loader"] == "sliced") == sliced else None

    return each_outcome(result, run=run)


PRODUCTS = ("vectorization", "threads")
RUNS = ("chapter-training", "loader")

UNUSUAL: dict[str, tuple[Change, tuple[str, ...], list[str]]] = {
    "one process": (one_process, PRODUCTS, ["2 threads multiply"]),
    "one seed": (one_seed, RUNS, ["A single seed.", "0 of 1"]),
    "one core": (one_core, PRODUCTS, ["The full, memory kept product runs at"]),
    "few samples": (few_samples, PRODUCTS, ["With 2 samples there is no interval"]),
    "without data": (without_data, RUNS, ["lowest possible loss is not known"]),
    "diverged": (diverged, RUNS, ["the loss rises from the start", "3 of 3"]),
    "cut short": (cut_short, RUNS, ["SGD in 0 of 3 seeds"]),
    "one run": (one_run, RUNS, ["After one epoch batch 10 is at a loss of"]),
    "one loader": (one_loader, RUNS, ["Batch 10 ends nearest to the optimum"]),
}


@pytest.mark.parametrize("name", UNUSUAL)
def test_unusual_result_is_shown(result: Result, name: str) -> None:
    """A result with less than the usual has valid pages that say what there is."""
    change, experiments, said = UNUSUAL[name]
    figures = page_of(change(only(result, *experiments))).figures().values()
    parts = ((e.title, e.caption, e.explanation, e.folds["The numbers"]) for e in figures)
    words = " ".join(part for each in parts for part in each if part)
    assert [each for each in said if each not in words] == []
    assert not re.search(r"None| nan| inf|  | \.", words)


@pytest.mark.parametrize("name", UNUSUAL)
def test_unusual_result_is_compared(result: Result, make_result: Made, name: str) -> None:
    """Beside a usual result, on either side, what both have is compared."""
    change, (experiment, _), _ = UNUSUAL[name]
    results = [change(result), make_result("fast-machine", 2.0)]
    for pairing in (results, results[::-1]):
        drawn = overlay(pairing, experiment)
        assert drawn
        for figure in drawn:
            heads = [*figure.table.header, *(str(row[0]) for row in figure.table.rows)]
            assert "fast-machine" in " ".join(heads)
        assert pair(pairing[0], pairing[1], ("a", "b")).groups


def test_long_names_leave_the_axes_their_room(result: Result) -> None:
    """A label of the greatest length and a machine's longest name fit; the layout would warn."""

    def run(one: TrainingRun) -> TrainingRun:
        name = f"{one.labels['run']} " + "long name " * 3
        return replace(one, labels={**one.labels, "run": name})

    long = each_outcome(only(result, "loader"), run=run)
    renamed = replace(long, machine=replace(long.machine, id="a-" + "very-" * 12 + "x"))
    figures = comparison_of(gather([long, renamed])).figures()
    assert figures
    assert all(figure.drawings for figure in figures.values())


@pytest.mark.parametrize("loss", [0.0, -1.0, 1.7e308])
def test_impossible_losses_stop_no_page(result: Result, loss: float) -> None:
    """A stranger's file may hold them; pages of it, and of all that lies beside it, are made."""

    def run(one: TrainingRun) -> TrainingRun:
        return replace(one, loss=[*one.loss[:-1], loss])

    page = page_of(each_outcome(only(result, "chapter-training", "loader"), run=run))
    assert page.figures()


# Texts of strangers


def with_texts(result: Result, text: Callable[[], str]) -> Result:
    """Return a small result with a text wherever a file may hold one."""
    small = only(result, "threads", "concise")

    def texts(*names: str) -> dict[str, Any]:
        return {name: text() for name in names}

    machine = replace(
        small.machine,
        cpu=replace(small.machine.cpu, **texts("model", "vendor", "governor")),
        sources=texts(*small.machine.sources),
        **texts("os", "virtualization"),
    )
    versions = {"torch": text(), text(): text()}
    environment = replace(
        small.environments["pytorch"],
        versions=versions,
        pools=[text()],
        **texts("python", "blas", "simd", "reason"),
    )
    experiments: dict[str, StoredExperiment] = {
        name: {**planned, "title": text(), "settings": {text(): [text(), {"a": text()}]}}
        for name, planned in small.config["experiments"].items()
    }
    names: dict[object, str] = {}

    def run(one: TrainingRun) -> TrainingRun:
        name = names.setdefault(one.labels["run"], text())
        return replace(one, labels={**one.labels, "run": name})

    def record(one: Record) -> Record:
        if one.status == "ok":
            return one
        return replace(one, **texts("reason", "stderr_tail", "device"))

    changed = each_record(each_outcome(small, run=run), record)
    return replace(
        changed,
        config={**small.config, "title": text(), "experiments": experiments},
        machine=machine,
        environments={"pytorch": environment},
        **texts("generator", "git_commit"),
    )


def shape(page: Page) -> list[tuple[str, list[str]]]:
    """Return the elements of a page outside its drawings, with the names of their attributes."""
    every = [(str(each.tag), sorted(each.keys())) for each in page.elements()]
    return [each for each in every if not each[0].startswith("{http://www.w3.org/2000/svg}")]


@pytest.fixture(scope="module")
def harmless(result: Result) -> dict[str, Page]:
    """Return the pages of a result with a plain word in every place."""
    return read_pages(gather([with_texts(result, lambda: "word")]))


@pytest.mark.parametrize("text", HOSTILE)
def test_strangers_text_is_shown_and_never_obeyed(
    result: Result, harmless: dict[str, Page], text: str
) -> None:
    """Pages with it have the very elements of pages with a plain word, and show it as it is."""
    site = gather([with_texts(result, lambda: text)])
    pages = read_pages(site)
    for name, each in pages.items():
        assert shape(each) == shape(harmless[name])
    page = report_of(site)
    for section in ("the_machine", "threads", "what_failed", "how_to_reproduce"):
        assert text in page.words(section)
    assert pages["index.html"].words().startswith("Skip to the text")
    assert text in pages["index.html"].words()
    # A tick's label may be broken into lines.
    drawn = "".join(page.figures()["concise-pytorch-implementation"].drawings[0])
    label = drawn.replace(" ", "").replace("\N{ZERO WIDTH SPACE}", "")
    assert text.replace(" ", "") in label


@given(text=st.text(min_size=1, max_size=40).filter(str.strip))
@settings(
    max_examples=3,
    deadline=None,
    derandomize=True,  # the same in each run; raise max_examples to look further
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # to shrink takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_text_of_a_file_is_shown_and_harms_no_terminal(
    result: Result, tmp_path: Path, text: str
) -> None:
    """What can be shown comes out as it is; what cannot is replaced when the file is read."""
    clean = with_texts(result, lambda: showable(text))
    made = replace(with_texts(result, lambda: text), config_hash=fingerprint(clean.config))
    path = tmp_path / "x.json"
    path.write_bytes(store.dump(replace(made, verdicts=[])))
    page, shown = page_of(store.load(path, LABELS)), " ".join(showable(text).split())
    for section in ("the_machine", "threads", "what_failed"):
        assert shown in page.words(section)
    printed = CliRunner().invoke(main, ["compare", str(path), str(store.save(result, tmp_path))])
    assert printed.exit_code in {0, 3}, printed.output
    assert showable(printed.output) == printed.output


def test_strangers_texts_are_shown_in_comparisons(result: Result, make_result: Made) -> None:
    """What differs between machines is set side by side as it is, whatever it is."""
    texts = iter(range(10**6))
    left = with_texts(result, lambda: f"{HOSTILE[next(texts) % len(HOSTILE)]} {next(texts)}")
    right = with_texts(make_result("fast-machine"), lambda: " ".join(HOSTILE))
    pages = gather([right, left])
    (name,) = (name for name in pages if name.startswith("compare/with-"))
    page = Page(name, pages[name])
    assert " ".join(HOSTILE) in page.words("may_they")
    for text in HOSTILE[::2]:
        assert f"{text} " in page.words("may_they")
    assert page.elements("img", "b", "form") == []
    assert [each.get("src") for each in page.elements("script")] == ["../script.js"]


def test_control_characters_are_shown_as_unknown(result: Result) -> None:
    """What a program printed may hold terminal sequences; they are no characters of HTML."""
    text = "\x1b[31mred\x1b[0m \x00 \x07 \x7f \x85 \ufffe"
    page = page_of(with_texts(result, lambda: text))
    assert "\N{REPLACEMENT CHARACTER}[31mred" in page.words("what_failed")


def test_formulas_do_not_run_in_a_spreadsheet(result: Result) -> None:
    """A label that begins like a formula is quoted in CSV files, and only there."""
    files = gather([with_texts(result, lambda: "=1+1")])
    data = files["data/fixed-machine/concise-pytorch-implementation.csv"].decode()
    assert "\n'=1+1," in data
    assert "\n=1+1" not in data


def test_result_of_a_newer_version_with_an_unknown_framework_is_shown(result: Result) -> None:
    """A framework that this version does not know has no code to show, and all else."""
    newer = each_record(only(result, "threads"), lambda one: replace(one, backend="abacus"))
    environment = replace(result.environments["pytorch"], backend="abacus")
    page = page_of(replace(newer, environments={"abacus": environment}))
    folds = page.figures()["threads-abacus"].folds
    assert list(folds) == ["The numbers", "How this was measured"]
    assert "abacus 2.13.0+cpu on cpu" in folds["How this was measured"]
