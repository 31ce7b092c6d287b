"""What the model is fed with: this machine's own figures, and assumptions that are named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from report.experiments.bandwidth.caches import MEMORY, roofs
from report.experiments.catalogue import of_result
from report.experiments.overhead.model import StepModel, fit, step_model, updates
from report.sections.data_parallel.costs import Cluster, Link, Work
from report.sections.roofline.kernels import number_format
from report.worker.timing import median

if TYPE_CHECKING:
    from report.analysis.quantities import Highest, Quantity
    from report.results.result import Result

DEVICES, SERVERS = 8, 16
"""The chapter's: 8 devices in each of 16 servers."""

WITHIN_LATENCY_S, BETWEEN_LATENCY_S = 5e-6, 20e-6
"""Assumed seconds of a message without content, within a server and between servers."""

GIGABIT = 1e9 / 8
SLOW_GBIT, FAST_GBIT = 10, 100
"""Assumed networks, in Gbit/s."""

PARAMETERS = 6
"""Of this chapter's linear regression: five weights and a bias."""

RESNET_PARAMETERS = 25_600_000
RESNET_FLOP = 3 * 2 * 3_800_000_000
"""Of ResNet-50, for each training image of 224 x 224 pixels: 3.8 billion multiply-adds forward, two
operations each, and twice as many again backward.

Source: K. He, X. Zhang, S. Ren, J. Sun, "Deep Residual Learning for Image Recognition", CVPR 2016,
table 1; parameters counted from its layers. Twice for the backward pass is the usual reckoning: one
product for the gradient of the inputs, one for that of the weights.
"""

FLOAT_BYTES = 4


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What one backend's measurements feed the model with.

    Attributes:
        backend: Name in the registry.
        step: The line fitted to the updates' times.
        processes: The same for each process.
        updates: Name of the experiment that timed them.
        memory: The measured bandwidth of memory.
        peak: The fastest float32 product; None where there is none.
    """

    backend: str
    step: StepModel
    processes: list[StepModel]
    updates: str
    memory: Highest
    peak: Quantity | None

    @property
    def experiments(self) -> set[str]:
        """Return the names of the experiments that these come from."""
        peak = set() if self.peak is None else {self.peak.experiment}
        return {self.updates, self.memory.quantity.experiment} | peak

    def regression(self) -> list[Work]:
        """Return the chapter's linear regression: of all processes together, then of each."""
        return [
            Work(
                fixed_s=step.fixed_s,
                per_example_s=step.per_example_s,
                gradient_bytes=PARAMETERS * FLOAT_BYTES,
            )
            for step in (self.step, *self.processes)
        ]

    def resnet(self) -> list[Work]:
        """Return a ResNet-50 computed at the measured peak; empty where there is no peak."""
        if self.peak is None:
            return []
        whole = RESNET_FLOP / self.peak.rate().value
        flops = self.peak.flops or 1
        images = [RESNET_FLOP / flops * median(group) for group in self.peak.groups if group]
        if len(images) != len(self.processes):
            images = [whole] * len(self.processes)
        return [
            Work(
                fixed_s=step.fixed_s,
                per_example_s=image_s,
                gradient_bytes=RESNET_PARAMETERS * FLOAT_BYTES,
            )
            for step, image_s in zip((self.step, *self.processes), (whole, *images), strict=True)
        ]

    def cluster(self, servers: int, gbit: int) -> Cluster:
        """Return so many servers of `DEVICES` devices, on a network of so many Gbit/s."""
        return Cluster(
            devices=DEVICES,
            servers=servers,
            within=Link(latency_s=WITHIN_LATENCY_S, bytes_per_s=self.memory.estimate.value),
            between=Link(latency_s=BETWEEN_LATENCY_S, bytes_per_s=gbit * GIGABIT),
        )


def inputs(result: Result) -> list[Inputs]:
    """Return the inputs for each backend that measured updates and memory."""
    found = of_result(result)
    made = []
    for backend in dict.fromkeys(quantity.backend for quantity in found):
        mine = [quantity for quantity in found if quantity.backend == backend]
        step, fitted = step_model(result, backend), _fitted(result, mine)
        slopes = roofs(result, backend)
        if step is None or fitted is None or not slopes:
            continue
        products = [
            q for q in mine if q.kind == "matmul" and number_format(q) == "float32" and q.flops
        ]
        made.append(
            Inputs(
                backend=backend,
                step=step,
                # A process may lack sizes that the others have.
                processes=fitted[1] or [step],
                updates=fitted[0],
                memory=slopes[MEMORY],
                peak=max(products, key=lambda q: q.rate().value, default=None),
            )
        )
    return made


def _fitted(result: Result, found: list[Quantity]) -> tuple[str, list[StepModel]] | None:
    """Fit each process's updates, of the experiment that `step_model` takes."""
    for experiment in result.config["experiments"]:
        mine = [q for q in found if q.experiment == experiment and q.kind == "overhead"]
        by_size = updates(mine, "eager")
        if fit({size: q.time().value for size, q in by_size.items()}) is None:
            continue
        models = [
            fit({size: median(q.groups[k]) for size, q in by_size.items() if q.groups[k]})
            for k in range(max(len(q.groups) for q in by_size.values()))
        ]
        return experiment, [model for model in models if model is not None]
    return None
