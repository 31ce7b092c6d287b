"""One framework a folder. This module is the registry; it imports none of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

KindName = Literal["matmul", "bandwidth", "overhead", "gradient", "training", "scaling", "python"]

KINDS: tuple[KindName, ...] = get_args(KindName)

METHOD = 1
"""How series are timed. It is raised when the same series would be timed in another way: results of
different methods are not compared. Code that measures more, or something else beside, leaves it."""

SECTIONS = ("frameworks", "roofline", "resources", "data-parallel")
"""What several experiments say together, in the order of a machine's page."""

WITH_DATA: frozenset[KindName] = frozenset({"gradient", "training", "scaling"})
"""Kinds whose workers are handed the data set."""

Version = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Training:
    """How a framework can train, so that nobody need import it to find out.

    Attributes:
        scratch: Variants of training from scratch, some of eager, compiled and epoch.
        concise: Variants with its own layer, loss and optimizer; none where it has no such parts.
        on_request: Further variants from scratch, for who names them: `auto` leaves them out.
        loader: It has a data loader of its own; else batches are cut from an array.
        optimizers: It has every optimizer, beside plain SGD.
        schedules: The implementations that have every schedule, beside a constant rate.
        written_out: It differentiates nothing itself: the gradient is written out, and a step
            computes no loss.
    """

    scratch: tuple[str, ...]
    concise: tuple[str, ...] = ()
    on_request: tuple[str, ...] = ()
    loader: bool = False
    optimizers: bool = False
    schedules: tuple[str, ...] = ()
    written_out: bool = False

    def variants(self, implementation: str) -> tuple[str, ...]:
        """Return the variants of an implementation that `auto` stands for."""
        return self.concise if implementation == "concise" else self.scratch


@dataclass(frozen=True, kw_only=True)
class Backend:
    """What both sides must know of a framework without importing it.

    Attributes:
        name: As in experiments.yaml; the module `report.backends.<name>` measures it.
        package: The import name that must be there.
        wheels: How to install it beside the report; else it has an environment of its own.
        oldest: The first Python that it runs on.
        newest: The last one; None where nothing is known to break.
        tf32: It can switch TF32, where the device has that.
        device_tools: It has an accelerator's own clock, its peak memory and CUDA graphs, and can
            use the CPU beside it in one process.
        listing: After which strategies the chapter's own listing for it waits for the product
            before it stops its timer; None if there is no listing.
        sampled_elements: How many elements of a product computed one by one are measured, drawn at
            random, where all of them would take minutes; None if all are.
        keeps_threads: A process keeps the number of threads that it started with.
        compiles: A first call compiles, so that it says nothing of the next.
    """

    name: str
    title: str
    package: str
    training: Training
    wheels: str = ""
    oldest: Version = (3, 11)
    newest: Version | None = None
    kinds: tuple[str, ...] = ("matmul", "overhead", "training", "python")
    tf32: bool = False
    device_tools: bool = False
    listing: tuple[str, ...] | None = None
    sampled_elements: int | None = None
    keeps_threads: bool = False
    compiles: bool = False

    @property
    def install(self) -> str:
        """Return what to tell a person who lacks it."""
        return self.wheels or f"report env create {self.name}"

    def runs_on(self, version: Version) -> bool:
        """Return whether a Python is neither too old nor too new for it."""
        return self.oldest <= version and (self.newest is None or version <= self.newest)

    def pythons(self) -> str:
        """Say which Pythons will do: "3.11", "3.11 to 3.13", "3.11 or newer"."""
        first = ".".join(map(str, self.oldest))
        if self.newest is None:
            return f"{first} or newer"
        last = ".".join(map(str, self.newest))
        return first if first == last else f"{first} to {last}"


BACKENDS: dict[str, Backend] = {
    backend.name: backend
    for backend in (
        Backend(
            name="pytorch",
            title="PyTorch",
            package="torch",
            wheels=(
                "pip install torch threadpoolctl (CPU-only wheels, much smaller: "
                "add --extra-index-url https://download.pytorch.org/whl/cpu)"
            ),
            kinds=("matmul", "bandwidth", "overhead", "gradient", "training", "scaling", "python"),
            # Of PyTorch, only a compiled update is measured, as overhead.
            training=Training(
                scratch=("eager",),
                concise=("eager",),
                loader=True,
                optimizers=True,
                schedules=("scratch", "concise"),
            ),
            tf32=True,
            device_tools=True,
            listing=(),
        ),
        Backend(
            name="mxnet",
            title="MXNet",
            package="mxnet",
            # It needs a NumPy below 1.24, of which there are no wheels for later Pythons.
            newest=(3, 11),
            training=Training(
                scratch=("eager",),
                concise=("eager", "compiled"),
                schedules=("concise",),
                loader=True,
            ),
            # Not after the block product, of which it times no more than queueing it.
            listing=("element", "column", "full"),
            # All 65,536 take 16 s (measured here): too long for one sample of many.
            sampled_elements=1024,
        ),
        Backend(
            name="tensorflow",
            title="TensorFlow",
            package="tensorflow",
            newest=(3, 13),
            training=Training(
                scratch=("eager", "compiled", "epoch"),
                concise=("eager", "compiled", "epoch"),
                loader=True,
            ),
            listing=(),
            # All 65,536 take over a minute (measured here).
            sampled_elements=256,
            keeps_threads=True,
        ),
        Backend(
            name="jax",
            title="JAX",
            package="jax",
            # Nobody trains eagerly with it: an update would take milliseconds.
            training=Training(scratch=("compiled", "epoch"), on_request=("eager",)),
            keeps_threads=True,
            compiles=True,
        ),
        Backend(
            name="numpy",
            title="NumPy",
            package="numpy",
            training=Training(scratch=("eager",), written_out=True),
        ),
        Backend(
            name="numba",
            title="Numba",
            package="numba",
            kinds=("matmul", "bandwidth", "overhead", "training", "python"),
            training=Training(scratch=("epoch",), written_out=True),
            compiles=True,
        ),
    )
}

BackendName = Literal["pytorch", "mxnet", "tensorflow", "jax", "numpy", "numba"]
"""The same names, for the type checker and the schema."""
if set(get_args(BackendName)) != set(BACKENDS):
    raise RuntimeError("BackendName and BACKENDS must name the same")
