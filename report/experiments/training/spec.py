"""The `training` kind in experiments.yaml."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Literal

from pydantic import Field, model_validator

# pydantic needs this one below Python 3.12; it depends on the package itself.
from typing_extensions import TypedDict

from report.experiments.settings import (
    ENERGY,
    EnergySeconds,
    Label,
    OneOrMany,
    Settings,
    Strict,
)
from report.experiments.training.measure import grid_label
from report.registry import BackendName  # noqa: TC001 (pydantic reads it)

BatchSize = Annotated[int, Field(ge=1)]
Rate = Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)]
Loss = Literal["half_squared", "mse"]
Loader = Literal["dataloader", "sliced"]
Implementation = Literal["scratch", "concise"]
Optimizer = Literal["sgd", "momentum", "adagrad", "rmsprop", "adadelta", "adam"]
Schedule = Literal["constant", "tenth", "step", "inverse", "cosine"]
Sampling = Literal["permutation", "replacement"]
Variant = Literal["eager", "compiled", "epoch"]

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
    energy_s: EnergySeconds = Field(0, description=ENERGY)
    dtype: Literal["float32", "float64"] = Field(
        "float32", description="Number format of data and parameters."
    )
    threads: Annotated[int, Field(ge=1, le=4096)] | Literal["auto"] = Field(
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
