"""What the book itself prints: `templates/experiments/book.yaml` has it, and where it is from."""

from __future__ import annotations

from dataclasses import dataclass, field

import yaml
from pydantic import TypeAdapter

from report import resources
from report.text.numerals import GIGA

SIZE = 256
"""Rows and columns of the matrices that the book multiplies."""

COUNTED = 0.03e9
"""Operations that the book counts for a product; exactly there are 2 n^3, 12 % more."""


@dataclass(frozen=True, kw_only=True)
class Execution:
    """What one execution of the notebook prints."""

    day: str
    repository: str
    commit: str
    gflops: dict[str, float]
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def rates(self) -> dict[str, float]:
        """Return the rates in FLOP/s by the book's count, by strategy."""
        slow = {strategy: COUNTED / seconds for strategy, seconds in self.seconds.items()}
        return {strategy: rate * GIGA for strategy, rate in self.gflops.items()} | slow

    @property
    def address(self) -> str:
        """Return where it can be read."""
        path = "chapter_optimization/minibatch-sgd.ipynb"
        return f"https://github.com/d2l-ai/{self.repository}/blob/{self.commit}/{path}"


@dataclass(frozen=True, kw_only=True)
class Book:
    """What the book prints for one framework."""

    edition: str
    executions: tuple[Execution, ...]
    epochs: dict[int, tuple[float, float]]

    @property
    def newest(self) -> Execution:
        """Return the execution that the edition holds."""
        return self.executions[0]

    def rates(self, strategy: str) -> list[float]:
        """Return the rates of a strategy in FLOP/s by the book's count, the newest first."""
        each = (one.rates.get(strategy) for one in self.executions)
        return [rate for rate in each if rate is not None]


BOOK = TypeAdapter(dict[str, Book]).validate_python(
    yaml.safe_load((resources.templates() / "experiments" / "book.yaml").read_text("utf-8"))
)
