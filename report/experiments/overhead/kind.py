"""The `overhead` kind: single calls and updates, timed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict  # pydantic needs this one below Python 3.12

from report.experiments.kind import Kind, timing_facts
from report.experiments.overhead import quantities
from report.experiments.overhead.figures import TEMPLATE, figures, overlay
from report.experiments.overhead.measure import FEATURES, update_flops
from report.experiments.settings import AutoThreads, OneOrMany, Settings
from report.figures import prose
from report.figures.figure import Card, card
from report.registry import BACKENDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.results.result import Record, Result

Size = Annotated[int, Field(ge=1, le=2**24)]
Variant = Literal["eager", "compiled", "graph", "cpu"]

MOST_COMPILED = 8
"""As many versions of one function PyTorch keeps compiled; it takes no more."""


class Labels(TypedDict):
    """What tells one series of an experiment from the others, as result files hold it."""

    operation: Literal["add", "update"]
    size: Size
    variant: Variant
    threads: int


class OverheadSettings(Settings):
    """What a framework's call and a training update cost beside their arithmetic."""

    add_size: OneOrMany[Size] = Field(
        [1, 4, 16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576],
        description="Elements of two vectors that one call adds.",
    )
    update_size: OneOrMany[Size] = Field(
        [1, 2, 5, 10, 20, 50, 100, 200, 500, 1500],
        description="Examples in the batch of one training update.",
    )
    variant: OneOrMany[Variant] = Field(
        ["eager", "compiled"],
        description="Updates as they are written, and with the loss compiled by the framework. "
        "Compiling takes some seconds in each process, beyond the budget. On an accelerator, in "
        "PyTorch, there are two more, and nothing elsewhere. graph: all kernels of an update "
        "launched at once (CUDA); cpu: as they are written, on the CPU in the same processes.",
    )
    device_update_size: Annotated[list[Size], Field(max_length=8)] = Field(
        [], description="Further batches, for an accelerator only."
    )
    compiled_size: Annotated[OneOrMany[Size], Field(max_length=MOST_COMPILED)] = Field(
        [1, 100, 1500],
        description="Examples in the batch of a compiled update; each size is compiled apart.",
    )
    threads: AutoThreads = Field(
        "auto", description="CPU threads: auto (all usable cores), or a number."
    )


def _headlines(result: Result) -> list[Card]:
    """Return the shortest call of the first sort that was measured."""
    lines = (line for _, each in quantities.calls_of(result) for line in each.values())
    shortest = (next(iter(line.values())) for line in lines)
    return [card(quantities.name_call(q), q.time(), "s", "") for q in shortest][:1]


def _method(records: Sequence[Record]) -> list[str]:
    if not (timing := timing_facts(records)):
        return []
    series = [s for r in records if r.outcome for s in r.outcome.series]
    timed = [(s.labels, s.timing.warmup_s) for s in series if s.timing]
    compiling = [cold[0] for labels, cold in timed if labels["variant"] == "compiled" and cold]
    backend = records[0].backend
    written_out = backend in BACKENDS and BACKENDS[backend].training.written_out
    fixed, one = (update_flops(batch, written_out=written_out) for batch in (0, 1))
    return prose.sentences(
        TEMPLATE,
        "method",
        timing=timing,
        operations={labels["operation"] for labels, _ in timed},
        features=FEATURES,
        written_out=written_out,
        fixed=fixed,
        each=one - fixed,
        backend=backend,
        compiling=compiling and (min(compiling), max(compiling)),
    )


OVERHEAD = Kind(
    name="overhead",
    page="overhead",
    settings=OverheadSettings,
    labels=Labels,
    metrics=quantities.METRICS,
    quantities=quantities.of_records,
    observed=quantities.observed,
    figures=figures,
    method=_method,
    headlines=_headlines,
    overlay=overlay,
)
