"""What a worker starts with, and what is recorded of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from report.environments.variables import dropped, passed, recorded

SHELL = {
    "PATH": "/usr/local/bin:/usr/bin",
    "HOME": str(Path.home()),
    "TMPDIR": "/scratch/mine",
    "https_proxy": "http://me:secret@proxy.example:8080",
    "LD_LIBRARY_PATH": "/opt/secret/lib",
    "CUDA_VISIBLE_DEVICES": "1",
    "HIP_VISIBLE_DEVICES": "0",
}
"""What finds things and chooses devices."""

TUNING = [
    *("OMP_NUM_THREADS", "MKL_CBWR", "OPENBLAS_CORETYPE", "GOTO_NUM_THREADS", "BLIS_NUM_THREADS"),
    *(
        "ONEDNN_MAX_CPU_ISA",
        "DNNL_MAX_CPU_ISA",
        "XLA_FLAGS",
        "KMP_AFFINITY",
        "NVIDIA_TF32_OVERRIDE",
    ),
    *("TF_ENABLE_ONEDNN_OPTS", "NUMBA_OPT", "NPY_DISABLE_CPU_FEATURES", "ATEN_CPU_CAPABILITY"),
    *("CUBLAS_WORKSPACE_CONFIG", "LD_PRELOAD", "MALLOC_ARENA_MAX", "GLIBC_TUNABLES", "NPROC"),
    *("PYTHONHASHSEED", "PYTHONMALLOC", "PYTORCH_CUDA_ALLOC_CONF", "CUDA_LAUNCH_BLOCKING"),
    *("TORCH_ALLOW_TF32_CUBLAS_OVERRIDE", "MXNET_CPU_WORKER_NTHREADS", "JAX_ENABLE_X64"),
]


@pytest.mark.parametrize("name", TUNING)
def test_what_tunes_a_library_reaches_a_worker_only_if_configured(name: str) -> None:
    """And who has it in the shell is told that it stays out."""
    shell = SHELL | {name: "1"}
    assert passed(shell) == SHELL
    assert passed(shell, {name: "2"}) == SHELL | {name: "2"}
    assert dropped(shell) == [name]
    assert dropped(shell, [name]) == []


def test_what_nobody_knows_stays_out_without_a_word() -> None:
    """A list of what is harmful could not be complete; a shell's own affairs are no news."""
    shell = SHELL | {"NEXT_YEARS_BLAS": "fast", "GITHUB_TOKEN": "secret", "OLDPWD": "/"}
    assert passed(shell) == SHELL
    assert dropped(shell) == []


def test_all_that_a_worker_saw_is_recorded_without_what_is_private() -> None:
    """Paths lose their folders, addresses their passwords; what steers is told from the rest."""
    seen = SHELL | {"MKL_CBWR": "AVX2", "FROM_A_WRAPPER": "token", "OURS": "1"}
    steering, places = recorded(seen, ["OURS"])
    assert steering["MKL_CBWR"] == "AVX2"
    assert steering.keys() == {
        *("MKL_CBWR", "OURS", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES")
    }
    assert places.keys() == {"PATH", "HOME", "TMPDIR", "https_proxy"}
    everything = " ".join([*steering.values(), *places.values()])
    for private in ("secret", "example", "token", "mine/", str(Path.home())):
        assert private not in everything
