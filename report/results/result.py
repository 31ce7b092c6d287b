"""What a result file holds: the only thing that two machines exchange.

It keeps the machine, the environments, the configuration, every raw sample and every skip and
failure with its reason, so that any page can be made again from it, anywhere, years later.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated, Any, Literal, NotRequired

from pydantic import AfterValidator, Field, StringConstraints

# pydantic needs this one below Python 3.12; it depends on the package itself.
from typing_extensions import TypedDict

from report.registry import KindName
from report.results.machine import Conditions, Machine
from report.text.numerals import stable
from report.worker.records import Environment, Outcome, Scalar, Status, Strict

VERSION = 1
"""Of the format. A file with another one is refused: its meaning is not known here."""


def _a_real_moment(text: str) -> str:
    datetime.fromisoformat(text)
    return text


# Names and times become files and anchors of a site, so that a stranger's file may not hold
# anything else in their place.
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
Moment = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{4}(-[0-9]{2}){2}T[0-9]{2}(:[0-9]{2}){2}Z$"),
    AfterValidator(_a_real_moment),
]
RandomId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
"""A UUID."""
Positive = Annotated[float, Field(gt=1e-15, lt=1e15)]
"""A number of a claim's; ratios and logarithms are made of these."""
ProfileName = Literal["quick", "full"]
Relation = Literal["greater", "less", "equivalent", "power-law", "stalls"]
Decision = Literal["supported", "too small to matter", "contradicted", "inconclusive", "not run"]
Source = Literal["chapter", "ours"]
"""Whose a statement is: the chapter's, or one that goes beyond it."""


class StoredExperiment(TypedDict):
    """An experiment as it was planned; see `report.config.plan.PlannedExperiment`."""

    title: str
    kind: KindName
    backends: list[Name]
    device: str
    processes: int
    repeats: int
    budget_s: float
    timeout_s: float
    seeds: int
    settings: dict[str, Any]


class StoredSide(TypedDict):
    """A side with everything said, as a result file keeps it."""

    experiment: str
    series: dict[str, Scalar]
    metric: str
    epoch: Annotated[int, Field(ge=0, le=1000)] | None
    loss: Positive | None
    pick: str | None
    largest: str | None
    name: str | None
    over: StoredSide | None


class StoredClaim(TypedDict):
    """A claim as a result file keeps it; see `report.config.claims.Claim`.

    Earlier files have `origin`, which of the claims' files it stood in, and neither `source` nor
    `backend`.
    """

    origin: NotRequired[Literal["chapter", "own"]]
    source: NotRequired[Source]
    backend: NotRequired[Name | None]
    says: str
    section: str
    left: StoredSide
    right: StoredSide | Positive | None
    relation: Relation
    least: Positive
    margin: Positive
    along: str | None
    exponent: float | None
    tolerance: Positive
    after: Annotated[int, Field(ge=1, le=1000)] | None
    show: str
    numbers: dict[str, StoredSide]
    because: dict[str, str]


def source_of(claim: StoredClaim) -> Source:
    """Return whose a statement is; earlier files only say which were a person's own."""
    return claim.get("source") or ("ours" if claim.get("origin") == "own" else "chapter")


class StoredPlan(TypedDict):
    """A plan as a result file keeps it: everything that was decided, but no paths."""

    title: str
    seed: int
    profile: ProfileName
    examples: Annotated[int, Field(ge=2)]
    experiments: dict[Name, StoredExperiment]
    claims: dict[Name, StoredClaim]
    environment: NotRequired[dict[Name, dict[str, str]]]
    price_per_hour: NotRequired[float]
    currency: NotRequired[Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]]


def fingerprint(plan: StoredPlan) -> str:
    """Return the SHA-256 of what of a plan decides the measurements: no titles, claims, prices."""
    beside = {"title", "claims", "price_per_hour", "currency"}
    measured: dict[str, Any] = {k: v for k, v in plan.items() if k not in beside}
    measured["experiments"] = {
        name: {key: value for key, value in planned.items() if key != "title"}
        for name, planned in plan["experiments"].items()
    }
    return hashlib.sha256(json.dumps(measured, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Dataset(Strict):
    """Where the numbers came from, as a result file keeps it.

    Attributes:
        name: Always airfoil.
        source: The file, or rows drawn with the same moments.
        origin: How it was come by, in words and without any path.
        sha1: Of the file; null for the surrogate.
        examples: Rows used.
        features: Columns beside the target.
    """

    name: Literal["airfoil"] = "airfoil"
    source: Literal["file", "surrogate"]
    origin: str
    sha1: str | None
    examples: int
    features: int


@dataclass(frozen=True, kw_only=True)
class Moments(Strict):
    """First and second moments of z = (x, y): the features, then the target.

    Attributes:
        mean: E[z_i], one a column: features + 1 numbers.
        second: E[z_i z_j] (about zero, not about the mean) for i <= j, row by row of the upper
            triangle.
    """

    mean: list[float]
    second: list[float]

    def __post_init__(self) -> None:
        """Refuse what no data can have; pydantic turns this into its own error.

        Raises:
            ValueError: The lengths do not fit together, or a number is not finite.
        """
        columns = len(self.mean)
        expected = columns * (columns + 1) // 2
        if columns == 0 or len(self.second) != expected:
            raise ValueError(
                f"{columns} means need {expected} second moments, not {len(self.second)}"
            )
        if not all(math.isfinite(number) for number in (*self.mean, *self.second)):
            raise ValueError("a moment is not a finite number")

    def rounded(self) -> Moments:
        """Return them as they are stored: the same with every BLAS."""
        mean, second = ([stable(each) for each in part] for part in (self.mean, self.second))
        return Moments(mean=mean, second=second)


@dataclass(frozen=True, kw_only=True)
class Record(Strict):
    """One experiment in one process of one backend.

    Attributes:
        experiment: Name in the configuration.
        kind: Kind of experiment.
        backend: Name in the registry of backends.
        process: Which of the replicates, from 0.
        device: Where it ran.
        threads: CPU threads that it could use.
        status: ok, skipped or failed.
        reason: Why not ok, in words.
        stderr_tail: The end of what a failed worker printed.
        started_at: UTC, ISO 8601.
        elapsed_s: How long it took in all.
        measured_s: How long of that it measured; the rest is start-up. Null unless ok.
        import_s: How long importing the framework took; null where it was there already.
        conditions: What else the machine did meanwhile.
        outcome: What was measured; null unless ok.
        run: When its run began, where records of several stand together; files have none.
        attempts: How often it was measured; of several, this is the one on the quietest machine.
    """

    experiment: Name
    kind: KindName
    backend: Name
    process: int
    device: str
    threads: int
    status: Status
    reason: str | None = None
    stderr_tail: str | None = None
    started_at: Moment
    elapsed_s: float
    measured_s: float | None = None
    import_s: float | None = None
    conditions: Conditions | None = None
    outcome: Outcome | None = None
    run: Annotated[str, StringConstraints(max_length=0)] = ""
    attempts: int = 1


@dataclass(frozen=True, kw_only=True)
class Value(Strict):
    """A measured number with its 95 % interval.

    Attributes:
        value: In the unit.
        low: Lower end; null where nothing tells, or where only an upper bound is known.
        high: Upper end; null where nothing tells, or where only a lower bound is known.
        unit: In SI, without prefix; empty for a plain number.
        replicates: Processes or seeds that it stands on.
        key: What it is of; numbers with the same key are the same.
        highest_of: Of how many it is the highest or lowest, where it was picked; else 0.
        ties: What the intervals do not separate from it, where it was picked.
    """

    value: float
    low: float | None
    high: float | None
    unit: str
    replicates: int
    key: str = ""
    highest_of: int = 0
    ties: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Verdict(Strict):
    """What a machine says to a claim.

    Attributes:
        claim: Its id.
        backend: With which framework.
        verdict: supported, too small to matter, contradicted, inconclusive, or not run.
        marginal: It is supported, but possibly by too little to matter.
        effect: What decides: a ratio, or an exponent; null if not run.
        kind: Which of the two.
        left: The quantity that the claim is about; null for a power law.
        right: What it is compared with.
        numbers: More quantities that explain it, those that were measured.
        grade: How quiet the machine was: quiet, fair, noisy or unknown; empty where no clock has
            a part.
        reason: Why nothing is decided, and what to do; empty otherwise.
        left_out: Processes that were disturbed, so that their times have no part in it.
    """

    claim: str
    backend: str
    verdict: Decision
    marginal: bool = False
    effect: Value | None = None
    kind: Literal["ratio", "exponent"] = "ratio"
    left: Value | None = None
    right: Value | None = None
    numbers: dict[str, Value] = field(default_factory=dict)
    grade: str = ""
    reason: str = ""
    left_out: int = 0


@dataclass(frozen=True, kw_only=True)
class Allocation(Strict):
    """How many processes an experiment gets on one backend, once the first have run, and why.

    Attributes:
        experiment: Name in the configuration.
        backend: Name in the registry of backends.
        processes: How many, the first included; the plan may have more or fewer.
        repeats: The most samples of a series in those after the first; null where as planned.
        open: Claims, and headlines, that the first left open; empty where all was decided.
    """

    experiment: Name
    backend: Name
    processes: int
    repeats: int | None = None
    open: list[str] = field(default_factory=list)


@dataclass(kw_only=True)
class Result(Strict):
    """One run of a configuration on one machine.

    Attributes:
        version: Of this format.
        run_id: A random UUID, drawn when the run began; it stays when the run is resumed.
        installation: The random UUID of the installation that measured; null where it could not
            be kept, or was not recorded.
        generator: Name and version of the program that made it.
        code_hash: SHA-256 of the code that measured.
        method: How that times a series; see `report.registry.METHOD`.
        git_commit: Of the checkout that held the configuration, if it was one.
        profile: quick or full.
        started_at: UTC, ISO 8601.
        finished_at: Of the last record; null while experiments are missing.
        follows: When the machine's newest run began, if by the clock that was yet to come when this
            one began: the clock had been set back. Null where it had not.
        config: The plan: every setting as decided, without paths.
        config_hash: SHA-256 of what of it decides the measurements.
        machine: The hardware.
        environments: The frameworks, by backend.
        dataset: Where the data came from.
        moments: The data's first and second moments, from which the exact solution follows.
        pair: What it shares with the result that was measured in turns with it; null for others.
        records: What was measured, in the order of measuring.
        verdicts: What that says to the claims; whoever reads the file can judge again.
        allocations: Who got more processes than planned, or fewer; what is not here has its plan.
    """

    version: Literal[1] = 1
    run_id: RandomId
    installation: RandomId | None = None
    generator: str
    code_hash: str
    method: int = 1
    git_commit: str | None
    profile: ProfileName
    started_at: Moment
    finished_at: Moment | None = None
    follows: Moment | None = None
    config: StoredPlan
    config_hash: str
    machine: Machine
    environments: dict[Name, Environment]
    dataset: Dataset | None = None
    moments: Moments | None = None
    pair: RandomId | None = None
    records: list[Record] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    allocations: list[Allocation] = field(default_factory=list)

    @property
    def run(self) -> str:
        """Return what tells this run from others, of this machine and of all.

        Two that were measured in turns are one.
        """
        return f"{self.machine.id} {self.pair or self.started_at}"

    @property
    def order(self) -> tuple[str, str]:
        """Return what sorts runs by when they were made, also where a clock was set back."""
        return (self.started_at, "") if self.follows is None else (self.follows, self.started_at)

    @property
    def surrogate(self) -> bool:
        """Return whether the data that it trained on are made up."""
        return self.dataset is not None and self.dataset.source == "surrogate"

    def contradiction(self) -> str | None:
        """Return what in it cannot be true together, as the end of a sentence; None if all can."""
        if self.finished_at is not None and self.finished_at < self.started_at:
            return "ends before it begins"
        if self.follows is not None and self.follows < self.started_at:
            return "follows a run that began before it, although its clock had not been set back"
        # Variables are stored without the folders in them, which the hash has.
        if "environment" not in self.config and self.config_hash != fingerprint(self.config):
            return "has another hash than that of its configuration"
        planned = {name: one["kind"] for name, one in self.config["experiments"].items()}
        if any(planned.get(record.experiment) != record.kind for record in self.records):
            return "has records of what it did not plan"
        counted = Counter((r.experiment, r.backend, r.process) for r in self.records)
        twice = next((key for key, number in counted.items() if number > 1), None)
        if twice is not None:
            experiment, backend, process = twice
            return f"has two records of {experiment} with {backend} in process {process + 1}"
        return None

    def lead(self, experiment: str) -> str | None:
        """Return the backend that an experiment's section is about: the first that measured it."""
        planned = self.config["experiments"].get(experiment)
        if planned is None:
            return None
        done = {record.backend for record in self.of(experiment) if record.outcome is not None}
        # A stranger's file may hold backends that its plan does not name.
        wanted = [*planned["backends"], *sorted(done)]
        return next((name for name in wanted if name in done), wanted[0])

    def led(self) -> Result:
        """Return the same run with the records of each experiment's leading backend only."""
        leads = {name: self.lead(name) for name in self.config["experiments"]}
        kept = [record for record in self.records if record.backend == leads[record.experiment]]
        return replace(self, records=kept)

    def allocation(self, experiment: str, backend: str) -> Allocation:
        """Return how many processes a planned experiment gets on a backend, by its plan or more."""
        wanted = (experiment, backend)
        found = (one for one in self.allocations if (one.experiment, one.backend) == wanted)
        planned = self.config["experiments"][experiment]["processes"]
        by_plan = Allocation(experiment=experiment, backend=backend, processes=planned)
        return next(found, by_plan)

    @property
    def wanted(self) -> int:
        """Return how many records it has when it is complete."""
        return sum(
            self.allocation(name, backend).processes
            for name, planned in self.config["experiments"].items()
            for backend in planned["backends"]
        )

    def of(self, experiment: str) -> list[Record]:
        """Return the records of an experiment."""
        return [record for record in self.records if record.experiment == experiment]
