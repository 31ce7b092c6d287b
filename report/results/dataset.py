"""The data that training used, as a result file keeps it: its origin and its moments, no rows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from report.text.numerals import stable
from report.worker.records import STRICT


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """Where the numbers came from, as a result file keeps it.

    Attributes:
        name: Always airfoil.
        source: The file, or rows drawn with the same moments.
        origin: How it was come by, in words and without any path.
        sha1: Of the file; null for the surrogate.
        examples: Rows used.
        features: Columns beside the target.
    """

    __pydantic_config__ = STRICT

    name: Literal["airfoil"] = "airfoil"
    source: Literal["file", "surrogate"]
    origin: str
    sha1: str | None
    examples: int
    features: int


@dataclass(frozen=True, kw_only=True)
class Moments:
    """First and second moments of z = (x, y): the features, then the target.

    Attributes:
        mean: E[z_i], one a column: features + 1 numbers.
        second: E[z_i z_j] (about zero, not about the mean) for i <= j, row by row of the upper
            triangle.
    """

    __pydantic_config__ = STRICT

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
        """Return them as they are stored, so that every BLAS stores the same."""
        mean, second = ([stable(each) for each in part] for part in (self.mean, self.second))
        return Moments(mean=mean, second=second)
