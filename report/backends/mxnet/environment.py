"""What MXNet is made of here: versions, libraries, devices, dtypes."""

from __future__ import annotations

import ctypes
import functools
import importlib.metadata

import mxnet
from mxnet import np
from mxnet.base import _LIB, MXNetError

from report.backends.mxnet import threads
from report.worker.records import Accelerator, Environment

DTYPES = ("float32", "float64", "bfloat16", "float16")

_BLAS = {
    "BLAS_OPEN": "OpenBLAS",
    "BLAS_MKL": "Intel MKL",
    "BLAS_APPLE": "Accelerate",
    "BLAS_ATLAS": "ATLAS",
}


def environment() -> Environment:
    """Describe MXNet, its libraries and its devices."""
    return Environment(
        backend="mxnet",
        versions={"mxnet": mxnet.__version__, "numpy": importlib.metadata.version("numpy")},
        blas=_blas(),
        threads=threads.count(),
        simd=_kernels(),
        accelerators=[_unused(index) for index in range(mxnet.context.num_gpus())],
        dtypes={"cpu": [dtype for dtype in DTYPES if multiplies(dtype)]},
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
    said: bytes = function()
    return said.decode()


def _unused(index: int) -> Accelerator:
    return Accelerator(device=f"cuda:{index}", reason="MXNet is measured on the CPU only")


@functools.cache
def multiplies(dtype: str) -> bool:
    """Return whether a product that is exact in every dtype comes out right on the CPU."""
    try:
        twos = np.full((8, 8), 2.0, dtype=dtype)
        # What fails does so in the engine, and is raised here, where it is waited for.
        return bool((np.dot(twos, twos) == 32).all())
    except (MXNetError, TypeError):
        return False
