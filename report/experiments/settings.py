"""What every kind of experiment can be told in experiments.yaml."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeVar

import pydantic
from pydantic import BaseModel, ConfigDict, Field

from report.registry import BackendName, KindName  # noqa: TC001 (pydantic reads them)
from report.text.names import DEVICES

if TYPE_CHECKING:
    from pydantic import GetJsonSchemaHandler
    from pydantic_core import CoreSchema

Item = TypeVar("Item")


def _distinct(values: list[Item]) -> list[Item]:
    if len({repr(value) for value in values}) != len(values):
        raise ValueError("the list holds a value twice")
    return values


class _SchemaOfOneOrMany:
    """Let editors offer a single value as well as a list of them."""

    def __get_pydantic_json_schema__(
        self, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        schema = handler(core_schema)
        return {"anyOf": [schema["items"], schema]}


OneOrMany = Annotated[
    list[Item],
    Field(min_length=1, max_length=64),
    pydantic.BeforeValidator(lambda value: value if isinstance(value, list) else [value]),
    pydantic.AfterValidator(_distinct),
    _SchemaOfOneOrMany(),
]
"""A value or a list of values; a list is swept."""

DeviceName = Annotated[
    str,
    pydantic.StringConstraints(pattern=r"^(auto|cpu|mps|(cuda|xpu)(:\d{1,2})?)$"),
    Field(examples=list(DEVICES)),
]
AutoThreads = Annotated[int, Field(ge=1, le=4096)] | Literal["auto"]
Threads = Annotated[int, Field(ge=1, le=4096)] | Literal["auto", "each"]
Seconds = Annotated[float, Field(gt=0, le=86_400)]
EnergySeconds = Annotated[float, Field(ge=0, le=60)]
Label = Annotated[
    str, pydantic.StringConstraints(min_length=1, max_length=40, strip_whitespace=True)
]

ENERGY = (
    "Seconds of work in each process over which the device's energy counter is read, where there "
    "is one (NVML, or RAPL of a CPU), beyond the budget. 0: not at all."
)


ADDED = {"cold": False, "device_only": False, "device_update_size": [], "energy_s": 0}
"""Settings that came later, with the value by which what was there before is measured as before: a
plan is stored without them."""


class Strict(BaseModel):
    """A part of experiments.yaml; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Defaults(Strict):
    """What a profile gives to experiments that do not say otherwise."""

    processes: int = Field(
        4,
        ge=1,
        le=50,
        description="Fresh processes (replicates) for each experiment and backend. Once three have "
        "run, the time of what is decided goes to what is still open.",
    )
    repeats: int = Field(
        30, ge=3, le=10_000, description="The most samples of one series in one process."
    )
    seeds: int = Field(3, ge=1, le=100, description="Seeds of each training run.")


class Settings(Strict):
    """Keys that each experiment has, whatever its kind."""

    title: Label | None = Field(None, description="Heading on the page. Default: from the name.")
    backends: OneOrMany[BackendName] | None = Field(
        None, description="Frameworks that run it. Default: those at the top of the file."
    )
    device: DeviceName | None = Field(None, description="Default: the one at the top of the file.")
    budget_s: Seconds = Field(
        10, description="Seconds of measuring for each backend, all processes together."
    )
    timeout_s: Seconds | None = Field(
        None, description="Seconds until a process is given up. Default: 60 s plus 5 budgets."
    )
    processes: int | None = Field(None, ge=1, le=50, description="Default: the profile's.")
    repeats: int | None = Field(None, ge=3, le=10_000, description="Default: the profile's.")

    def batches(self) -> list[tuple[tuple[str | int, ...], int, int]]:
        """Return each batch size, where it stands, with the copies of the data it is cut from."""
        return []

    def overridden(self, other: Settings | None) -> Self:
        """Return these settings with those keys replaced that `other` sets itself."""
        if other is None:
            return self
        own = self.model_dump(exclude_unset=True)
        # Validated again: what each half may hold alone, both together may not.
        return type(self).model_validate(own | other.model_dump(exclude_unset=True))


class Experiment(Settings):
    """An experiment of some kind: its settings, and what differs in a profile.

    The kinds' own are made from their settings by `experiment_of`.
    """

    kind: KindName
    quick: Settings | None
    full: Settings | None


def experiment_of(kind: KindName, settings: type[Settings]) -> type[Settings]:
    """Return what an experiment of a kind can be told in experiments.yaml."""
    fields: dict[str, Any] = {"kind": (Literal[kind], ...)}
    for profile in ("quick", "full"):
        described = Field(None, description=f"Keys that differ in profile {profile}.")
        fields[profile] = (settings | None, described)
    return pydantic.create_model(
        settings.__name__.replace("Settings", "Spec"),
        __base__=settings,
        __doc__=f"An experiment of kind {kind}.",
        **fields,
    )
