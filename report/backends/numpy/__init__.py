"""NumPy, as one trains with it by hand. Runs in the worker; the parent never imports it."""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.linalg import _umath_linalg

from report.backends import UPDATE_LR
from report.backends.numpy import training
from report.backends.numpy.products import DTYPES, Products
from report.backends.numpy.training import sgd
from report.worker.host import usable_cores
from report.worker.records import Environment, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from report.experiments.training.measure import Data, Run, Start
    from report.worker.curve import Curve

SPELLINGS = ("scipy_openblas_{}64_", "scipy_openblas_{}", "openblas_{}64_", "openblas_{}")
"""How OpenBLAS's functions are called in NumPy's wheels, newest first, and in distributions."""


class Session:
    """NumPy on the CPU."""

    def __init__(self, device: str, threads: int) -> None:
        """Take the CPU and a number of its threads.

        Raises:
            Unavailable: NumPy cannot use them.
        """
        if device != "cpu":
            raise Unavailable(f"NumPy computes on the CPU and not on {device}")
        self.set_threads(threads)

    def synchronize(self) -> None:
        """Wait for nothing: the CPU has done its work when a call returns."""

    def set_threads(self, threads: int) -> None:
        """Use this many CPU threads in products from now on.

        Raises:
            Unavailable: The library cannot be told, or takes another number all the same.
        """
        library = openblas()
        if library is None:
            if threads != usable_cores():
                raise Unavailable(
                    "the number of threads can be set in OpenBLAS, which NumPy lacks here"
                )
            return
        if library.threads() != threads:
            library.set_threads(threads)
        if (taken := library.threads()) != threads:
            raise Unavailable(f"NumPy's OpenBLAS takes {taken} threads and not {threads}")

    def threads(self) -> int | None:
        """Return how many CPU threads products take now; nothing says it but OpenBLAS."""
        library = openblas()
        return None if library is None else library.threads()

    def products(self, size: int, dtype: str, seed: int) -> Products:
        """Make two normal n x n matrices from a seed."""
        if dtype not in DTYPES:
            raise Unavailable(f"NumPy has no {dtype}")
        return Products(size, dtype, seed)

    def addition(self, size: int) -> Callable[[], object]:
        """Return a call that adds two vectors; see `report.experiments.overhead.measure`."""
        return addition(size)

    def update(self, size: int, features: int, seed: int, *, compiled: bool) -> Update:
        """Return a training update on a fixed batch."""
        if compiled:
            raise Unavailable("NumPy compiles nothing")
        return Update(size, features, seed)

    def train(self, run: Run, data: Data, start: Start, curve: Curve) -> None:
        """Train once and fill the curve; see `report.experiments.training.measure`."""
        # A run that diverges is told by its loss.
        with np.errstate(over="ignore", invalid="ignore"):
            training.train(run, data, start, curve)


def addition(size: int) -> Callable[[], object]:
    """Return a call that adds two vectors into a third that is kept.

    Args:
        size: Elements of each.
    """
    a, b, c = (np.ones(size, np.float32) for _ in range(3))
    # Not a function of Python's own, whose call would be a good part of what is measured.
    return partial(np.add, a, b, out=c)


class Update:
    """The chapter's linear regression, about to be updated with one batch."""

    def __init__(self, size: int, features: int, seed: int) -> None:
        """Draw a batch and initial weights, the same for the same seed."""
        rng = np.random.default_rng(seed)
        self.X, self.y, self.w = (
            rng.standard_normal(shape, dtype=np.float32)
            for shape in ((size, features), (size,), (features,))
        )
        self.b, self.lr = np.zeros(1, np.float32), UPDATE_LR

    def step(self) -> None:
        """Update once: forward, errors, gradient, a step of SGD."""
        sgd(self.X, self.y, self.w, self.b, self.lr)


def environment() -> Environment:
    """Describe NumPy and the library behind its products."""
    library = openblas()
    # Other libraries take all cores, as far as anybody can tell from here.
    threads = usable_cores() if library is None else library.threads()
    return Environment(
        backend="numpy",
        versions={"numpy": np.__version__},
        blas=_built_with() if library is None else library.name(),
        threads=threads,
        simd=_simd(),
        pools=[] if library is None else [f"blas: OpenBLAS, {threads} threads"],
        dtypes={"cpu": [*DTYPES]},
    )


def _config() -> dict[str, Any]:
    """Return what NumPy knows of how it was built; nothing before 1.25, which could only print."""
    try:
        found: Any = np.show_config(mode="dicts")
    except TypeError:
        return {}
    return dict(found or {})


def _built_with() -> str | None:
    blas = _config().get("Build Dependencies", {}).get("blas", {})
    words = [blas[key] for key in ("name", "version") if blas.get(key) not in {None, "unknown"}]
    return " ".join(words) or None


def _simd() -> str | None:
    """Return the last instruction set that NumPy found of those that it was built for."""
    sets = _config().get("SIMD Extensions", {})
    names = [*sets.get("baseline", []), *sets.get("found", [])]
    return str(names[-1]) if names else None


@dataclass(frozen=True)
class OpenBLAS:
    """OpenBLAS as NumPy has loaded it; NumPy has no function for its threads or its name."""

    library: ctypes.CDLL
    spelling: str

    def _ask(self, name: str, *arguments: int, result: type = ctypes.c_int) -> Any:
        function = self.library[self.spelling.format(name)]
        function.restype = result
        return function(*arguments)

    def threads(self) -> int:
        """Return how many threads it takes."""
        return int(self._ask("get_num_threads"))

    def set_threads(self, threads: int) -> None:
        """Take this many threads from now on, or as many as it was built for."""
        self._ask("set_num_threads", threads)

    def name(self) -> str:
        """Return "OpenBLAS 0.3.30 (SkylakeX)": its version, and the kernels that it chose."""
        config, core = (
            (self._ask(name, result=ctypes.c_char_p) or b"").decode()
            for name in ("get_config", "get_corename")
        )
        version = " ".join(config.split()[:2])  # then its build options
        return f"{version} ({core})" if core else version


@cache
def openblas() -> OpenBLAS | None:
    """Return the OpenBLAS that NumPy has loaded, or None where it is another library."""
    for path in _libraries():
        try:
            library = ctypes.CDLL(str(path))
        except OSError:
            continue
        for spelling in SPELLINGS:
            if hasattr(library, spelling.format("set_num_threads")):
                return OpenBLAS(library, spelling)
    return None


def _libraries() -> list[Path]:
    # A library that is loaded already is not loaded again. Where symbols are also looked for in
    # what a library depends on, NumPy's own module leads to the right one under any name.
    if os.name != "nt":
        return [Path(_umath_linalg.__file__)]
    return sorted(Path(np.__file__).parent.parent.glob("numpy.libs/*openblas*.dll"))
