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


@dataclass(frozen=True, kw_only=True)
class Link:
    """What messages travel over.

    Attributes:
        latency_s: Seconds of a message without content, alpha.
        bytes_per_s: 1 / beta.
    """

    latency_s: float
    bytes_per_s: float


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """Workers: so many devices in each of so many servers.

    Attributes:
        devices: In a server.
        servers: How many.
        within: Between devices of a server.
        between: Between servers; all devices of a server share it.
    """

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

        Args:
            gradient_bytes: Size of a gradient.
        """
        inside = all_reduce_s(self.devices, gradient_bytes, self.within)
        return inside + all_reduce_s(self.servers, gradient_bytes, self.between)


def ring_s(peers: int, size_bytes: int, link: Link) -> float:
    """Return the seconds of an all-reduce in a ring: a reduce-scatter, then an all-gather.

    Each takes p - 1 steps, in each of which everybody passes on one p-th of the content:
    2 (p - 1) alpha + 2 (p - 1) / p n beta.

    Args:
        peers: p.
        size_bytes: n.
        link: alpha and beta.
    """
    steps = 2 * (peers - 1)
    return steps * link.latency_s + steps / peers * size_bytes / link.bytes_per_s


def tree_s(peers: int, size_bytes: int, link: Link) -> float:
    """Return the seconds of an all-reduce by a binomial tree: up to one peer, and down again.

    Each way takes ceil(log2 p) steps with the whole content: 2 ceil(log2 p) (alpha + n beta).

    Args:
        peers: p.
        size_bytes: n.
        link: alpha and beta.
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
    """What one worker does in a step, and what it must send.

    Attributes:
        fixed_s: Seconds of an update, whatever its batch.
        per_example_s: Seconds that each example adds.
        gradient_bytes: Size of the gradient.
    """

    fixed_s: float
    per_example_s: float
    gradient_bytes: int

    def step_s(self, batch: int, cluster: Cluster) -> float:
        """Return T(b, p).

        Args:
            batch: b, at least p: a worker without an example has no gradient to contribute.
            cluster: The workers.

        Raises:
            ValueError: There are fewer examples than workers.
        """
        return math.fsum(self.parts_s(batch, cluster))

    def parts_s(self, batch: int, cluster: Cluster) -> tuple[float, float, float]:
        """Return the three parts of T(b, p): fixed, examples, communication."""
        if batch < cluster.workers:
            raise ValueError("a minibatch needs an example for each worker")
        share = -(-batch // cluster.workers)
        return (
            self.fixed_s,
            self.per_example_s * share,
            cluster.communication_s(self.gradient_bytes),
        )

    def speedup(self, batch: int, cluster: Cluster) -> float:
        """Return T(b, 1) / T(b, p)."""
        alone = self.fixed_s + self.per_example_s * batch
        return alone / self.step_s(batch, cluster)

    def half(self, cluster: Cluster) -> float | None:
        """Return the least minibatch at which the speed-up is half the number of workers.

        With f fixed, c per example, m communication and b a multiple of p, T(b, 1) / T(b, p) is
        p / 2 where f + c b = p / 2 (f + m + c b / p), that is b = (p (f + m) - 2 f) / c. Below p
        there is no minibatch.

        Args:
            cluster: The workers.

        Returns:
            Examples; None if no minibatch is large enough, because examples cost nothing.
        """
        workers = cluster.workers
        shared = self.fixed_s + cluster.communication_s(self.gradient_bytes)
        wanted = workers * shared - 2 * self.fixed_s
        if wanted <= 0:
            return float(workers)
        if self.per_example_s <= 0:
            return None
        return max(float(workers), wanted / self.per_example_s)
