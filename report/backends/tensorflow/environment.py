"""What TensorFlow is made of here: versions, libraries, threads, dtypes."""

from __future__ import annotations

import platform
import re
from importlib import metadata
from pathlib import Path

import tensorflow as tf

from report.worker.host import usable_cores
from report.worker.records import Accelerator, Environment

DTYPES = {
    "float32": tf.float32,
    "float64": tf.float64,
    "bfloat16": tf.bfloat16,
    "float16": tf.float16,
}


def environment() -> Environment:
    """Describe TensorFlow and its libraries."""
    stay_on_the_cpu()
    versions = _versions()
    return Environment(
        backend="tensorflow",
        versions=versions,
        blas=_blas(versions.get("oneDNN")),
        threads=usable_cores(),  # what it takes if nobody says
        accelerators=_accelerators(),
        dtypes={"cpu": [dtype for dtype in DTYPES if multiplies(dtype)]},
    )


def stay_on_the_cpu() -> None:
    """Hide GPUs, onto which TensorFlow would put every operation by itself."""
    tf.config.set_visible_devices([], "GPU")


def _versions() -> dict[str, str]:
    versions = {"tensorflow": str(tf.__version__)}
    versions |= {package: metadata.version(package) for package in ("keras", "numpy")}
    # No function says this one; the headers for those who extend TensorFlow do.
    include = Path(tf.sysconfig.get_include())
    header = include / "external/onednn/include/oneapi/dnnl/dnnl_version.h"
    if header.is_file():
        numbers = re.findall(
            r"define DNNL_VERSION_(?:MAJOR|MINOR|PATCH)\s+(\d+)", header.read_text()
        )
        versions["oneDNN"] = ".".join(numbers)
    return versions


def _blas(onednn: str | None) -> str | None:
    # As oneDNN itself says under ONEDNN_VERBOSE=1: it multiplies float32, bfloat16 and float16,
    # but not float64. Elsewhere than on x86 that has not been tried.
    if onednn is None or platform.machine() not in {"x86_64", "AMD64"}:
        return None
    return f"oneDNN {onednn}; Eigen for float64"


def _accelerators() -> list[Accelerator]:
    kind = "cuda" if tf.test.is_built_with_cuda() else "gpu"
    return [
        Accelerator(
            device=f"{kind}:{index}",
            name=tf.config.experimental.get_device_details(device).get("device_name"),
            reason="TensorFlow is measured on the CPU only",
        )
        for index, device in enumerate(tf.config.list_physical_devices("GPU"))
    ]


def multiplies(dtype: str) -> bool:
    """Return whether a product that is exact in every dtype comes out right."""
    try:
        twos = tf.fill((8, 8), tf.cast(2, DTYPES[dtype]))
        return bool(tf.reduce_all(tf.matmul(twos, twos) == 32))
    except (tf.errors.OpError, TypeError, ValueError):
        return False
