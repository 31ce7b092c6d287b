"""What is Numba's own: loops that are compiled before they are timed, vectorized, on threads."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

import pytest

from backends.test_conformance import interpreter
from report.environments.process import BOOTSTRAP

pytestmark = pytest.mark.slow

BEGIN = f"""
import runpy
runpy.run_path({str(BOOTSTRAP)!r})["register"]()
import json, math, re
from array import array
import numpy as np
from report.backends import numba as backend
from report.backends.numba import loops, training
from report.experiments.training.measure import Data, Run, Start
from report.worker.timing import Curve
from report.worker.records import Unavailable

session = backend.session("cpu", 1)

def train(curve, **changes):
    data = Data(features=array("d", range(50)), targets=array("d", range(10)), dtype="float32")
    start = Start(weights=array("d", [0.0] * 5), orders=[array("i", range(10))] * 3)
    settings = dict(
        run="small", batch_size=4, lr=1e-5, epochs=3, loss="half_squared", loader="sliced",
        implementation="scratch", variant="epoch",
    )
    session.train(Run(**settings | changes), data, start, curve)

def why(call, *arguments, **named):
    try:
        call(*arguments, **named)
    except Unavailable as reason:
        return str(reason)
"""


def printed(program: str) -> Any:
    """Run a program in Numba's interpreter, with two threads, and return what it prints."""
    done = subprocess.run(
        [interpreter("numba"), "-I", "-c", BEGIN + program],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env=os.environ | {"NUMBA_NUM_THREADS": "2"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def test_products_are_right_in_both_dtypes_on_one_thread_and_two() -> None:
    """Of 37 rows, in blocks of 8, of which the last is narrower; A is the last result of all."""
    program = """
worst = {}
for dtype in ("float32", "float64"):
    products = session.products(37, dtype, 1)
    expected = products.B.astype("float64") @ products.C
    for threads in (1, 2):
        session.set_threads(threads)
        for strategy in ("full", "element", "column", "row", "block", "full-out"):
            products.A[:] = 7
            products.call(strategy, 8)()
            worst[f"{strategy} {dtype} {threads}"] = float(abs(products.A - expected).max())
print(json.dumps(worst))
"""
    worst = printed(program)
    assert len(worst) == 24
    for case, error in worst.items():
        assert error < (1e-4 if "float32" in case else 1e-12), case


def test_nothing_is_compiled_once_the_timer_runs() -> None:
    """Not in a training, not in a product on one thread or two, not in an update."""
    program = """
def compiled():
    functions = [value for value in vars(loops).values() if hasattr(value, "signatures")]
    program = training.program(5, "float32")
    functions += [program.epoch, program.step, program.loss]
    return sum(len(function.signatures) for function in functions)

counts = []
class Watched(Curve):
    def start(self):
        super().start()
        counts.append(compiled())
train(Watched(synchronize=session.synchronize))
counts.append(compiled())
for strategy in ("element", "column", "row", "block", "full", "full-out"):
    call = session.products(8, "float32", 1).call(strategy, 4)
    counts.append(compiled())
    for threads in (2, 1):
        session.set_threads(threads)
        call()
    counts.append(compiled())
for make in (session.addition, lambda size: session.update(size, 5, 1, compiled=True).step):
    call = make(8)
    counts.append(compiled())
    call()
    counts.append(compiled())
print(json.dumps(counts))
"""
    counts = printed(program)
    assert counts[0::2] == counts[1::2]
    assert counts[0] < counts[2] < counts[-1]


def test_inner_loops_are_vectorized() -> None:
    """As a C compiler does it; an index that might be negative, or a strict sum, prevents it."""
    program = """
session.products(8, "float32", 1).call("full", 0)
session.products(8, "float32", 1).call("block", 4)
train(Curve(synchronize=session.synchronize))
found = {}
for function in (loops.one_row, loops.block):
    text = "".join(function.inspect_llvm().values())
    found[function.__name__] = bool(re.search(r"f(mul|add)[^\\n]*<\\d+ x float>", text))
print(json.dumps(found))
"""
    assert printed(program) == {"one_row": True, "block": True}


def test_infinite_and_missing_numbers_stay_what_they_are() -> None:
    """Full `fastmath` would let the compiler take it that there are none, and hide a divergence."""
    program = """
curve = Curve(synchronize=session.synchronize)
train(curve, lr=1e30)
program = training.program(5, "float32")
text = "".join([*program.epoch.inspect_llvm().values(), *program.loss.inspect_llvm().values()])
promised = sorted(set(re.findall(r"\\bf(?:add|mul|sub) ([a-z ]+) (?:float|<)", text)))
print(json.dumps([curve.examples, [math.isfinite(loss) for loss in curve.loss], promised]))
"""
    examples, finite, promised = printed(program)
    assert (examples, finite) == ([0, 10], [True, False])
    words = set(" ".join(promised).split())
    assert "reassoc" in words
    assert words.isdisjoint({"fast", "nnan", "ninf"})


def test_an_epoch_is_one_call_with_a_point_at_its_end() -> None:
    """However often points are asked for."""
    program = """
curve = Curve(synchronize=session.synchronize, every=1)
train(curve)
print(json.dumps([curve.examples, curve.epoch_ends]))
"""
    assert printed(program) == [[0, 10, 20, 30], [1, 2, 3]]


def test_what_cannot_be_done_is_said_in_words() -> None:
    """Each with what it is that Numba does not do."""
    program = """
print(json.dumps([
    why(session.set_threads, 3),
    why(backend.session, "cuda:0", 1),
    why(session.products, 8, "float16", 1),
    why(session.update, 8, 5, 1, compiled=False),
]))
"""
    words = ("2 threads", "cuda:0", "float16", "eager")
    for said, word in zip(printed(program), words, strict=True):
        assert word in said
        assert "Numba" in said
