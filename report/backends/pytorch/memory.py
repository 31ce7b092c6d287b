"""Going through memory: reading, copying, adding, at a distance, and in any order."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import torch

from report.backends import SCALAR, WINDOWS, chunks, cut, in_turn
from report.backends.pytorch.products import DTYPES, allocating_on, why_not
from report.worker.host import free_bytes
from report.worker.records import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from report.experiments.bandwidth.measure import Access


class Memory:
    """One buffer on a device; all working sets lie at its beginning.

    Sharing saves memory, and the seconds that it takes to write to it for the first time.
    """

    def __init__(self, device: torch.device) -> None:
        """Hold nothing yet."""
        self._device = device
        self._buffer = torch.empty(0, dtype=torch.uint8, device=device)

    def free_bytes(self) -> int | None:
        """Return how much memory is free, or None where nothing says."""
        if self._device.type == "cuda":
            return int(torch.cuda.mem_get_info(self._device)[0])
        if self._device.type == "xpu":
            return None
        return free_bytes()

    def reserve(self, size_bytes: int) -> None:
        """Take a buffer and write to all of it: what was never written has no place of its own.

        Raises:
            Unavailable: There is not so much memory.
        """
        with allocating_on(where=str(self._device)):
            numbers = torch.empty(-(-size_bytes // 4), dtype=torch.float32, device=self._device)
            self._buffer = numbers.fill_(1.0).view(torch.uint8)

    def call(self, access: Access) -> Callable[[], object]:
        """Return a function that accesses the buffer once.

        Raises:
            Unavailable: The device lacks the dtype.
        """
        calls = getattr(self, f"_{access.operation}", None)
        if calls is None:
            raise Unavailable(f"no operation of PyTorch does what a {access.operation} needs")
        if why := why_not(str(self._device), access.dtype):
            raise Unavailable(
                f"PyTorch computes with no {access.dtype} on {self._device.type}: {why}"
            )
        return in_turn(calls(access))

    def arrays(self, access: Access, count: int) -> list[torch.Tensor]:
        """Return the arrays that share a working set, one behind the other."""
        dtype = DTYPES[access.dtype]
        whole = self._buffer[: count * access.elements * dtype.itemsize].view(dtype)
        return list(whole.split(access.elements))

    def _read(self, access: Access) -> list[Callable[[], object]]:
        (x,) = self.arrays(access, 1)
        shape = (access.parts, access.repeats)
        out = torch.empty(shape, dtype=x.dtype, device=x.device)
        # Expanding takes no memory: a part is summed again for each element of `out`.
        return [
            partial(read, chunk.view(access.parts, 1, -1).expand(*shape, -1), out)
            for chunk in chunks(x, access.chunk)
        ]

    def _copy(self, access: Access) -> list[Callable[[], object]]:
        return [partial(copy, *pieces) for pieces in cut(self.arrays(access, 2), access.chunk)]

    def _triad(self, access: Access) -> list[Callable[[], object]]:
        return [partial(triad, *pieces) for pieces in cut(self.arrays(access, 3), access.chunk)]

    def _strided(self, access: Access) -> list[Callable[[], object]]:
        (x,) = self.arrays(access, 1)
        out = torch.empty((), dtype=x.dtype, device=x.device)
        reach = access.chunk * access.stride
        return [partial(strided, chunk[:: access.stride], out) for chunk in chunks(x, reach)]

    def _gather(self, access: Access) -> list[Callable[[], object]]:
        (x,) = self.arrays(access, 1)
        out = torch.empty(access.chunk, dtype=x.dtype, device=x.device)
        if access.order == "sequential":
            index = torch.arange(access.chunk, device=x.device)
            return [partial(gather, chunk, index, out) for chunk in chunks(x, access.chunk)]
        generator = torch.Generator().manual_seed(access.seed)
        shape = (1 if access.chunk == access.elements else WINDOWS, access.chunk)
        positions = torch.randint(access.elements, shape, generator=generator).to(x.device)
        return [partial(gather, x, index, out) for index in positions]


def read(x: torch.Tensor, out: torch.Tensor) -> None:
    """Read all numbers, as fast as a sum does: x is (threads, times over, numbers of a thread)."""
    torch.sum(x, dim=-1, out=out)


def copy(dst: torch.Tensor, src: torch.Tensor) -> None:
    """Copy numbers."""
    dst.copy_(src)


def triad(a: torch.Tensor, b: torch.Tensor, c: torch.Tensor) -> None:
    """Compute a = b + s c."""
    torch.add(b, c, alpha=SCALAR, out=a)


def strided(x: torch.Tensor, out: torch.Tensor) -> None:
    """Read numbers that lie at a distance from each other."""
    torch.sum(x, dim=0, out=out)


def gather(values: torch.Tensor, index: torch.Tensor, out: torch.Tensor) -> None:
    """Look values up. On a CPU, PyTorch does this on one thread."""
    torch.index_select(values, 0, index, out=out)
