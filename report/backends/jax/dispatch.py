"""JAX returns before its work is done: what there is to wait for, and how many threads work."""

from __future__ import annotations

import os
from typing import Any

import jax

from report.worker.host import usable_cores
from report.worker.records import Unavailable


class Latest:
    """The result of the last call, which is all that there is to wait for.

    A device works off what it is given one after the other (tried on the CPU: of independent
    programs, none ran beside another, and the last to be called was the last to be done).

    Attributes:
        result: An array, or a tuple of arrays.
    """

    result: Any = ()

    def wait(self) -> None:
        """Wait until the result is there."""
        jax.block_until_ready(self.result)


class Pool:
    """The threads that XLA computes with on the CPU: started once for a process, for good.

    Attributes:
        threads: Their number; None as long as there are none.
    """

    threads: int | None = None

    def start(self, threads: int) -> int:
        """Start the pool unless it runs already.

        Args:
            threads: How many it should have.

        Returns:
            How many it has.
        """
        if self.threads is None:
            # XLA reads this when the first device is asked for, and never again.
            os.environ["NPROC"] = str(threads)
            jax.devices("cpu")
            self.threads = threads
        return self.threads

    def require(self, threads: int) -> None:
        """Hold a caller to the threads that there are.

        Raises:
            Unavailable: There are more, or fewer.
        """
        running = self.start(threads)
        if running != threads:
            raise Unavailable(
                f"JAX starts its threads once for a process: there are {running}, not {threads}"
            )


POOL = Pool()


def default_threads() -> int:
    """Return how many threads XLA starts if nobody says: one for each usable core."""
    said = os.environ.get("NPROC", "")
    if said.isdecimal() and int(said) > 0:
        return int(said)
    return usable_cores()
