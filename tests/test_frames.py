"""The table of all numbers: the pages' own estimates, each series once, in every form the same."""

from __future__ import annotations

import csv
import io
import json
import math
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from click.testing import CliRunner
from jsonschema import Draft7Validator  # type: ignore[import-untyped]

import pages
import report
from report import frames
from report.cli import main
from report.errors import ResultError
from report.experiments.catalogue import KINDS, LABELS, of_records
from report.figures.prose import digest
from report.results import store
from report.results.runs import by_machine, together
from report.site.machine import figures_of
from report.worker.timing import median
from results_factory import make_result, only

if TYPE_CHECKING:
    from click.testing import Result as Done

    from report.figures.figure import Sheet
    from report.results.result import Result

COMMITTED = Path(__file__).parents[1] / "results"

ENDS = ("", "_low95", "_high95")

BMF = {
    "type": "object",
    "patternProperties": {
        ".+": {
            "type": "object",
            "patternProperties": {
                ".+": {
                    "type": "object",
                    "properties": {
                        name: {"type": "number"} for name in ("value", "lower_value", "upper_value")
                    },
                    "required": ["value"],
                    "additionalProperties": False,
                }
            },
        }
    },
}
"""Bencher's schema of its format, and no names that it does not have."""


@pytest.fixture(name="result", scope="module")
def committed() -> Result:
    """Return the committed runs of the machine that has the most files."""
    machines = by_machine(one.result for one in store.read_all(COMMITTED, LABELS)[0])
    return together(max(machines, key=lambda same: len(same[0].environments)))


@pytest.fixture(name="rows", scope="module")
def estimates(result: Result) -> list[dict[str, Any]]:
    """Return the table of its estimates, a dict for each row."""
    return rows_of(frames.sheet([(result, False)]))


@pytest.fixture(name="folder", scope="module")
def small_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a results folder of two machines that are alike but for their speed."""
    folder = tmp_path_factory.mktemp("small") / "results"
    for name, speed in (("desk", 2.0), ("laptop", 1.0)):
        store.save(only(make_result(name, speed), "vectorization", "chapter-training"), folder)
    return folder


def rows_of(table: Sheet) -> list[dict[str, Any]]:
    """Return a table as a dict for each row."""
    return [dict(zip(table.header, row, strict=True)) for row in table.rows]


def run(*arguments: str | Path) -> Done:
    """Run a command in this process."""
    return CliRunner().invoke(main, [*map(str, arguments)])


def exported(folder: Path, *arguments: str | Path) -> bytes:
    """Return what `report export` prints."""
    done = run("export", "--results", folder, *arguments)
    assert done.exit_code == 0, done.output
    return done.stdout_bytes


# --- what it holds


def test_values_are_those_of_the_figures(result: Result, rows: list[dict[str, Any]]) -> None:
    """Each number that a figure's CSV has of a metric, with both ends of its interval."""
    known = {row["key"]: row for row in rows}
    compared: Counter[str] = Counter()
    for figure in (each for _, figures in figures_of(result) for each in figures):
        text = figure.sheet.csv().decode()
        for one in csv.DictReader(io.StringIO(text, newline="")):
            row = known.get(digest(one.get("key", "")))
            column = next((c for c in one if f"{c}_low95" in one and one[c]), None)
            if row and column:
                ends = [(one[f"{column}{end}"], row[f"value{end}"]) for end in ENDS]
                assert [a for a, b in ends if a != ("" if b is None else str(b))] == []
                compared[row["metric"]] += 1
    assert min(compared[name] for name in ("seconds", "flop_per_s", "bytes_per_s", "loss")) > 20


def test_every_timed_series_of_a_result_is_a_row(
    result: Result, rows: list[dict[str, Any]]
) -> None:
    """Once for its seconds; and no key stands in two rows."""
    assert max(Counter(row["key"] for row in rows).values()) == 1
    timed = Counter(
        (row["experiment"], row["backend"]) for row in rows if row["metric"] == "seconds"
    )
    wanted: Counter[tuple[str, str]] = Counter()
    for name, planned in result.config["experiments"].items():
        for backend in planned["backends"]:
            mine = [record for record in result.of(name) if record.backend == backend]
            labels = {
                repr(one.labels)
                for record in mine
                for one in (record.outcome.series if record.outcome else ())
                if one.timing
            }
            series = labels or of_records(mine, result.run)
            wanted[name, backend] += len(series)
    assert timed == +wanted
    every = result.config["experiments"].values()
    assert {row["kind"] for row in rows} == {one["kind"] for one in every}


def test_samples_make_the_estimates(result: Result, rows: list[dict[str, Any]]) -> None:
    """The geometric mean of the medians of processes, or seeds; and there are as many samples."""
    groups: dict[str, dict[tuple[Any, Any], list[float]]] = {}
    for one in rows_of(frames.sheet([(result, False)], "samples")):
        mine = groups.setdefault(one["key"], {})
        mine.setdefault((one["process"], one["seed"]), []).append(one["value"])
        assert one["index"] == len(mine[one["process"], one["seed"]]) - 1
    direct = [row for row in rows if row["key"] in groups]
    assert {row["metric"] for row in rows} - {row["metric"] for row in direct} == {
        *("flop_per_s", "bytes_per_s", "examples_per_s")
    }
    for row in direct:
        mine = groups[row["key"]]
        logs = [math.log(median(sorted(values))) for values in mine.values()]
        assert math.exp(math.fsum(logs) / len(logs)) == pytest.approx(row["value"], rel=1e-8)
        assert (len(mine), sum(map(len, mine.values()))) == (row["replicates"], row["samples"])


def test_samples_say_of_which_run_they_are() -> None:
    """Runs of a machine stand together in an estimate; the samples keep them apart."""
    starts = [f"2026-01-0{day}T03:04:05Z" for day in (2, 3)]
    result = together([only(make_result(started_at=one), "threads") for one in starts])
    samples = rows_of(frames.sheet([(result, False)], "samples"))
    assert {one["began"] for one in samples if one["process"] is not None} == set(starts)


def test_labels_are_columns_of_no_other_name() -> None:
    """A label that a new kind brings must not hide another column, nor the reverse."""
    for level, own in frames.OWN.items():
        columns = [*frames.SHARED, *own, *frames.NAMES, "key"]
        assert max(Counter(columns).values()) == 1, level
    assert {name for kind in KINDS.values() for name in kind.labels.__annotations__} == set(
        frames.NAMES
    )


def test_a_lower_bound_is_said_to_be_one() -> None:
    """Runs that never come to the loss have a time that is only a lower bound."""
    rows = rows_of(frames.sheet([(make_result(), False)]))
    reached = [row for row in rows if row["metric"] == "seconds_to_loss"]
    assert any(row["censored"] for row in reached)
    assert not any(row["censored"] for row in rows if row["metric"] == "seconds")


def test_noise_grade_stands_only_where_a_clock_has_a_part() -> None:
    """Losses and gradients do not depend on how quiet the machine was."""
    rows = rows_of(frames.sheet([(make_result(), False)]))
    timed = {row["metric"]: row["grade"] is not None for row in rows}
    assert timed["seconds"]
    assert timed["examples_per_s"]
    assert not timed["loss"]
    assert not timed["std"]


# --- in Python


def test_load_returns_a_data_frame(folder: Path) -> None:
    """Whole numbers stay whole beside empty cells, and text stays text."""
    frame = report.load(folder)
    assert list(frame.columns) == [*frames.SHARED, *frames.OWN["estimates"], *frames.NAMES, "key"]
    kinds = {name: str(frame[name].dtype) for name in ("size", "value", "strategy", "imported")}
    assert kinds == {
        "size": "Int64",
        "value": "float64",
        "strategy": "string",
        "imported": "boolean",
    }
    seconds = frame[frame.metric == "seconds"].set_index("machine").value
    assert seconds["laptop"].median() / seconds["desk"].median() == pytest.approx(2, rel=0.2)


def test_load_takes_a_single_file(folder: Path) -> None:
    """And then the table is of that run."""
    (path,) = folder.glob("desk/*")
    assert set(report.load(path).machine) == {"desk"}
    with pytest.raises(ResultError, match="no results"):
        report.load(folder / "nowhere")


def test_load_warns_of_what_is_no_result(folder: Path, tmp_path: Path) -> None:
    """And uses the others."""
    (path,) = folder.glob("desk/*")
    (tmp_path / "desk").mkdir()
    (tmp_path / "desk" / path.name).write_bytes(path.read_bytes())
    (tmp_path / "desk" / "broken.json").write_text("{}")
    with pytest.warns(UserWarning, match=r"desk/broken\.json"):
        assert len(report.load(tmp_path))


WITHOUT = """
import sys
sys.modules["pandas"] = sys.modules["pyarrow"] = None
import json, pathlib, report
columns = report.load(sys.argv[1])
assert type(columns) is dict
print(json.dumps(columns))
"""


def test_without_pandas_it_is_a_dict_of_columns(folder: Path) -> None:
    """With the same values, and None where pandas has its own mark."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, folder], capture_output=True, text=True, check=True
    )
    columns, frame = json.loads(done.stdout), report.load(folder)
    assert list(columns) == list(frame.columns)
    for name, column in columns.items():
        cells = frame[name].tolist()
        assert [None if pd.isna(cell) else cell for cell in cells] == column, name


def test_parquet_without_pandas_names_what_it_needs(folder: Path, tmp_path: Path) -> None:
    """And what to type, in place of a traceback."""
    blocked = "import sys; sys.modules['pandas'] = None; from report.cli import main; main()"
    command = ["export", "--results", folder, "--format", "parquet", "-o", tmp_path / "a.parquet"]
    done = subprocess.run(
        [sys.executable, "-c", blocked, *map(str, command)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "pip install pandas pyarrow" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_result_shows_itself_in_a_notebook(folder: Path) -> None:
    """Headlines, tally and a figure, with no script and nothing from elsewhere; as text, a line."""
    shown = report.read("laptop", folder)
    page = pages.Page("shown", f"<!DOCTYPE html><title>-</title>{shown._repr_html_()}".encode())
    assert page.elements("svg")
    assert not page.elements("script", "link", "img", "iframe", "a")
    assert "an epoch at batch 100" in page.words()
    assert "statements of the chapter" in page.words()
    assert "http" not in shown._repr_html_().replace("http://www.w3.org/2000/svg", "")
    assert len(repr(shown).splitlines()) == 1


# --- as files


@pytest.mark.parametrize("level", ["estimates", "samples"])
def test_csv_and_parquet_hold_the_same_table(folder: Path, tmp_path: Path, level: str) -> None:
    """Read again, each is what `load` returns; CSV to the 12 digits that it holds."""
    frame = report.load(folder, level)  # type: ignore[arg-type]
    output = tmp_path / "table.parquet"
    exported(folder, "--format", "parquet", "--level", level, "-o", output)
    pd.testing.assert_frame_equal(pd.read_parquet(output), frame)
    text = io.BytesIO(exported(folder, "--level", level))
    again = pd.read_csv(text, dtype=dict(frame.dtypes))
    pd.testing.assert_frame_equal(again, frame, rtol=1e-11)


def test_json_has_an_object_for_each_row(folder: Path) -> None:
    """With what the row has, and nothing for its empty cells."""
    rows = json.loads(exported(folder, "--format", "json"))
    table = rows_of(frames.sheet(frames.machines(folder)[0]))
    assert rows == [{k: v for k, v in row.items() if v is not None} for row in table]


def test_bencher_gets_one_machine_in_its_own_format(folder: Path) -> None:
    """Seconds are its latency, in nanoseconds, and names are the same on all machines."""
    refused = run("export", "--results", folder, "--format", "bmf")
    assert refused.exit_code == 2
    assert "desk, laptop" in refused.output
    found = {
        name: json.loads(exported(folder, "--format", "bmf", "--machine", name))
        for name in ("desk", "laptop")
    }
    Draft7Validator(BMF).validate(found["desk"])
    assert found["desk"].keys() == found["laptop"].keys()
    row = next(
        row
        for row in rows_of(frames.sheet(frames.machines(folder)[0]))
        if (row["machine"], row["metric"], row["strategy"]) == ("desk", "seconds", "full")
    )
    (mine,) = [
        one
        for name, one in found["desk"].items()
        if name.startswith("vectorization/pytorch?") and "strategy=full&" in name
    ]
    assert mine["latency"]["value"] == pytest.approx(row["value"] * 1e9)
    assert (
        mine["latency"]["lower_value"] < mine["latency"]["value"] < mine["latency"]["upper_value"]
    )
    assert mine["flop-per-s"]["value"] == pytest.approx(2 * 256**3 / row["value"])


def test_bencher_gets_no_lower_bounds() -> None:
    """It would take the time of a run that never came to the loss for one that did."""
    result = make_result()
    rows = rows_of(frames.sheet([(result, False)]))
    there = [row for row in rows if row["metric"] == "seconds_to_loss" and not row["censored"]]
    found = frames.bencher([result])
    assert sum("seconds-to-loss" in one for one in found.values()) == len(there) > 0


def test_export_refuses_what_it_cannot_write(folder: Path, tmp_path: Path) -> None:
    """Parquet on a terminal, an unknown machine, samples for Bencher; no file is begun."""
    for arguments in (
        ("--format", "parquet"),
        ("--machine", "nobody"),
        ("--format", "bmf", "--machine", "desk", "--level", "samples"),
    ):
        done = run("export", "--results", folder, *arguments)
        assert done.exit_code == 2, arguments
        assert not done.stdout, arguments
    unknown = run("export", "--results", folder, "--machine", "nobody", "-o", tmp_path / "a.csv")
    nowhere = run("export", "--results", folder, "-o", tmp_path / "no" / "a.csv")
    assert (unknown.exit_code, nowhere.exit_code) == (2, 1)
    assert "a.csv" in nowhere.stderr
    assert list(tmp_path.iterdir()) == []


def test_imported_results_are_said_to_be(folder: Path, tmp_path: Path) -> None:
    """In the table as on the pages."""
    (own,), (other,) = (list(folder.glob(f"{name}/*")) for name in ("desk", "laptop"))
    assert run("add", other, "--results", tmp_path).exit_code == 0
    result = replace(store.load(own, LABELS))
    store.save(result, tmp_path)
    frame = report.load(tmp_path)
    assert dict(frame.groupby("machine").imported.first()) == {"desk": False, "laptop": True}
