"""What Numba is made of here: versions, the processor that it compiles for, dtypes."""

from __future__ import annotations

from importlib.metadata import version

import numba
import numpy as np

from report.backends.numba import loops
from report.backends.numba.threads import Threads
from report.worker.records import Environment

DTYPES = ("float32", "float64")


def environment() -> Environment:
    """Describe Numba and what it stands on; no BLAS, since none is called."""
    threads = Threads()
    return Environment(
        backend="numba",
        versions={
            "numba": numba.__version__,
            "llvmlite": version("llvmlite"),
            "numpy": np.__version__,
        },
        threads=threads.most,
        pools=[f"{threads.layer()}: Numba, {threads.most} threads"],
        dtypes={"cpu": [dtype for dtype in DTYPES if multiplies(dtype)]},
    )


def multiplies(dtype: str) -> bool:
    """Return whether a product that is exact in every dtype comes out right."""
    if dtype not in DTYPES:
        return False
    twos = np.full((8, 8), 2, dtype)
    product = np.zeros_like(twos)
    loops.row(product, twos, twos)
    return bool((product == 32).all())
