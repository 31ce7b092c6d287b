"""PyTorch, as its practitioners write it. Runs in the worker; the parent never imports it."""

from __future__ import annotations

import importlib.util
import platform
import re
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.utils.data import DataLoader, Sampler, TensorDataset

from report.worker.records import Accelerator, Environment, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from report.experiments.training.measure import Data, Run, Start
    from report.worker.curve import Curve

    Batches = Iterable[tuple[torch.Tensor, torch.Tensor]]

DTYPES = {
    "float32": torch.float32,
    "float64": torch.float64,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}


# --- The environment -----------------------------------------------------------------------


def environment() -> Environment:
    """Describe PyTorch, its libraries and its devices."""
    accelerators = [_described(name) for name in _accelerators()]
    working = ["cpu", *(found.device for found in accelerators if found.works)]
    return Environment(
        backend="pytorch",
        python=platform.python_version(),
        versions=_versions(),
        blas=_blas(),
        threads=torch.get_num_threads(),
        simd=torch.backends.cpu.get_cpu_capability(),
        pools=_pools(),
        accelerators=accelerators,
        dtypes={device: [d for d in DTYPES if _multiplies(device, d)] for device in working},
    )


def _versions() -> dict[str, str]:
    versions = {"torch": str(torch.__version__)}
    if torch.version.cuda:
        versions["cuda"] = torch.version.cuda
        if torch.backends.cudnn.is_available():
            versions["cudnn"] = str(torch.backends.cudnn.version())
    if torch.version.hip:
        versions["hip"] = torch.version.hip
    onednn = re.search(r"MKL-DNN v([\d.]+)", torch.__config__.show())
    if onednn:
        versions["oneDNN"] = onednn[1]
    return versions


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
    name = memory = capability = None
    kind = device.partition(":")[0]
    try:
        if kind == "cuda":
            properties: Any = torch.cuda.get_device_properties(device)
            capability = f"{properties.major}.{properties.minor}"
            name, memory = properties.name, properties.total_memory
        elif kind == "xpu":
            properties = torch.xpu.get_device_properties(device)
            name, memory = properties.name, properties.total_memory
        works = _multiplies(device, "float32")
        reason = None if works else "a small product gave no right answer"
    except RuntimeError as error:
        works, reason = False, str(error).splitlines()[0]
    return Accelerator(
        device=device,
        name=name,
        memory_bytes=memory,
        works=works,
        reason=reason,
        compute_capability=capability,
    )


def _multiplies(device: str, dtype: str) -> bool:
    """Return whether a product that is exact in every dtype comes out right."""
    try:
        twos = torch.full((8, 8), 2.0, dtype=DTYPES[dtype], device=device)
        return bool((torch.mm(twos, twos) == 32).all())
    except (RuntimeError, TypeError, NotImplementedError):
        return False


# --- The session -----------------------------------------------------------------------------


class Session:
    """PyTorch on one device."""

    def __init__(self, device: str, threads: int) -> None:
        """Take a device and a number of CPU threads."""
        self.device = torch.device(device)
        self.set_threads(threads)
        self.set_tf32(False)  # the worker's last job may have left it on
        waits: dict[str, Callable[[], object]] = {
            "cuda": partial(torch.cuda.synchronize, self.device),
            "xpu": partial(torch.xpu.synchronize, self.device),
            "mps": torch.mps.synchronize,
        }
        self.synchronize = waits.get(self.device.type, _nothing)

    def set_threads(self, threads: int) -> None:
        """Use this many CPU threads from now on."""
        torch.set_num_threads(threads)

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

    def products(self, size: int, dtype: str, seed: int) -> Products:
        """Make two normal n x n matrices from a seed."""
        if not _multiplies(str(self.device), dtype):
            raise Unavailable(f"PyTorch multiplies no {dtype} on {self.device.type}")
        return Products(size, DTYPES[dtype], self.device, seed)

    def train(self, run: Run, data: Data, start: Start, curve: Curve) -> None:
        """Train once and fill the curve; see `report.experiments.training.measure`."""
        features, targets, weights = (
            torch.tensor(values, dtype=DTYPES[data.dtype])
            for values in (data.features, data.targets, start.weights)
        )
        features = features.reshape(data.examples, -1)
        on_device = features.to(self.device), targets.to(self.device)
        orders = [torch.tensor(order) for order in start.permutations[: run.epochs]]
        if run.loader == "dataloader":
            epochs = _loaded(features, targets, run.batch_size, orders, self.device)
        else:
            orders = [order.to(self.device) for order in orders]
            epochs = (_sliced(*on_device, run.batch_size, order) for order in orders)
        train = _train_concise if run.implementation == "concise" else _train_scratch
        train(run, weights.to(self.device), on_device, epochs, curve)


def _nothing() -> None:
    """Wait for nothing: the CPU has done its work when the call returns."""


session = Session


# --- Matrix products -------------------------------------------------------------------------


class Products:
    """B and C, and a place for A."""

    def __init__(self, size: int, dtype: torch.dtype, device: torch.device, seed: int) -> None:
        """Draw B and C from a standard normal distribution."""
        generator = torch.Generator().manual_seed(seed)
        try:
            # Drawn in float32 on the CPU, so that every dtype and device gets the same numbers.
            self.B = torch.randn(size, size, generator=generator).to(device, dtype)
            self.C = torch.randn(size, size, generator=generator).to(device, dtype)
            self.A = torch.zeros(size, size, dtype=dtype, device=device)
        except RuntimeError as error:
            # Not all allocators raise torch.OutOfMemoryError: the CPU's and MPS's do not.
            if "memory" not in str(error):
                raise
            raise Unavailable(f"not enough memory on {device}") from error

    def call(self, strategy: str, block_width: int) -> Callable[[], object]:
        """Return a function that computes A = BC once."""
        methods: dict[str, Callable[[], object]] = {
            "element": self.element,
            "column": self.column,
            "row": self.row,
            "block": partial(self.block, block_width),
            "full": self.full,
            "full-out": self.full_out,
        }
        return methods[strategy]

    def element(self) -> None:
        """Compute each element as the dot product of a row and a column."""
        A, B, C = self.A, self.B, self.C
        n = len(A)
        for i in range(n):
            for j in range(n):
                A[i, j] = torch.dot(B[i, :], C[:, j])

    def column(self) -> None:
        """Compute each column as B times a column of C."""
        A, B, C = self.A, self.B, self.C
        for j in range(len(A)):
            A[:, j] = torch.mv(B, C[:, j])

    def row(self) -> None:
        """Compute each row as a row of B times C."""
        A, B, C = self.A, self.B, self.C
        for i in range(len(A)):
            A[i, :] = torch.mv(C.T, B[i, :])

    def block(self, width: int) -> None:
        """Compute `width` columns at a time."""
        A, B, C = self.A, self.B, self.C
        for j in range(0, len(A), width):
            A[:, j : j + width] = torch.mm(B, C[:, j : j + width])

    def full(self) -> None:
        """Compute the product in one go, into new memory each time."""
        self.A = torch.mm(self.B, self.C)

    def full_out(self) -> None:
        """Compute the product in one go, into memory that is kept."""
        torch.mm(self.B, self.C, out=self.A)


# --- Training ---------------------------------------------------------------------------------


class _InOrder(Sampler[int]):
    """Hands the loader the permutation of the current epoch.

    The framework's own shuffling draws its permutation inside; here all runs and frameworks
    must see the same ones. Turning the tensor into a list is what its sampler does as well.
    """

    order: torch.Tensor

    def __iter__(self) -> Iterator[int]:
        return iter(self.order.tolist())

    def __len__(self) -> int:
        return len(self.order)


def _loaded(
    features: torch.Tensor,
    targets: torch.Tensor,
    batch_size: int,
    orders: Sequence[torch.Tensor],
    device: torch.device,
) -> Iterator[Batches]:
    """Yield, for each epoch, the batches of the framework's data loader."""
    sampler = _InOrder()
    loader = DataLoader(TensorDataset(features, targets), batch_size, sampler=sampler)
    for order in orders:
        sampler.order = order
        if device.type == "cpu":
            yield loader
        else:
            yield ((X.to(device), y.to(device)) for X, y in loader)


def _sliced(
    features: torch.Tensor, targets: torch.Tensor, batch_size: int, order: torch.Tensor
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Shuffle both tensors once, then cut batches off them."""
    X, y = features[order], targets[order]
    for i in range(0, len(y), batch_size):
        yield X[i : i + batch_size], y[i : i + batch_size]


def linreg(X: torch.Tensor, w: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Return the linear model's outputs, (batch, 1)."""
    return torch.matmul(X, w) + b


def squared_loss(y_hat: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return half the squared error of each example, (batch, 1)."""
    return (y_hat - y.reshape(y_hat.shape)) ** 2 / 2


def sgd(params: Sequence[torch.Tensor], states: None, hyperparams: dict[str, float]) -> None:
    """Take one step of stochastic gradient descent and reset the gradients."""
    del states  # plain SGD keeps none
    with torch.no_grad():
        for p in params:
            if p.grad is not None:
                p.sub_(hyperparams["lr"] * p.grad)
                p.grad.zero_()


def _train_scratch(
    run: Run,
    weights: torch.Tensor,
    data: tuple[torch.Tensor, torch.Tensor],
    epochs: Iterable[Batches],
    curve: Curve,
) -> None:
    # Twice the rate for a rate that belongs to a loss without 1/2: the same step.
    hyperparams = {"lr": run.lr * (2 if run.loss == "mse" else 1)}
    w = weights.reshape(-1, 1).clone().requires_grad_()
    b = torch.zeros(1, dtype=w.dtype, device=w.device, requires_grad=True)

    def evaluate() -> float:
        with torch.no_grad():
            return float(squared_loss(linreg(data[0], w, b), data[1]).mean())

    curve.evaluate = evaluate
    curve.start()
    n = 0
    for batches in epochs:
        for X, y in batches:
            loss = squared_loss(linreg(X, w, b), y).mean()
            loss.backward()
            sgd([w, b], None, hyperparams)
            n += X.shape[0]
            if n >= curve.due:
                curve.point(n)
        if not curve.end_epoch(n):
            break


def _train_concise(
    run: Run,
    weights: torch.Tensor,
    data: tuple[torch.Tensor, torch.Tensor],
    epochs: Iterable[Batches],
    curve: Curve,
) -> None:
    layer = nn.Linear(len(weights), 1, dtype=weights.dtype, device=weights.device)
    with torch.no_grad():
        layer.weight.copy_(weights.reshape(1, -1))
        layer.bias.zero_()
    net = nn.Sequential(layer)
    loss_fn = nn.MSELoss(reduction="none")
    lr = run.lr / (2 if run.loss == "half_squared" else 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)

    def evaluate() -> float:
        with torch.no_grad():
            out = net(data[0])
            return float(loss_fn(out, data[1].reshape(out.shape)).mean()) / 2

    curve.evaluate = evaluate
    curve.start()
    n = 0
    for batches in epochs:
        for X, y in batches:
            optimizer.zero_grad()
            out = net(X)
            loss = loss_fn(out, y.reshape(out.shape))
            loss.mean().backward()
            optimizer.step()
            n += X.shape[0]
            if n >= curve.due:
                curve.point(n)
        if not curve.end_epoch(n):
            break
