"""How many threads the parallel loops are dealt out to."""

from __future__ import annotations

import numba

from report.worker.records import Unavailable


class Threads:
    """Numba's threads.

    Attributes:
        count: How many are used.
        most: How many there are; only its start could have changed that.
    """

    def __init__(self) -> None:
        """Use as many as there are."""
        self.count = self.most = int(numba.config.NUMBA_NUM_THREADS)

    def set(self, threads: int) -> None:
        """Use this many from now on.

        Raises:
            Unavailable: There are not as many.
        """
        if threads > self.most:
            raise Unavailable(f"Numba has started with {self.most} threads, fewer than {threads}")
        numba.set_num_threads(threads)
        self.count = threads

    def layer(self) -> str:
        """Return the threading layer that deals loops out: omp, tbb or workqueue."""
        numba.set_num_threads(self.count)  # starts the threads, if nothing else has
        return str(numba.threading_layer())
