"""JAX, as its practitioners write it. Runs in the worker; the parent never imports it."""

from __future__ import annotations

import os
import re
from collections import Counter
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from report.backends import UPDATE_LR
from report.backends.jax import training
from report.backends.jax.products import DTYPES, Latest, Products, device_of, why_not
from report.worker.host import usable_cores
from report.worker.records import Accelerator, Environment, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from report.experiments.training.measure import Data, Run, Start
    from report.worker.curve import Curve

PACKAGES = ("jax", "jaxlib", "numpy", "ml_dtypes")
"""What is installed. XLA, which compiles and computes, is a part of jaxlib."""

LIBRARIES = {"__ynn_fusion": "YNNPACK", "__onednn$matmul": "oneDNN"}
"""Of those that XLA hands a product to, by the names that they have in compiled programs."""


class Pool:
    """The threads that XLA computes with on the CPU: started once for a process, for good."""

    threads: int | None = None

    def start(self, threads: int) -> int:
        """Start the pool with so many unless it runs already; return how many it has."""
        if self.threads is None:
            # XLA reads this when the first device is asked for, and never again.
            os.environ["NPROC"] = str(threads)
            jax.devices("cpu")
            self.threads = threads
        return self.threads

    def require(self, threads: int) -> None:
        """Hold a caller to the threads that there are.

        Raises:
            Unavailable: There are more, or fewer.
        """
        running = self.start(threads)
        if running != threads:
            raise Unavailable(
                f"JAX starts its threads once for a process: there are {running}, not {threads}"
            )


POOL = Pool()


class Session:
    """JAX on one device."""

    def __init__(self, device: str, threads: int) -> None:
        """Take a device and a number of CPU threads, which only a process's first session sets."""
        self.device = device
        self._threads = threads
        self._latest = Latest()
        self.synchronize = self._latest.wait
        POOL.start(threads)
        jax.config.update("jax_default_device", device_of(device))
        if device != "cpu":
            # Else float32 is multiplied as TF32 where that exists.
            jax.config.update("jax_default_matmul_precision", "highest")

    def set_threads(self, threads: int) -> None:
        """Use this many CPU threads from now on.

        Raises:
            Unavailable: The process has started with another number.
        """
        POOL.require(threads)

    def threads(self) -> int | None:
        """Return how many CPU threads this process has started; XLA takes no others."""
        return POOL.threads

    def products(self, size: int, dtype: str, seed: int) -> Products:
        """Make two normal n x n matrices from a seed."""
        if why := why_not(self.device, dtype):
            raise Unavailable(f"JAX multiplies no {dtype} on {self.device}: {why}")
        return Products(size, dtype, seed, self._latest)

    def addition(self, size: int) -> Callable[[], object]:
        """Return a call that adds two vectors; see `report.experiments.overhead.measure`."""
        POOL.require(self._threads)
        return addition(size, self._latest)

    def update(self, size: int, features: int, seed: int, *, compiled: bool) -> Update:
        """Return a training update on a fixed batch; compiling it takes part of a second."""
        POOL.require(self._threads)
        update = Update(size, features, seed, self._latest)
        if compiled:
            update.compile()
        return update

    def train(self, run: Run, data: Data, start: Start, curve: Curve) -> None:
        """Train once and fill the curve; see `report.experiments.training.measure`."""
        POOL.require(self._threads)
        with jax.enable_x64(data.dtype == "float64"):
            training.train(run, data, start, curve, self._latest)


def addition(size: int, latest: Latest) -> Callable[[], object]:
    """Return a call that adds two vectors; the sum is a new one each time, as always in JAX.

    Args:
        size: Elements of each.
        latest: Keeps the sum.
    """
    a, b = (jnp.ones(size, jnp.float32) for _ in range(2))

    def add() -> jax.Array:
        # The sum must be kept: it is what there is to wait for.
        latest.result = total = jnp.add(a, b)
        return total

    return add


class Update:
    """The chapter's linear regression, about to be updated with one batch."""

    def __init__(self, size: int, features: int, seed: int, latest: Latest) -> None:
        """Draw a batch and initial weights, the same for the same seed; keep all that is latest."""
        keys = jax.random.split(jax.random.key(seed), 3)
        shapes = (size, features), (size,), (features, 1)
        self.X, self.y, w = (
            jax.random.normal(key, shape, jnp.float32)
            for key, shape in zip(keys, shapes, strict=True)
        )
        self.params = w, jnp.zeros(1, jnp.float32)
        self.lr = jnp.float32(UPDATE_LR)
        self._update: Callable[..., tuple[training.Params, jax.Array]] = training.update
        self._latest = latest

    def step(self) -> None:
        """Update once: forward, backward, a step of SGD."""
        self.params, _ = self._update(self.params, self.X, self.y, self.lr)
        self._latest.result = self.params

    def compile(self) -> None:
        """Compile the update for this batch size, then update once."""
        self._update = training.compiled_update
        self.step()
        self._latest.wait()


def environment() -> Environment:
    """Describe JAX, its libraries and its devices."""
    # XLA starts one for each usable core if nobody says.
    said = os.environ.get("NPROC", "")
    threads = POOL.start(int(said) if said.isdecimal() and int(said) > 0 else usable_cores())
    accelerators = _accelerators()
    working = ["cpu", *(found.device for found in accelerators if found.works)]
    return Environment(
        backend="jax",
        versions={name: metadata.version(name) for name in PACKAGES},
        blas=_blas(),
        threads=threads,
        pools=_pools(),
        accelerators=accelerators,
        dtypes={name: [d for d in DTYPES if not why_not(name, d)] for name in working},
    )


def _blas() -> str | None:
    """Name what multiplies on the CPU: each dtype's product is asked what it was compiled to."""
    used: dict[str, list[str]] = {}
    for dtype in DTYPES:
        used.setdefault(_library(dtype), []).append(dtype)
    if len(used) == 1:
        return next(iter(used))
    return "; ".join(f"{library} for {', '.join(dtypes)}" for library, dtypes in used.items())


def _library(dtype: str) -> str:
    with jax.default_device(device_of("cpu")), jax.enable_x64(dtype == "float64"):
        B = jnp.ones((256, 256), dtype=dtype)
        program = jax.jit(jnp.matmul).lower(B, B).compile().as_text()
    named = [library for name, library in LIBRARIES.items() if name in program]
    # What is handed to nobody is XLA's own code, or that of Eigen, which is built into it.
    return f"XLA with {named[0]}" if named else "XLA with Eigen"


def _pools() -> list[str]:
    """Count the threads by their names, where the system shows them."""
    names = Counter(path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm"))
    return [
        f"XLA: {name}, {count} threads"
        for name, count in names.items()
        if re.fullmatch(r"\w*XLAEigen", name)
    ]


def _accelerators() -> list[Accelerator]:
    """Describe the devices beside the CPU, under the names that other frameworks give them."""
    found = []
    for index, device in enumerate(each for each in jax.devices() if each.platform != "cpu"):
        name = f"{'cuda' if device.platform == 'gpu' else device.platform}:{index}"
        reason = why_not(name, "float32")
        found.append(
            Accelerator(
                device=name,
                name=device.device_kind,
                works=reason is None,
                reason=reason,
                compute_capability=getattr(device, "compute_capability", None),
            )
        )
    return found
