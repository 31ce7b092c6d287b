"""The `training` kind: runs of the optimizer, timed, with their losses."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator
from typing_extensions import TypedDict  # pydantic needs this one below Python 3.12

from report.experiments import settings
from report.experiments.kind import Kind
from report.experiments.settings import AutoThreads, Label, OneOrMany, Settings, Strict
from report.experiments.training.curves import TEMPLATE
from report.experiments.training.figures import figures
from report.experiments.training.measure import WARMUP_UPDATES, grid_label, run_specs
from report.experiments.training.overlay import overlay
from report.experiments.training.quantities import METRICS, Case, cases, observed, of_records
from report.figures import prose
from report.figures.figure import Card, card, interval
from report.registry import BackendName  # noqa: TC001 (pydantic reads it)
from report.text.numerals import ROUNDING, excess
from report.worker.curve import EVERY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from report.results.result import Record, Result

BatchSize = Annotated[int, Field(ge=1)]
Rate = Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)]
Loss = Literal["half_squared", "mse"]
Loader = Literal["dataloader", "sliced"]
Implementation = Literal["scratch", "concise"]
Optimizer = Literal["sgd", "momentum", "adagrad", "rmsprop", "adadelta", "adam"]
Schedule = Literal["constant", "tenth", "step", "inverse", "cosine"]
Sampling = Literal["permutation", "replacement"]
Variant = Literal["eager", "compiled", "epoch"]

EXAMPLES = 1500  # rows that one copy of the training data has

SCALED = ("sgd", "momentum")
"""Optimizers that take a step in proportion to the gradient."""


class Labels(TypedDict):
    """What tells one run of an experiment from the others, as result files hold it."""

    run: Label
    batch_size: BatchSize
    lr: Annotated[float, Field(gt=0)]
    epochs: Annotated[int, Field(ge=1)]
    loss: Loss
    loader: Loader
    implementation: Implementation
    optimizer: Optimizer
    momentum: Annotated[float, Field(gt=0, lt=1)] | None
    schedule: Schedule
    sampling: Sampling
    copies: Annotated[int, Field(ge=1)]
    variant: Variant


class RunSpec(Strict):
    """One training run."""

    label: Label = Field(description="Its name in figures and tables, unique in the experiment.")
    batch_size: BatchSize = Field(description="Examples of one update.")
    lr: Rate = Field(description="Learning rate.")
    epochs: int = Field(ge=1, le=1000, description="Passes over the data.")
    loss: Loss = Field(
        "half_squared",
        description="What lr belongs to: the chapter's squared loss with the factor 1/2, or the "
        "mean squared error of the frameworks, whose gradient is twice as large. Losses are always "
        "shown with the 1/2.",
    )
    optimizer: Optimizer = Field("sgd", description="How a gradient becomes a step.")
    momentum: float | None = Field(
        None, gt=0, lt=1, description="How much of its speed optimizer: momentum keeps."
    )
    schedule: Schedule = Field(
        "constant",
        description="What becomes of lr, epoch by epoch. tenth: a tenth after each epoch; step: "
        "half after each third of the epochs; inverse: divided by 1, 2, 3 ...; cosine: down to "
        "nearly 0 along half a period.",
    )
    sampling: Sampling = Field(
        "permutation",
        description="permutation: each example once an epoch; replacement: as many examples, "
        "drawn with replacement.",
    )
    copies: int = Field(
        1, ge=1, le=10, description="How often each example occurs; the loss counts it once."
    )
    loader: Loader | None = Field(None, description="Default: the experiment's.")
    implementation: Implementation | None = Field(None, description="Default: the experiment's.")
    backends: OneOrMany[BackendName] | None = Field(
        None, description="Frameworks of the experiment that train it. Default: all of them."
    )

    @model_validator(mode="after")
    def _fits_together(self) -> RunSpec:
        if self.optimizer == "momentum" and self.momentum is None:
            message = "optimizer: momentum needs the key momentum, such as 0.9"
        elif self.optimizer != "momentum" and self.momentum is not None:
            message = f"optimizer: {self.optimizer} has no momentum; set optimizer: momentum"
        elif self.loss == "mse" and self.optimizer not in SCALED:
            message = (
                f"optimizer: {self.optimizer} divides by the gradient's size, so its lr "
                "belongs to no loss; leave loss out"
            )
        elif self.schedule != "constant" and self.epochs == 1:
            message = f"schedule: {self.schedule} acts from the second epoch on; set epochs: 2"
        else:
            return self
        raise ValueError(message)


class GridSpec(Strict):
    """Runs at every pair of a batch size and a learning rate, of plain SGD."""

    batch_size: Annotated[OneOrMany[BatchSize], Field(max_length=16)] = Field(
        description="Examples of one update."
    )
    lr: Annotated[OneOrMany[Rate], Field(max_length=16)] = Field(description="Learning rates.")
    epochs: int = Field(2, ge=1, le=1000, description="Passes over the data.")


CHAPTERS_TWO = (
    RunSpec(label="GD", batch_size=1500, lr=1, epochs=10),
    RunSpec(label="batch 100", batch_size=100, lr=0.4, epochs=2),
)
"""What an experiment trains that names neither runs nor a grid."""


class TrainingSettings(Settings):
    """Linear regression on the airfoil data, from the same start for every run of a seed."""

    grid: GridSpec | None = Field(
        None, description="Runs at every pair of a batch size and a rate, beside those of runs."
    )
    runs: Annotated[list[RunSpec], Field(min_length=1, max_length=24)] = Field(
        [], description="Runs to compare. Default: two of the chapter's, unless there is a grid."
    )
    evaluate: Literal["examples", "epochs"] = Field(
        "examples",
        description="When the loss is evaluated. examples: every 200 examples and after each "
        "epoch; epochs: only after each epoch, for a smaller result file.",
    )
    loader: OneOrMany[Loader] = Field(
        ["dataloader"],
        description="dataloader: the framework's own, as in the chapter; sliced: batches sliced "
        "from a tensor that is shuffled once an epoch.",
    )
    implementation: OneOrMany[Implementation] = Field(
        ["scratch"],
        description="scratch: the chapter's own model, loss and sgd; concise: the framework's "
        "layer, loss and optimizer.",
    )
    variant: OneOrMany[Literal[Variant, "auto"]] = Field(
        ["auto"],
        description="eager: call by call, as it is written; compiled: an update is one program; "
        "epoch: a whole epoch is one; auto: all of these that the framework offers.",
    )
    as_printed: bool = Field(
        default=False,
        description="Also train each run the chapter's way, with its line of loss and seconds per "
        "epoch: once, cold, in a fresh process, and again; in the frameworks that the chapter has "
        "listings for, from scratch with the data loader.",
    )
    energy_s: settings.EnergySeconds = Field(0, description=settings.ENERGY)
    dtype: Literal["float32", "float64"] = Field(
        "float32", description="Number format of data and parameters."
    )
    threads: AutoThreads = Field(
        "auto", description="CPU threads: auto (all usable cores) or a number."
    )
    seeds: int | None = Field(None, ge=1, le=100, description="Default: the profile's.")

    def batches(self) -> list[tuple[tuple[str | int, ...], int, int]]:
        """Return each batch size, where it stands, with the copies of the data it is cut from."""
        runs = [
            (("runs", k, "batch_size"), r.batch_size, r.copies) for k, r in enumerate(self.runs)
        ]
        sizes = self.grid.batch_size if self.grid is not None else []
        return [*runs, *((("grid", "batch_size", k), size, 1) for k, size in enumerate(sizes))]

    @model_validator(mode="after")
    def _fits_together(self) -> TrainingSettings:
        if not self.runs and self.grid is None:
            # As a default would, and so not among the keys that were set.
            object.__setattr__(self, "runs", list(CHAPTERS_TWO))
        first = self.loader[0], self.implementation[0]
        if self.as_printed and first != ("dataloader", "scratch"):
            raise ValueError(
                "as_printed: true needs loader: dataloader and implementation: scratch (in a list, "
                "first); only that is what the chapter lists"
            )
        labels = Counter(run.label for run in self.runs)
        if self.grid is not None:
            labels.update(grid_label(b, lr) for b in self.grid.batch_size for lr in self.grid.lr)
        twice = [label for label, count in labels.items() if count > 1]
        if twice:
            raise ValueError(f"two runs have the label {twice[0]!r}; give each its own")
        return self


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
        loaded = "with" if best.run.labels["loader"] == "dataloader" else "without"
        label = f"best batch size for a loss of {sweep.target:g}, {loaded} loader"
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


def _memory_bytes(settings: Mapping[str, Any], seeds: int) -> int:
    """Return what it takes to hold the orders in which examples are visited, with every seed.

    They are files in the folder for temporary ones, which on many systems is memory.
    """
    specs = run_specs(settings)
    orders = {(spec.get("sampling", "permutation"), spec.get("copies", 1)) for spec in specs}
    epochs: int = max(spec["epochs"] for spec in specs)
    copies: int = sum(number for _, number in orders)
    return 4 * EXAMPLES * seeds * epochs * copies


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
    memory_bytes=_memory_bytes,
)
