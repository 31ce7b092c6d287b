"""What claims refer to: experiments, labels, metrics and settings, and what of these is not there.

A setting stands in a text by name: {left.size} becomes 256 when a plan is made. What is measured
({left}, {effect}, the names under `numbers`) stays a name in the stored claim, to be put in by
`report.claims.wording`.
"""

from __future__ import annotations

import functools
import itertools
import operator
import string
from typing import TYPE_CHECKING, Any, cast

from report.analysis.quantities import quotient
from report.claims.wording import WAYS as MEASURED_WAYS
from report.config.claims import Claim, Side, stored
from report.experiments.catalogue import KINDS
from report.experiments.gradient.noise import correction
from report.experiments.training import measure
from report.registry import SECTIONS, KindName
from report.text import names as wording
from report.text import numerals
from report.text.names import instead

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from report.config.yamlsource import Location
    from report.results.result import StoredClaim, StoredExperiment, StoredPlan, StoredSide
    from report.worker.records import Scalar

    Kinds = Mapping[str, KindName]
    Backends = Mapping[str, Sequence[str]]
    Mistakes = Iterator[tuple[Location, str, Any]]

WAYS = ("words", "count", "percent", "bytes")
"""What may stand behind the colon of `{left.size:...}`."""

NO_VALUE = "\N{HORIZONTAL ELLIPSIS}"
"""Stands where an experiment has no such setting, as for a run that somebody took out."""

_DERIVED: dict[str, dict[str, tuple[tuple[str, ...], Callable[..., Scalar]]]] = {
    "matmul": {
        "elements": (("size",), lambda n: n * n),
        "blocks": (("size", "block_width"), lambda n, width: -(-n // width)),
        "matrix_bytes": (("size", "dtype"), lambda n, dtype: n * n * numerals.ITEM_BYTES[dtype]),
    },
    "bandwidth": {
        "stride_bytes": (("stride", "dtype"), lambda k, dtype: k * numerals.ITEM_BYTES[dtype]),
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
    return [*KINDS[kind].label_names(), *_DERIVED.get(kind, {}), "examples", "epoch"]


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
        values = _values(name, side, plan) if side else []
        if way == "count":
            return numerals.spelled(len(values))
        return " or ".join(_written(value, way) for value in values) or NO_VALUE

    def named(side: Any) -> Any:
        if not isinstance(side, dict):
            return side
        name = side["name"]
        return {**side, "name": name and _put_in(name, value), "over": named(side["over"])}

    reasons = claim["because"].items()
    texts = {
        "says": _put_in(claim["says"], value),
        "left": named(claim["left"]),
        "right": named(claim["right"]),
        "numbers": {key: named(side) for key, side in claim["numbers"].items()},
        "because": {verdict: _put_in(text, value, measured=True) for verdict, text in reasons},
    }
    return cast("StoredClaim", {**claim, **texts})


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
    arguments = experiment["settings"].get("arguments", {})
    known = {**experiment["settings"], **arguments, **series, "examples": examples}
    lists = [value if isinstance(value := known.get(k), list) else [value] for k in needed]
    for row in itertools.product(*lists):
        yield dict(zip(needed, row, strict=True))


def _written(value: Any, way: str) -> str:
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


# --- what is not there

GIVEN = ("left", "right", "effect")
"""Numbers that explanations may name; where a power law is fitted, the last of them only."""

BY_EPOCH = ("loss", "excess")  # metrics that change from epoch to epoch, and so can stall


def mistakes(claims: Mapping[str, Claim], kinds: Kinds, backends: Backends) -> Mistakes:
    """Yield what claims name that the file does not have: its place, what is wrong, the value.

    Given are the kind of each experiment and the backends that measure it.
    """
    for name, claim in claims.items():
        place: Location = ("claims", name)
        known = set()
        for inner, why, value in _of_claim(claim, kinds, backends):
            known.add((inner, why))
            yield (*place, *inner), why, value
        for other, copy in claim.elsewhere().items():
            # Only the first: all further ones follow from an experiment that does not fit.
            for inner, why, value in _of_claim(copy, kinds, backends):
                if (inner, why) not in known:
                    own = inner[1:] if inner[0] == "left" else inner
                    yield (*place, "also_on", other, *own), why, value
                    break


def _of_claim(claim: Claim, kinds: Kinds, backends: Backends) -> Mistakes:
    full = stored(claim)
    measuring = backends.get(full["left"]["experiment"], ())
    if claim.backend is not None and measuring:
        why = f"{full['left']['experiment']} is not measured with"
        yield from _unless(claim.backend, measuring, ("backend",), why)
    for place, side in claim.sides():
        # In the stored claim it stands at the same place, with everything said.
        yield from _of_side(place, side, functools.reduce(operator.getitem, place, full), kinds)
    if claim.along is not None and full["left"]["experiment"] in kinds:
        yield from _of_label(claim.along, kinds[full["left"]["experiment"]], ("along",))
    if claim.relation == "stalls" and full["left"]["metric"] not in BY_EPOCH:
        message = f"only a metric that has epochs can stall: {' or '.join(BY_EPOCH)}"
        yield ("left",), message, None
    yield from _of_units(full, kinds)
    if claim.show is not None and claim.show not in SECTIONS:
        yield from _unless(claim.show, kinds, ("show",), "there is no experiment")
    yield from _of_words(claim, full, kinds)


def _of_side(place: Location, own: Side, filled: Mapping[str, Any], kinds: Kinds) -> Mistakes:
    experiment = filled["experiment"]
    if experiment not in kinds:
        # Where it is inherited, the place that it comes from has said so.
        if own.experiment is not None:
            place = (*place, "experiment")
            yield from _unless(experiment, kinds, place, "there is no experiment")
        return
    kind = kinds[experiment]
    where = (*place, "metric") if own.metric else place
    why = f"a {kind} experiment has no metric"
    yield from _unless(filled["metric"], KINDS[kind].metrics, where, why)
    for label in own.series:
        yield from _of_label(label, kind, (*place, "series", label))
    if own.largest is not None:
        yield from _of_label(own.largest, kind, (*place, "largest"))


def _of_label(label: str, kind: KindName, place: Location) -> Mistakes:
    if KINDS[kind].open_labels:
        return iter(())
    return _unless(label, KINDS[kind].label_names(), place, f"a {kind} experiment has no label")


def _unless(name: str, known: Collection[str], place: Location, what: str) -> Mistakes:
    if why := _unknown(what, name, known):
        yield place, why, name


def _of_units(full: StoredClaim, kinds: Kinds) -> Mistakes:
    if not isinstance(full["right"], dict):
        return
    units = _unit(full["left"], kinds), _unit(full["right"], kinds)
    if None not in units and units[0] != units[1]:
        left, right = (unit or "plain numbers" for unit in units)
        message = f"only like units can be compared: left is in {left}, right in {right}"
        yield ("right",), message, None


def _unit(filled: Mapping[str, Any], kinds: Kinds) -> str | None:
    """Return a side's unit; None where a mistake keeps it from having one."""
    kind = kinds.get(filled["experiment"])
    metric = KINDS[kind].metrics.get(filled["metric"]) if kind else None
    if metric is None:
        return None
    if filled["over"] is None:
        return metric.unit
    below = _unit(filled["over"], kinds)
    return None if below is None else quotient(metric.unit, below)


def _of_words(claim: Claim, full: StoredClaim, kinds: Kinds) -> Mistakes:
    for taken in [key for key in claim.numbers if key in GIVEN]:
        yield ("numbers", taken), f"{taken} is taken; choose another name", None
    given = ("effect",) if claim.relation == "power-law" else GIVEN
    for where, text in claim.texts():
        measured = [*given, *claim.numbers] if where[0] == "because" else []
        try:
            parts = list(string.Formatter().parse(text))
        except ValueError as error:
            yield where, f"braces do not match: {error}", text
            continue
        for _, name, way, conversion in parts:
            if name is None:
                continue
            setting = "." in name
            wrong = _of_setting(name, full, kinds) if setting else _of_number(name, measured)
            ways = WAYS if setting else tuple(MEASURED_WAYS)
            if wrong:
                yield where, wrong, name
            elif conversion or (way and way not in ways):
                shown = f"{name}!{conversion}" if conversion else f"{name}:{way}"
                message = f"{{{shown}}} is not a way to write a number."
                yield where, message + instead(str(way), ways), shown


def _of_number(name: str, measured: Sequence[str]) -> str | None:
    if not measured:
        return f"no measured number can be used here; name a setting, as in {{{name}.size}}."
    return _unknown("there is no number", name, measured)


def _of_setting(path: str, full: StoredClaim, kinds: Kinds) -> str | None:
    of, _, name = path.rpartition(".")
    side = side_of(full, of)
    if side is None:
        sides = [each for each in ("left", "right", *full["numbers"]) if side_of(full, each)]
        return _unknown("there is no quantity", of, sides)
    kind = kinds.get(side["experiment"])
    known = [name] if kind is None or KINDS[kind].open_labels else names(kind)
    return _unknown(f"{of} has no setting", name, known)


def _unknown(what: str, name: str, known: Collection[str]) -> str | None:
    return None if name in known else f"{what} {name!r}.{instead(name, list(known))}"


def applying(claims: Mapping[str, Claim], kinds: Kinds, backends: Backends) -> dict[str, Claim]:
    """Return claims with those that `also_on` makes of them, as far as they apply.

    What of the shipped claims speaks of experiments that are not there, or of a framework that
    does not measure them, is left out. A person's own claims stay as they are: there it is a
    mistake.
    """
    kept = {}
    for first, stated in claims.items():
        for name, claim in ((first, stated), *stated.elsewhere().items()):
            fitting = _fitting(claim, kinds, backends) if claim.shipped else claim
            if fitting is not None:
                kept[name] = fitting
    return kept


def _fitting(claim: Claim, kinds: Kinds, backends: Backends) -> Claim | None:
    """Return what applies of a claim; None where what it compares is not there."""
    wrong = [place for place, *_ in _of_claim(claim, kinds, backends)]
    if any(place[0] in {"left", "right", "along", "backend"} for place in wrong):
        return None
    # An explanation that names a number which is not there stays away by itself.
    lost = {place[1] for place in wrong if place[0] == "numbers"}
    there = {key: side for key, side in claim.numbers.items() if key not in lost}
    return claim.model_copy(update={"numbers": there})
