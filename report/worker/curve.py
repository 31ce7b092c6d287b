"""How a training is timed: by a curve of its loss, which is evaluated outside the timer."""

from __future__ import annotations

import math
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from report.worker.timing import Timer, nanoseconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

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
        examples: Examples processed at each point.
        epoch_ends: Indices of the points at which an epoch ended.
        loss: Loss at each point; the last one may be infinite or NaN.
        elapsed_s: Seconds of training up to each point.
        due: Number of examples at which the next point falls due.
    """

    synchronize: Callable[[], object]
    evaluate: Callable[[], float] = lambda: float("nan")
    clock: Callable[[], float] = time.perf_counter
    every: int = EVERY
    examples: list[int] = field(default_factory=list)
    epoch_ends: list[int] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    elapsed_s: list[float] = field(default_factory=list)
    due: int = 0
    _trained_s: float = 0.0
    _since: float = 0.0

    def start(self) -> None:
        """Evaluate the untrained model, then start the timer."""
        self._add(0)

    def point(self, examples: int) -> None:
        """Stop the timer, evaluate, start it again."""
        self.synchronize()
        self._trained_s += self.clock() - self._since
        self._add(examples)

    def passed(self, examples: Sequence[int], losses: Iterable[float]) -> None:
        """Add the points that an epoch in one program has passed, the last of them its end.

        Nobody could stop a timer there: the seconds are shared out evenly among the examples.

        Args:
            examples: Examples processed at each point.
            losses: The loss at each; computed as they are asked for, outside the timer.
        """
        self.synchronize()
        begun, first = self._trained_s, self.examples[-1]
        share_s = (self.clock() - self._since) / (examples[-1] - first)
        for n, loss in zip(examples, losses, strict=True):
            self._trained_s = begun + share_s * (n - first)
            self._add(n, loss)

    def end_epoch(self, examples: int) -> bool:
        """Mark the end of an epoch; return whether it is worth going on: the loss is finite."""
        if self.examples[-1] != examples:
            self.point(examples)
        self.epoch_ends.append(len(self.examples) - 1)
        return math.isfinite(self.loss[-1])

    def _add(self, examples: int, loss: float | None = None) -> None:
        self.examples.append(examples)
        self.loss.append(self.evaluate() if loss is None else loss)
        self.elapsed_s.append(nanoseconds(self._trained_s))
        self.due = (examples // self.every + 1) * self.every
        self._since = self.clock()


@dataclass(kw_only=True)
class PrintedCurve(Curve):
    """Times a run as the chapter's listing does, and evaluates where that does.

    The timer is its own, by the wall clock. It is stopped, without waiting for a device, only where
    the count of examples is a multiple of 200; what comes after the last such point has no part.

    Attributes:
        collected_s: What of the timed seconds Python's garbage collector took.
    """

    timer: Timer = field(default_factory=lambda: Timer(time.time))
    collected_s: float = 0.0
    _collecting: float = 0.0
    _since_start_s: float = 0.0

    def collection(self, phase: str, _: object) -> None:
        """Take the seconds of a collection, as one of `gc.callbacks`."""
        if phase == "start":
            self._collecting = self.clock()
        else:
            self._since_start_s += self.clock() - self._collecting

    def start(self) -> None:
        """Start the timer; the untrained model is not evaluated."""
        self.due = self.every
        self._since_start_s = 0.0
        self.timer.start()

    def point(self, examples: int) -> None:
        """Stop the timer, evaluate, start it again; do nothing between multiples of 200."""
        self.due = (examples // self.every + 1) * self.every
        if examples % self.every == 0:
            self.timer.stop()
            self.collected_s += self._since_start_s
            self.examples.append(examples)
            self.loss.append(self.evaluate())
            self._since_start_s = 0.0
            self.timer.start()

    def end_epoch(self, examples: int) -> bool:
        """Go on, whatever the loss is; there is no point here."""
        del examples
        return True
