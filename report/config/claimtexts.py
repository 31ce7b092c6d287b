"""Settings in claims' texts: {left.size} becomes 256 when a plan is made of them.

What is measured ({left}, {effect}, the names under `numbers`) stays a name in the stored claim, to
be put in by `report.claims.wording`.
"""

from __future__ import annotations

import itertools
import string
from typing import TYPE_CHECKING, Any, cast

from report.experiments.catalogue import KINDS
from report.experiments.gradient.noise import correction
from report.experiments.training import measure
from report.text import names as wording
from report.text import numerals
from report.text.units import ITEM_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from report.registry import KindName
    from report.results.result import StoredClaim, StoredExperiment, StoredPlan, StoredSide
    from report.worker.records import Scalar

WAYS = ("words", "count", "percent", "bytes")
"""What may stand behind the colon of `{left.size:...}`."""

MEASURED_WAYS = ("percent", "rest", "times", "inverse", "loss")
"""What may stand behind the colon of `{left:...}`: see `report.claims.wording.Said`."""

NO_VALUE = "\N{HORIZONTAL ELLIPSIS}"
"""Stands where an experiment has no such setting, as for a run that somebody took out."""

_GENERAL = ("examples", "epoch")

_DERIVED: dict[str, dict[str, tuple[tuple[str, ...], Callable[..., Scalar]]]] = {
    "matmul": {
        "elements": (("size",), lambda n: n * n),
        "blocks": (("size", "block_width"), lambda n, width: -(-n // width)),
        "matrix_bytes": (("size", "dtype"), lambda n, dtype: n * n * ITEM_BYTES[dtype]),
    },
    "bandwidth": {
        "stride_bytes": (("stride", "dtype"), lambda stride, dtype: stride * ITEM_BYTES[dtype]),
    },
    "gradient": {
        "share": (("batch_size", "examples"), lambda b, n: b / n),
        "correction": (("batch_size", "examples"), lambda b, n: round(correction(b, n), 3)),
    },
    "training": {
        "updates": (("batch_size", "copies", "examples"), lambda b, copies, n: -(-copies * n // b)),
    },
}
"""By kind: what follows from settings, with the names of those that it takes."""


def names(kind: KindName) -> list[str]:
    """Return what a text may name of an experiment: {left.size}."""
    return [*KINDS[kind].label_names(), *_DERIVED.get(kind, {}), *_GENERAL]


def side_of(claim: StoredClaim, path: str) -> StoredSide | None:
    """Return a quantity of a claim: left, right, one of its numbers, or what divides it (over)."""
    first, *overs = path.split(".")
    sides: dict[str, Any] = {**claim["numbers"], "left": claim["left"], "right": claim["right"]}
    side = sides.get(first)
    for over in overs:
        side = side[over] if isinstance(side, dict) and over == "over" else None
    return cast("StoredSide", side) if isinstance(side, dict) else None


def filled(claim: StoredClaim, plan: StoredPlan) -> StoredClaim:
    """Return a claim with the settings of a plan in its texts."""

    def value(path: str, way: str) -> str:
        path, _, name = path.rpartition(".")
        side = side_of(claim, path)
        return _written(_values(name, side, plan) if side else [], way)

    def named(side: Any) -> Any:
        if not isinstance(side, dict):
            return side
        name = side["name"]
        return {**side, "name": name and _put_in(name, value), "over": named(side["over"])}

    made = {
        **claim,
        "says": _put_in(claim["says"], value),
        "left": named(claim["left"]),
        "right": named(claim["right"]),
        "numbers": {key: named(side) for key, side in claim["numbers"].items()},
        "because": {
            verdict: _put_in(text, value, measured=True)
            for verdict, text in claim["because"].items()
        },
    }
    return cast("StoredClaim", made)


def _put_in(text: str, value: Callable[[str, str], str], *, measured: bool = False) -> str:
    """Put settings into a text; with `measured`, it stays one into which numbers can be put."""

    def literal(part: str) -> str:
        return part.replace("{", "{{").replace("}", "}}") if measured else part

    made = ""
    for before, name, way, _ in string.Formatter().parse(text):
        made += literal(before)
        if name is not None and "." in name:
            made += literal(value(name, way or ""))
        elif name is not None:
            made += f"{{{name}:{way}}}" if way else f"{{{name}}}"
    return made


def _values(name: str, side: StoredSide, plan: StoredPlan) -> list[Scalar]:
    """Return what a setting can be in the series that fit a side; one value for a clear claim."""
    experiment = plan["experiments"].get(side["experiment"])
    if experiment is None:
        return []
    if name == "epoch":
        if side["epoch"] is not None:
            return [side["epoch"]]
        name = "epochs"
    needed, make = _DERIVED.get(experiment["kind"], {}).get(name, ((name,), lambda value: value))
    rows = [
        [point.get(key) for key in needed]
        for point in _points(needed, side["series"], experiment, plan["examples"])
    ]
    return list(dict.fromkeys(make(*row) for row in rows if None not in row))


def _points(
    needed: Sequence[str], series: Mapping[str, Scalar], experiment: StoredExperiment, examples: int
) -> Iterator[dict[str, Any]]:
    """Yield the settings of the series of an experiment that have these labels."""
    if experiment["kind"] == "training":
        for run in measure.runs_of(experiment["settings"]):
            point = vars(run) | {"examples": examples}
            if all(point.get(k) == value for k, value in series.items() if k != "variant"):
                yield point
        return
    known = {**experiment["settings"], **series, "examples": examples}
    lists = [value if isinstance(value := known.get(k), list) else [value] for k in needed]
    for row in itertools.product(*lists):
        yield dict(zip(needed, row, strict=True))


def _written(values: list[Scalar], way: str) -> str:
    if way == "count":
        return numerals.spelled(len(values))
    return " or ".join(_one(value, way) for value in values) or NO_VALUE


def _one(value: Any, way: str) -> str:
    if isinstance(value, str | bool) or not isinstance(value, int | float):
        return str(value)
    match way:
        case "words":
            return numerals.spelled(round(value))
        case "percent":
            return numerals.percent(value)
        case "bytes":
            return wording.size(round(value))
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"
