"""The `training` kind in experiments.yaml."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

# pydantic needs this one below Python 3.12; it depends on the package itself.
from typing_extensions import TypedDict

from report.experiments.settings import Label, OneOrMany, Settings, Strict

Loader = Literal["dataloader", "sliced"]
Implementation = Literal["scratch", "concise"]


class Labels(TypedDict):
    """What tells one run of an experiment from the others, as result files hold it."""

    run: Label
    batch_size: Annotated[int, Field(ge=1)]
    lr: Annotated[float, Field(gt=0)]
    epochs: Annotated[int, Field(ge=1)]
    loss: Literal["half_squared", "mse"]
    loader: Loader
    implementation: Implementation


class RunSpec(Strict):
    """One training run."""

    label: Label = Field(description="Its name in figures and tables, unique in the experiment.")
    batch_size: int = Field(ge=1, description="Examples of one update.")
    lr: float = Field(gt=0, le=1e6, allow_inf_nan=False, description="Learning rate.")
    epochs: int = Field(ge=1, le=1000, description="Passes over the data.")
    loss: Literal["half_squared", "mse"] = Field(
        "half_squared",
        description=(
            "What lr belongs to: the chapter's squared loss with the factor 1/2, or the mean "
            "squared error of the frameworks, whose gradient is twice as large. Losses are "
            "always shown with the 1/2."
        ),
    )


class TrainingSettings(Settings):
    """Linear regression on the airfoil data, from the same start for every run of a seed."""

    runs: Annotated[list[RunSpec], Field(min_length=1, max_length=24)] = Field(
        [
            RunSpec(label="GD", batch_size=1500, lr=1, epochs=10),
            RunSpec(label="batch 100", batch_size=100, lr=0.4, epochs=2),
        ],
        description="The runs to compare.",
    )
    loader: OneOrMany[Loader] = Field(
        ["dataloader"],
        description="dataloader: the framework's own, as in the chapter; sliced: batches cut "
        "from a tensor that is shuffled once an epoch.",
    )
    implementation: OneOrMany[Implementation] = Field(
        ["scratch"],
        description="scratch: the chapter's own model, loss and sgd; concise: the framework's "
        "layer, loss and optimizer.",
    )
    dtype: Literal["float32", "float64"] = Field("float32", description="Of data and parameters.")
    threads: Annotated[int, Field(ge=1, le=4096)] | Literal["auto"] = Field(
        "auto", description="CPU threads: auto (all usable cores) or a number."
    )
    seeds: int | None = Field(None, ge=1, le=100, description="Else the profile's.")

    @model_validator(mode="after")
    def _labels_differ(self) -> TrainingSettings:
        labels = [run.label for run in self.runs]
        for label in labels:
            if labels.count(label) > 1:
                message = f"two runs have the label {label!r}; give each its own"
                raise ValueError(message)
        return self


class TrainingSpec(TrainingSettings):
    """An experiment of kind training."""

    kind: Literal["training"]
    quick: TrainingSettings | None = Field(None, description="Keys that differ in profile quick.")
    full: TrainingSettings | None = Field(None, description="Keys that differ in profile full.")
