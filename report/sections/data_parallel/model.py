"""What a step of synchronous data-parallel SGD costs: a model, nothing here is measured.

Each of p workers computes the gradient of its share of a minibatch of b examples; the gradients
are summed over all workers, and all take the same step:

    T(b, p) = fixed + per_example * ceil(b / p) + communication(p)

Source: the costs of messages and of the algorithms are those of R. Thakur, R. Rabenseifner and W.
Gropp, "Optimization of Collective Communication Operations in MPICH", International Journal of
High Performance Computing Applications 19(1), 2005: a message of n bytes takes alpha + n beta. The
additions (their gamma) are left out: they are few beside the bytes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from report.analysis.estimate import Estimate, over_replicates
from report.experiments.bandwidth.quantities import MEMORY, roofs
from report.experiments.catalogue import of_result
from report.experiments.matmul.quantities import number_format
from report.experiments.overhead.quantities import StepModel, parts_of
from report.text.numerals import GIGA
from report.worker.timing import median

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.analysis.quantities import Highest, Quantity
    from report.results.result import Result

DEVICES, SERVERS = 8, 16
"""The chapter's: 8 devices in each of 16 servers."""

WITHIN_LATENCY_S, BETWEEN_LATENCY_S = 5e-6, 20e-6
"""Assumed seconds of a message without content, within a server and between servers."""

SLOW_GBIT, FAST_GBIT = 10, 100
"""Assumed networks, in Gbit/s."""

PARAMETERS = 6
"""Of this chapter's linear regression: five weights and a bias."""

RESNET_PARAMETERS = 25_600_000
RESNET_FORWARD = 3_800_000_000
RESNET_FLOP = 3 * 2 * RESNET_FORWARD
"""Of ResNet-50, for each training image of 224 x 224 pixels: 3.8 billion multiply-adds forward, two
operations each, and twice as many again backward.

Source: K. He, X. Zhang, S. Ren, J. Sun, "Deep Residual Learning for Image Recognition", CVPR 2016,
table 1; parameters counted from its layers. Twice for the backward pass is the usual reckoning: one
product for the gradient of the inputs, one for that of the weights.
"""

FLOAT_BYTES = 4

DOUBLINGS = 39
"""Minibatches are p, 2 p, 4 p, ... at most so many doublings; a third where they change nothing."""

NEARLY = 0.9
"""Curves end where the speed-up is this part of the number of workers."""


@dataclass(frozen=True, kw_only=True)
class Link:
    """What messages travel over: alpha, the seconds of a message without content, and 1 / beta."""

    latency_s: float
    bytes_per_s: float


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """So many devices in each of so many servers; all devices of one share its link to others."""

    devices: int
    servers: int
    within: Link
    between: Link

    @property
    def workers(self) -> int:
        """Return how many workers there are."""
        return self.devices * self.servers

    def communication_s(self, gradient_bytes: int) -> float:
        """Return the seconds until every worker has the sum of all gradients.

        The gradient is reduced within each server, summed between servers, and spread within each
        server again. The first and the last part are the two halves of an all-reduce in a server.
        """
        inside = all_reduce_s(self.devices, gradient_bytes, self.within)
        return inside + all_reduce_s(self.servers, gradient_bytes, self.between)


def ring_s(peers: int, size_bytes: int, link: Link) -> float:
    """Return the seconds of an all-reduce in a ring: a reduce-scatter, then an all-gather.

    Each takes p - 1 steps, in each of which everybody passes on one p-th of the content:
    2 (p - 1) alpha + 2 (p - 1) / p n beta.
    """
    steps = 2 * (peers - 1)
    return steps * link.latency_s + steps / peers * size_bytes / link.bytes_per_s


def tree_s(peers: int, size_bytes: int, link: Link) -> float:
    """Return the seconds of an all-reduce by a binomial tree: up to one peer, and down again.

    Each way takes ceil(log2 p) steps with the whole content: 2 ceil(log2 p) (alpha + n beta).
    """
    steps = 2 * (peers - 1).bit_length()
    return steps * (link.latency_s + size_bytes / link.bytes_per_s)


def all_reduce_s(peers: int, size_bytes: int, link: Link) -> float:
    """Return the seconds of the faster of both: a tree for short messages, a ring for long ones."""
    if peers < 2:
        return 0.0
    return min(ring_s(peers, size_bytes, link), tree_s(peers, size_bytes, link))


@dataclass(frozen=True, kw_only=True)
class Work:
    """What an update takes whatever its batch, what each example adds, and what must be sent."""

    fixed_s: float
    per_example_s: float
    gradient_bytes: int

    def step_s(self, batch: int, cluster: Cluster) -> float:
        """Return T(b, p).

        Raises:
            ValueError: There are fewer examples than workers: one without has no gradient.
        """
        if batch < cluster.workers:
            raise ValueError("a minibatch needs an example for each worker")
        examples = self.per_example_s * -(-batch // cluster.workers)
        communication = cluster.communication_s(self.gradient_bytes)
        return math.fsum((self.fixed_s, examples, communication))

    def speedup(self, batch: int, cluster: Cluster) -> float:
        """Return T(b, 1) / T(b, p)."""
        return (self.fixed_s + self.per_example_s * batch) / self.step_s(batch, cluster)

    def half(self, cluster: Cluster) -> float | None:
        """Return the least minibatch at which the speed-up is half the number of workers.

        With f fixed, c per example, m communication and b a multiple of p, T(b, 1) / T(b, p) is
        p / 2 where f + c b = p / 2 (f + m + c b / p), that is b = (p (f + m) - 2 f) / c. Below p
        there is no minibatch; none is large enough where examples cost nothing.
        """
        workers = cluster.workers
        shared = self.fixed_s + cluster.communication_s(self.gradient_bytes)
        wanted = workers * shared - 2 * self.fixed_s
        if wanted <= 0:
            return float(workers)
        if self.per_example_s <= 0:
            return None
        return max(float(workers), wanted / self.per_example_s)


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What one backend's measurements feed the model with."""

    backend: str
    experiments: set[str]  # names of those that it comes from
    # By question what a worker does in each process: the line fitted to the updates' times, for a
    # ResNet-50 with images at the fastest float32 product; none without one.
    works: dict[str, list[Work]]
    deviation: float  # by how much the updates lie off such a line at most
    memory: Highest

    def cluster(self, servers: int, gbit: int) -> Cluster:
        """Return so many servers of `DEVICES` devices, on a network of so many Gbit/s."""
        return Cluster(
            devices=DEVICES,
            servers=servers,
            within=Link(latency_s=WITHIN_LATENCY_S, bytes_per_s=self.memory.estimate.value),
            between=Link(latency_s=BETWEEN_LATENCY_S, bytes_per_s=gbit * GIGA / 8),
        )


def inputs(result: Result) -> list[Inputs]:
    """Return the inputs for each backend that measured updates and memory."""
    series = of_result(result)
    made = []
    for backend in dict.fromkeys(q.backend for q in series):
        mine = [q for q in series if q.backend == backend]
        slopes, updates = roofs(result, backend), parts_of(result, backend)
        if not slopes or updates is None:
            continue
        memory = slopes[MEMORY]
        products = [
            q
            for q in mine
            if q.kind == "matmul" and number_format(q) == "float32" and q.flops
            if q.device == memory.quantity.device
        ]
        peak = max(products, key=lambda q: q.rate().value, default=None)
        images = _images_s(peak, len(updates.lines)) if peak else []
        used = {q.experiment for q in (memory.quantity, peak) if q}
        made.append(
            Inputs(
                backend=backend,
                experiments={updates.experiment, *used},
                works={
                    "regression": [
                        _work(one, one.per_example_s, PARAMETERS) for one in updates.lines
                    ],
                    "resnet": [
                        _work(line, image_s, RESNET_PARAMETERS)
                        for line, image_s in zip(updates.lines, images, strict=False)
                    ],
                },
                deviation=updates.line.deviation,
                memory=memory,
            )
        )
    return made


def _images_s(peak: Quantity, processes: int) -> list[float]:
    """Return the seconds of an image in each process, in all alike if not all have the peak."""
    each = [RESNET_FLOP / (peak.flops or 1) * median(group) for group in peak.groups if group]
    return each if len(each) == processes else [RESNET_FLOP / peak.rate().value] * processes


def _work(step: StepModel, per_example_s: float, parameters: int) -> Work:
    size = parameters * FLOAT_BYTES
    return Work(fixed_s=step.fixed_s, per_example_s=per_example_s, gradient_bytes=size)


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Workers on a network, and what they are predicted to do."""

    name: str  # what tells it from the others of its figure
    cluster: Cluster
    works: list[Work]  # what one of them does in a step, by each process of the measurement
    key: str  # what the keys of its estimates begin with

    @property
    def workers(self) -> int:
        """Return how many workers there are: the smallest minibatch."""
        return self.cluster.workers

    def _over(self, values: Sequence[float], what: str) -> Estimate:
        return over_replicates(values, f"{self.key} {what}")

    def speedup(self, batch: int) -> Estimate:
        """Return the predicted speed-up; its interval is over the processes."""
        predicted = [work.speedup(batch, self.cluster) for work in self.works]
        return self._over(predicted, f"speed-up {batch}")

    def step(self, batch: int) -> Estimate:
        """Return the predicted seconds of a step."""
        return self._over([w.step_s(batch, self.cluster) for w in self.works], f"step {batch}")

    @property
    def exchange_s(self) -> float:
        """Return the seconds until every worker has the sum of all gradients."""
        return self.cluster.communication_s(self.works[0].gradient_bytes)

    def parts(self) -> dict[str, Estimate | float]:
        """Return the parts of a step with the smallest minibatch, the largest first, in seconds."""
        parts: dict[str, Any] = {
            "fixed": self._over([work.fixed_s for work in self.works], "fixed"),
            "examples": self._over([work.per_example_s for work in self.works], "example"),
            "exchange": self.exchange_s,
        }
        return dict(sorted(parts.items(), key=lambda part: -getattr(part[1], "value", part[1])))

    def half(self) -> Estimate | None:
        """Return the examples that make half the workers' number; None if that can be anywhere."""
        each = [work.half(self.cluster) for work in self.works]
        known = [one for one in each if one is not None]
        return self._over(known, "half") if len(known) == len(each) else None

    def batches(self) -> list[int]:
        """Return the minibatches to draw: p, 2 p, 4 p, ... until more bring little."""
        batches = [self.workers * 2**power for power in range(4)]
        most = DOUBLINGS if self.half() else DOUBLINGS // 3
        while len(batches) <= most and self.speedup(batches[-1]).value < NEARLY * self.workers:
            batches.append(2 * batches[-1])
        return batches


def scenarios(given: Inputs) -> dict[str, list[Setting]]:
    """Return what one backend's inputs allow to predict, by question; the most workers last."""
    few = {f"{DEVICES} workers": given.cluster(1, SLOW_GBIT)}
    many = f"{DEVICES * SERVERS} workers"
    clusters = {
        # For a gradient of 24 bytes the network's bandwidth does not matter.
        "regression": few | {many: given.cluster(SERVERS, SLOW_GBIT)},
        "resnet": few
        | {f"{many} at {g} Gbit/s": given.cluster(SERVERS, g) for g in (SLOW_GBIT, FAST_GBIT)},
    }
    return {
        question: [
            Setting(
                name=name,
                cluster=cluster,
                works=works,
                key=f"model of {given.backend} {question} {name}",
            )
            for name, cluster in clusters[question].items()
        ]
        for question, works in given.works.items()
        if works
    }
