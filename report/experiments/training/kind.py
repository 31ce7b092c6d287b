"""The `training` kind: runs of the optimizer, timed, with their losses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.experiments.kind import Kind
from report.experiments.training.curves import TEMPLATE
from report.experiments.training.figures import figures
from report.experiments.training.measure import WARMUP_UPDATES
from report.experiments.training.overlay import overlay
from report.experiments.training.quantities import METRICS, Case, cases, observed, of_records
from report.experiments.training.spec import Labels, TrainingSettings
from report.figures import prose
from report.figures.figure import Card, card, interval
from report.text.numerals import ROUNDING, excess
from report.worker.timing import EVERY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.results.result import Record, Result

WELL_KNOWN_BATCH = 100
"""The chapter's own compromise; machines are compared by it."""


def _cards(result: Result) -> list[Card]:
    """Return seconds per epoch at batch 100, and the batch size that gets to the target first."""
    chapter, sweep = chapters(result), sweep_of(result)
    found: list[Card] = []
    runs = [run for run in chapter.runs if run.seconds is not None] if chapter else []
    known = next((run for run in runs if run.spec.batch_size == WELL_KNOWN_BATCH), None)
    if known and known.seconds:
        note = prose.block(TEMPLATE, "epoch_note", run=known)
        found.append(card(f"an epoch at batch {WELL_KNOWN_BATCH}", known.seconds.time(), "s", note))
    if sweep and (best := sweep.soonest):
        note = prose.block(TEMPLATE, "size_note", case=sweep, first=best)
        label = f"best batch size for a loss of {sweep.target:g}"
        size = f"{best.run.spec.batch_size:,}"
        found.append(Card(label=label, value=size, unit="examples", interval="", note=note))
    elif chapter and (first := chapter.soonest):
        note = prose.block(TEMPLATE, "target_note", first=first)
        found.append(card(f"time to a loss of {chapter.target:g}", first.estimate, "s", note))
    return found


def _headlines(result: Result) -> list[Card]:
    """Return seconds per epoch where batch sizes differ, else how low the loss ends."""
    case = next(iter(_trainings(result)), None)
    if case is None or "batch_size" in case.varying or case.nearest is None:
        return _cards(result)
    above = case.nearest.estimate
    named = {"label": "loss above optimum", "value": excess(above.value), "unit": "", "note": ""}
    ends = interval(above, write=excess) if above.value >= ROUNDING else ""
    return [Card(**named, interval=ends, estimate=above)]


def _sentences(result: Result) -> list[str]:
    return prose.sentences(TEMPLATE, "mail", chapter=chapters(result), sweep=sweep_of(result))


def _trainings(result: Result) -> list[Case]:
    """Return the experiments that trained something, each on its first backend."""
    return [
        case
        for name, planned in result.config["experiments"].items()
        if planned["kind"] == "training"
        for case in cases(result, name)[:1]
    ]


def chapters(result: Result) -> Case | None:
    """Return the first experiment that compares a few batch sizes, or else the first of all."""
    every = _trainings(result)
    few = [c for c in every if "batch_size" in c.varying and not (c.is_grid or c.is_sweep)]
    return next(iter(few + every), None)


def sweep_of(result: Result) -> Case | None:
    """Return the first experiment that sweeps batch sizes and nothing beside their rates."""
    known = {"run", "batch_size", "lr", "epochs"}
    sweeps = (c for c in _trainings(result) if c.is_sweep and known.issuperset(c.varying))
    return next(sweeps, None)


def _method(records: Sequence[Record]) -> list[str]:
    runs = [run for record in records for run in (record.outcome.runs if record.outcome else ())]
    if not runs:
        return []
    return prose.sentences(
        TEMPLATE,
        "method",
        processes=sum(bool(record.outcome and record.outcome.runs) for record in records),
        elapsed_s=sum(record.elapsed_s for record in records),
        repeats=(min(run.repeats for run in runs), max(run.repeats for run in runs)),
        seeds=len({run.seed for run in runs}),
        samplings=sorted({str(run.labels["sampling"]) for run in runs}),
        copied=len({run.labels["copies"] for run in runs}) > 1,
        warmup=WARMUP_UPDATES,
        printed=EVERY if any(r.outcome and r.outcome.printed_runs for r in records) else None,
        program=any(
            r.labels["variant"] == "epoch" and len(r.loss) > 1 + len(r.epoch_ends) for r in runs
        ),
        every=None if all(len(r.loss) <= 1 + len(r.epoch_ends) for r in runs) else EVERY,
    )


TRAINING = Kind(
    name="training",
    page="training",
    settings=TrainingSettings,
    labels=Labels,
    metrics=METRICS,
    quantities=of_records,
    observed=observed,
    figures=figures,
    method=_method,
    overlay=overlay,
    cards=_cards,
    headlines=_headlines,
    sentences=_sentences,
)
