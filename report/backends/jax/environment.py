"""What JAX is made of here: versions, libraries, threads, devices, dtypes."""

from __future__ import annotations

import re
from collections import Counter
from importlib import metadata
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from report.backends.jax.dispatch import POOL, default_threads
from report.worker.records import Accelerator, Environment

DTYPES = ("float32", "float64", "bfloat16", "float16")

PACKAGES = ("jax", "jaxlib", "numpy", "ml_dtypes")
"""What is installed. XLA, which compiles and computes, is a part of jaxlib."""

LIBRARIES = {"__ynn_fusion": "YNNPACK", "__onednn$matmul": "oneDNN"}
"""Of those that XLA hands a product to, by the names that they have in compiled programs."""


def environment() -> Environment:
    """Describe JAX, its libraries and its devices."""
    threads = POOL.start(default_threads())
    found = {name: _described(name, device) for name, device in _accelerators().items()}
    working = ["cpu", *(name for name, accelerator in found.items() if accelerator.works)]
    return Environment(
        backend="jax",
        versions={name: metadata.version(name) for name in PACKAGES},
        blas=_blas(),
        threads=threads,
        pools=_pools(),
        accelerators=list(found.values()),
        dtypes={name: [d for d in DTYPES if multiplies(name, d)] for name in working},
    )


def device_of(name: str) -> Any:
    """Return the device of a name such as "cpu" or "cuda:1"."""
    kind, _, index = name.partition(":")
    return jax.devices("gpu" if kind == "cuda" else kind)[int(index or 0)]


def multiplies(device: str, dtype: str) -> bool:
    """Return whether a product that is exact in every dtype comes out right."""
    try:
        with jax.default_device(device_of(device)), jax.enable_x64(dtype == "float64"):
            twos = jnp.full((8, 8), 2, dtype=dtype)
            product = jnp.matmul(twos, twos)
            return bool(product.dtype == dtype and (product == 32).all())
    except (RuntimeError, TypeError):  # of the first, NotImplementedError is one
        return False


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


def _accelerators() -> dict[str, Any]:
    """Return the devices beside the CPU, under the names that other frameworks give them."""
    devices = [device for device in jax.devices() if device.platform != "cpu"]
    kinds = ["cuda" if device.platform == "gpu" else device.platform for device in devices]
    return {
        f"{kind}:{index}": device
        for index, (kind, device) in enumerate(zip(kinds, devices, strict=True))
    }


def _described(name: str, device: Any) -> Accelerator:
    works = multiplies(name, "float32")
    return Accelerator(
        device=name,
        name=device.device_kind,
        works=works,
        reason=None if works else "a small product gave no right answer",
        compute_capability=getattr(device, "compute_capability", None),
    )
