"""Run in a framework's own interpreter: does what it is asked and prints what came of it as JSON.

Arguments: the path of the worker's bootstrap, the backend, and a request as JSON. Standard output
is the answer alone; whatever a framework prints goes to standard error.
"""

from __future__ import annotations

import importlib
import json
import math
import os
import runpy
import sys
from array import array
from typing import Any

THREADS = min(2, os.cpu_count() or 1)


def products(backend: Any, request: dict[str, Any]) -> dict[str, Any]:
    """Compute one product by each strategy; return B, C and every A, or why there is none."""
    from report.worker.records import Unavailable

    session = backend.Session("cpu", THREADS)
    found: dict[str, Any] = {}
    for strategy in request["strategies"]:
        try:
            made = session.products(request["size"], request["dtype"], 1)
            made.call(strategy, request["block_width"])()
            session.synchronize()
        except Unavailable as reason:
            found[strategy] = str(reason)
        else:
            found[strategy] = {name: listed(getattr(made, name)) for name in "ABC"}
    return found | {"threads": session.threads()}


def looks(backend: Any, request: dict[str, Any]) -> dict[str, Any]:
    """Return how far products lie from float64 in each dtype and size, and once A is forgotten."""
    from report.experiments.matmul.measure import _made
    from report.worker.checks import Look, rounding, signs
    from report.worker.records import Unavailable

    session = backend.Session("cpu", THREADS)
    found: dict[str, Any] = {}
    for dtype in request["dtypes"]:
        for size in request["sizes"]:
            look, bound = Look(signs(size, 1)), rounding(size, dtype, tf32=False)
            try:
                products = session.products(size, dtype, 1)
            except Unavailable as reason:
                found[f"{dtype} {size}"] = str(reason)
                continue
            for strategy in ("column", "full", "full-out"):
                products.call(strategy, 8)()
                session.synchronize()
                made = _made(products.A)
                shares = [products.error(look) / bound for _ in range(2)]
                found[f"{dtype} {size} {strategy}"] = {"made": made, "shares": shares}
    return found


def listed(matrix: Any) -> Any:
    """Return a framework's matrix as lists of floats."""
    if hasattr(matrix, "asnumpy"):
        matrix = matrix.asnumpy()
    elif hasattr(matrix, "numpy"):
        matrix = matrix.numpy()
    return [[float(value) for value in row] for row in matrix]


def train(backend: Any, request: dict[str, Any]) -> list[Any]:
    """Train each run; return its points, or why it cannot be done."""
    from report.experiments.training.measure import Data, Run, Start, offered, refusal
    from report.registry import BACKENDS
    from report.worker.curve import Curve

    session = backend.Session("cpu", THREADS)
    data = Data(
        features=array("d", request["features"]),
        targets=array("d", request["targets"]),
        dtype=request["dtype"],
    )
    start = Start(
        weights=array("d", request["weights"]),
        orders=[array("i", order) for order in request["orders"]],
    )
    found = []
    known = BACKENDS[request["backend"]]
    for run in offered(known, request["settings"]):
        assert isinstance(run, Run)
        curve = Curve(synchronize=session.synchronize)
        answer: dict[str, Any] = {"labels": vars(run)}
        reason = refusal(known, run)
        if reason is not None:
            answer["unavailable"] = reason
        else:
            session.train(run, data, start, curve)
            answer |= {
                "examples": curve.examples,
                "epoch_ends": curve.epoch_ends,
                "loss": [loss if math.isfinite(loss) else None for loss in curve.loss],
                "elapsed_s": curve.elapsed_s,
            }
        found.append(answer)
    return found


def calls(backend: Any, request: dict[str, Any]) -> dict[str, Any]:
    """Call an addition and updates; return how often, or why it cannot be done."""
    from report.worker.records import Unavailable

    session = backend.Session("cpu", THREADS)
    found: dict[str, Any] = {}
    for size in request["sizes"]:
        for compiled in (None, False, True):
            try:
                if compiled is None:
                    call = session.addition(size)
                else:
                    call = session.update(size, 5, 1, compiled=compiled).step
                for _ in range(3):
                    done = call()
                session.synchronize()
                if compiled is None and done is not None:
                    assert [float(done[i]) for i in range(size)] == [2.0] * size
            except Unavailable as reason:
                found[f"{compiled} {size}"] = str(reason)
            else:
                found[f"{compiled} {size}"] = 3
    return found


def describe(_: Any, request: dict[str, Any]) -> dict[str, Any]:
    """Return what the framework says of itself, as a worker answers it."""
    from report.worker.main import _answer

    environment: dict[str, Any] = _answer({"do": "environment", **request})["environment"]
    return environment


TASKS = {"products": products, "looks": looks, "train": train, "calls": calls, "describe": describe}


def main() -> None:
    """Answer one request."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    runpy.run_path(sys.argv[1])["register"]()
    request = json.loads(sys.stdin.read())
    backend = importlib.import_module(f"report.backends.{sys.argv[2]}")
    answer = TASKS[request["task"]](backend, request)
    answers.write(json.dumps(answer))
    answers.flush()


if __name__ == "__main__":
    main()
