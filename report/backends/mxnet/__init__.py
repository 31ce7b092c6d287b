"""MXNet, as the chapter writes it. Runs in the worker; the parent never imports it."""

from __future__ import annotations

import ctypes
import os
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, ClassVar

import mxnet
from mxnet import autograd, gluon, np, npx
from mxnet.base import _LIB, check_call

from report.backends import UPDATE_LR
from report.backends.mxnet import training
from report.backends.mxnet.products import DTYPES, MOST_SEEDS, Products, why_not
from report.backends.mxnet.training import linreg, sgd, squared_loss
from report.worker.records import Accelerator, Environment, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from report.experiments.training.measure import Data, Run, Start
    from report.worker.curve import Curve

_BLAS = {
    "BLAS_OPEN": "OpenBLAS",
    "BLAS_MKL": "Intel MKL",
    "BLAS_APPLE": "Accelerate",
    "BLAS_ATLAS": "ATLAS",
}

npx.set_np()


class Session:
    """MXNet on the CPU."""

    def __init__(self, device: str, threads: int) -> None:
        """Take a device and a number of CPU threads."""
        if device != "cpu":
            raise Unavailable("MXNet is measured on the CPU only")
        self.set_threads(threads)
        # Operations are queued; this waits for all of them, and raises what went wrong in one.
        self.synchronize = npx.waitall

    def set_threads(self, threads: int) -> None:
        """Use this many CPU threads from now on.

        Raises:
            Unavailable: Products take another number, and nothing can change it.
        """
        tell = getattr(_LIB, "omp_set_num_threads", None)
        if tell is not None:
            _in_engine(lambda: tell(threads))
        now = self.threads()
        if now != threads:
            raise Unavailable(
                f"MXNet computes with {now or '?'} threads here, and cannot be told otherwise"
            )

    def threads(self) -> int | None:
        """Return how many CPU threads are used now, or None where nothing says."""
        asked = os.environ.get("OMP_NUM_THREADS", "")
        return _threads() or (int(asked) if asked.isdecimal() else None)

    def products(self, size: int, dtype: str, seed: int) -> Products:
        """Make two normal n x n matrices from a seed."""
        if why := why_not(dtype):
            raise Unavailable(f"MXNet multiplies no {dtype} on a CPU: {why}")
        return Products(size, dtype, seed)

    def addition(self, size: int) -> Callable[[], object]:
        """Return a call that adds two vectors; see `report.experiments.overhead.measure`."""
        return addition(size)

    def update(self, size: int, features: int, seed: int, *, compiled: bool) -> Update:
        """Return a training update on a fixed batch."""
        update = Update(size, features, seed)
        if compiled:
            update.compile()
        return update

    def train(self, run: Run, data: Data, start: Start, curve: Curve) -> None:
        """Train once and fill the curve; see `report.experiments.training.measure`."""
        features, targets, weights = (
            np.array(values, dtype=data.dtype)
            for values in (data.features, data.targets, start.weights)
        )
        features = features.reshape(data.examples, -1)
        X, y = (np.concatenate([values] * run.copies) for values in (features, targets))
        orders = start.orders[: run.epochs]
        if run.loader == "dataloader":
            epochs = training.loaded(X, y, run.batch_size, orders)
        else:
            indices = [np.array(order, dtype="int32") for order in orders]
            epochs = (training.sliced(X, y, run.batch_size, order) for order in indices)
        train = getattr(training, f"train_{run.implementation}")
        train(run, weights, (features, targets), epochs, curve)


def addition(size: int) -> Callable[[], object]:
    """Return a call that adds two vectors into a third that is kept.

    Args:
        size: Elements of each.
    """
    a, b, c = (np.ones(size) for _ in range(3))
    # Not a function of Python's own, whose call would be a good part of what is measured.
    return partial(np.add, a, b, out=c)


def mean_loss(X: np.ndarray, y: np.ndarray, w: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the mean of half the squared errors, a scalar."""
    return squared_loss(linreg(X, w, b), y).mean()


class MeanLoss(gluon.HybridBlock):  # type: ignore[misc]  # MXNet carries no types
    """The same, of which Gluon can make a graph."""

    def hybrid_forward(self, F: Any, X: Any, y: Any, w: Any, b: Any) -> Any:
        """Return the mean of half the squared errors, a scalar."""
        y_hat = F.np.dot(X, w) + b
        return ((y_hat - y.reshape((-1, 1))) ** 2 / 2).mean()


class Update:
    """The chapter's linear regression, about to be updated with one batch."""

    def __init__(self, size: int, features: int, seed: int) -> None:
        """Draw a batch and initial weights, the same for the same seed."""
        mxnet.random.seed(seed % MOST_SEEDS)
        shapes = (size, features), (size,), (features, 1)
        self.X, self.y, self.w = (np.random.normal(0, 1, shape) for shape in shapes)
        self.b, self.lr = np.zeros(1), UPDATE_LR
        self.w.attach_grad()
        self.b.attach_grad()
        self.mean_loss: Callable[..., np.ndarray] = mean_loss

    def step(self) -> None:
        """Update once: forward, backward, a step of SGD; the next gradients replace these."""
        with autograd.record():
            loss = self.mean_loss(self.X, self.y, self.w, self.b)
        loss.backward()
        sgd([self.w, self.b], None, {"lr": self.lr})

    def compile(self) -> None:
        """Let Gluon make a graph of the loss and of its gradient, then update once."""
        self.mean_loss = MeanLoss()
        self.mean_loss.hybridize()
        self.step()
        npx.waitall()


def environment() -> Environment:
    """Describe MXNet, its libraries and its devices."""
    return Environment(
        backend="mxnet",
        versions={"mxnet": mxnet.__version__, "numpy": version("numpy")},
        blas=_blas(),
        threads=_threads(),
        simd=_kernels(),
        accelerators=[
            Accelerator(device=f"cuda:{index}", reason="MXNet is measured on the CPU only")
            for index in range(mxnet.context.num_gpus())
        ],
        dtypes={"cpu": [dtype for dtype in DTYPES if not why_not(dtype)]},
    )


def _blas() -> str | None:
    """Return the library of the products; layers of Gluon may use oneDNN's."""
    enabled = {feature.name for feature in mxnet.runtime.feature_list() if feature.enabled}
    name = next((title for feature, title in _BLAS.items() if feature in enabled), None)
    # It begins with name and version; how the library was built follows.
    words = (_of_openblas("openblas_get_config") or "").split()
    if name == "OpenBLAS" and words[:1] == [name]:
        return " ".join(words[:2])
    return name


def _kernels() -> str | None:
    """Return the processor whose kernels OpenBLAS has chosen: one it knows, not always this one."""
    core = _of_openblas("openblas_get_corename")
    return None if core is None else f"OpenBLAS for {core}"


def _of_openblas(name: str) -> str | None:
    function = getattr(_LIB, name, None)
    if function is None:
        return None
    function.restype = ctypes.c_char_p
    return str(function().decode())


# MXNet has variables for its threads that are read at its import, but no function. Products take
# as many as OpenMP allows to the thread that asks for them, and that is one of MXNet's engine.


class _Context(ctypes.Structure):
    """A device, as MXNet's functions in C know it."""

    _fields_: ClassVar = [("device_type", ctypes.c_int), ("device_id", ctypes.c_int)]


_CPU = _Context(1, 0)
_FUNCTION = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)


def _threads() -> int | None:
    """Return how many threads a product takes now, or None where nothing says."""
    ask = getattr(_LIB, "omp_get_max_threads", None)
    return None if ask is None else _in_engine(ask)


def _in_engine(call: Callable[[], int]) -> int:
    """Call a function where MXNet's engine computes on the CPU, and return what it returned.

    There is one such thread, unless MXNET_CPU_WORKER_NTHREADS says otherwise.
    """
    returned: list[int] = []
    function = _FUNCTION(lambda _context, _argument: returned.append(call()))
    push = _LIB.MXEnginePushSync
    # No memory to free, no arrays to wait for (twice), no property, no priority.
    none = None, None, ctypes.byref(_CPU), None, 0, None, 0, None, 0
    check_call(push(function, *none, b"threads"))
    npx.waitall()
    return returned[0]
