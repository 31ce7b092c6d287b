"""Which of the parent's variables a worker starts with: a short list, so that none steers unseen.

A library reads variables that nobody remembers to have set, in a shell's start-up file or a
container's image, and then computes in another way. So a worker gets what it needs to find
programs, folders, the network and its devices, and what experiments.yaml sets. All else stays out:
a list of what is harmful could never be complete.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from report.results.privacy import scrub

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping


def _names(*patterns: str) -> re.Pattern[str]:
    # Windows takes them in any case.
    return re.compile("|".join(patterns), re.IGNORECASE)


FOUND_BY = _names(
    # Devices: which there are, and in which order.
    r"(CUDA|HIP|ROCR|NVIDIA)_VISIBLE_DEVICES|CUDA_DEVICE_ORDER|GPU_DEVICE_ORDINAL|HIP_\w+",
    r"HSA_OVERRIDE_GFX_VERSION|ZE_AFFINITY_MASK|ONEAPI_DEVICE_SELECTOR|JAX_PLATFORMS",
    # Libraries: another folder can hold another build of one.
    r"(LD|DYLD)_LIBRARY_PATH|DYLD_FALLBACK_LIBRARY_PATH",
)
"""What decides which devices and libraries are found. It passes, and differs from run to run."""

PLACES = _names(
    r"PATH|HOME|USER|LOGNAME|USERNAME|SHELL|TMPDIR|TMP|TEMP|TZ|LANG|LC_\w+|XDG_\w+",
    r"(\w+_)?(HTTPS?|ALL|FTP|NO)_PROXY|(HTTPS?|ALL|FTP|NO)_PROXY|SSL_CERT_(FILE|DIR)",
    # Toolkits and compilers: torch.compile makes a library with the one that it finds.
    r"(CUDA|ROCM|ONEAPI|CONDA)_(HOME|PATH|ROOT|PREFIX)|CC|CXX|SDKROOT|DEVELOPER_DIR",
    r"CPATH|C_INCLUDE_PATH|CPLUS_INCLUDE_PATH|LIBRARY_PATH|INCLUDE|LIB|LIBPATH|VS\w+|VC\w+",
    # Without these, no program starts on Windows.
    r"SYSTEM(ROOT|DRIVE)|WINDIR|COMSPEC|PATHEXT|OS|(LOCAL)?APPDATA|PROGRAMDATA|USERPROFILE",
    r"(COMMON)?PROGRAM(FILES|W6432)(\(X86\))?|HOME(DRIVE|PATH)|NUMBER_OF_PROCESSORS|PROCESSOR_\w+",
)
"""What finds programs, folders and the network. It passes, and changes nothing that is computed."""

TUNING = _names(
    # Threads and where they run.
    r"(OMP|GOMP|KMP|LIBOMP|TBB|MP)_\w+|NPROC|SLURM_CPU_BIND\w*",
    # Products: which kernel, which precision, which order of sums.
    r"(MKL|OPENBLAS|GOTO|BLIS|AOCL|VECLIB|NVPL|ARMPL|ACL|ONEDNN|DNNL|EIGEN)_\w+",
    # Frameworks and their compilers.
    r"(TORCH|TORCHINDUCTOR|TORCHDYNAMO|PYTORCH|ATEN|TF|XLA|JAX|JAXLIB|MXNET|NUMBA|NPY|NUMPY)_\w+",
    r"(TRITON|LLVM|KERAS|TVM)_\w+",
    # Accelerators: TF32, launches that wait, libraries' choices.
    r"(CUDA|CUBLAS|CUBLASLT|CUDNN|NCCL|NVIDIA|HSA|AMD|MIOPEN|ROCBLAS|HIPBLASLT|SYCL|PYTORCH)_\w+",
    # Memory, and what is loaded before all else.
    r"(MALLOC|TCMALLOC|MIMALLOC|JEMALLOC)_\w+|(_RJEM_)?MALLOC_CONF|GLIBC_TUNABLES",
    r"LD_(PRELOAD|AUDIT|BIND_NOW|HWCAP_MASK)|DYLD_INSERT_LIBRARIES",
    # The interpreter, which ignores them (-I); what it starts does not.
    r"PYTHON(HASHSEED|MALLOC|MALLOCSTATS|OPTIMIZE|DEVMODE|PERFSUPPORT|_GIL|_JIT|_CPU_COUNT)",
)
"""Families that change how something is computed: a person is told which of them stay out."""

PRIVATE = _names(r".*_PROXY|USER|LOGNAME|USERNAME")
"""Whose value names a person, a host or a password; only that they were set is recorded."""


def passed(
    variables: Mapping[str, str], configured: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return what a worker starts with: of the parent's variables a few, and those configured."""
    kept = {
        name: value
        for name, value in variables.items()
        if FOUND_BY.fullmatch(name) or PLACES.fullmatch(name)
    }
    return kept | dict(configured or {})


def dropped(names: Iterable[str], configured: Collection[str] = ()) -> list[str]:
    """Return those that would change how something is computed, and that no worker is given."""
    return sorted(
        name
        for name in names
        if TUNING.fullmatch(name) and not FOUND_BY.fullmatch(name) and name not in configured
    )


def recorded(
    seen: Mapping[str, str], configured: Collection[str] = ()
) -> tuple[dict[str, str], dict[str, str]]:
    """Sort what a worker saw into what steers it and what only finds things; paths made private.

    What neither was passed nor steers is a person's own affair, and is left out: an interpreter
    that is a script may set anything.
    """
    steering = {
        name: scrub(value)
        for name, value in sorted(seen.items())
        if name in configured or FOUND_BY.fullmatch(name) or TUNING.fullmatch(name)
    }
    places = {
        name: "(set)" if PRIVATE.fullmatch(name) else scrub(value)
        for name, value in sorted(seen.items())
        if name not in steering and PLACES.fullmatch(name)
    }
    return steering, places
