"""The `matmul` kind: square products, timed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator
from typing_extensions import TypedDict  # pydantic needs this one below Python 3.12

from report.analysis.quantities import Highest, Quantity, ratio
from report.experiments.kind import Kind, timing_facts
from report.experiments.matmul import quantities
from report.experiments.matmul.figures import TEMPLATE, figures
from report.experiments.matmul.overlay import overlay
from report.experiments.settings import ENERGY, EnergySeconds, OneOrMany, Settings, Threads
from report.figures import prose
from report.figures.figure import Card, card
from report.text.numerals import ITEM_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.results.result import Record, Result

Strategy = Literal["element", "column", "row", "block", "full", "full-out", "batched"]
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
        description="element, column, row, block and full as the chapter writes them; full-out is "
        "the full product into a matrix that is kept, so no memory is allocated; batched is 256 "
        "such products of small matrices in one call, in PyTorch only.",
    )
    size: OneOrMany[Size] = Field([256], description="n, the number of rows and columns.")
    device_size: Annotated[list[Size], Field(max_length=16)] = Field(
        [],
        description="Further sizes, for an accelerator only: what keeps it busy takes a CPU too "
        "long.",
    )
    device_only: bool = Field(
        default=False, description="Measure nothing on a CPU: it would take too long there."
    )
    dtype: OneOrMany[Dtype] = Field(
        ["float32"], description="Formats that a device lacks are skipped, with the reason."
    )
    block_width: OneOrMany[Annotated[int, Field(ge=1, le=16_384)]] = Field(
        [64], description="Columns of a block, for the strategy block; wider than n is left out."
    )
    threads: OneOrMany[Threads] = Field(
        ["auto"],
        description="CPU threads: auto (all usable cores), each (1, 2, 4 ... all), or numbers.",
    )
    tf32: OneOrMany[bool] = Field(
        [False], description="CUDA only: float32 products in TF32; no effect elsewhere."
    )
    cold: bool = Field(
        default=False,
        description="On an accelerator, in PyTorch: also time each product by the device's clock "
        "with its second cache emptied before every call.",
    )
    energy_s: EnergySeconds = Field(0, description=ENERGY)
    elements: Literal["auto", "all"] = Field(
        "auto",
        description="Elements to compute in a product by element. auto: if all of them would take "
        "a framework minutes (MXNet, TensorFlow), some, drawn at random, stand for the "
        "rest; all: every one, in every framework.",
    )
    as_printed: bool = Field(
        default=False,
        description="Also time element, column, full and block of 64 the chapter's way: once, "
        "cold, in a fresh process; for the frameworks that the chapter has listings for.",
    )

    @model_validator(mode="after")
    def _can_be_multiplied(self) -> MatmulSettings:
        largest = max(self.size)
        if "element" in self.strategy and largest**2 > ELEMENT_CALLS:
            raise ValueError(
                f"strategy element at size {largest} makes {largest**2:,} calls; "
                f"sizes up to {int(ELEMENT_CALLS**0.5)} are possible with it"
            )
        if "block" in self.strategy and min(self.block_width) > max(self.size):
            raise ValueError(
                f"every block is wider than the matrix; choose a block_width up to {max(self.size)}"
            )
        return self


def _peak(result: Result) -> tuple[str, Highest] | None:
    """Return the peak in the format that the chapter computes in, or else the highest."""
    top = quantities.peaks(result)
    return next(((dtype, top[dtype]) for dtype in ("float32", *top) if dtype in top), None)


def _cards(result: Result) -> list[Card]:
    if (peak := _peak(result)) is None:
        return []
    of = result.config["experiments"][peak[1].quantity.experiment]["title"]
    note = prose.block(TEMPLATE, "peak_note", best=peak[1], title=of)
    return [card(f"peak, {peak[0]}", peak[1].estimate, "FLOPS", note)]


def _headlines(result: Result) -> list[Card]:
    if (peak := _peak(result)) is None:
        return []
    strategy, size, _ = quantities.product(peak[1].quantity)
    name = f"{strategy.removesuffix('-out')} product, n = {size:,}"
    return [card(name, peak[1].estimate, "FLOPS", "")]


def _sentences(result: Result) -> list[str]:
    by_experiment: dict[str, dict[str, Quantity]] = {}
    for q in quantities.of_result(result):
        by_experiment.setdefault(q.experiment, {})[str(q.labels["strategy"])] = q
    # Of the first experiment that compares strategies.
    named = next((named for named in by_experiment.values() if len(named) > 1), {})
    full, element = named.get("full"), named.get("element")
    return prose.sentences(
        TEMPLATE,
        "mail",
        full=full,
        slower=element and full and ratio(full, element, "flop_per_s"),
        top=next(iter(quantities.peaks(result).items()), None),
    )


def _method(records: Sequence[Record]) -> list[str]:
    if not (timing := timing_facts(records)):
        return []
    return prose.sentences(TEMPLATE, "method", timing=timing, sampled=quantities.sampled(records))


MATMUL = Kind(
    name="matmul",
    page="products",
    settings=MatmulSettings,
    labels=Labels,
    metrics=quantities.METRICS,
    quantities=quantities.of_records,
    observed=quantities.observed,
    claim_labels=("where", "format"),
    figures=figures,
    method=_method,
    overlay=overlay,
    cards=_cards,
    headlines=_headlines,
    sentences=_sentences,
    # B, C and A of each dtype; the small ones lie within the large ones.
    memory_bytes=lambda s, _: 3 * max(s["size"]) ** 2 * sum(ITEM_BYTES[n] for n in s["dtype"]),
)
