"""The drawings of a site: kept from an earlier rendering, or made in other processes meanwhile."""

from __future__ import annotations

import functools
import gc
import importlib.metadata
import inspect
import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import threading
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from report.figures.svg import Drawing
from report.results.files import Cache, key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from report.figures.figure import Figure
    from report.figures.shapes import Shape

Job = tuple[str, str, "Shape"]

GC_THRESHOLD = 100_000
"""New objects between two garbage collections. Canvases are full of reference cycles; to collect
as often as Python does by default takes an eighth of the time of drawing (measured here)."""

FEW = 4
"""So many drawings are made sooner than another process has started."""


class Drawings(AbstractContextManager["Drawings"]):
    """Drawings by the fingerprint of their figure, each made only where nobody made it before.

    Figures are ordered as they come, so that some are drawn while others are still being worked
    out. As many processes draw as there are cores; each figure is on its own.
    """

    def __init__(self, cache: Cache) -> None:
        """Take earlier drawings from a cache, and leave the new ones there."""
        self._cache = cache
        self._made: dict[str, Drawing] = {}
        self._keys: dict[str, str] = {}
        self._waiting: dict[str, Job] = {}
        self._begun: dict[str, Future[Drawing]] = {}
        self._pool: ProcessPoolExecutor | None = None

    def __exit__(self, *_: object) -> None:
        """Let the other processes go."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def order(self, figures: Iterable[Figure]) -> None:
        """Have figures drawn; those without a shape have no drawing."""
        for figure in figures:
            name = figure.fingerprint
            if figure.shape is None or name in self._keys:
                continue
            self._keys[name] = key(name, _code(inspect.getfile(type(figure.shape))))
            content = self._cache.get(self._keys[name])
            if content is None:
                self._waiting[name] = (figure.name, figure.words.alt, figure.shape)
            else:
                wide, _, narrow = content.decode().partition("\0")
                self._made[name] = Drawing(wide=wide, narrow=narrow)
        if self._pool is None and len(self._waiting) > FEW:
            self._pool = _processes()
        if self._pool is not None:
            self._begun |= {n: self._pool.submit(_drawn, *job) for n, job in self._waiting.items()}
            self._waiting = {}

    def finished(self) -> dict[str, Drawing]:
        """Return all that was ordered since the last time."""
        made = {name: _drawn(*job) for name, job in self._waiting.items()}
        made |= {name: future.result() for name, future in self._begun.items()}
        for name, one in made.items():
            self._cache.put(self._keys[name], f"{one.wide}\0{one.narrow}".encode())
        made |= self._made
        self._made, self._keys, self._waiting, self._begun = {}, {}, {}, {}
        return made


def _drawn(name: str, alt: str, shape: Shape) -> Drawing:
    from report.figures import draw  # noqa: PLC0415 (loads the drawing library, where it is needed)

    return draw.drawing(name, alt, shape)


def prepare(cache: Cache) -> None:
    """Let another process load the drawing library meanwhile, where nothing was ever drawn."""
    gc.set_threshold(GC_THRESHOLD)
    if sys.platform == "linux" and cache.is_empty():
        _context()


def _context() -> multiprocessing.context.BaseContext:
    # A process that is forked from this one may hang in a library's threads; one that is forked
    # from a fresh one cannot, and need not load the drawing library again.
    if sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["report.figures.draw"])
    _start_server()
    return context


def _start_server() -> None:
    """Start the process that others are forked from, deaf to Ctrl-C, as they are then.

    A terminal interrupts all of them, and each would print where it was. This program lets them go.
    """
    from multiprocessing import forkserver, resource_tracker  # noqa: PLC0415 (not everywhere)

    resource_tracker.ensure_running()  # else it is started below, and lets interrupts through
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _processes() -> ProcessPoolExecutor:
    workers = min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1, 8)
    return ProcessPoolExecutor(workers, _context(), initializer=_step_back)


def _step_back() -> None:
    """Leave the cores to the process that waits for the drawings, and do not outlive it."""
    gc.set_threshold(GC_THRESHOLD)
    if hasattr(os, "nice"):
        os.nice(10)
    threading.Thread(target=_end_with_the_program, daemon=True).start()


def _end_with_the_program() -> None:
    # A program that is killed cannot say so; without this, its workers would wait for ever.
    program = multiprocessing.parent_process()
    if program is not None:
        multiprocessing.connection.wait([program.sentinel])
    os._exit(1)


@functools.cache
def _code(shape: str) -> str:
    """Return a hash of the code that draws, a shape's own file with it, and of its libraries."""
    sources = [*sorted(Path(__file__).parent.glob("*.py")), Path(shape)]
    versions = [f"{name} {importlib.metadata.version(name)}" for name in ("matplotlib", "numpy")]
    return key(*versions, *(source.read_bytes() for source in sources))
