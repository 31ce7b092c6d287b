"""Memory in Numba's compiled loops: that they read and write what they are said to."""

from __future__ import annotations

import pytest

from backends.test_numba import printed

pytestmark = pytest.mark.slow

MEMORY = """
from report.backends.numba import memory as module
from report.experiments.bandwidth.measure import Access

memory = session.memory()
memory.reserve(2**16)

def access(operation, elements=1001, **others):
    settings = dict(operation=operation, dtype="float64", elements=elements, chunk=elements)
    return Access(**settings | others)

def numbers():
    values = memory._buffer.view("float64")
    values[:] = np.arange(len(values))
    return values
"""


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
    assert printed(MEMORY + program) == [True, True, True, True, 750]


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
    sums, apart, looked_up = printed(MEMORY + program)
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
    seen, end, goes_on, longer = printed(MEMORY + program)
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
    assert printed(MEMORY + program) == [0] * 6


def test_what_cannot_be_had_is_said_in_words() -> None:
    """More memory than there is, and a dtype that is not computed with."""
    program = """
print(json.dumps([
    why(memory.reserve, 2**50),
    why(memory.chain, 2**47, 1),
    why(memory.call, access("read", dtype="bfloat16")),
]))
"""
    said = printed(MEMORY + program)
    assert said[:2] == ["not enough memory", "not enough memory"]
    assert "bfloat16" in said[2]
    assert "Numba" in said[2]


def test_loops_over_memory_are_vectorized() -> None:
    """A sum and a triad that went number by number would measure themselves."""
    program = """
for operation in ("read", "triad"):
    memory.call(access(operation, dtype="float32"))()
found = {}
for function in (module.total, module.triad_part):
    text = "".join(function.inspect_llvm().values())
    found[function.__name__] = bool(re.search(r"f(mul|add)[^\\n]*<\\d+ x float>", text))
print(json.dumps(found))
"""
    assert printed(MEMORY + program) == {"total": True, "triad_part": True}
