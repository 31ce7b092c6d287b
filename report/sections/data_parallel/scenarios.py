"""What is predicted: which work, on which clusters, at which minibatches."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from report.analysis.estimate import estimate
from report.sections.data_parallel.inputs import DEVICES, FAST_GBIT, SERVERS, SLOW_GBIT

if TYPE_CHECKING:
    from report.analysis.estimate import Estimate
    from report.sections.data_parallel.costs import Cluster, Work
    from report.sections.data_parallel.inputs import Inputs

DOUBLINGS = 40
"""Minibatches are p, 2 p, 4 p, ... at most so many."""

NEARLY = 0.9
"""Curves end where the speed-up is this part of the number of workers."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Workers on a network.

    Attributes:
        name: What tells it from the others of its figure.
        cluster: The workers.
    """

    name: str
    cluster: Cluster


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One figure's worth of predictions.

    Attributes:
        question: Which question of the template it answers; ends the figure's name.
        what: What is trained, to stand in a sentence.
        note: What is assumed of it, to stand behind that.
        work: Its costs, of all processes of the measurement together.
        works: The same for each process.
        settings: The clusters, the largest one last.
        data: Whether its minibatches come from the chapter's examples.
    """

    question: str
    what: str
    note: str = ""
    work: Work
    works: list[Work]
    settings: list[Setting]
    data: bool

    def speedup(self, batch: int, cluster: Cluster) -> Estimate:
        """Return the predicted speed-up; its interval is over the processes."""
        each = [work.speedup(batch, cluster) for work in self.works]
        return _estimate(self.work.speedup(batch, cluster), each)

    def step(self, batch: int, cluster: Cluster) -> Estimate:
        """Return the predicted seconds of a step."""
        each = [work.step_s(batch, cluster) for work in self.works]
        return _estimate(self.work.step_s(batch, cluster), each)

    def half(self, cluster: Cluster) -> Estimate | None:
        """Return the minibatch that makes half the workers' number; None where none does."""
        half = self.work.half(cluster)
        if half is None:
            return None
        each = [work.half(cluster) for work in self.works]
        # Without an interval where some process saw examples that cost nothing.
        return _estimate(half, [one for one in each if one is not None] if all(each) else [half])

    def batches(self, cluster: Cluster) -> list[int]:
        """Return the minibatches to draw: p, 2 p, 4 p, ... until more bring little."""
        workers = cluster.workers
        found: list[int] = []
        for power in range(DOUBLINGS):
            found.append(workers * 2**power)
            half = self.half(cluster)
            if half is None:
                enough = power >= DOUBLINGS // 3
            else:
                enough = self.speedup(found[-1], cluster).value >= NEARLY * workers
            if enough and power >= 3:
                break
        return found


def _estimate(value: float, each: list[float]) -> Estimate:
    """Return a prediction with the interval that the processes' predictions give.

    The value is that of the line fitted to all of them together. It may lie beside their mean, and
    then the interval is widened to hold it.
    """
    over = estimate([[one] for one in each])
    if over.low is None or over.high is None:
        return replace(over, value=value)
    return replace(over, value=value, low=min(over.low, value), high=max(over.high, value))


def scenarios(given: Inputs) -> list[Scenario]:
    """Return what one backend's inputs allow to predict."""
    workers = given.cluster(SERVERS, SLOW_GBIT).workers
    one = Setting(name=f"{DEVICES} workers", cluster=given.cluster(1, SLOW_GBIT))
    many = {gbit: given.cluster(SERVERS, gbit) for gbit in (SLOW_GBIT, FAST_GBIT)}
    regression = given.regression()
    made = [
        Scenario(
            question="regression",
            what="the chapter's linear regression",
            work=regression[0],
            works=regression[1:],
            # For 24 bytes the network's bandwidth does not matter.
            settings=[one, Setting(name=f"{workers} workers", cluster=many[SLOW_GBIT])],
            data=True,
        )
    ]
    resnet = given.resnet()
    if resnet:
        made.append(
            Scenario(
                question="resnet",
                what="a ResNet-50",
                note=", computed at the measured float32 peak,",
                work=resnet[0],
                works=resnet[1:],
                settings=[
                    one,
                    *(
                        Setting(name=f"{workers} workers at {gbit} Gbit/s", cluster=cluster)
                        for gbit, cluster in many.items()
                    ),
                ],
                data=False,
            )
        )
    return made
