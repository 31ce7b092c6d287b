"""What PyTorch is made of here: versions, libraries, devices, dtypes."""

from __future__ import annotations

import importlib.util
import re
from typing import Any

import torch

from report.worker.records import Accelerator, Environment

DTYPES = {
    "float32": torch.float32,
    "float64": torch.float64,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}


def environment() -> Environment:
    """Describe PyTorch, its libraries and its devices."""
    accelerators = [_described(name) for name in _accelerators()]
    working = ["cpu", *(found.device for found in accelerators if found.works)]
    return Environment(
        backend="pytorch",
        versions=_versions(),
        blas=_blas(),
        threads=torch.get_num_threads(),
        simd=torch.backends.cpu.get_cpu_capability(),
        pools=_pools(),
        accelerators=accelerators,
        dtypes={device: [d for d in DTYPES if multiplies(device, d)] for device in working},
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
        works = multiplies(device, "float32")
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


def multiplies(device: str, dtype: str) -> bool:
    """Return whether a product that is exact in every dtype comes out right."""
    try:
        twos = torch.full((8, 8), 2.0, dtype=DTYPES[dtype], device=device)
        return bool((torch.mm(twos, twos) == 32).all())
    except (RuntimeError, TypeError):  # of the first, NotImplementedError is one
        return False
