"""The `overhead` kind: single calls and updates, timed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.analysis.quantities import by_backend, ratio
from report.experiments import timing
from report.experiments.kind import Kind
from report.experiments.overhead.figures import TEMPLATE, figures
from report.experiments.overhead.measure import FEATURES, update_flops
from report.experiments.overhead.model import updates
from report.experiments.overhead.overlay import overlay
from report.experiments.overhead.quantities import METRICS, of_records
from report.experiments.overhead.spec import Labels, OverheadSettings
from report.figures import prose
from report.registry import BACKENDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.results.result import Record, Result


def _sentences(result: Result) -> list[str]:
    """Return what could stand in a mail."""
    for experiment in result.config["experiments"]:
        for records in by_backend(result.of(experiment)).values():
            if records[0].kind != "overhead":
                continue
            series = of_records(records, result.run)
            line = updates(series, "eager") or updates(series, "compiled")
            if len(line) > 1:
                small, large = min(line), max(line)
                return prose.sentences(
                    TEMPLATE,
                    "mail",
                    first=line[small],
                    sizes=(small, large),
                    factor=large / small,
                    longer=ratio(line[large], line[small]),
                )
    return []


def _method(records: Sequence[Record]) -> list[str]:
    """Describe how one experiment was measured on one backend."""
    if not timing.timings(records):
        return []
    series = [s for r in records if r.outcome for s in r.outcome.series if s.timing]
    compiling = [
        s.timing.warmup_s[0]
        for s in series
        if s.labels["variant"] == "compiled" and s.timing and s.timing.warmup_s
    ]
    backend = records[0].backend
    written_out = backend in BACKENDS and BACKENDS[backend].training.written_out
    fixed, one = (update_flops(batch, written_out=written_out) for batch in (0, 1))
    return prose.sentences(
        TEMPLATE,
        "method",
        timing=timing.facts(records),
        operations={s.labels["operation"] for s in series},
        features=FEATURES,
        written_out=written_out,
        fixed=fixed,
        each=one - fixed,
        backend=backend,
        compiling=compiling and (min(compiling), max(compiling)),
    )


OVERHEAD = Kind(
    name="overhead",
    settings=OverheadSettings,
    labels=Labels,
    metrics=METRICS,
    quantities=of_records,
    figures=figures,
    method=_method,
    overlay=overlay,
    sentences=_sentences,
)
