"""The `matmul` kind in experiments.yaml."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

# pydantic needs this one below Python 3.12; it depends on the package itself.
from typing_extensions import TypedDict

from report.experiments.settings import OneOrMany, Settings, Threads

Strategy = Literal["element", "column", "row", "block", "full", "full-out"]
Dtype = Literal["float32", "float64", "bfloat16", "float16"]
Size = Annotated[int, Field(ge=2, le=16_384)]

ELEMENT_CALLS = 2**20
"""The most dot products of one element-wise product: some seconds in the slowest framework."""


class Labels(TypedDict):
    """What tells one series of an experiment from the others, as result files hold it."""

    strategy: Strategy
    size: Size
    dtype: Dtype
    block_width: Annotated[int, Field(ge=1)] | None
    threads: int
    tf32: bool | None


class MatmulSettings(Settings):
    """Square products A = BC of two n x n matrices; lists are swept."""

    strategy: OneOrMany[Strategy] = Field(
        ["full"],
        description=(
            "element, column, row, block and full as the chapter writes them; full-out is the "
            "full product into a matrix that is kept, so that no memory is allocated."
        ),
    )
    size: OneOrMany[Size] = Field([256], description="n, the number of rows and columns.")
    device_size: Annotated[list[Size], Field(max_length=16)] = Field(
        [],
        description="Further sizes, for an accelerator only: what keeps it busy takes a CPU too "
        "long.",
    )
    dtype: OneOrMany[Dtype] = Field(
        ["float32"], description="Those that a device lacks are skipped, with the reason."
    )
    block_width: OneOrMany[Annotated[int, Field(ge=1, le=16_384)]] = Field(
        [64], description="Columns of a block, for the strategy block; wider than n is left out."
    )
    threads: OneOrMany[Threads] = Field(
        ["auto"],
        description="CPU threads: auto (all usable cores), each (1, 2, 4 ... all), or numbers.",
    )
    tf32: OneOrMany[bool] = Field(
        [False],
        description="CUDA only: float32 products in TF32; elsewhere without meaning.",
    )
    elements: Literal["auto", "all"] = Field(
        "auto",
        description="Of a product computed element by element. auto: where all of them would take "
        "a framework minutes (MXNet, TensorFlow), some, drawn at random, which stand for the "
        "rest; all: every one, in every framework.",
    )
    as_printed: bool = Field(
        default=False,
        description="Also time element, column, full and block of 64 the chapter's way: once, "
        "cold, in a fresh process; for the frameworks that the chapter has listings for.",
    )

    @model_validator(mode="after")
    def _element_is_affordable(self) -> MatmulSettings:
        largest = max(self.size + self.device_size)
        if "element" in self.strategy and largest**2 > ELEMENT_CALLS:
            message = (
                f"strategy element at size {largest} makes {largest**2:,} calls; "
                f"sizes up to {int(ELEMENT_CALLS**0.5)} are possible with it"
            )
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _a_block_fits(self) -> MatmulSettings:
        if "block" in self.strategy and min(self.block_width) > max(self.size):
            raise ValueError(
                f"every block is wider than the matrix; choose a block_width up to {max(self.size)}"
            )
        return self
