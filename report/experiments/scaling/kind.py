"""The `scaling` kind: what several processes do together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator
from typing_extensions import TypedDict  # pydantic needs this one below Python 3.12

from report.analysis.quantities import of_kind
from report.experiments.kind import Kind
from report.experiments.scaling.figures import TEMPLATE, figures, overlay
from report.experiments.scaling.quantities import METRICS, by_world, of_records
from report.experiments.settings import AutoThreads, OneOrMany, Settings, Strict, Threads
from report.figures import prose
from report.figures.figure import card
from report.text.numerals import count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.figures.figure import Card
    from report.results.result import Record, Result

Bytes = Annotated[int, Field(ge=4, le=2**30)]


class Labels(TypedDict):
    """What tells one series of an experiment from the others, as result files hold it."""

    operation: Literal["all-reduce", "epoch", "to-loss"]
    world: Annotated[int, Field(ge=1)]
    message_bytes: Bytes | None
    batch_size: Annotated[int, Field(ge=1)] | None


class GroupRun(Strict):
    """A training run of all processes together, with plain SGD."""

    batch_size: int = Field(ge=1, description="Examples in one update, over all processes.")
    lr: float = Field(gt=0, le=1e6, description="Learning rate.")
    epochs: int = Field(10, ge=1, le=1000, description="The run is given up after these.")


class ScalingSettings(Settings):
    """Groups of processes that sum messages and train together, by torch.distributed."""

    world: OneOrMany[Threads] = Field(
        ["each"],
        description="Processes in a group, on each host: numbers, auto (as many as there are cores "
        "or accelerators), each (1, 2, 4 ... all).",
    )
    message_bytes: OneOrMany[Bytes] = Field(
        [24, 1024, 65_536, 1_048_576, 16_777_216],
        description="Sizes of summed messages; 24 is the gradient of the chapter's model.",
    )
    runs: Annotated[list[GroupRun], Field(max_length=8)] = Field(
        [GroupRun(batch_size=100, lr=0.33), GroupRun(batch_size=1000, lr=0.7)],
        description="Training runs; every process gets its part of each batch.",
    )
    loss: float = Field(0.25, gt=0, description="The loss to reach.")
    nodes: int = Field(1, ge=1, le=1024, description="Hosts that run this file at the same time.")
    rendezvous: str = Field(
        "", description="With several hosts: the address of one of them, such as 10.0.0.1:29400."
    )
    threads: AutoThreads = Field("auto", description="CPU threads of all processes together.")

    def batches(self) -> list[tuple[tuple[str | int, ...], int, int]]:
        """Return each batch size, where it stands, with the copies of the data it is cut from."""
        return [(("runs", k, "batch_size"), r.batch_size, 1) for k, r in enumerate(self.runs)]

    @model_validator(mode="after")
    def _can_meet(self) -> ScalingSettings:
        if (self.nodes > 1) != bool(self.rendezvous):
            raise ValueError("more than one node needs a rendezvous; for one, leave it out")
        return self


def _headlines(result: Result) -> list[Card]:
    """Return the examples per second of the largest batch with the most processes."""
    epochs = by_world(of_kind(result, "scaling", of_records), "epoch")
    best = [mine[max(mine)] for mine in list(epochs.values())[-1:]]
    return [
        card(
            f"batch {q.number('batch_size'):,}, {count(q.number('world'), 'process')}",
            q.examples_per_s(),
            "examples/s",
            "",
        )
        for q in best
    ]


def _method(records: Sequence[Record]) -> list[str]:
    outcomes = [record.outcome for record in records if record.outcome]
    if not outcomes:
        return []
    return prose.sentences(
        TEMPLATE,
        "method",
        processes=len(outcomes),
        elapsed_s=sum(record.elapsed_s for record in records),
    )


SCALING = Kind(
    name="scaling",
    page="workers",
    settings=ScalingSettings,
    labels=Labels,
    metrics=METRICS,
    quantities=of_records,
    figures=figures,
    overlay=overlay,
    method=_method,
    headlines=_headlines,
    # Each process has the message.
    memory_bytes=lambda s, _: (
        max(s["message_bytes"]) * max((n for n in s["world"] if isinstance(n, int)), default=1)
    ),
)
