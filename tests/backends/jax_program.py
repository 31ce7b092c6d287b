"""Run in JAX's own interpreter, in one thread: tries what JAX alone does, and prints it as JSON.

Argument: the path of the worker's bootstrap.
"""

from __future__ import annotations

import json
import runpy
import sys
from array import array
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

if TYPE_CHECKING:
    from collections.abc import Callable

FEATURES, TARGETS = [0.5, -1.0, 2.0, 0.25, -0.5] * 6, [1.0, -2.0, 0.5, 3.0, 0.0, 1.5]
ORDER = [3, 0, 5, 1, 4, 2]


def threads(session: Any) -> dict[str, Any]:
    """Ask for another number of threads than there are, in each way in which that can happen."""
    from report.backends import jax as backend
    from report.worker.records import Unavailable

    other = backend.Session("cpu", 2)
    asked: dict[str, Callable[[], object]] = {
        "set_threads": lambda: session.set_threads(2),
        "addition": lambda: other.addition(1),
        "update": lambda: other.update(1, 5, 1, compiled=True),
    }
    refused = {}
    for name, ask in asked.items():
        try:
            ask()
        except Unavailable as reason:
            refused[name] = str(reason)
    session.set_threads(1)
    return {"refused": refused, "pools": backend.environment().pools}


def memory(session: Any) -> dict[str, bool]:
    """Return of each strategy whether A stays where it is."""
    products = session.products(64, "float32", 1)
    stays = {}
    for strategy in ("element", "column", "row", "block", "full-out"):
        call = products.call(strategy, 24)
        before = products.A.unsafe_buffer_pointer()
        call()
        session.synchronize()
        stays[strategy] = products.A.unsafe_buffer_pointer() == before
    return stays


def precision(session: Any) -> dict[str, Any]:
    """Return how far products of each dtype and strategy are off, and the dtype made after them.

    An array can call itself float64 and hold what was multiplied in float32.
    """
    off: dict[str, dict[str, float]] = {"float64": {}, "float32": {}}
    for dtype, errors in off.items():
        for strategy in ("element", "column", "row", "block", "full", "full-out"):
            products = session.products(8, dtype, 1)
            products.call(strategy, 3)()
            A, B, C = (getattr(products, name).tolist() for name in "ABC")  # noqa: N806
            errors[strategy] = max(
                abs(sum(B[i][k] * C[k][j] for k in range(8)) - A[i][j])
                for i in range(8)
                for j in range(8)
            )
    return {"off": off, "later": str(jnp.asarray(1.5).dtype)}


def waiting(session: Any) -> dict[str, list[bool]]:
    """Return whether what was called last is done, before and after waiting for it."""
    products = session.products(2048, "float32", 1)
    call = products.call("full", 0)
    call()
    session.synchronize()
    found: dict[str, list[bool]] = {"before": [], "after": []}
    for _ in range(5):
        call()
        found["before"].append(products.A.is_ready())
        session.synchronize()
        found["after"].append(products.A.is_ready())
    return found


def training(session: Any) -> dict[str, dict[str, Any]]:
    """Train twice in each variant; return the losses, and how many programs the second compiled."""
    from report.experiments.training.measure import Data, Run, Start
    from report.worker.curve import Curve

    compiled: list[str] = []

    def note(event: str, _: float, **__: Any) -> None:
        if event == "/jax/core/compile/backend_compile_duration":
            compiled.append(event)

    jax.monitoring.register_event_duration_secs_listener(note)
    data = Data(features=array("d", FEATURES), targets=array("d", TARGETS), dtype="float32")
    start = Start(weights=array("d", [0.1] * 5), orders=[array("i", ORDER)] * 3)
    found: dict[str, dict[str, Any]] = {}
    for variant in ("eager", "compiled", "epoch"):
        for batch_size in (4, 100):
            run = Run(
                run=variant,
                batch_size=batch_size,
                lr=0.1,
                epochs=3,
                loss="half_squared",
                loader="sliced",
                implementation="scratch",
                variant=variant,
            )
            before = 0
            for _ in range(2):
                before = len(compiled)
                curve = Curve(synchronize=session.synchronize)
                session.train(run, data, start, curve)
            found[f"{variant} {batch_size}"] = {
                "loss": curve.loss,
                "examples": curve.examples,
                "compiled": len(compiled) - before,
            }
    found["all"] = {"compiled": len(compiled)}
    return found


def main() -> None:
    """Try everything."""
    runpy.run_path(sys.argv[1])["register"]()
    from report.backends import jax as backend

    session = backend.Session("cpu", 1)
    tried = (threads, memory, precision, waiting, training)
    sys.stdout.write(json.dumps({one.__name__: one(session) for one in tried}))


if __name__ == "__main__":
    main()
