"""Claim -> stored claim: what a side leaves unsaid is taken from the left one.

A result file keeps claims with everything said, so that whoever reads it needs no rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from report.claims.spec import Side
from report.results.result import StoredClaim, StoredSide

if TYPE_CHECKING:
    from collections.abc import Iterator

    from report.claims.spec import Claim

VERDICTS_WITH_REASON = ("supported", "contradicted", "inconclusive")


def stored(claim: Claim) -> StoredClaim:
    """Return a claim as a result file keeps it."""
    left = _side(claim.left, None)
    because = claim.because
    if isinstance(because, str):
        because = dict.fromkeys(VERDICTS_WITH_REASON, because)  # type: ignore[arg-type]
    return StoredClaim(
        origin="own",
        says=claim.says,
        section=claim.section,
        left=left,
        right=_side(claim.right, left) if isinstance(claim.right, Side) else claim.right,
        relation=claim.relation,
        least=claim.least,
        margin=claim.margin,
        along=claim.along,
        exponent=claim.exponent,
        tolerance=claim.tolerance,
        after=claim.after,
        show=claim.show or left["experiment"],
        numbers={name: _side(side, left) for name, side in claim.numbers.items()},
        because=cast("dict[str, str]", because),
    )


def sides(claim: StoredClaim) -> Iterator[StoredSide]:
    """Yield every quantity that a claim names: left, right, its numbers, and what divides them."""
    right = claim["right"]
    for side in (claim["left"], right, *claim["numbers"].values()):
        inner: Any = side
        while isinstance(inner, dict):
            yield cast("StoredSide", inner)
            inner = inner["over"]


def _side(side: Side, base: StoredSide | None) -> StoredSide:
    """Fill in from another side what this one leaves unsaid."""
    elsewhere = base is not None and side.experiment not in {None, base["experiment"]}
    inherited: dict[str, Any] = {} if base is None or elsewhere else dict(base["series"])
    metric = side.metric or (base["metric"] if base and not elsewhere else "seconds")
    filled = StoredSide(
        experiment=side.experiment or (base["experiment"] if base else ""),
        series=inherited | side.series,
        metric=metric,
        epoch=_or(side.epoch, base, "epoch", elsewhere=elsewhere),
        loss=_or(side.loss, base, "loss", elsewhere=elsewhere),
        pick=_or(side.pick, base, "pick", elsewhere=elsewhere),
        largest=_or(side.largest, base, "largest", elsewhere=elsewhere),
        name=side.name,
        over=None,
    )
    if side.over is not None:
        filled["over"] = cast("dict[str, Any]", _side(side.over, filled))
    return filled


def _or(value: Any, base: StoredSide | None, key: str, *, elsewhere: bool) -> Any:
    if value is not None or base is None or elsewhere:
        return value
    return base[key]  # type: ignore[literal-required]
