"""What is MXNet's own: its engine, its threads, its graphs. In its own interpreter."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from backends.interpreters import BEGIN, run

pytestmark = pytest.mark.slow

SESSION = """
from report.backends import mxnet as backend
session = backend.Session("cpu", 2)
"""


def printed(program: str) -> Any:
    """Return what a program prints as JSON, and that it ended without a word of complaint."""
    done = run("mxnet", "-c", BEGIN + SESSION + program)
    assert done.stderr == ""
    return json.loads(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells each thread's seconds")
def test_products_take_as_many_threads_as_they_are_told() -> None:
    """Whatever it was before: by the processor time of each thread, not by what MXNet says."""
    program = """
from pathlib import Path

def seconds():
    stats = Path("/proc/self/task").glob("*/schedstat")
    return {stat.parent.name: int(stat.read_text().split()[0]) / 1e9 for stat in stats}

multiply = session.products(768, "float32", 1).call("full-out", 0)
busy = []
for threads in (1, 2, 1):
    session.set_threads(threads)
    multiply()
    session.synchronize()
    before = seconds()
    for _ in range(8):
        multiply()
    session.synchronize()
    spent = [after - before.get(name, 0) for name, after in seconds().items()]
    busy.append(sum(one > sum(spent) / 5 for one in spent))
print(json.dumps(busy))
"""
    assert printed(program) == [1, 2, 1]


def test_a_dtype_that_cannot_be_multiplied_leaves_nothing_behind() -> None:
    """What fails in the engine and is not waited for would be raised as the process ends."""
    program = """
print(json.dumps([why(session.products, 8, dtype, 1) for dtype in ("float16", "bfloat16")]))
"""
    for dtype, reason in zip(("float16", "bfloat16"), printed(program), strict=True):
        assert reason.startswith(f"MXNet multiplies no {dtype} on a CPU: ")
        # What went wrong, and not that there is a traceback.
        assert "Traceback" not in reason
        assert dtype == "float16" or "bfloat16" in reason.partition(": ")[2]


def test_a_seed_decides_the_matrices() -> None:
    """The same for each dtype but for rounding; others for another seed."""
    program = """
drawn = [session.products(4, *wanted).B.tolist() for wanted in
         (("float32", 7), ("float32", 7), ("float64", 7), ("float32", 8))]
print(json.dumps([one == drawn[0] for one in drawn]))
"""
    assert printed(program) == [True, True, True, False]


def test_a_compiled_update_takes_the_same_steps_as_an_eager_one() -> None:
    """Fifty steps at a rate that shows, from the same weights on the same batch."""
    program = """
ends = []
for compiled in (False, True):
    update = session.update(20, 5, 1, compiled=compiled)
    update.lr = 0.1
    for _ in range(50):
        update.step()
    session.synchronize()
    ends.append([float(one) for one in [*update.w.reshape(-1), *update.b]])
print(json.dumps(ends))
"""
    eager, compiled = printed(program)
    assert compiled == pytest.approx(eager, abs=1e-5)
    assert max(map(abs, eager)) > 0.01


@pytest.mark.parametrize("variant", ["eager", "compiled"])
def test_layers_train_in_double_precision(variant: str) -> None:
    """As from scratch, but for the rate, which MXNet's optimizer keeps as a float32."""
    # Batches of 3 leave one of 1, for which the graph is another.
    program = """
numbers = [((37 * k) % 101 - 50) / 30 for k in range(60)]
data = Data(features=array("d", numbers[:50]), targets=array("d", numbers[50:]), dtype="float64")
orders = [array("i", [3, 1, 4, 0, 5, 9, 2, 6, 8, 7]), array("i", range(10))]
start = Start(weights=array("d", [0.1, -0.2, 0.3, 0.0, 0.2]), orders=orders)
ends = []
for implementation, variant in (("scratch", "eager"), ("concise", VARIANT)):
    for loader in ("dataloader", "sliced"):
        run = Run(run="", batch_size=3, lr=0.1, epochs=2, loss="mse", loader=loader,
                  implementation=implementation, variant=variant)
        curve = Curve(synchronize=session.synchronize)
        session.train(run, data, start, curve)
        ends.append(curve.loss)
print(json.dumps(ends))
"""
    first, *others = printed(program.replace("VARIANT", repr(variant)))
    assert len(first) == 3
    for losses in others:
        assert losses == pytest.approx(first, rel=1e-7)


def test_the_trainers_rate_falls_to_a_tenth_after_each_epoch() -> None:
    """Three epochs with the schedule are three runs of one epoch, each at a tenth of the last."""
    program = """
numbers = [((37 * k) % 101 - 50) / 30 for k in range(60)]
data = Data(features=array("d", numbers[:50]), targets=array("d", numbers[50:]), dtype="float64")
weights, orders = array("d", [0.1, -0.2, 0.3, 0.0, 0.2]), [array("i", range(10))] * 3

def end(epochs, **changes):
    settings = dict(run="", batch_size=2, lr=0.1, epochs=epochs, loss="half_squared",
                    loader="sliced", implementation="concise", variant="eager")
    curve = Curve(synchronize=session.synchronize)
    start = Start(weights=weights, orders=orders)
    session.train(Run(**settings | changes), data, start, curve)
    return [curve.loss[index] for index in curve.epoch_ends]

print(json.dumps([end(3, schedule="tenth"), end(3), end(1)]))
"""
    falling, constant, one = printed(program)
    assert falling[0] == pytest.approx(one[0], rel=1e-9) == pytest.approx(constant[0], rel=1e-9)
    # What the second epoch still changes is about a tenth of what it does at the full rate.
    change, full = (losses[1] - losses[0] for losses in (falling, constant))
    assert 0.05 < change / full < 0.2
    assert abs(falling[2] - falling[1]) < abs(change) / 5
