"""How many threads MXNet computes with, and how to change that while it runs.

MXNet has variables for it that are read at its import, but no function. Its products take as many
threads as OpenMP allows to the thread that asks for them, and that is one of MXNet's engine.
"""

from __future__ import annotations

import ctypes
import os
from typing import TYPE_CHECKING, Any, ClassVar

from mxnet import npx
from mxnet.base import _LIB, check_call

from report.worker.records import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable


class _Context(ctypes.Structure):
    """A device, as MXNet's functions in C know it."""

    _fields_: ClassVar = [("device_type", ctypes.c_int), ("device_id", ctypes.c_int)]


_CPU = _Context(1, 0)
_FUNCTION = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)


def count() -> int | None:
    """Return how many threads a product takes now, or None where nothing says."""
    ask = _openmp("omp_get_max_threads")
    return None if ask is None else _in_engine(ask)


def use(threads: int) -> None:
    """Let products take this many threads from now on.

    Raises:
        Unavailable: They take another number, and nothing can change it.
    """
    tell = _openmp("omp_set_num_threads")
    if tell is not None:
        _in_engine(lambda: tell(threads))
        now = str(count())
    else:
        now = os.environ.get("OMP_NUM_THREADS", "?")
    if now != str(threads):
        raise Unavailable(f"MXNet computes with {now} threads here, and cannot be told otherwise")


def _openmp(name: str) -> Any:
    """Return a function of the OpenMP that MXNet is linked to, or None if it is out of reach."""
    return getattr(_LIB, name, None)


def _in_engine(call: Callable[[], int]) -> int:
    """Call a function where MXNet's engine computes on the CPU, and return what it returned.

    There is one such thread, unless MXNET_CPU_WORKER_NTHREADS says otherwise.
    """
    returned: list[int] = []
    function = _FUNCTION(lambda _context, _argument: returned.append(call()))
    push = _LIB.MXEnginePushSync
    # No memory to free, no arrays to wait for (twice), no property, no priority.
    none = None, None, ctypes.byref(_CPU), None, 0, None, 0, None, 0
    check_call(push(function, *none, b"threads"))
    npx.waitall()
    return returned[0]
