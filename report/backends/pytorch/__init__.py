"""PyTorch, as its practitioners write it. Runs in the worker; the parent never imports it."""

from __future__ import annotations

import importlib.util
import re
from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from report.backends.pytorch import device as tools
from report.backends.pytorch import group, steps, training
from report.backends.pytorch.memory import Memory
from report.backends.pytorch.products import DTYPES, Batched, Operands, why_not
from report.worker.host import usable_cores
from report.worker.records import Accelerator, Environment, Unavailable, reason_of

if TYPE_CHECKING:
    from array import array
    from collections.abc import Callable

    from report.backends.pytorch.products import Products
    from report.experiments.gradient.measure import Examples
    from report.experiments.training.measure import Data, Run, Start
    from report.worker.curve import Curve


class Session:
    """PyTorch on one device."""

    def __init__(self, device: str, threads: int) -> None:
        """Take a device and a number of CPU threads."""
        self.device = torch.device(device)
        self._operands: dict[tuple[str, int], Operands] = {}
        self.set_threads(threads)
        self.set_tf32(False)  # the worker's last job may have left it on
        waits: dict[str, Callable[[], object]] = {
            "cuda": partial(torch.cuda.synchronize, self.device),
            "xpu": partial(torch.xpu.synchronize, self.device),
            "mps": torch.mps.synchronize,
        }
        # The CPU has done its work when a call returns.
        self.synchronize = waits.get(self.device.type, lambda: None)

    def set_threads(self, threads: int) -> None:
        """Use this many CPU threads from now on."""
        torch.set_num_threads(threads)

    def threads(self) -> int:
        """Return how many CPU threads are used now."""
        return torch.get_num_threads()

    def has_tf32(self) -> bool:
        """Return whether TF32 means anything on this device."""
        return (
            self.device.type == "cuda"
            and torch.version.hip is None
            and torch.cuda.get_device_capability(self.device) >= (8, 0)
        )

    def set_tf32(self, allowed: bool) -> None:  # noqa: FBT001 (a switch)
        """Allow or forbid TF32 in float32 products from now on."""
        torch.set_float32_matmul_precision("high" if allowed else "highest")

    def allows_tf32(self) -> bool:
        """Return whether TF32 is allowed in float32 products now."""
        return torch.get_float32_matmul_precision() != "highest"

    def timer(self) -> tools.Timer:
        """Return the device's own clock."""
        return tools.Timer(self.device)

    def flush(self, size_bytes: int) -> Callable[[], object]:
        """Return a call that writes so many bytes of the device's memory."""
        return tools.flush(size_bytes, self.device)

    def peak_memory(self) -> tools.PeakMemory:
        """Return what watches the most that is taken of the device's memory from now on."""
        return tools.PeakMemory(self.device)

    def on_cpu(self) -> Session:
        """Return a session on the CPU beside this one, with as many threads."""
        return Session("cpu", self.threads())

    def places(self) -> int:
        """Return how many processes of a group have a core, or an accelerator, of their own."""
        return usable_cores() if self.device.type == "cpu" else torch.cuda.device_count()

    def groups(self, task: dict[str, Any]) -> list[dict[str, Any]]:
        """Carry out a task in groups of processes; see `rank`."""
        return group.run(task)

    def batched(self, count: int, size: int, dtype: str, seed: int) -> Batched:
        """Make so many pairs of normal n x n matrices from a seed."""
        self._require(dtype)
        return Batched(count, size, DTYPES[dtype], self.device, seed)

    def products(self, size: int, dtype: str, seed: int) -> Products:
        """Make two normal n x n matrices from a seed."""
        self._require(dtype)
        key = dtype, seed
        if key not in self._operands:
            self._operands[key] = Operands(DTYPES[dtype], self.device, seed)
        return self._operands[key].lend(size)

    def addition(self, size: int) -> Callable[[], object]:
        """Return a call that adds two vectors; see `report.experiments.overhead.measure`."""
        return steps.addition(size, self.device)

    def update(self, size: int, features: int, seed: int, *, compiled: bool) -> steps.Update:
        """Return a training update on a fixed batch; compiling it takes seconds."""
        update = steps.Update(size, features, seed, self.device)
        if compiled:
            update.compile()
        return update

    def recorded(self, update: steps.Update) -> Callable[[], object]:
        """Return a call that launches all of an update's kernels at once."""
        return tools.recorded(update)

    def memory(self) -> Memory:
        """Return the device's memory."""
        return Memory(self.device)

    def train(self, run: Run, data: Data, start: Start, curve: Curve) -> None:
        """Train once and fill the curve; see `report.experiments.training.measure`."""
        features, targets, weights = (
            torch.tensor(values, dtype=DTYPES[data.dtype])
            for values in (data.features, data.targets, start.weights)
        )
        features = features.reshape(data.examples, -1)
        on_device = features.to(self.device), targets.to(self.device)
        orders = [torch.tensor(order) for order in start.orders[: run.epochs]]
        if run.loader == "dataloader":
            X, y = (torch.cat([values] * run.copies) for values in (features, targets))
            epochs = training.loaded(X, y, run.batch_size, orders, self.device)
        else:
            X, y = (torch.cat([values] * run.copies) for values in on_device)
            orders = [order.to(self.device) for order in orders]
            epochs = (training.sliced(X, y, run.batch_size, order) for order in orders)
        train = getattr(training, f"train_{run.implementation}")
        train(run, weights.to(self.device), on_device, epochs, curve)

    def gradients(self, examples: Examples, theta: array[float], seed: int) -> steps.Gradients:
        """Prepare to take gradients at a point; see `report.experiments.gradient.measure`."""
        self._require(examples.dtype)
        X, y, at = (
            torch.tensor(values, dtype=DTYPES[examples.dtype]).to(self.device)
            for values in (examples.features, examples.targets, theta)
        )
        return steps.Gradients(X.reshape(len(y), -1), y, at, seed)

    def _require(self, dtype: str) -> None:
        if why := why_not(str(self.device), dtype):
            raise Unavailable(f"PyTorch multiplies no {dtype} on {self.device.type}: {why}")


def environment() -> Environment:
    """Describe PyTorch, its libraries and its devices."""
    accelerators = [_described(name) for name in _accelerators()]
    working = ["cpu", *(found.device for found in accelerators if found.works)]
    return Environment(
        backend="pytorch",
        versions=_versions(),
        blas=_blas(),
        threads=torch.get_num_threads(),
        simd=torch.backends.cpu.get_cpu_capability(),
        pools=_pools(),
        accelerators=accelerators,
        dtypes={device: [d for d in DTYPES if not why_not(device, d)] for device in working},
    )


def _versions() -> dict[str, str]:
    onednn = re.search(r"MKL-DNN v([\d.]+)", torch.__config__.show())
    cudnn = torch.version.cuda and torch.backends.cudnn.is_available()
    versions = {
        "torch": str(torch.__version__),
        "cuda": torch.version.cuda,
        "cudnn": str(torch.backends.cudnn.version()) if cudnn else None,
        "hip": torch.version.hip,
        "oneDNN": onednn[1] if onednn else None,
    }
    return {name: version for name, version in versions.items() if version}


def _blas() -> str | None:
    # No function of torch names the library and its version; its build summary does.
    summary = torch.__config__.show()
    mkl = re.search(r"Math Kernel Library Version ([\d.]+)", summary)
    if mkl:
        return f"Intel MKL {mkl[1]}"
    info = re.search(r"BLAS_INFO=(\w+)", summary)
    return info[1] if info else None


def _pools() -> list[str]:
    if importlib.util.find_spec("threadpoolctl") is None:
        return []
    import threadpoolctl  # noqa: PLC0415 (only while describing, never while measuring)

    return [
        f"{pool['user_api']}: {pool['prefix']}, {pool['num_threads']} threads"
        for pool in threadpoolctl.threadpool_info()
    ]


def _accelerators() -> list[str]:
    names = [f"cuda:{index}" for index in range(torch.cuda.device_count())]
    names += [f"xpu:{index}" for index in range(torch.xpu.device_count())]
    if torch.backends.mps.is_available():
        names.append("mps")
    return names


def _described(device: str) -> Accelerator:
    kind = device.partition(":")[0]
    properties: Any = None
    reached: float | None = None
    try:
        if kind != "mps":
            properties = getattr(torch, kind).get_device_properties(device)
        reason = why_not(device, "float32")
        reached = None if reason else tools.reached(device)
    except Exception as error:  # noqa: BLE001 (as in `refusal`)
        reason = reason_of(error)
    return Accelerator(
        device=device,
        integrated=None if properties is None else getattr(properties, "is_integrated", None),
        flop_per_s=reached,
        name=getattr(properties, "name", None),
        memory_bytes=getattr(properties, "total_memory", None),
        l2_bytes=getattr(properties, "L2_cache_size", None),
        works=reason is None,
        reason=reason,
        compute_capability=(
            f"{properties.major}.{properties.minor}" if properties and kind == "cuda" else None
        ),
    )
