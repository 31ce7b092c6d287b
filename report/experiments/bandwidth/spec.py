"""The `bandwidth` kind in experiments.yaml."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

# pydantic needs this one below Python 3.12; it depends on the package itself.
from typing_extensions import TypedDict

from report.experiments.settings import OneOrMany, Settings, Threads

Operation = Literal["read", "copy", "triad", "strided", "gather", "chase"]
Order = Literal["sequential", "random"]
Dtype = Literal["float32", "float64", "bfloat16", "float16"]
WorkingSet = Annotated[int, Field(ge=1024, le=2**36)]
Stride = Annotated[int, Field(ge=1, le=65_536)]


class Labels(TypedDict):
    """What tells one series of an experiment from the others, as result files hold it."""

    operation: Operation
    working_set_bytes: WorkingSet
    stride: Stride | None
    order: Order | None
    dtype: Dtype | Literal["uint64"]
    threads: int


class BandwidthSettings(Settings):
    """Memory: bytes per second by working set, and the price of reading out of order."""

    operation: OneOrMany[Operation] = Field(
        ["read", "copy", "triad", "strided", "gather"],
        description=(
            "read sums numbers, copy copies them, triad computes a = b + s c; strided reads "
            "numbers of the largest working set at a distance, gather looks numbers up by index; "
            "chase reads each position from where the last one lies, which only numba can."
        ),
    )
    working_set: OneOrMany[WorkingSet | Literal["auto"]] = Field(
        ["auto"],
        description=(
            "Bytes that an operation goes through again and again; auto: powers of two from 4 KiB "
            "to far beyond the last cache, a quarter of the free memory at most."
        ),
    )
    step: int = Field(
        1, ge=1, le=8, description="For auto: powers of two from one working set to the next."
    )
    beyond: int = Field(
        4,
        ge=1,
        le=64,
        description="For auto: the largest working set is at least so many times the last cache.",
    )
    stride: OneOrMany[Stride] = Field(
        [1, 2, 4, 8, 16, 32, 64],
        description="For strided: elements from one that is read to the next.",
    )
    order: OneOrMany[Order] = Field(
        ["sequential", "random"], description="For gather: the order of the indices."
    )
    dtype: OneOrMany[Dtype] = Field(
        ["float32"], description="Those that a device lacks are skipped, with the reason."
    )
    threads: OneOrMany[Threads] = Field(
        ["auto"],
        description="CPU threads: auto (all usable cores), each (1, 2, 4 ... all), or numbers.",
    )
