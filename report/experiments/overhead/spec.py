"""The `overhead` kind in experiments.yaml."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

# pydantic needs this one below Python 3.12; it depends on the package itself.
from typing_extensions import TypedDict

from report.experiments.settings import OneOrMany, Settings

Size = Annotated[int, Field(ge=1, le=2**24)]
Variant = Literal["eager", "compiled"]

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
        description="Examples of the batch of one training update.",
    )
    variant: OneOrMany[Variant] = Field(
        ["eager", "compiled"],
        description=(
            "Updates as they are written, and with the loss compiled by the framework. Compiling "
            "takes some seconds in each process, beyond the budget."
        ),
    )
    compiled_size: Annotated[OneOrMany[Size], Field(max_length=MOST_COMPILED)] = Field(
        [1, 100, 1500],
        description="Examples of the batch of a compiled update; each is compiled of its own.",
    )
    threads: Annotated[int, Field(ge=1, le=4096)] | Literal["auto"] = Field(
        "auto", description="CPU threads: auto (all usable cores), or a number."
    )
