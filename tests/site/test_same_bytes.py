"""The same results give the same bytes, on whatever processor and by whomever they are rendered.

Libraries choose their kernels by the processor; variables make them choose those of another. They
only decide these tests: nobody who uses the program has to set them.
"""

from __future__ import annotations

import csv
import gzip
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

import pages
from report.results import store

if TYPE_CHECKING:
    from collections.abc import Mapping

    from report.results.result import Result

ROOT = Path(__file__).parents[2]

OTHERS = {
    "oldest": {
        "OPENBLAS_CORETYPE": "Prescott",
        "NPY_DISABLE_CPU_FEATURES": "",  # all that NumPy can do without
        "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX512F,-AVX2,-FMA,-FMA4",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONHASHSEED": "1",
        "TZ": "Pacific/Kiritimati",
        "USER": "nobody-in-particular",
        "LANG": "tr_TR.UTF-8",
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
    },
    "older": {
        "OPENBLAS_CORETYPE": "Sandybridge",
        "NPY_DISABLE_CPU_FEATURES": "X86_V3",  # and what stands upon it
        "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-FMA,-FMA4",
        "PYTHONHASHSEED": "2",
        "TZ": "America/St_Johns",
    },
    "newer": {
        "OPENBLAS_CORETYPE": "Haswell",
        "NPY_DISABLE_CPU_FEATURES": "X86_V4",
        "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX512F",
        "PYTHONHASHSEED": "3",
        "TZ": "Asia/Kathmandu",
    },
}
"""Processors of 2004, 2011 and 2013, on this one; each with its own hash seed and time zone, one in
another language and encoding."""


def _features(first: str) -> str:
    """Name what NumPy uses of this processor from a level on; all of it if no level is named."""
    # In ascending order. On another architecture there is no such level, and all are left out.
    names: list[str] = np.show_config(mode="dicts")["SIMD Extensions"]["found"]
    return " ".join(names[names.index(first) if first in names else 0 :])


def _rendered(
    results: Path, home: Path, variables: Mapping[str, str], *options: str
) -> dict[str, bytes]:
    """Return the files of a site that a process with some variables renders in somebody's home."""
    own = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(home), **variables}
    own["NPY_DISABLE_CPU_FEATURES"] = _features(variables["NPY_DISABLE_CPU_FEATURES"])
    command = [
        sys.executable,
        "-m",
        "report",
        "render",
        "--results",
        str(results),
        "-o",
        "site",
        *options,
    ]
    done = subprocess.run(command, capture_output=True, check=False, cwd=home, env=own, text=True)
    assert done.returncode == 0, done.stderr
    return _files(home / "site")


def _files(site: Path) -> dict[str, bytes]:
    return {
        path.relative_to(site).as_posix(): path.read_bytes()
        for path in site.rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }


def _differences(one: Mapping[str, bytes], other: Mapping[str, bytes]) -> list[str]:
    """Name the files that differ, each with its first line that does, from there on."""
    found = []
    for name in sorted(one.keys() | other.keys()):
        if one.get(name) == other.get(name):
            continue
        contents = [files.get(name, b"no such file") for files in (one, other)]
        sides = [content.decode(errors="replace") for content in contents]
        pairs = enumerate(zip(*sides, strict=False))
        at = next((k for k, (a, b) in pairs if a != b), min(map(len, sides)))
        line, start = sides[0].count("\n", 0, at) + 1, max(0, at - 40)
        found.append(f"{name}:{line}: {' | '.join(repr(side[start : at + 40]) for side in sides)}")
    return found


def test_differences_are_named_by_file_and_line() -> None:
    """A missing file is one as well."""
    one = {"same": b"a", "a.csv": b"x\ny,1\n", "gone": b"a"}
    named = _differences(one, {"same": b"a", "a.csv": b"x\ny,2\n"})
    assert [each.partition(": ")[0] for each in named] == ["a.csv:2", "gone:1"]


def test_derived_numbers_have_twelve_digits(two_machine_site: dict[str, bytes]) -> None:
    """In the data of every figure and in every verdict; what was measured stays as it was."""
    cells = {
        cell
        for name, content in two_machine_site.items()
        if name.endswith(".csv")
        for row in csv.reader(content.decode().splitlines())
        for cell in row
    }
    verdicts = [
        json.dumps(json.loads(gzip.decompress(content))["verdicts"])
        for name, content in two_machine_site.items()
        if name.endswith(".json.gz")
    ]
    assert len(verdicts) == 2
    numbers = re.findall(
        r"(?<![\w.-])-?\d+\.\d+(?:e[-+]?\d+)?(?![\w.])", "\n".join([*cells, *verdicts])
    )
    assert len(numbers) > 1000
    assert [one for one in numbers if float(one) != float(f"{float(one):.12g}")] == []


@pytest.mark.slow
def test_two_machines_are_rendered_alike_on_another_processor(
    two_results: list[Result], tmp_path: Path
) -> None:
    """Pages, data and comparisons of made-up results, and the pictures for links to them."""
    for result in two_results:
        store.save(result, tmp_path / "results")
    address = "https://example.org/"
    rendered = _rendered(tmp_path / "results", tmp_path, OTHERS["oldest"], "--site-url", address)
    assert len([name for name in rendered if name.endswith(".png")]) == 2
    different = _differences(pages.gather(two_results, address), rendered)
    assert not different, "\n".join(different)


@pytest.mark.parametrize(
    "processor",
    ["oldest", *(pytest.param(one, marks=pytest.mark.slow) for one in OTHERS if one != "oldest")],
)
def test_committed_results_give_the_committed_site_on_any_processor(
    tmp_path: Path, processor: str
) -> None:
    """Whoever renders it elsewhere gets no other file to commit; `report render` mends it."""
    if not (ROOT / "site" / "index.html").is_file():
        pytest.skip("no result has been committed yet")
    rendered = _rendered(ROOT / "results", tmp_path, OTHERS[processor])
    different = _differences(_files(ROOT / "site"), rendered)
    assert not different, "\n".join(different)
