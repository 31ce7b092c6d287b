"""What is Numba's own: loops that are compiled before they are timed, vectorized, on threads."""

from __future__ import annotations

from typing import Any

import pytest

from backends import interpreters

pytestmark = pytest.mark.slow

BEGIN = """
import math, re
import numpy as np
from report.backends import numba as backend
from report.backends.numba import loops, memory as module, training
from report.experiments.bandwidth.measure import Access

session = backend.Session("cpu", 1)

def train(curve, **changes):
    data = Data(features=array("d", range(50)), targets=array("d", range(10)), dtype="float32")
    start = Start(weights=array("d", [0.0] * 5), orders=[array("i", range(10))] * 3)
    settings = dict(
        run="small", batch_size=4, lr=1e-5, epochs=3, loss="half_squared", loader="sliced",
        implementation="scratch", variant="epoch",
    )
    session.train(Run(**settings | changes), data, start, curve)

memory = session.memory()
memory.reserve(2**16)

def access(operation, elements=1001, **others):
    settings = dict(operation=operation, dtype="float64", elements=elements, chunk=elements)
    return Access(**settings | others)

def numbers():
    values = memory._buffer.view("float64")
    values[:] = np.arange(len(values))
    return values

def vectorized(*functions):
    return [bool(re.search(r"f(mul|add)[^\\n]*<\\d+ x float>", "".join(f.inspect_llvm().values())))
            for f in functions]
"""


def printed(program: str) -> Any:
    """Run a program in Numba's interpreter, with two threads, and return what it prints."""
    return interpreters.printed("numba", BEGIN + program, NUMBA_NUM_THREADS="2")


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
for operation in ("read", "triad"):
    memory.call(access(operation, dtype="float32"))()
print(json.dumps(vectorized(loops.one_row, loops.block, module.total, module.triad_part)))
"""
    assert printed(program) == [True] * 4


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


def test_what_cannot_be_done_is_said_in_words() -> None:
    """Each with what it is that Numba does not do."""
    program = """
print(json.dumps([
    why(session.set_threads, 3),
    why(backend.Session, "cuda:0", 1),
    why(session.products, 8, "float16", 1),
    why(session.update, 8, 5, 1, compiled=False),
    why(memory.call, access("read", dtype="bfloat16")),
    why(memory.reserve, 2**50),
    why(memory.chain, 2**47, 1),
]))
"""
    *reasons, buffer, chain = printed(program)
    assert buffer == chain == "not enough memory"
    words = ("2 threads", "cuda:0", "float16", "eager", "bfloat16")
    for reason, word in zip(reasons, words, strict=True):
        assert word in reason
        assert "Numba" in reason


# --- memory


def test_copies_and_triads_are_right_on_one_thread_and_two() -> None:
    """Of 1,001 numbers, which two threads cannot share evenly; calls go on where the last ended."""
    program = """
found = []
for threads in (1, 2):
    session.set_threads(threads)
    memory = session.memory()
    memory.reserve(2**16)
    for operation in ("copy", "triad"):
        values = numbers()
        expected = values[1001:2002].copy()
        if operation == "triad":
            expected = expected + 0.5 * values[2002:3003]
        memory.call(access(operation))()
        found.append(bool((values[:1001] == expected).all()))
values = numbers()
call = memory.call(access("copy", chunk=250))
for _ in range(3):
    call()
found.append(int((values[:1001] == values[1001:2002]).sum()))
print(json.dumps(found))
"""
    assert printed(program) == [True, True, True, True, 750]


def test_a_read_sums_its_part_as_often_as_it_says() -> None:
    """Two parts, three times over; a stride skips, and a look-up finds what stands there."""
    program = """
session.set_threads(2)
values = numbers()
whole = values[:1000]
out = np.zeros((2, 3))
module.read(whole, 2, 3, out)
apart = np.zeros(2)
module.strided(whole, 7, apart, 2)
looked_up = np.zeros(4)
module.gather(whole, np.array([3, 1, 999, 0], np.uint64), looked_up)
print(json.dumps([out.tolist(), float(apart.sum()), looked_up.tolist()]))
"""
    sums, apart, looked_up = printed(program)
    halves = [sum(range(500)), sum(range(500, 1000))]
    assert sums == [[half] * 3 for half in halves]
    # Each part begins with its own first number: 71 of the 143 steps lie in the first.
    assert apart == sum(range(0, 497, 7)) + sum(range(497, 1000, 7))
    assert looked_up == [3, 1, 999, 0]


def test_a_chain_visits_every_line_once_before_it_begins_again() -> None:
    """One cycle through all 128 lines of 8 KiB, in an order that is not that of memory."""
    program = """
chain = memory.chain(1024, 1)
seen, here = [], 0
for _ in range(128):
    seen.append(here)
    here = int(chain[here])
other = memory.chain(2048, 1)
at = np.zeros(1, np.uint64)
module.chase(chain, at, 100)
module.chase(chain, at, 27)
print(json.dumps([seen, here, int(at[0]) == seen[127], len(other)]))
"""
    seen, end, goes_on, longer = printed(program)
    assert sorted(seen) == list(range(0, 1024, 8))
    assert seen != sorted(seen)
    assert end == seen[0] == 0
    assert goes_on
    assert longer == 2048


def test_everything_is_compiled_before_it_is_timed() -> None:
    """A call that is handed out has been made once."""
    program = """
def compiled():
    functions = [value for value in vars(module).values() if hasattr(value, "signatures")]
    return sum(len(function.signatures) for function in functions)

session.set_threads(2)
counts = []
operations = ["read", "copy", "triad", "strided", "gather", "chase"]
for operation in operations:
    dtype = "uint64" if operation == "chase" else "float32"
    order = "random" if operation == "gather" else None
    parts = 2 if operation == "read" else 1
    elements = 1000 if operation != "chase" else 1024
    call = memory.call(access(operation, elements, dtype=dtype, order=order, parts=parts))
    before = compiled()
    call()
    counts.append(compiled() - before)
fetched = memory.call(access("read", 1024, dtype="uint64"))
fetched()
print(json.dumps(counts))
"""
    assert printed(program) == [0] * 6


def test_a_curve_has_the_points_of_any_other_though_an_epoch_is_one_call() -> None:
    """At the first update on or past each multiple, and at each epoch's end; seconds go up."""
    program = """
found = []
for batch_size in (1, 3, 4, 10):
    curve = Curve(synchronize=session.synchronize, every=4)
    train(curve, batch_size=batch_size)
    found.append([curve.examples, curve.epoch_ends, curve.loss, curve.elapsed_s])
print(json.dumps(found))
"""
    expected = [
        [0, 4, 8, 10, 12, 16, 20, 24, 28, 30],
        [0, 6, 9, 10, 13, 16, 20, 26, 29, 30],
        [0, 4, 8, 10, 14, 18, 20, 24, 28, 30],
        [0, 10, 20, 30],
    ]
    for (examples, ends, losses, elapsed), points in zip(printed(program), expected, strict=True):
        assert examples == points
        assert [examples[index] for index in ends] == [10, 20, 30]
        assert losses == sorted(losses, reverse=True)
        assert elapsed == sorted(elapsed)
