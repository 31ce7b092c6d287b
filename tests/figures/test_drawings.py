"""Drawings are made once for what they are made from, wherever and in however many processes."""

from __future__ import annotations

import os
import re
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from processes import gone, start_program
from report.figures import draw, drawings
from report.figures.drawings import Drawings
from report.figures.figure import Figure, Sheet, Table, Words
from report.figures.shapes import Axis, Curves, Line
from report.results import files
from report.results.files import Cache

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.figures.shapes import Shape
    from report.figures.svg import Drawing


def figure(k: int = 0, label: str = "y", alt: str = "A curve.") -> Figure:
    """Return a figure of one line."""
    only = Line(name="", index=0, x=(1.0, 2.0), y=(1.0, 2.0 + k))
    return Figure(
        name=f"figure-{k}",
        question="",
        words=Words(title="", caption="", alt=alt),
        shape=Curves(x=Axis(label="x"), y=Axis(label=label), lines=(only,)),
        table=Table(header=[], rows=[]),
        sheet=Sheet(header=[], rows=[]),
    )


def drawn(figures: Sequence[Figure], kept: Cache) -> dict[str, Drawing]:
    """Return the drawings of figures, ordered one by one."""
    with Drawings(kept) as ordered:
        for one in figures:
            ordered.order([one])
        return ordered.finished()


@pytest.fixture(name="made")
def names_of_what_is_drawn(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that gets the name of each figure that is drawn, in this process."""
    made: list[str] = []
    original = draw.drawing

    def counted(name: str, alt: str, shape: Shape) -> Drawing:
        made.append(name)
        return original(name, alt, shape)

    monkeypatch.setattr(draw, "drawing", counted)
    return made


def test_a_drawing_is_made_once(tmp_path: Path, made: list[str]) -> None:
    """A second rendering finds it, byte by byte; a figure without a shape has none."""
    figures = [figure(0), figure(1), figure(1), replace(figure(2), shape=None)]
    first, again = (drawn(figures, Cache(tmp_path)) for _ in range(2))
    assert made == ["figure-0", "figure-1"]
    assert first == again
    assert first.keys() == {one.fingerprint for one in figures[:2]}


def test_without_a_cache_it_is_made_each_time(made: list[str]) -> None:
    """Tests of equal bytes compare drawings, not copies of one."""
    for _ in range(2):
        drawn([figure()], Cache())
    assert made == ["figure-0", "figure-0"]


OTHERS = {
    "axis": figure(label="z"),
    "alternative text": figure(alt="Another."),
    "values": replace(figure(), shape=figure(1).shape),
    "name": replace(figure(), name="b"),
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_what_changed_is_drawn_again(tmp_path: Path, made: list[str], other: Figure) -> None:
    """A drawing is kept by all that it is made from."""
    before = drawn([figure()], Cache(tmp_path))
    after = drawn([other], Cache(tmp_path))
    assert len(made) == 2
    assert [*before.values()] != [*after.values()]


def test_other_code_draws_again(
    tmp_path: Path, made: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an older version of this program drew is not shown by a newer one."""
    drawn([figure()], Cache(tmp_path))
    monkeypatch.setattr(drawings, "_code", lambda _: "another version")
    drawn([figure()], Cache(tmp_path))
    assert len(made) == 2


@pytest.mark.parametrize("spoiled", [b"", b"<svg/>\0<svg/>", b"0\n<svg/>"])
def test_a_spoiled_file_is_ignored(tmp_path: Path, made: list[str], spoiled: bytes) -> None:
    """Emptied, overwritten or cut short: it is drawn again, and mended."""
    first = drawn([figure()], Cache(tmp_path))
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    for content in (spoiled, whole[:-1]):
        file.write_bytes(content)
        assert drawn([figure()], Cache(tmp_path)) == first
        assert file.read_bytes() == whole
    assert len(made) == 3


def test_a_pool_draws_what_one_process_draws(capfd: pytest.CaptureFixture[str]) -> None:
    """The same bytes in the same order, and no word of missing letters on the terminal."""
    figures = [figure(k, "\N{HEBREW LETTER ALEF}") for k in range(drawings.FEW + 1)]
    pooled = drawn(figures, Cache())
    assert capfd.readouterr() == ("", "")
    for one in figures:
        assert drawn([one], Cache()) == {one.fingerprint: pooled[one.fingerprint]}


def test_a_cache_that_cannot_be_written_is_none(tmp_path: Path, made: list[str]) -> None:
    """A full or read-only disk stops nobody from rendering."""
    (tmp_path / "file").write_bytes(b"")
    assert drawn([figure()], Cache(tmp_path / "file" / "below"))
    assert made == ["figure-0"]


def test_a_cache_is_kept_below_its_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The older half goes once there are too many, and nothing before."""
    monkeypatch.setattr(files, "MOST_FILES", 4)
    kept = Cache(tmp_path)
    for k in range(5):
        if k == 4:
            kept.prune()
            assert len([*tmp_path.iterdir()]) == 4
        kept.put(str(k), b"content")
        os.utime(tmp_path / str(k), (k, k))
    kept.prune()
    assert {path.name for path in tmp_path.iterdir()} == {"2", "3", "4"}


PROGRAM = """
import sys, time
import psutil
sys.path.insert(0, sys.argv[1])
from figures.test_drawings import figure
from report.figures import drawings
from report.results.files import Cache

if __name__ == "__main__":
    with drawings.Drawings(Cache()) as ordered:
        ordered.order(figure(k) for k in range(drawings.FEW + 1))
        ordered.finished()
        print(*(child.pid for child in psutil.Process().children(recursive=True)), flush=True)
        time.sleep(600)
"""


def test_a_killed_program_leaves_nobody_behind_who_draws() -> None:
    """Not even where it could tell nobody, as after running out of memory."""
    with start_program(PROGRAM, str(Path(__file__).parents[1])) as program:
        assert program.stdout is not None
        drawing = [int(pid) for pid in program.stdout.readline().split()]
        assert len(drawing) >= 2
        program.kill()
    assert gone(*drawing)


@pytest.mark.skipif(sys.platform != "linux", reason="others start it otherwise")
def test_processes_that_draw_leave_interrupts_to_the_program(tmp_path: Path) -> None:
    """A terminal interrupts them as well, and each would print a traceback over what is said."""
    files_of = "/proc/{}/status"
    with Drawings(Cache(tmp_path)) as ordered:
        ordered.order([figure(k) for k in range(drawings.FEW + 1)])
        ordered.finished()
        pids = list(ordered._pool._processes or {}) if ordered._pool else []
        statuses = [Path(files_of.format(pid)).read_text() for pid in pids]
    blocked = [int(re.findall(r"SigBlk:\s*(\w+)", one)[0], 16) for one in statuses]
    assert blocked
    assert all(mask >> (signal.SIGINT - 1) & 1 for mask in blocked)
