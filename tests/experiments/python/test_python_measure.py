"""A person's own code: what it may return, and what becomes of it where it goes wrong."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import pytest

from factories.jobs import job
from report.backends import pytorch
from report.experiments.python.kind import PythonSettings
from report.experiments.python.measure import measure
from report.worker.records import Unavailable

if TYPE_CHECKING:
    from pathlib import Path

    from report.worker.records import Series


def run(folder: Path, code: str, name: str = "setup", **arguments: Any) -> list[Series]:
    """Measure a function of a file with this code."""
    (folder / "mine.py").write_text(textwrap.dedent(code))
    settings = PythonSettings.model_validate(
        {"function": f"mine.py:{name}", "arguments": arguments}
    )
    asked = job(settings, kind="python", budget_s=0.05, source=str(folder / "mine.py"))
    return measure(pytorch.Session("cpu", 1), asked).series


def test_a_function_alone_is_timed(tmp_path: Path) -> None:
    """Three lines are enough: what setup returns is called, and its time is above zero."""
    (series,) = run(tmp_path, "def setup():\n    return lambda: sum(range(100))")
    assert series.labels == {"case": "call", "threads": 1}
    assert series.timing is not None
    assert series.timing.median_s > 0
    assert (series.flops, series.bytes_moved, series.examples) == (None, None, None)


def test_every_combination_is_a_case_with_what_it_says_of_itself(tmp_path: Path) -> None:
    """In the order of the file; amounts, and what it is told of its surroundings."""
    found = run(
        tmp_path,
        """
        def setup(n, way, threads, seed):
            assert threads == 1
            assert seed > 0
            return {"call": lambda: n, "flops": 2 * n, "bytes": 8 * n, "examples": n}
        """,
        n=[4, 2],
        way=["a", "b"],
    )
    cases = [(s.labels["n"], s.labels["way"], s.labels["case"]) for s in found]
    assert cases == [(n, way, f"n = {n}, way = {way}") for n in (4, 2) for way in ("a", "b")]
    first = found[0]
    assert (first.flops, first.bytes_moved, first.examples) == (8, 32, 4)


def test_a_neighbour_can_be_imported(tmp_path: Path) -> None:
    """As in a script."""
    (tmp_path / "neighbour_of_mine.py").write_text("def work():\n    return 1\n")
    code = "from neighbour_of_mine import work\ndef setup():\n    return work"
    (series,) = run(tmp_path, code)
    assert series.status == "ok"


FAULTS = {
    "return None": ("failed", "must return"),
    "return {'run': len}": ("failed", "must return"),
    "return {'call': list, 'flop': 3}": ("failed", "flop"),
    "return {'call': list, 'flops': 1.5}": ("failed", "whole number"),
    "return {'call': list, 'check': lambda: False}": ("failed", "check"),
    "raise ValueError('n is odd')": ("failed", "ValueError: n is odd"),
    "raise NotImplementedError('no such kernel')": ("skipped", "no such kernel"),
    "return {'call': lambda: 1 / 0}": ("failed", "ZeroDivisionError"),
}


@pytest.mark.parametrize(("line", "end"), FAULTS.items(), ids=FAULTS.keys())
def test_what_goes_wrong_in_a_case_is_its_reason(
    tmp_path: Path, line: str, end: tuple[str, str]
) -> None:
    """And the other case is measured all the same."""
    code = f"def setup(n):\n    if n == 2:\n        return list\n    {line}"
    wrong, right = run(tmp_path, code, n=[1, 2])
    assert wrong.status == end[0]
    assert end[1] in str(wrong.reason)
    assert wrong.timing is None
    assert right.status == "ok"


def test_check_that_returns_nothing_has_found_nothing(tmp_path: Path) -> None:
    """It may assert by itself."""
    code = "def setup():\n    return {'call': list, 'check': lambda: None}"
    assert [series.status for series in run(tmp_path, code)] == ["ok"]


def test_code_that_is_not_there_is_skipped(tmp_path: Path) -> None:
    """By its name and without its folder."""
    with pytest.raises(Unavailable, match=r"no function other") as caught:
        run(tmp_path, "def setup():\n    return list", name="other")
    assert str(tmp_path) not in str(caught.value)
    settings = PythonSettings.model_validate({"function": "none.py:setup"})
    asked = job(settings, kind="python", source=str(tmp_path / "none.py"))
    with pytest.raises(Unavailable, match=r"no file none\.py"):
        measure(pytorch.Session("cpu", 1), asked)
