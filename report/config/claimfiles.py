"""What `claims:` takes in experiments.yaml: the chapter's, files, claims, or a list of these."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import BeforeValidator, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from report import resources
from report.config.claims import Claim, ClaimId
from report.config.explain import explain
from report.config.mistakes import mistakes
from report.config.yamlsource import YamlSource
from report.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic import GetJsonSchemaHandler, ValidationInfo
    from pydantic_core import CoreSchema

    from report.config.claims import Origin
    from report.config.yamlsource import Location
    from report.registry import KindName

CHAPTER = "chapter"


class ChapterClaim(Claim):
    """A claim that the program ships."""

    origin: ClassVar[Origin] = "chapter"


@functools.cache
def chapter() -> tuple[YamlSource, dict[str, ChapterClaim]]:
    """Return claims.yaml, and the claims in it by id.

    Raises:
        ConfigError: The file is not what it should be.
    """
    source = YamlSource(resources.chapter_claims())
    try:
        return source, TypeAdapter(dict[ClaimId, ChapterClaim]).validate_python(source.content)
    except ValidationError as error:
        raise explain(source, error, schema()) from None


def schema() -> dict[str, Any]:
    """Return the JSON Schema of a file of claims."""
    return TypeAdapter(dict[ClaimId, Claim]).json_schema()


def applying(claims: Mapping[str, Claim], kinds: Mapping[str, KindName]) -> dict[str, Claim]:
    """Return claims with those that `also_on` makes of them, as far as they apply.

    What of the chapter's claims speaks of experiments that are not there is left out. A person's
    own claims stay as they are: there it is a mistake.

    Args:
        claims: By id.
        kinds: The kind of each experiment.
    """
    kept = {}
    for first, stated in claims.items():
        for name, claim in ((first, stated), *stated.elsewhere().items()):
            fitting = _fitting(name, claim, kinds) if claim.origin == CHAPTER else claim
            if fitting is not None:
                kept[name] = fitting
    return kept


def _fitting(name: str, claim: Claim, kinds: Mapping[str, KindName]) -> Claim | None:
    """Return what applies of a claim; None where what it compares is not there."""
    wrong = [place[2:] for place, *_ in mistakes({name: claim}, kinds)]
    if any(place[0] in {"left", "right", "along"} for place in wrong):
        return None
    # An explanation that names a number which is not there stays away by itself.
    lost = {place[1] for place in wrong if place[0] == "numbers"}
    return claim.model_copy(
        update={"numbers": {key: s for key, s in claim.numbers.items() if key not in lost}}
    )


def _gathered(value: Any, info: ValidationInfo) -> dict[str, Any]:
    """Return all claims by id, as they are written; pydantic checks them afterwards."""
    source: YamlSource | None = (info.context or {}).get("source")
    gathered: dict[str, Any] = {}
    places: dict[str, str] = {}
    for index, part in enumerate(value if isinstance(value, list) else [value]):
        location: Location = ("claims", index) if isinstance(value, list) else ("claims",)
        for name, claim, place in _of_part(part, location, source):
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


def _of_part(
    part: Any, location: Location, source: YamlSource | None
) -> Iterator[tuple[str, Any, str]]:
    """Yield id, claim and place of each claim that a part of the list stands for."""
    if part == CHAPTER:
        shipped, claims = chapter()
        for name, claim in claims.items():
            yield name, claim, shipped.place((name,))
        return
    origin, start = source, location
    if isinstance(part, str):
        origin, start = _file(part, location, source), ()
        part = origin.content
        if not isinstance(part, dict):
            raise ConfigError(f"{origin.name}:1: expected claims by id.")
    if not isinstance(part, dict):
        message = "expected chapter, the path of a file of claims, claims by id, or a list of these"
        raise PydanticCustomError("claims", message)
    for name, claim in part.items():
        if source is not None and origin is not None:
            source.graft(("claims", name), origin, (*start, name))
        yield name, claim, source.place(("claims", name)) if source else str(name)


def _file(name: str, location: Location, source: YamlSource | None) -> YamlSource:
    """Read a file of claims; its path is from the folder of the file that names it."""
    path = Path(source.name if source else "").parent / name
    if not path.is_file():
        place = f"{source.place(location)}: " if source else ""
        raise ConfigError(f"{place}claims: there is no file {name!r}.")
    return YamlSource(path)


class _SchemaOfSources:
    """Let editors offer all that the key takes."""

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        one = {"anyOf": [{"type": "string", "examples": [CHAPTER]}, handler(core_schema)]}
        return {"anyOf": [*one["anyOf"], {"type": "array", "items": one}]}


Claims = Annotated[dict[ClaimId, Claim], BeforeValidator(_gathered), _SchemaOfSources()]
"""Claims by id, from wherever they stand."""
