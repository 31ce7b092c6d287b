"""Any result that can be made is written, comes back equal, and is rendered and compared."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pages import gather, read_pages
from report.comparing.comparison import compare
from report.experiments.catalogue import LABELS
from report.results import store
from results_factory import make_result, only

if TYPE_CHECKING:
    from pathlib import Path

    from report.results.result import Record, Result
    from report.worker.records import Outcome, Series, Timing

BASE = only(
    make_result("any-machine"),
    *("vectorization", "memory", "overhead", "gradient-noise", "chapter-training"),
)
OTHER = only(make_result("other-machine", 2.0), "vectorization", "memory", "chapter-training")

SECONDS = st.floats(1e-10, 1e6)
"""Of a call: from less than a clock can tell to eleven days."""

TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc", "Co", "Cn")), max_size=60).map(
    lambda text: text.translate(dict.fromkeys(range(8192, 8304), "?"))
)
"""What can be shown; the rest is replaced when a file is read."""


def timings(draw: st.DrawFn, timing: Timing) -> Timing:
    """Draw the samples of a series: few or many, all equal or far apart."""
    per_call = draw(st.lists(SECONDS, min_size=1, max_size=8))
    loops = draw(st.sampled_from([1, 7, 10**6]))
    low, high = (min(per_call), max(per_call)) if len(per_call) > 5 else (None, None)
    return replace(
        timing,
        inner_loops=loops,
        samples=len(per_call),
        elapsed_s=[seconds * loops for seconds in per_call],
        median_s=sorted(per_call)[len(per_call) // 2],
        low_s=low,
        high_s=high,
    )


def series(draw: st.DrawFn, one: Series) -> Series:
    """Draw what became of a series."""
    fate = draw(st.sampled_from(["same", "other times", "skipped", "failed"]))
    if fate in {"skipped", "failed"}:
        return replace(one, status=fate, reason=draw(TEXTS), timing=None)  # type: ignore[arg-type]
    if fate == "other times" and one.timing is not None:
        return replace(one, timing=timings(draw, one.timing))
    return one


def outcomes(draw: st.DrawFn, outcome: Outcome) -> Outcome:
    """Draw an outcome with some of its parts, changed or not."""
    some = [series(draw, one) for one in outcome.series if draw(st.booleans())]
    runs = [one for one in outcome.runs if draw(st.booleans())]
    printed = outcome.as_printed if draw(st.booleans()) else []
    noise = [one for one in outcome.noise if draw(st.booleans())]
    return replace(outcome, series=some, runs=runs, as_printed=printed, noise=noise)


def records(draw: st.DrawFn, record: Record) -> Record:
    """Draw what became of a process."""
    changed: dict[str, Any] = {}
    if draw(st.booleans()):
        changed["conditions"] = None
    fate = draw(st.sampled_from(["ok", "ok", "ok", "failed", "skipped"]))
    if record.outcome is None or fate != "ok":
        fate = "failed" if fate == "ok" else fate
        return replace(record, status=fate, reason=draw(TEXTS), outcome=None, **changed)  # type: ignore[arg-type]
    return replace(record, outcome=outcomes(draw, record.outcome), **changed)


class Made:
    """A result, which is too long to be printed."""

    def __init__(self, result: Result) -> None:
        """Hold it."""
        self.result = result

    def __repr__(self) -> str:
        """Name it by what is in it."""
        return f"<result of {len(self.result.records)} records>"


@st.composite
def results(draw: st.DrawFn) -> Made:
    """Draw a result of some processes of some experiments, finished or not."""
    kept = [records(draw, one) for one in BASE.records if draw(st.booleans())]
    machine = replace(
        BASE.machine,
        cpu=replace(
            BASE.machine.cpu,
            model=draw(TEXTS),
            physical_cores=draw(st.sampled_from([None, 1, 96])),
            caches=BASE.machine.cpu.caches if draw(st.booleans()) else [],
            simd=draw(st.sampled_from([[], BASE.machine.cpu.simd])),
        ),
        memory_bytes=draw(st.sampled_from([0, 2**20, 2**45])),
        virtualization=draw(st.none() | TEXTS),
    )
    without = draw(st.booleans())
    made = replace(
        BASE,
        records=kept,
        machine=machine,
        finished_at=draw(st.sampled_from([None, BASE.finished_at])),
        dataset=None if without else BASE.dataset,
        moments=None if without else BASE.moments,
        environments=BASE.environments if draw(st.booleans()) else {},
        verdicts=[],
    )
    return Made(made)


@pytest.mark.slow
@settings(
    max_examples=20,
    deadline=None,
    derandomize=True,  # the same in each run; raise max_examples to look further
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # to shrink takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(made=results())
def test_any_result_is_written_read_rendered_and_compared(made: Made, tmp_path: Path) -> None:
    """Whatever was left out, failed or took absurdly long: no crash, valid pages, the same back."""
    result = made.result
    again = store.load(store.save(result, tmp_path), LABELS)
    assert again == result
    pages = read_pages(gather([again, OTHER]))
    assert {"index.html", "machines/any-machine/index.html", "compare.html"} <= pages.keys()
    for one, other in ((again, OTHER), (OTHER, again)):
        assert compare(one, other).rows is not None
