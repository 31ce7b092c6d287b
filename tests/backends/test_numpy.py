"""What is NumPy's own: threads of a library that it has no function for, and written-out steps."""

from __future__ import annotations

import warnings
from array import array
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from backends.interpreters import BEGIN, run
from report.backends import numpy as backend
from report.experiments.training.measure import Data, Run, Start
from report.worker.curve import Curve
from report.worker.host import usable_cores
from report.worker.records import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(name="openblas")
def loaded_openblas() -> Iterator[backend.OpenBLAS]:
    """Return the library, with its threads as they were afterwards."""
    found = backend.openblas()
    if found is None:
        pytest.skip("NumPy stands on another library here")
    threads = found.threads()
    yield found
    found.set_threads(threads)


def test_threads_are_those_that_the_library_takes(openblas: backend.OpenBLAS) -> None:
    """As it answers itself, and as the environment then says."""
    session = backend.Session("cpu", 1)
    assert openblas.threads() == 1
    session.set_threads(2)
    assert openblas.threads() == 2
    assert backend.environment().threads == 2
    assert "OpenBLAS" in (backend.environment().blas or "")


def test_more_threads_than_the_library_has_are_refused(openblas: backend.OpenBLAS) -> None:
    """It would take as many as it was built for and say nothing."""
    with pytest.raises(Unavailable, match=r"takes \d+ threads and not 100000"):
        backend.Session("cpu", 100_000)
    assert openblas.threads() < 100_000


def test_a_library_that_cannot_be_told_takes_all_cores_or_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Apple's Accelerate for one: it takes all cores, and no time is noted under another number."""
    monkeypatch.setattr(backend, "openblas", lambda: None)
    cores = usable_cores()
    session = backend.Session("cpu", cores)
    assert backend.environment().threads == cores
    with pytest.raises(Unavailable, match="OpenBLAS"):
        session.set_threads(cores + 1)


@pytest.mark.usefixtures("openblas")
def test_half_precision_is_multiplied_and_bfloat16_is_not_there() -> None:
    """NumPy has the one, without a library behind it, and not the other."""
    session = backend.Session("cpu", 1)
    products = session.products(8, "float16", 1)
    products.call("full-out", 0)()
    np.testing.assert_allclose(products.A, products.B @ products.C, rtol=1e-2)
    assert products.A.dtype == np.float16
    with pytest.raises(Unavailable, match="bfloat16"):
        session.products(8, "bfloat16", 1)
    assert backend.environment().dtypes == {"cpu": ["float32", "float64", "float16"]}


@pytest.mark.usefixtures("openblas")
def test_full_out_keeps_the_memory_that_full_takes_anew() -> None:
    """That is all they differ in, and what the second is measured for."""
    products = backend.Session("cpu", 1).products(8, "float32", 1)
    kept = products.A
    products.call("full-out", 0)()
    assert products.A is kept
    products.call("full", 0)()
    assert products.A is not kept
    np.testing.assert_allclose(products.A, kept, rtol=1e-5)


def test_an_update_goes_down_the_slope_of_half_the_mean_squared_error() -> None:
    """As differences of the loss tell it, in weights and bias."""
    update: Any = backend.Session("cpu", usable_cores()).update(20, 5, 1, compiled=False)
    update.X, update.y, update.w, update.b = (
        values.astype(np.float64) for values in (update.X, update.y, update.w, update.b)
    )
    update.lr = 0.1

    def loss(theta: np.typing.NDArray[np.float64]) -> float:
        return float(((update.X @ theta[:-1] + theta[-1] - update.y) ** 2).mean()) / 2

    at, nudge = np.append(update.w, 0.0), 1e-6 * np.eye(6)
    slope = np.array([(loss(at + step) - loss(at - step)) / 2e-6 for step in nudge])
    update.step()
    np.testing.assert_allclose(np.append(update.w, update.b), at - 0.1 * slope, rtol=1e-6)


@pytest.mark.usefixtures("openblas")
def test_a_run_that_overflows_ends_without_a_word() -> None:
    """Its loss tells; warnings would only fill the log."""
    data = Data(features=array("d", range(50)), targets=array("d", range(10)), dtype="float32")
    start = Start(weights=array("d", [0.0] * 5), orders=[array("i", range(10))] * 3)
    run = Run(
        run="wild",
        batch_size=5,
        lr=1e30,
        epochs=3,
        loss="half_squared",
        loader="sliced",
        implementation="scratch",
    )
    curve = Curve(synchronize=lambda: None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        backend.Session("cpu", 1).train(run, data, start, curve)
    assert not np.isfinite(curve.loss[-1])
    assert curve.examples == [0, 10]


def test_numba_is_not_imported_beside_it() -> None:
    """Also not where both are installed: what it costs to start is NumPy's own."""
    program = """
import sys
import report.backends.numpy
assert "numba" not in sys.modules
import numba
"""
    run("numba", "-c", BEGIN + program)
