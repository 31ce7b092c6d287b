"""Claims as result files keep them: with everything said, so that a reader needs no rules."""

from __future__ import annotations

from typing import Any, Literal

# pydantic needs this one below Python 3.12; it depends on the package itself.
from typing_extensions import TypedDict

from report.worker.records import Scalar

Relation = Literal["greater", "less", "equivalent", "power-law", "stalls"]


class StoredSide(TypedDict):
    """A side with everything said, as a result file keeps it; `over` is one as well, or null."""

    experiment: str
    series: dict[str, Scalar]
    metric: str
    epoch: int | None
    loss: float | None
    pick: str | None
    largest: str | None
    name: str | None
    over: dict[str, Any] | None


class StoredClaim(TypedDict):
    """A claim as a result file keeps it; see `Claim`."""

    says: str
    section: str
    left: StoredSide
    right: StoredSide | float | None
    relation: Relation
    least: float
    margin: float
    along: str | None
    exponent: float | None
    tolerance: float
    after: int | None
    show: str
    numbers: dict[str, StoredSide]
    because: dict[str, str]
