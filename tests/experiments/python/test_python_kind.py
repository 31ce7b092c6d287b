"""A person's own code in experiments.yaml, from a real worker, and on the pages."""

from __future__ import annotations

import textwrap
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

import report
from factories.measured import QUIET, timing
from pages import gather, read_pages
from reading import column, said
from report.claims import verdicts
from report.cli import main
from report.config.configuration import load
from report.config.plan import plan
from report.errors import ConfigError
from report.experiments.catalogue import LABELS
from report.experiments.python.kind import PYTHON
from report.results import store
from results_factory import each_outcome

if TYPE_CHECKING:
    from report.results.result import Result
    from report.worker.records import Series

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples"

CODE = """
def setup(n, way):
    data = list(range(n))
    call = {"sum": lambda: sum(data), "loop": lambda: [x + 1 for x in data]}[way]
    return {"call": call, "examples": n}
"""

LINES = """
version: 1
profiles:
  quick: {processes: 3, repeats: 5}
experiments:
  sums:
    kind: python
    backends: numpy
    function: mine.py:setup
    arguments: {n: [100, 1000, 10000], way: [sum, loop]}
    budget_s: 0.6
claims:
  loops-cost:
    says: A loop is slower than sum.
    section: of my own
    left: {experiment: sums, series: {way: loop, n: 10000}}
    right: {series: {way: sum}}
    relation: greater
    least: 1.1
    because: One takes {left}, the other {right}, for {left.n} numbers.
"""


@pytest.fixture(name="folder", scope="module")
def own_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a configuration and its code."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "mine.py").write_text(textwrap.dedent(CODE))
    (folder / "experiments.yaml").write_text(textwrap.dedent(LINES))
    return folder


@pytest.fixture(name="result", scope="module")
def measured_by_a_real_worker(folder: Path) -> Result:
    """Return what `report run` measures of it, with times that no other program has disturbed."""
    asked = ["run", str(folder / "experiments.yaml"), "--results", str(folder / "results")]
    done = CliRunner().invoke(main, [*asked, "--machine", "here", "--trust", "-q"])
    assert done.exit_code == 0, done.output
    found = store.find("here", folder / "results", LABELS)
    records = [replace(record, conditions=QUIET) for record in found.records]
    found = each_outcome(
        replace(found, records=records),
        lambda outcome, record: replace(
            outcome, series=[_steady(series, record.process) for series in outcome.series]
        ),
    )
    return replace(found, verdicts=verdicts.of_result(found))


def _steady(series: Series, process: int) -> Series:
    assert series.timing is not None
    a_number_s = 4e-8 if series.labels["way"] == "loop" else 1e-8
    seconds = a_number_s * float(str(series.labels["n"])) * (1 + process / 100)
    return replace(series, timing=timing([seconds] * 5))


def test_own_code_is_run_only_if_it_was_approved(folder: Path) -> None:
    """By name; a file that has changed must be approved again."""
    asked = ["run", str(folder / "experiments.yaml"), "--results", str(folder / "none")]
    done = CliRunner().invoke(main, asked)
    assert done.exit_code != 0
    assert "mine.py:setup" in done.output
    assert not (folder / "none").exists()


def test_own_code_gets_a_figure_a_verdict_and_a_table(result: Result, folder: Path) -> None:
    """Like any experiment of the chapter's."""
    (figure,) = PYTHON.figures(result, "sums")
    assert "times as long" in said(figure)["title"]
    assert next(iter(column(figure.table, "time, µs"))) == "n = 100, way = sum"
    assert any("examples/s" in header for header in figure.table.header)
    (verdict,) = result.verdicts
    assert verdict.verdict == "supported"
    frame = report.load(folder / "results")
    cases = frame[frame.metric == "seconds"].case
    assert sorted(cases) == sorted(column(figure.table, "time, µs"))
    pages = read_pages(gather([result]))
    own = pages["machines/here/own.html"]
    assert "mine.py:setup" in own.words()
    assert "for 10,000 numbers" in own.words()


def _twice_as_long(series: Series) -> Series:
    if series.timing is None:
        return series
    elapsed = [2 * seconds for seconds in series.timing.elapsed_s]
    return replace(series, timing=replace(series.timing, elapsed_s=elapsed))


def test_machines_are_compared_by_their_cases(result: Result) -> None:
    """With the other's times doubled it is twice as slow throughout."""
    slower = each_outcome(
        result,
        lambda outcome, _: replace(outcome, series=[_twice_as_long(s) for s in outcome.series]),
    ).records
    other = replace(result, machine=replace(result.machine, id="there"), records=slower)
    pages = read_pages(gather([result, other]))
    words = pages["compare/own.html"].words()
    assert "2.0 times as long" in words or "2.00 times as long" in words


def test_plan_knows_the_code_by_its_sum(folder: Path, tmp_path: Path) -> None:
    """Other code is another measurement, and a plan that names a sum refuses it."""
    first = plan(load(folder / "experiments.yaml"), "quick")
    assert first.fingerprint() == plan(load(folder / "experiments.yaml"), "quick").fingerprint()
    (tmp_path / "experiments.yaml").write_text((folder / "experiments.yaml").read_text())
    (tmp_path / "mine.py").write_text(CODE + "# changed\n")
    assert plan(load(tmp_path / "experiments.yaml"), "quick").fingerprint() != first.fingerprint()
    named = (folder / "experiments.yaml").read_text()
    digest = first.experiments[0].settings["source_sha256"]
    named = named.replace("budget_s: 0.6", f"budget_s: 0.6\n    source_sha256: {digest}")
    (tmp_path / "experiments.yaml").write_text(named)
    with pytest.raises(ConfigError, match="SHA-256"):
        load(tmp_path / "experiments.yaml")


WRONG: dict[str, Any] = {
    "function: ../mine.py:setup": "folder",
    "function: mine:setup": "pattern",
    "arguments: {threads: [1]}": "meaning of its own",
    "arguments: {n: [1, 1]}": "twice",
    f"arguments: {{n: {list(range(60))}, m: [1, 2]}}": "combinations",
}


@pytest.mark.parametrize(("line", "why"), WRONG.items(), ids=WRONG.values())
def test_what_cannot_be_run_is_refused_with_its_line(tmp_path: Path, line: str, why: str) -> None:
    """Before anything is measured."""
    path = tmp_path / "experiments.yaml"
    path.write_text(f"version: 1\nexperiments:\n  one:\n    kind: python\n    {line}\n")
    with pytest.raises(ConfigError, match=why) as caught:
        load(path)
    # By its line, or that of the experiment where keys do not fit together.
    assert ":5" in str(caught.value) or ":3: experiments.one" in str(caught.value)


def test_example_of_the_readme_is_valid() -> None:
    """Its file is there, and has the function."""
    planned = plan(load(EXAMPLE / "experiments.yaml"), "quick")
    assert planned.experiments[0].settings["source_sha256"]
    assert "def setup(way, n, device)" in (EXAMPLE / "attention.py").read_text()
