"""The loss curve of a training run, with evaluation outside the timer."""

from __future__ import annotations

import math
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from report.worker.timing import nanoseconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from report.worker.timing import Clock

EVERY = 200
"""Examples between two points of a curve, as in the chapter."""

EPOCHS_ONLY = sys.maxsize
"""As `every`: no points but the ends of epochs."""


@dataclass(kw_only=True)
class Curve:
    """Collects (examples, seconds, loss) while a run trains.

    A training loop calls `start` once, then compares its count of examples with `due` after
    each update (one integer comparison, as cheap as the chapter's own `n % 200`), calls `point`
    where it is reached, and `end_epoch` after each epoch. The chapter's rule skips most points
    when the batch size does not divide 200; here a point falls due at the first update on or
    past each multiple of `every`, which is 200, and at every epoch's end.

    Attributes:
        synchronize: Waits for the device; called inside the timer.
        evaluate: Returns the loss on all examples; called outside the timer. The backend sets
            it, because it needs the run's own parameters.
        clock: Seconds; replaced in tests.
        every: Examples between two points.
        examples: Examples processed at each point.
        epoch_ends: Indices of the points at which an epoch ended.
        loss: Loss at each point; the last one may be infinite or NaN.
        elapsed_s: Seconds of training up to each point.
        due: Number of examples at which the next point falls due.
    """

    synchronize: Callable[[], object]
    evaluate: Callable[[], float] = lambda: float("nan")
    clock: Clock = time.perf_counter
    every: int = EVERY
    examples: list[int] = field(default_factory=list)
    epoch_ends: list[int] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    elapsed_s: list[float] = field(default_factory=list)
    due: int = field(init=False)
    _trained_s: float = 0.0
    _since: float = 0.0

    def __post_init__(self) -> None:
        """Let the first point fall due."""
        self.due = self.every

    def start(self) -> None:
        """Evaluate the untrained model, then start the timer."""
        self._add(0)
        self._since = self.clock()

    def point(self, examples: int) -> None:
        """Stop the timer, evaluate, start it again."""
        self.synchronize()
        self._trained_s += self.clock() - self._since
        self._add(examples)
        self.due = (examples // self.every + 1) * self.every
        self._since = self.clock()

    def end_epoch(self, examples: int) -> bool:
        """Mark the end of an epoch.

        Returns:
            Whether it is worth going on: the loss is finite.
        """
        if self.examples[-1] != examples:
            self.point(examples)
        self.epoch_ends.append(len(self.examples) - 1)
        return math.isfinite(self.loss[-1])

    def _add(self, examples: int) -> None:
        self.examples.append(examples)
        self.loss.append(self.evaluate())
        self.elapsed_s.append(nanoseconds(self._trained_s))
