"""What NumPy is made of here: versions, libraries, dtypes."""

from __future__ import annotations

from typing import Any

import numpy as np

from report.backends.numpy.blas import default_threads, openblas
from report.worker.records import Environment

DTYPES: dict[str, type[np.floating[Any]]] = {
    "float32": np.float32,
    "float64": np.float64,
    "float16": np.float16,
}
"""It has no bfloat16."""


def environment() -> Environment:
    """Describe NumPy and the library behind its products."""
    found, threads = openblas(), default_threads()
    return Environment(
        backend="numpy",
        versions={"numpy": np.__version__},
        blas=_built_with() if found is None else found.name(),
        threads=threads,
        simd=_simd(),
        pools=[] if found is None else [f"blas: OpenBLAS, {threads} threads"],
        dtypes={"cpu": [dtype for dtype in DTYPES if multiplies(dtype)]},
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


def multiplies(dtype: str) -> bool:
    """Return whether a product that is exact in every dtype comes out right."""
    if dtype not in DTYPES:
        return False
    twos = np.full((8, 8), 2, DTYPES[dtype])
    return bool((twos @ twos == 32).all())
