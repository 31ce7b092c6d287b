"""Config -> Plan: what one profile makes of a configuration, with every setting decided."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

from report.config import references
from report.config.claims import stored
from report.errors import ConfigError
from report.experiments.catalogue import KINDS
from report.experiments.settings import ADDED, Defaults, Experiment, Settings
from report.registry import BACKENDS, KindName
from report.results import limits
from report.results.privacy import scrub
from report.results.result import (
    ProfileName,
    StoredClaim,
    StoredExperiment,
    StoredPlan,
    fingerprint,
)
from report.text.names import instead, size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.config.configuration import Config

TIMEOUT_BASE_S = 60.0
"""On top of five budgets: the first use of a device or a compiler can take this long."""


@dataclass(frozen=True)
class PlannedExperiment:
    """An experiment with every setting decided."""

    name: str
    title: str
    kind: KindName
    backends: list[str]
    device: str
    processes: int
    repeats: int
    budget_s: float
    timeout_s: float
    seeds: int
    settings: dict[str, Any]

    def stored(self) -> StoredExperiment:
        """Return it as a result file keeps it, where its name is the key."""
        fields = {key: value for key, value in vars(self).items() if key != "name"}
        # Earlier results lack these, and have the hash of what was measured without them.
        added = {key for key, value in ADDED.items() if fields["settings"].get(key) == value}
        fields["settings"] = {k: v for k, v in fields["settings"].items() if k not in added}
        return cast("StoredExperiment", fields)

    @property
    def fresh(self) -> bool:
        """Return whether its processes do nothing before it: so the memory that they hold is its.

        Also in frameworks that print nothing, so that all are looked at in the same way.
        """
        return bool(self.settings.get("as_printed"))

    def cold(self, backend: str) -> bool:
        """Return whether it must be the first that a process of a backend does."""
        return bool(self.settings.get("as_printed")) and BACKENDS[backend].listing is not None


@dataclass(frozen=True)
class Plan:
    """What one profile makes of a configuration."""

    title: str
    seed: int
    profile: ProfileName
    examples: int
    dataset_path: str | None
    experiments: list[PlannedExperiment]
    claims: dict[str, StoredClaim] = field(default_factory=dict)
    interpreters: dict[str, str] = field(default_factory=dict)
    environment: dict[str, dict[str, str]] = field(default_factory=dict)
    """Variables of each framework's workers; a framework without any is not there."""
    price_per_hour: float | None = None
    currency: str | None = None

    def stored(self) -> StoredPlan:
        """Return the plan as a result file keeps it: everything but paths and interpreters."""
        own = {key: getattr(self, key) for key in StoredPlan.__annotations__}
        own["experiments"] = {each.name: each.stored() for each in self.experiments}
        own["environment"] = {
            backend: {name: scrub(value) for name, value in variables.items()}
            for backend, variables in self.environment.items()
        }
        for name in ("environment", "price_per_hour", "currency"):
            if not own[name]:
                del own[name]
        return cast("StoredPlan", own)

    def fingerprint(self) -> str:
        """Return the SHA-256 of what is measured and how; titles and claims do not count."""
        stored = self.stored()
        if self.environment:
            stored["environment"] = self.environment  # with the folders that are not told
        return fingerprint(stored)

    def code(self) -> dict[str, str | None]:
        """Return the functions of a person's own that are run, with the sums of their files."""
        return {
            one.settings["function"]: one.settings["source_sha256"]
            for one in self.experiments
            if one.kind == "python"
        }

    def backends(self) -> list[str]:
        """Return the backends that any experiment uses, in order of appearance."""
        return list(dict.fromkeys(name for e in self.experiments for name in e.backends))

    def only(self, names: Sequence[str]) -> list[PlannedExperiment]:
        """Return the experiments of these names, or all if there are none.

        Raises:
            ConfigError: There is no such experiment.
        """
        known = [experiment.name for experiment in self.experiments]
        for name in names:
            if name not in known:
                raise ConfigError(f"There is no experiment {name!r}.{instead(name, known)}")
        return [e for e in self.experiments if not names or e.name in names]


def _refuse_too_much(made: Plan) -> None:
    """Refuse what could not be read again.

    Raises:
        ConfigError: It would take too many records.
    """
    records = sum(each.processes * len(each.backends) for each in made.experiments)
    if records > limits.MOST_RECORDS:
        raise ConfigError(
            f"Profile {made.profile} would take {records:,} records, and a result holds "
            f"{limits.MOST_RECORDS:,}: use fewer processes, or several files."
        )


def refuse_too_large(experiments: Sequence[PlannedExperiment], memory_bytes: int | None) -> None:
    """Refuse what a machine of so much memory cannot hold; on an accelerator, only trying tells.

    Raises:
        ConfigError: An experiment takes more.
    """
    for each in experiments:
        wanted = KINDS[each.kind].memory_bytes(each.settings, each.seeds)
        if each.device in {"auto", "cpu"} and memory_bytes and wanted > memory_bytes:
            raise ConfigError(
                f"Experiment {each.name!r} would take {size(wanted)} of memory, and there are "
                f"{size(memory_bytes)} here: lower its sizes, or name an accelerator as its device."
            )


def plan(config: Config, profile: ProfileName, *, device: str | None = None) -> Plan:
    """Decide every setting of a profile; a `device` from the command line overrides the file's.

    Raises:
        ConfigError: It asks for more than a result can hold, or for days.
    """
    experiments = [
        _planned(name, spec, config, profile, device) for name, spec in config.experiments.items()
    ]
    backends = dict.fromkeys(name for each in experiments for name in each.backends)
    made = Plan(
        title=config.title,
        seed=config.seed,
        profile=profile,
        examples=config.dataset.examples,
        dataset_path=config.dataset.path,
        experiments=experiments,
        interpreters={str(name): python for name, python in config.interpreters.items()},
        environment={name: own for name in backends if (own := config.environment.of(name))},
        price_per_hour=config.price_per_hour,
        currency=config.currency if config.price_per_hour else None,
    )
    _refuse_too_much(made)
    decided = made.stored()
    claims = {n: references.filled(stored(claim), decided) for n, claim in config.claims.items()}
    made = replace(made, claims=claims)
    try:
        limits.parsed(json.dumps(made.stored(), ensure_ascii=False).encode())
    except limits.Refused as why:
        raise ConfigError(f"The plan {why}, so that nobody could read its result.") from None
    return made


def _planned(
    name: str, spec: Experiment, config: Config, profile: ProfileName, device: str | None
) -> PlannedExperiment:
    settings: Settings = spec.overridden(getattr(spec, profile))
    defaults: Defaults = getattr(config.profiles, profile)
    own = type(settings).model_fields.keys() - Settings.model_fields.keys()
    processes = settings.processes or defaults.processes
    return PlannedExperiment(
        name=name,
        title=settings.title or name.replace("-", " ").capitalize(),
        kind=spec.kind,
        backends=list(settings.backends or config.backends),
        device=device or settings.device or config.device,
        processes=processes,
        repeats=settings.repeats or defaults.repeats,
        # As it comes back from a file, whose hash is that of its numbers as they are written.
        budget_s=float(settings.budget_s),
        timeout_s=float(settings.timeout_s or TIMEOUT_BASE_S + 5 * settings.budget_s / processes),
        seeds=getattr(settings, "seeds", None) or defaults.seeds,
        settings=settings.model_dump(mode="json", include=own - {"kind", "quick", "full", "seeds"}),
    )
