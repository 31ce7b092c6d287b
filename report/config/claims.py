"""Claims as a person writes them: statements about two measured quantities, and where they stand.

What a side leaves unsaid is taken from the left one when a claim is stored.
"""

from __future__ import annotations

import functools
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self, cast, get_args

from pydantic import (
    BeforeValidator,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    WrapValidator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from report import resources
from report.claims.judge import Outcome
from report.config.yamlsource import YamlSource, explain
from report.errors import ConfigError
from report.experiments.settings import Strict
from report.registry import BackendName
from report.results.result import Name, Relation, Source, StoredClaim, StoredSide
from report.worker.records import Scalar

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic import GetJsonSchemaHandler, ValidationInfo, ValidatorFunctionWrapHandler
    from pydantic_core import CoreSchema

    from report.config.yamlsource import Location

Sentence = Annotated[str, StringConstraints(min_length=1, max_length=2000, strip_whitespace=True)]

# A value that may be of several types is tried as each of them, and one mistake gives as many
# errors. What follows looks first which of them is meant.


def _single(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("this cannot be a label")
    if value is not None and not isinstance(value, str | int | float):
        raise ValueError("a label has a single value; write a claim for each")
    return value


def _side_or_number(value: Any, _: ValidatorFunctionWrapHandler) -> Any:
    if value is None or isinstance(value, dict | Side):
        return None if value is None else Side.model_validate(value)
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not 0 < number < math.inf:
        raise ValueError("expected a quantity (with keys such as series) or a number above 0")
    return number


def _one_or_each(value: Any, _: ValidatorFunctionWrapHandler) -> Any:
    if isinstance(value, str):
        return TypeAdapter(Sentence).validate_python(value)
    if isinstance(value, dict):
        return TypeAdapter(dict[Outcome, Sentence]).validate_python(value)
    raise ValueError(
        "expected a sentence, or one for each of supported, too small to matter, contradicted "
        "and inconclusive"
    )


Series = dict[str, Annotated[Scalar, BeforeValidator(_single)]]


class Side(Strict):
    """A measured quantity. What a right side or `over` leaves out is as on the left."""

    experiment: str | None = Field(None, description="An experiment of this file.")
    series: Series = Field(
        default_factory=dict,
        description="Labels that choose one series: strategy, size, run, batch_size ...",
    )
    metric: str | None = Field(
        None,
        description="What is asked: seconds (default), flop_per_s, bytes_per_s, examples_per_s, "
        "seconds_to_loss, examples_to_loss, loss, excess, std; of theory lowest_loss, stable_lr, "
        "steepest_factor; which of them depends on the kind.",
    )
    epoch: int | None = Field(
        None, ge=0, le=1000, description="For loss and excess: after which epoch. Default: last."
    )
    loss: float | None = Field(
        None,
        gt=0,
        allow_inf_nan=False,
        description="For ..._to_loss: which loss. Default: 2 % above the lowest possible.",
    )
    pick: Literal["highest", "lowest"] | None = Field(
        None, description="Where several series fit, take the one with this value."
    )
    largest: str | None = Field(
        None, description="Where several series fit, take the one with most of this label."
    )
    name: Annotated[str, StringConstraints(max_length=80)] | None = Field(
        None, description="What to call it in a sentence."
    )
    over: Side | None = Field(None, description="Divide by this quantity.")


class Also(Strict):
    """A further experiment on which a statement is judged; all else is as on the first."""

    experiment: str = Field(description="An experiment of this file.")
    source: Source = Field("ours", description="As for a claim. Default: ours.")
    series: Series = Field(default_factory=dict, description="Labels beside those of left.")
    where: Sentence | None = Field(
        None, description="How the statement begins there. Default: On and the experiment."
    )


class Claim(Strict):
    """A statement, and what of it was measured."""

    shipped: ClassVar[bool] = False
    """Whether it comes with the program; if so, it is left out where it does not apply."""

    says: Sentence = Field(description="The statement, in your words.")
    source: Source = Field(
        "ours",
        description="Whose it is: the chapter's, if it says or plainly implies so; else ours, "
        "which is counted apart.",
    )
    section: Sentence = Field(description="Where the chapter says so, or what it belongs to there.")
    backend: BackendName | None = Field(
        None,
        description="The framework that the statement speaks of; it is judged on no other. "
        "Default: all that measure the experiment.",
    )
    left: Side = Field(description="The quantity that the statement is about.")
    right: Annotated[Side | float | None, WrapValidator(_side_or_number)] = Field(
        None, description="What it is compared with: a quantity or a plain number."
    )
    relation: Relation = Field(
        description="greater, less; equivalent within the margin; power-law: left follows a "
        "power of `along`; stalls: left falls, then no longer falls, after some epochs."
    )
    least: float = Field(
        1.02, ge=1, le=1e6, description="Least effect that matters, as a factor (greater, less)."
    )
    margin: float = Field(
        1.1, gt=1, le=1e6, description="Factor within which quantities are equivalent."
    )
    along: str | None = Field(None, description="power-law: the label that is varied.")
    exponent: float | None = Field(
        None, allow_inf_nan=False, description="power-law: the exponent that is claimed."
    )
    tolerance: float = Field(0.05, gt=0, le=10, description="power-law: how far it may be off.")
    after: int | None = Field(None, ge=1, le=1000, description="stalls: after how many epochs.")
    show: str | None = Field(
        None, description="Experiment at which the verdict is explained. Default: the left one."
    )
    numbers: dict[Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,29}$")], Side] = (
        Field(default_factory=dict, description="More quantities, for use in `because`.")
    )
    because: Annotated[Sentence | dict[Outcome, Sentence], WrapValidator(_one_or_each)] = Field(
        default_factory=dict,
        description="Why, for all verdicts or for each one. {left}, {right}, {effect} "
        "and the names under `numbers` stand for this run's numbers; {name:percent} writes a "
        "fraction in percent. {left.size} stands for a setting, as it can in `says` and `name`.",
    )
    fixed: list[Sentence] = Field(
        default_factory=list,
        description="Parts of these texts with numbers that neither a setting nor a measurement "
        "decides: the chapter's own, or theory's. Nothing reads them but whoever checks the rest.",
    )
    also_on: dict[Name, Also] = Field(
        default_factory=dict,
        description="Further experiments on which the same is judged, by the id of the claim that "
        "each of them makes.",
    )

    def elsewhere(self) -> dict[str, Self]:
        """Return the claims that `also_on` makes of this one, by id."""
        return {name: self._on(also) for name, also in self.also_on.items()}

    def _on(self, also: Also) -> Self:
        says = self.says
        if not says[1:2].isupper():  # SGD stays, Averaging does not
            says = says[0].lower() + says[1:]
        says = f"{also.where or f'On {also.experiment}'}: {says}"
        moved = {"experiment": also.experiment, "series": self.left.series | also.series}
        left = self.left.model_copy(update=moved)
        changed = {"says": says, "source": also.source, "left": left, "also_on": {}}
        return self.model_copy(update=changed)

    def sides(self) -> Iterator[tuple[tuple[str, ...], Side]]:
        """Yield all its quantities, also those that divide others, each with its place."""
        found: list[tuple[tuple[str, ...], Any]]
        found = [(("left",), self.left), (("right",), self.right)]
        found += [(("numbers", name), side) for name, side in self.numbers.items()]
        for place, side in found:
            if isinstance(side, Side):
                yield place, side
                found.append(((*place, "over"), side.over))

    def texts(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield all that readers will see of it, each with its place."""
        yield ("says",), self.says
        for place, side in self.sides():
            yield (*place, "name"), side.name or ""
        each = {"": self.because} if isinstance(self.because, str) else self.because
        for verdict, text in each.items():
            yield ("because", verdict) if verdict else ("because",), text

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        needed = {"power-law": ["along", "exponent"], "stalls": ["after"]}
        wanted = needed.get(self.relation, ["right"])
        for key in wanted:
            if getattr(self, key) is None:
                raise ValueError(f"relation {self.relation} needs the key {key}; add it")
        if self.right is not None and "right" not in wanted:
            raise ValueError(
                f"relation {self.relation} compares with nothing; remove the key right"
            )
        if self.left.experiment is None:
            raise ValueError("left needs the key experiment; add it")
        if self.relation == "power-law" and (self.left.over or self.left.pick):
            raise ValueError("a power law takes single series; remove over and pick from left")
        if self.after and self.left.epoch is not None and self.left.epoch <= self.after:
            raise ValueError("the epoch of left must be later than the one that after names")
        return self


def stored(claim: Claim) -> StoredClaim:
    """Return a claim as a result file keeps it."""
    left = _side(claim.left)
    because = claim.because
    if isinstance(because, str):
        because = dict.fromkeys(get_args(Outcome), because)
    filled = {
        "left": left,
        "right": _side(claim.right, left) if isinstance(claim.right, Side) else claim.right,
        "show": claim.show or left["experiment"],
        "numbers": {name: _side(side, left) for name, side in claim.numbers.items()},
        "because": because,
    }
    own = {key: getattr(claim, key) for key in StoredClaim.__annotations__ if key != "origin"}
    return cast("StoredClaim", own | filled)


_UNSAID: dict[str, Any] = dict.fromkeys(StoredSide.__annotations__)
_UNSAID |= {"experiment": "", "series": {}, "metric": "seconds"}


def _side(side: Side, base: Mapping[str, Any] = _UNSAID) -> StoredSide:
    """Fill in what a side leaves unsaid: from another, if it is of the same experiment."""
    if side.experiment not in {None, base["experiment"]}:
        base = _UNSAID
    own = {key: value for key, value in vars(side).items() if value is not None}
    series = base["series"] | side.series
    filled = {**base, **own, "series": series, "name": side.name, "over": None}
    if side.over is not None:
        filled["over"] = _side(side.over, filled)
    return cast("StoredSide", filled)


# --- what `claims:` takes: the chapter's, files, claims, or a list of these

CHAPTER = "chapter"


class ShippedClaim(Claim):
    """A claim that the program ships: of the chapter, or beyond it."""

    shipped: ClassVar[bool] = True


@functools.cache
def chapter() -> tuple[YamlSource, dict[str, ShippedClaim]]:
    """Return claims.yaml, and the claims in it by id.

    Raises:
        ConfigError: The file is not what it should be.
    """
    source = YamlSource(resources.chapter_claims())
    try:
        return source, TypeAdapter(dict[Name, ShippedClaim]).validate_python(source.content)
    except ValidationError as error:
        raise explain(source, error, file_schema()) from None


def file_schema() -> dict[str, Any]:
    """Return the JSON Schema of a file of claims."""
    return TypeAdapter(dict[Name, Claim]).json_schema()


def _gathered(value: Any, info: ValidationInfo) -> dict[str, Any]:
    """Return all claims by id, as they are written; pydantic checks them afterwards."""
    source: YamlSource | None = (info.context or {}).get("source")
    gathered: dict[str, Any] = {}
    places: dict[str, str] = {}
    for index, part in enumerate(value if isinstance(value, list) else [value]):
        location: Location = ("claims", index) if isinstance(value, list) else ("claims",)
        for name, claim in _of_part(part, location, source).items():
            place = source.place(("claims", name)) if source else str(name)
            for made in (name, *_also(claim)):
                if made in places:
                    raise ConfigError(
                        f"{place}: there is a claim {made!r} at {places[made]} already; give one "
                        "of the two another id."
                    )
                places[made] = place
            gathered[name] = claim
    return gathered


def _also(claim: Any) -> list[str]:
    """Return the ids of the claims that another makes, which may not have been checked yet."""
    also = claim.get("also_on") if isinstance(claim, dict) else getattr(claim, "also_on", None)
    return list(also) if isinstance(also, dict) else []


def _of_part(part: Any, location: Location, source: YamlSource | None) -> dict[str, Any]:
    """Return the claims that a part of the list stands for, and note where they stand."""
    origin, start = source, location
    if part == CHAPTER:
        (origin, part), start = chapter(), ()
    elif isinstance(part, str):
        # From the folder of the file that names it.
        path = Path(source.name if source else "").parent / part
        if not path.is_file():
            place = f"{source.place(location)}: " if source else ""
            raise ConfigError(f"{place}claims: there is no file {part!r}.")
        origin, start = YamlSource(path), ()
        part = origin.content
        if not isinstance(part, dict):
            raise ConfigError(f"{origin.name}:1: expected claims by id.")
    if not isinstance(part, dict):
        message = "expected chapter, the path of a file of claims, claims by id, or a list of these"
        raise PydanticCustomError("claims", message)
    if source is not None and origin is not None:
        source.graft(("claims",), origin, start)
    return part


class _SchemaOfSources:
    """Let editors offer all that the key takes."""

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        one = {"anyOf": [{"type": "string", "examples": [CHAPTER]}, handler(core_schema)]}
        return {"anyOf": [*one["anyOf"], {"type": "array", "items": one}]}


Claims = Annotated[dict[Name, Claim], BeforeValidator(_gathered), _SchemaOfSources()]
"""Claims by id, from wherever they stand."""
