"""One process of all that torchrun starts with a task's file.

They form groups of several sizes, one after the other; who has no part in a group sleeps. Within
one, all processes do the same in step: what decides how often something is done is summed over all
of them first, so that none leaves a loop in which another one waits.
"""

import os
import runpy
import sys
from pathlib import Path

if __name__ == "__main__":
    runpy.run_path(str(Path(__file__).parents[2] / "worker" / "bootstrap.py"))["register"]()

import dataclasses
import json
import math
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
import torch.distributed as dist

from report.backends.pytorch.training import linreg, squared_loss
from report.worker.host import read_bundle
from report.worker.records import Series, Timing
from report.worker.timing import Method, nanoseconds, summary

WARMUPS = 3

FLOAT_BYTES = 4

ALIKE = 1e-4
"""Relative distance of weights that the order of summing explains, in float32 after an epoch."""

Shard = tuple[torch.Tensor, torch.Tensor, int]
"""A process's part of a minibatch, and how many examples that has in all."""


class Group:
    """This process among the others of a group."""

    def __init__(self, device: torch.device, members: dist.ProcessGroup) -> None:
        """Take the group's members, of which this process is one."""
        self.device, self.members = device, members
        self.rank, self.world = members.rank(), members.size()

    def sum(self, tensor: torch.Tensor) -> None:
        """Replace a tensor by the sum of all processes'."""
        dist.all_reduce(tensor, group=self.members)

    def wait(self) -> None:
        """Wait until this process's device is done."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def largest(self, value: float) -> float:
        """Return the largest of all processes' values, so that all decide alike."""
        found = torch.tensor([value], dtype=torch.float64, device=self.device)
        dist.all_reduce(found, dist.ReduceOp.MAX, group=self.members)
        return float(found)

    def sample(self, call: Callable[[], object], loops: int) -> float:
        """Begin together, call so often, and return the seconds of the slowest process."""
        dist.barrier(self.members)
        self.wait()
        start = time.perf_counter()
        for _ in range(loops):
            call()
        self.wait()
        return nanoseconds(self.largest(time.perf_counter() - start))

    def timing(self, call: Callable[[], object], budget_s: float, repeats: int) -> Timing:
        """Time a call that all processes make."""
        warm = [self.sample(call, 1) for _ in range(WARMUPS)]
        loops = max(1, round(Method.sample_s / max(min(warm), 1e-9)))
        elapsed: list[float] = []
        while len(elapsed) < repeats and (len(elapsed) < Method.least or sum(elapsed) < budget_s):
            elapsed.append(self.sample(call, loops))
        stopped = "repeats" if len(elapsed) == repeats else "budget"
        return summary(elapsed, loops, warmups=WARMUPS, warmup_s=warm, stopped=stopped)


class Model:
    """The chapter's linear regression; every process has all of it."""

    def __init__(self, group: Group, weights: torch.Tensor, lr: float) -> None:
        """Begin at given weights."""
        self._group, self._start, self.lr = group, weights, lr
        self.restart()

    def restart(self) -> None:
        """Begin again."""
        device = self._group.device
        self.w = self._start.reshape(-1, 1).clone().to(device).requires_grad_()
        self.b = torch.zeros(1, device=device, requires_grad=True)

    def train(self, shards: Iterable[Shard], *, together: bool = True) -> None:
        """Take a step for each minibatch, of which every process has a part, or one has all."""
        for shard in shards:
            self.update(shard, together=together)

    def update(self, shard: Shard, *, together: bool = True) -> None:
        """Take a step with the gradient over a minibatch."""
        X, y, count = shard
        (squared_loss(linreg(X, self.w, self.b), y).sum() / count).backward()
        gradients = [p.grad for p in (self.w, self.b) if p.grad is not None]
        flat = torch.cat([g.flatten() for g in gradients])
        if together and self._group.world > 1:
            self._group.sum(flat)
        with torch.no_grad():
            self.w -= self.lr * flat[:-1].reshape(-1, 1)
            self.b -= self.lr * flat[-1:]
            for gradient in gradients:
                gradient.zero_()

    def weights(self) -> list[float]:
        """Return the weights and the bias."""
        return [*self.w.detach().flatten().tolist(), *self.b.detach().tolist()]

    def loss(self, X: torch.Tensor, y: torch.Tensor) -> float:
        """Return the mean of half the squared errors."""
        with torch.no_grad():
            return float(squared_loss(linreg(X, self.w, self.b), y).mean())


def main() -> None:
    """Carry out a task; the first process of each host writes the answer.

    gloo carries what CPUs say to each other, nccl what NVIDIA's GPUs do, one for each process.
    """
    task: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    mine, here = int(os.environ["LOCAL_RANK"]), int(os.environ["LOCAL_WORLD_SIZE"])
    device = torch.device("cpu")
    if task["device"] != "cpu":
        device = torch.device("cuda", mine)
        torch.cuda.set_device(device)
    dist.init_process_group("gloo")
    series: list[Series] = []
    for size in task["worlds"]:
        # So many on each host, whose processes have ranks in a row.
        ranks = [rank for rank in range(dist.get_world_size()) if rank % here < size]
        members = dist.new_group(ranks, backend="gloo" if device.type == "cpu" else "nccl")
        if mine < size:
            torch.set_num_threads(max(1, task["threads"] // size))
            series += _measured(Group(device, members), task)
        dist.barrier()
    if mine == 0:
        answer = [dataclasses.asdict(one) for one in series]
        Path(task["answer"]).write_text(json.dumps(answer, allow_nan=False), encoding="utf-8")
    dist.destroy_process_group()


def _measured(group: Group, task: dict[str, Any]) -> Iterator[Series]:
    parts = len(task["messages"]) + 2 * len(task["runs"])
    share_s, repeats = task["budget_s"] / parts, task["repeats"]
    for size in task["messages"]:
        yield _message(group, size, share_s, repeats)
    for run in task["runs"]:
        yield from _trained(group, task, run, share_s)


def _labels(group: Group, operation: str, **own: int) -> dict[str, Any]:
    empty = {"message_bytes": None, "batch_size": None}
    return {"operation": operation, "world": group.world, **empty, **own}


def _message(group: Group, size_bytes: int, budget_s: float, repeats: int) -> Series:
    """Time an all-reduce of a message, whose sum is looked at first."""
    labels = _labels(group, "all-reduce", message_bytes=size_bytes)
    message = torch.ones(max(1, size_bytes // FLOAT_BYTES), device=group.device)
    group.sum(message)
    if not bool((message == group.world).all()):
        return Series(labels=labels, status="failed", reason="wrong result: a sum is not right")
    message.zero_()  # so that it stays what it is, however often it is summed
    timing = group.timing(lambda: group.sum(message), budget_s, repeats)
    return Series(labels=labels, bytes_moved=size_bytes, timing=timing)


def _trained(
    group: Group, task: dict[str, Any], run: dict[str, Any], share_s: float
) -> Iterator[Series]:
    """Time an epoch, and the updates until the loss is reached.

    What a group trains is held to what each of its processes trains alone, with all of each batch.
    """
    bundle, batch, device = task["bundle"], run["batch_size"], group.device
    y = torch.tensor(read_bundle(bundle, "targets.f64", "d"), dtype=torch.float32, device=device)
    X = torch.tensor(read_bundle(bundle, "features.f64", "d"), dtype=torch.float32, device=device)
    X = X.reshape(len(y), -1)
    start = torch.tensor(read_bundle(bundle, "seed-0.weights.f64", "d"), dtype=torch.float32)
    every = torch.tensor(read_bundle(bundle, "seed-0.permutation-1.i32", "i"), device=device)
    wholes = [
        epoch[i : i + batch]
        for epoch in every.reshape(-1, len(y))[: run["epochs"]]
        for i in range(0, len(y), batch)
    ]
    parts = [whole.tensor_split(group.world)[group.rank] for whole in wholes]
    shards = [(X[part], y[part], len(whole)) for part, whole in zip(parts, wholes, strict=True)]
    an_epoch = math.ceil(len(y) / batch)
    model = Model(group, start, run["lr"])
    model.train(((X[whole], y[whole], len(whole)) for whole in wholes[:an_epoch]), together=False)
    alone = model.weights()
    model.restart()
    model.train(shards[:an_epoch])
    apart = group.largest(math.dist(model.weights(), alone) / math.hypot(*alone))
    epoch, to_loss = (_labels(group, each, batch_size=batch) for each in ("epoch", "to-loss"))
    if not apart <= ALIKE:
        reason = f"wrong result: its weights are {apart:.1g} from those of one process"
        yield from (
            Series(labels=each, status="failed", reason=reason) for each in (epoch, to_loss)
        )
        return
    timing = group.timing(lambda: model.train(shards[:an_epoch]), share_s, task["repeats"])
    yield Series(labels=epoch, examples=len(y), timing=timing)
    model.restart()

    def there(shard: Shard) -> bool:
        model.update(shard)
        return group.largest(model.loss(X, y)) <= float(task["loss"])

    taken = next((k for k, shard in enumerate(shards, start=1) if there(shard)), 0)
    if not taken:
        reason = f"the loss is not {task['loss']:g} after {run['epochs']} epochs"
        yield Series(labels=to_loss, status="skipped", reason=reason)
        return

    def reach() -> None:
        model.restart()
        model.train(shards[:taken])

    timing = group.timing(reach, share_s, task["repeats"])
    yield Series(labels=to_loss, examples=taken * batch, timing=timing)


if __name__ == "__main__":
    main()
