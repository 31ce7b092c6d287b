"""The library behind NumPy's products: which it is, and how many threads it takes.

NumPy has no function for either, so OpenBLAS, which its wheels bring, is asked itself.
"""

from __future__ import annotations

import ctypes
import functools
import os
from pathlib import Path

import numpy as np
from numpy.linalg import _umath_linalg

from report.worker.host import usable_cores
from report.worker.records import Unavailable

SPELLINGS = ("scipy_openblas_{}64_", "scipy_openblas_{}", "openblas_{}64_", "openblas_{}")
"""How the functions are called in NumPy's wheels, newest first, and in the distributions."""


class OpenBLAS:
    """OpenBLAS as NumPy has loaded it."""

    def __init__(self, library: ctypes.CDLL, spelling: str) -> None:
        """Take a library and how it spells its functions."""
        self._library, self._spelling = library, spelling

    def _ask(self, name: str, result: type = ctypes.c_int) -> object:
        function = self._library[self._spelling.format(name)]
        function.restype = result
        return function()

    def threads(self) -> int:
        """Return how many threads it takes."""
        return int(str(self._ask("get_num_threads")))

    def set_threads(self, threads: int) -> None:
        """Take this many threads from now on, or as many as it was built for."""
        function = self._library[self._spelling.format("set_num_threads")]
        function.argtypes, function.restype = [ctypes.c_int], None
        function(threads)

    def name(self) -> str:
        """Return "OpenBLAS 0.3.30 (SkylakeX)": its version, and the kernels that it chose."""
        config, core = (
            answer.decode() if isinstance(answer, bytes) else ""
            for answer in (
                self._ask(name, ctypes.c_char_p) for name in ("get_config", "get_corename")
            )
        )
        version = " ".join(config.split()[:2])  # then its build options
        return f"{version} ({core})" if core else version


@functools.cache
def openblas() -> OpenBLAS | None:
    """Return the OpenBLAS that NumPy has loaded, or None where it is another library."""
    for path in _libraries():
        try:
            library = ctypes.CDLL(str(path))
        except OSError:
            continue
        for spelling in SPELLINGS:
            if hasattr(library, spelling.format("set_num_threads")):
                return OpenBLAS(library, spelling)
    return None


def _libraries() -> list[Path]:
    # A library that is loaded already is not loaded again. Where symbols are also looked for in
    # what a library depends on, NumPy's own module leads to the right one under any name.
    if os.name != "nt":
        return [Path(_umath_linalg.__file__)]
    return sorted(Path(np.__file__).parent.parent.glob("numpy.libs/*openblas*.dll"))


def default_threads() -> int:
    """Return how many threads products take if nobody says."""
    found = openblas()
    # Other libraries take all cores, as far as anybody can tell from here.
    return usable_cores() if found is None else found.threads()


def set_threads(threads: int) -> None:
    """Use this many threads in products from now on.

    Raises:
        Unavailable: The library cannot be told, or takes another number all the same.
    """
    found = openblas()
    if found is not None:
        if found.threads() != threads:
            found.set_threads(threads)
        taken = found.threads()
        if taken != threads:
            raise Unavailable(f"NumPy's OpenBLAS takes {taken} threads and not {threads}")
    elif threads != usable_cores():
        raise Unavailable("the number of threads can be set in OpenBLAS, which NumPy lacks here")
