"""What PyTorch offers of an accelerator itself: its clock, its cache, its memory, its graphs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from report.backends.pytorch.products import allocating_on
from report.worker.records import Unavailable
from report.worker.timing import nanoseconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from report.backends.pytorch.steps import Update

WARMUPS = 3
"""Updates before one is recorded as a graph, as PyTorch's documentation asks for."""

SHOWN = 0.01
"""By so much a recorded update's step may differ from that of one that is called, relatively."""


class Timer:
    """Pairs of events in the device's queue."""

    def __init__(self, device: torch.device) -> None:
        """Take CUDA's, XPU's or MPS's events."""
        module: Any = getattr(torch, device.type)
        self._event: Callable[[], Any] = partial(module.Event, enable_timing=True)
        # Elsewhere the event would be put into the queue of the first device.
        self._stream = module.current_stream(device) if device.type != "mps" else None
        self._kept: list[tuple[Any, Any]] = []
        self._used = 0

    def start(self) -> None:
        """Mark where the timed work begins in the device's queue."""
        if self._used == len(self._kept):
            self._kept.append((self._event(), self._event()))
        self._record(self._kept[self._used][0])

    def stop(self) -> None:
        """Mark where it ends."""
        self._record(self._kept[self._used][1])
        self._used += 1

    def _record(self, event: Any) -> None:
        event.record(*(() if self._stream is None else (self._stream,)))

    def seconds(self) -> float:
        """Return the seconds of all spans since it was last asked; the device is done with them."""
        spans, self._used = self._kept[: self._used], 0
        return float(sum(start.elapsed_time(end) for start, end in spans)) / 1e3


def flush(size_bytes: int, device: torch.device) -> Callable[[], object]:
    """Return a call that writes so many bytes of the device's memory, and so empties its caches.

    Raises:
        Unavailable: There is not enough memory.
    """
    with allocating_on(where=str(device)):
        return torch.empty(size_bytes, dtype=torch.int8, device=device).zero_


def reached(device: str, size: int = 2048, repeats: int = 5) -> float:
    """Return the operations per second of the best of some float32 products, looked at quickly."""
    matrix = torch.ones(size, size, device=device)
    timer, best_s = Timer(matrix.device), float("inf")
    synchronize = getattr(torch, matrix.device.type).synchronize
    for _ in range(repeats):
        timer.start()
        torch.mm(matrix, matrix)
        timer.stop()
        synchronize()
        best_s = min(best_s, timer.seconds())
    return 2 * size**3 / max(nanoseconds(best_s), 1e-9)


class PeakMemory:
    """The most of a device's memory that tensors have taken since this was made."""

    def __init__(self, device: torch.device) -> None:
        """Let PyTorch forget what was held before; MPS counts nothing."""
        self._device = device
        self._module: Any = getattr(torch, device.type) if device.type in {"cuda", "xpu"} else None
        if self._module is not None:
            self._module.reset_peak_memory_stats(device)

    def read(self) -> int | None:
        """Return it in bytes; None where nothing says."""
        if self._module is None:
            return None
        return int(self._module.max_memory_allocated(self._device))


def recorded(update: Update) -> Callable[[], object]:
    """Record an update as a CUDA graph, and return what launches all its kernels in one call.

    Raises:
        Unavailable: It cannot be recorded, or does something else then.
    """
    try:
        return _recorded(update)
    except RuntimeError as error:
        raise Unavailable(f"CUDA graph: {str(error).strip().splitlines()[0]}") from error


def _recorded(update: Update) -> Callable[[], object]:
    device, bias = update.X.device, update.b
    stream = torch.cuda.Stream(device)
    stream.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(stream):
        for _ in range(WARMUPS):
            update.step()
    torch.cuda.current_stream(device).wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.device(device), torch.cuda.graph(graph):
        update.step()

    def moved(step: Callable[[], object]) -> float:
        before = float(bias.detach())
        step()
        return float(bias.detach()) - before

    called, replayed = moved(update.step), moved(graph.replay)
    if abs(replayed - called) > SHOWN * abs(called):
        raise Unavailable(
            "CUDA graph: a recorded update takes another step than one that is called"
        )
    return graph.replay
