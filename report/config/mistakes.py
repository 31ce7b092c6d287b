"""What can be wrong with claims beside the experiments that they speak of."""

from __future__ import annotations

import string
from typing import TYPE_CHECKING, Any

from report.analysis.quantities import quotient
from report.config import claimtexts
from report.config.claims import Side, stored
from report.experiments.catalogue import KINDS
from report.registry import SECTIONS
from report.text.names import instead

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from report.config.claims import Claim
    from report.config.yamlsource import Location
    from report.registry import KindName
    from report.results.result import StoredClaim

GIVEN = ("left", "right", "effect")
"""Numbers that explanations may name; where a power law is fitted, the last of them only."""

BY_EPOCH = ("loss", "excess")
"""Metrics that change from epoch to epoch, so that they can stall."""


def mistakes(
    claims: Mapping[str, Claim], kinds: Mapping[str, KindName]
) -> Iterator[tuple[Location, str, Any]]:
    """Find what claims name and the file does not have.

    Args:
        claims: By id.
        kinds: The kind of each experiment of the file.

    Yields:
        The place in the file, what is wrong there, and what stands there.
    """
    for name, claim in claims.items():
        place: Location = ("claims", name)
        known = set()
        for inner, why, value in _of_claim(claim, kinds):
            known.add((inner, why))
            yield (*place, *inner), why, value
        for other, copy in claim.elsewhere().items():
            # Only the first: all further ones follow from an experiment that does not fit.
            for inner, why, value in _of_claim(copy, kinds):
                if (inner, why) not in known:
                    own = inner[1:] if inner[0] == "left" else inner
                    yield (*place, "also_on", other, *own), why, value
                    break


def _of_claim(claim: Claim, kinds: Mapping[str, KindName]) -> Iterator[tuple[Location, str, Any]]:
    full = stored(claim)
    named = [("left", claim.left, full["left"]), ("right", claim.right, full["right"])]
    named += [(f"numbers.{k}", s, full["numbers"][k]) for k, s in claim.numbers.items()]
    for key, own, filled in named:
        if isinstance(own, Side) and isinstance(filled, dict):
            yield from _of_side(tuple(key.split(".")), own, filled, kinds)
    if claim.along is not None and full["left"]["experiment"] in kinds:
        yield from _of_label(("along",), claim.along, kinds[full["left"]["experiment"]])
    if claim.relation == "stalls" and full["left"]["metric"] not in BY_EPOCH:
        message = f"only a metric that has epochs can stall: {' or '.join(BY_EPOCH)}"
        yield ("left",), message, None
    yield from _of_units(full, kinds)
    if claim.show is not None and claim.show not in (*kinds, *SECTIONS):
        yield ("show",), _no_experiment(claim.show, kinds), claim.show
    yield from _of_words(claim, full, kinds)


def _of_side(
    place: Location, own: Side, filled: Mapping[str, Any], kinds: Mapping[str, KindName]
) -> Iterator[tuple[Location, str, Any]]:
    experiment = filled["experiment"]
    if experiment not in kinds:
        # Where it is inherited, the place that it comes from has said so.
        if own.experiment is not None:
            yield (*place, "experiment"), _no_experiment(experiment, kinds), experiment
        return
    kind = kinds[experiment]
    metrics = list(KINDS[kind].metrics)
    if filled["metric"] not in metrics:
        where = (*place, "metric") if own.metric else place
        message = f"a {kind} experiment has no metric {filled['metric']!r}."
        yield where, message + instead(str(filled["metric"]), metrics), filled["metric"]
    for label in own.series:
        yield from _of_label((*place, "series", label), label, kind)
    if own.largest is not None:
        yield from _of_label((*place, "largest"), own.largest, kind)
    if own.over is not None:
        yield from _of_side((*place, "over"), own.over, filled["over"], kinds)


def _of_label(place: Location, label: str, kind: KindName) -> Iterator[tuple[Location, str, Any]]:
    labels = KINDS[kind].label_names()
    if label not in labels:
        message = f"a {kind} experiment has no label {label!r}."
        yield place, message + instead(label, labels), label


def _of_units(
    full: Mapping[str, Any], kinds: Mapping[str, KindName]
) -> Iterator[tuple[Location, str, Any]]:
    if not isinstance(full["right"], dict):
        return
    left, right = (_unit(full[key], kinds) for key in ("left", "right"))
    if left is not None and right is not None and left != right:
        said = [unit or "plain numbers" for unit in (left, right)]
        message = f"only like can be compared: left is in {said[0]}, right in {said[1]}"
        yield ("right",), message, None


def _unit(filled: Mapping[str, Any], kinds: Mapping[str, KindName]) -> str | None:
    """Return a side's unit; None where a mistake keeps it from having one."""
    kind = kinds.get(filled["experiment"])
    metric = KINDS[kind].metrics.get(filled["metric"]) if kind else None
    if metric is None:
        return None
    if filled["over"] is None:
        return metric.unit
    below = _unit(filled["over"], kinds)
    return None if below is None else quotient(metric.unit, below)


def _of_words(
    claim: Claim, full: StoredClaim, kinds: Mapping[str, KindName]
) -> Iterator[tuple[Location, str, Any]]:
    for taken in [key for key in claim.numbers if key in GIVEN]:
        yield ("numbers", taken), f"{taken} is taken; choose another name", None
    given = ("effect",) if claim.relation == "power-law" else GIVEN
    for where, text in claim.texts():
        measured = [*given, *claim.numbers] if where[0] == "because" else []
        try:
            parts = list(string.Formatter().parse(text))
        except ValueError as error:
            yield where, f"braces do not fit together: {error}", text
            continue
        for _, name, way, conversion in parts:
            if name is None:
                continue
            setting = "." in name
            wrong = _of_setting(name, full, kinds) if setting else _of_number(name, measured)
            ways = claimtexts.WAYS if setting else claimtexts.MEASURED_WAYS
            if wrong:
                yield where, wrong, name
            elif conversion or (way and way not in ways):
                shown = f"{name}!{conversion}" if conversion else f"{name}:{way}"
                message = f"{{{shown}}} is no way to write a number."
                yield where, message + instead(str(way), ways), shown


def _of_number(name: str, measured: Sequence[str]) -> str | None:
    if name in measured:
        return None
    if not measured:
        return f"nothing that is measured can stand here; name a setting, as in {{{name}.size}}."
    return f"there is no number {name!r}.{instead(name, measured)}"


def _of_setting(path: str, full: StoredClaim, kinds: Mapping[str, KindName]) -> str | None:
    of, _, name = path.rpartition(".")
    side = claimtexts.side_of(full, of)
    if side is None:
        return f"there is no quantity {of!r}.{instead(of, ['left', 'right', *full['numbers']])}"
    known = claimtexts.names(kinds[side["experiment"]]) if side["experiment"] in kinds else [name]
    return None if name in known else f"{of} has no setting {name!r}.{instead(name, known)}"


def _no_experiment(name: str, kinds: Mapping[str, KindName]) -> str:
    return f"there is no experiment {name!r}.{instead(name, list(kinds))}"
