"""The `python` kind: a person's own function, timed like the chapter's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    model_validator,
)
from typing_extensions import TypedDict  # pydantic needs this one below Python 3.12

from report.analysis.quantities import of_kind
from report.experiments.kind import Kind, timing_facts
from report.experiments.python.figures import TEMPLATE, figures, overlay
from report.experiments.python.measure import GIVEN
from report.experiments.python.quantities import METRICS, OWN, of_records
from report.experiments.settings import AutoThreads, OneOrMany, Settings
from report.figures import prose
from report.figures.figure import card
from report.results import files

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.figures.figure import Card
    from report.results.result import Record, Result

MOST_CASES = 64


class Labels(TypedDict):
    """What tells one series from the others, as result files hold it; arguments are added."""

    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc] # pydantic's way

    case: str
    threads: int


def _argument(name: str) -> str:
    if name in {*GIVEN, *OWN}:
        raise ValueError(f"{name} has a meaning of its own here; call the argument something else")
    return name


def _path(text: str) -> str:
    if text.startswith("/") or ".." in text.split("/"):
        raise ValueError("name a file in this file's folder, or below it")
    return text


Argument = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,39}$"), AfterValidator(_argument)
]
Value = (
    bool
    | int
    | Annotated[float, Field(allow_inf_nan=False)]
    | Annotated[str, StringConstraints(max_length=60)]
)
Function = Annotated[
    str,
    StringConstraints(pattern=r"^[\w./-]+\.py:[A-Za-z_]\w*$", max_length=200),
    AfterValidator(_path),
]


class PythonSettings(Settings):
    """A function of yours, which returns what is to be timed; lists of arguments are swept."""

    function: Function = Field(
        "benchmark.py:setup",
        description="FILE:FUNCTION, the file relative to this one. It is called with the arguments "
        "(and device, threads and seed, if it has such parameters), and returns a function without "
        "arguments, or a dict: call and, if known, flops, bytes, examples, check.",
    )
    arguments: Annotated[dict[Argument, OneOrMany[Value]], Field(max_length=8)] = Field(
        default_factory=dict, description="By name; every combination is a case."
    )
    threads: AutoThreads = Field(
        "auto", description="CPU threads: auto (all usable cores), or a number."
    )
    source_sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None = Field(
        None, description="The SHA-256 that the file must have. Default: any."
    )

    @model_validator(mode="after")
    def _can_be_run(self, info: ValidationInfo) -> PythonSettings:
        cases = 1
        for values in self.arguments.values():
            cases *= len(values)
        if cases > MOST_CASES:
            raise ValueError(f"{cases} combinations of arguments; {MOST_CASES} is the most")
        source = (info.context or {}).get("source")
        if source is not None and (digest := _sum(Path(source.name).parent, self.function)):
            if self.source_sha256 not in {None, digest}:
                raise ValueError("the file's SHA-256 is not the one in source_sha256")
            # As if the file had named it: changed code is a different measurement.
            object.__setattr__(self, "source_sha256", digest)
            self.model_fields_set.add("source_sha256")
        return self


def _sum(folder: Path, function: str) -> str | None:
    """Return the SHA-256 of the file of a function; None if it cannot be read yet."""
    try:
        return files.digest(files.read(folder / function.rpartition(":")[0]))
    except OSError:
        return None


def _headlines(result: Result) -> list[Card]:
    """Return the time of the first case."""
    series = of_kind(result, "python", of_records)
    return [card(str(q.labels["case"]), q.time(), "s", "") for q in series[:1]]


def _method(records: Sequence[Record]) -> list[str]:
    if not (timing := timing_facts(records)):
        return []
    return prose.sentences(TEMPLATE, "method", timing=timing)


PYTHON = Kind(
    name="python",
    page="own",
    settings=PythonSettings,
    labels=Labels,
    open_labels=True,
    metrics=METRICS,
    quantities=of_records,
    figures=figures,
    method=_method,
    headlines=_headlines,
    overlay=overlay,
)
