"""experiments.yaml -> Config: the models that say what may stand in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, Union, get_args

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PrivateAttr,
    StringConstraints,
    Tag,
    ValidationError,
    WithJsonSchema,
    create_model,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from report.config import address
from report.config.claims import Claims  # noqa: TC001 (pydantic reads it)
from report.config.references import applying, mistakes
from report.config.yamlsource import Location, YamlSource, explain
from report.errors import ConfigError
from report.experiments.catalogue import KINDS
from report.experiments.settings import (
    Defaults,
    DeviceName,
    Experiment,
    OneOrMany,
    Strict,
    experiment_of,
)
from report.registry import BACKENDS, BackendName
from report.results.result import Name, ProfileName
from report.text.numerals import duration

if TYPE_CHECKING:
    from pathlib import Path

LONGEST_S = 86_400.0  # of a run: several of them tell more than one that takes days


def _kind(value: Any) -> str | None:
    kind = value.get("kind") if isinstance(value, dict) else getattr(value, "kind", None)
    return kind if isinstance(kind, str) else None


if TYPE_CHECKING:
    AnyExperiment = Experiment
else:
    AnyExperiment = Annotated[
        Union[  # noqa: UP007 (of as many as there are kinds)
            tuple(
                Annotated[experiment_of(name, kind.settings), Tag(name)]
                for name, kind in KINDS.items()
            )
        ],
        Discriminator(_kind),
    ]


class DatasetSpec(Strict):
    """The data that the training runs use."""

    name: Literal["airfoil"] = "airfoil"
    path: str | None = Field(None, description="Copy of airfoil_self_noise.dat. Default: fetched.")
    examples: int = Field(1500, ge=2, le=1503, description="Rows that are used, from the first on.")


class Profiles(Strict):
    """How much is measured: a quick look, or a report to publish."""

    quick: Defaults = Defaults(processes=4, repeats=30, seeds=3)
    full: Defaults = Defaults(processes=8, repeats=60, seeds=10)


def _text(value: Any) -> Any:
    if isinstance(value, bool | float):
        raise ValueError("write it in quotes: a variable is text")  # noqa: TRY004 (pydantic's)
    return str(value) if isinstance(value, int) else value


def _name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", value):
        raise ValueError(f"{value!r} cannot be a variable's name")
    if value.startswith("PYTHON"):
        raise ValueError(f"{value} has no effect: Python ignores such variables in a worker")
    if value in {"CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER"}:
        raise ValueError(f"set {value} where `report` is started: the machine's facts need it too")
    return value


Variable = Annotated[str, AfterValidator(_name)]
Text = Annotated[
    str,
    BeforeValidator(_text),
    StringConstraints(pattern=r"^[^\x00]*$"),
    WithJsonSchema({"type": ["string", "integer"]}),
]


_UrlSchema = WithJsonSchema({"type": "string", "format": "uri", "pattern": "^https?://"})
SiteUrl = Annotated[str, AfterValidator(address.site_url), _UrlSchema]
SourceUrl = Annotated[str, AfterValidator(address.source), _UrlSchema]


class _Variables(Strict):
    """Variables of the processes that measure: for all frameworks, and for some."""

    model_config = ConfigDict(extra="allow")

    __pydantic_extra__: dict[str, Text] = Field(init=False)

    @model_validator(mode="after")
    def _named(self) -> Self:
        for name in self.__pydantic_extra__:
            _name(name)
        return self

    def of(self, backend: str) -> dict[str, str]:
        """Return the variables of one framework's processes."""
        own: dict[str, str] = getattr(self, backend)
        return self.__pydantic_extra__ | own


if TYPE_CHECKING:
    Variables = _Variables
else:
    Variables = create_model(
        "Variables",
        __base__=_Variables,
        __doc__=_Variables.__doc__,
        **{name: (dict[Variable, Text], {}) for name in BACKENDS},
    )


class Config(Strict):
    """experiments.yaml."""

    version: Literal[1] = Field(description="Version of this format.")
    title: Annotated[str, StringConstraints(min_length=1, max_length=120)] = (
        "Minibatch stochastic gradient descent, measured"
    )
    site_url: SiteUrl | None = Field(
        None,
        description="Address where the site will be published. Adds canonical addresses and "
        "preview images; it has no part in what is measured.",
        examples=["https://example.org/report/"],
    )
    machines: list[SourceUrl] = Field(
        default_factory=list,
        description="Addresses of published reports, or of single results, whose new runs `report "
        "add --update` takes into the results folder. It has no part in what is measured.",
        examples=[["https://example.org/report/"]],
    )
    baseline: Annotated[str, StringConstraints(max_length=100)] | None = Field(
        None,
        description="The machine that others are compared with on the site, by the name of its "
        "folder in results. Default: the first by name. It has no part in what is measured.",
    )
    price_per_hour: Annotated[float, Field(gt=0, le=1e6)] | None = Field(
        None,
        description="What an hour of this machine costs, so that the report says what training "
        "does. It goes into the result, and has no part in what is measured.",
        examples=[0.9],
    )
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = Field(
        "USD", description="Of the price, by its ISO 4217 code."
    )
    seed: int = Field(1, ge=0, lt=2**63, description="Seed of everything that is drawn.")
    device: DeviceName = Field(
        "auto",
        description="auto: the accelerator that multiplies fastest, else the CPU.",
    )
    backends: OneOrMany[BackendName] = Field(["pytorch"], description="Frameworks to measure.")
    interpreters: dict[BackendName, Annotated[str, StringConstraints(min_length=1)]] = Field(
        default_factory=dict,
        description="Your own Python for a framework, by its name: a path from this file's folder "
        "on, or a command. Default: the one that `report env create` made, else the one that runs "
        "the report.",
    )
    environment: Variables = Field(
        Variables(),
        description="Variables to set for the processes that measure, by name; under a framework's "
        "name, for that framework only. The shell's variables that tune a library do not reach "
        "them.",
        examples=[{"OMP_PROC_BIND": "close", "pytorch": {"MKL_CBWR": "COMPATIBLE"}}],
    )
    dataset: DatasetSpec = DatasetSpec()
    profiles: Profiles = Profiles()
    experiments: Annotated[dict[Name, AnyExperiment], Field(min_length=1)]
    claims: Claims = Field(
        default_factory=dict,
        description="Statements to be judged by what was measured: chapter (those that the program "
        "ships, as far as their experiments are here), the path of a file of claims from this "
        "file's folder on, claims by id, or a list of these.",
    )

    _left_out: int = PrivateAttr(0)

    @property
    def left_out(self) -> int:
        """Return how many of the shipped claims need experiments that are not in the file."""
        return self._left_out

    @model_validator(mode="after")
    def _profiles_fit(self) -> Config:
        """Check what an experiment becomes in each profile, where its two halves meet."""
        wrong: list[InitErrorDetails] = []
        for name, spec in self.experiments.items():
            place: Location = ("experiments", name)
            for profile in get_args(ProfileName):
                half = getattr(spec, profile)
                try:
                    settings = spec.overridden(half)
                except ValidationError as error:
                    # Found in a part, they are errors of the whole.
                    wrong += [
                        _error((*place, profile, *detail["loc"]), detail["msg"], detail["input"])
                        for detail in error.errors()
                    ]
                    continue
                own = set() if half is None else half.model_fields_set
                for inner, size, copies in settings.batches():
                    most = copies * self.dataset.examples
                    if size > most:
                        why = f"a batch cannot be larger than the data; at most {most} are possible"
                        half_of_it = [profile] if inner[0] in own else []
                        wrong.append(_error((*place, *half_of_it, *inner), why, size))
                processes = settings.processes or getattr(self.profiles, profile).processes
                workers = processes * len(settings.backends or self.backends)
                limit_s = settings.timeout_s or 0
                if workers * limit_s > LONGEST_S:
                    hanging = duration(workers * limit_s)
                    why = f"{workers} processes that hang would take {hanging}; a day is the most"
                    half_of_it = [profile] if "timeout_s" in own else []
                    wrong.append(_error((*place, *half_of_it, "timeout_s"), why, limit_s))
        if wrong:
            raise ValidationError.from_exception_data("Config", wrong)
        return self

    @model_validator(mode="after")
    def _claims_fit(self) -> Config:
        """Check that claims speak of experiments, metrics and labels that there are."""
        kinds = {name: spec.kind for name, spec in self.experiments.items()}
        backends = {
            name: list(spec.backends or self.backends) for name, spec in self.experiments.items()
        }
        own = {name: claim for name, claim in self.claims.items() if not claim.shipped}
        wrong = [_error(*mistake) for mistake in mistakes(own, kinds, backends)]
        if wrong:
            raise ValidationError.from_exception_data("Config", wrong)
        kept = applying(self.claims, kinds, backends)
        self._left_out = sum(1 + len(c.also_on) for c in self.claims.values()) - len(kept)
        object.__setattr__(self, "claims", kept)
        return self


def _error(place: Location, why: str, value: Any) -> InitErrorDetails:
    words = PydanticCustomError("config", "{why}", {"why": why.removesuffix(".")})
    return InitErrorDetails(type=words, loc=place, input=value)


def load(path: Path) -> Config:
    """Read an experiments.yaml.

    Raises:
        ConfigError: With file, line, key and remedy.
    """
    source = YamlSource(path)
    if not isinstance(source.content, dict):
        raise ConfigError(f"{source.name}:1: expected keys such as version and experiments.")
    try:
        return Config.model_validate(source.content, context={"source": source})
    except ValidationError as error:
        raise explain(source, error, Config.model_json_schema()) from None
