"""What is TensorFlow's own: threads that cannot be changed, programs compiled once, Keras."""

from __future__ import annotations

from typing import Any

import pytest

from backends import interpreters

pytestmark = pytest.mark.slow

BEGIN = """
from report.backends import tensorflow as backend  # before TensorFlow itself, as in a worker
import tensorflow as tf

DATA = Data(features=array("d", range(50)), targets=array("d", range(10)), dtype="float32")

def train(session, weight=0.0, **changes):
    settings = dict(
        run="small", batch_size=4, lr=1e-5, epochs=2, loss="half_squared", loader="sliced",
        implementation="scratch",
    )
    start = Start(weights=array("d", [weight] * 5), orders=[array("i", range(10))] * 2)
    curve = Curve(synchronize=session.synchronize, every=4)
    session.train(Run(**settings | changes), DATA, start, curve)
    return curve.examples, curve.loss
"""


def printed(program: str, **variables: str) -> Any:
    """Run a program in TensorFlow's interpreter and return the last line that it prints."""
    return interpreters.printed("tensorflow", BEGIN + program, **variables)


def test_threads_are_those_of_the_session_and_then_stay() -> None:
    """One thread as asked for; more once TensorFlow has begun is said to be impossible."""
    found = printed("""
session = backend.Session("cpu", 1)
session.addition(1)()
session.set_threads(1)
threads = tf.config.threading
later = backend.Session("cpu", 3)
print(json.dumps({
    "threads": [
        threads.get_intra_op_parallelism_threads(), threads.get_inter_op_parallelism_threads()
    ],
    "refused": [
        why(session.set_threads, 3),
        why(later.addition, 1),
        why(later.products, 2, "float32", 1),
        why(later.update, 1, 5, 1, compiled=False),
        why(train, later),
    ],
}))
""")
    assert found["threads"] == [1, 1]
    reason = "TensorFlow keeps the number of threads that its first operation started"
    assert found["refused"] == [reason] * 5


def test_a_call_returns_when_its_work_is_done() -> None:
    """So that there is nothing to wait for: no device but the CPU, and that not asynchronous."""
    found = printed("""
backend.Session("cpu", 1).addition(1)()
print(json.dumps([
    [device.device_type for device in tf.config.list_logical_devices()],
    tf.config.experimental.get_synchronous_execution(),
    why(backend.Session, "cuda:0", 1),
]))
""")
    assert found == [["CPU"], True, "TensorFlow sees no cuda:0"]


def test_later_trainings_compile_nothing() -> None:
    """Other weights, rates and losses are other numbers for the programs that are there."""
    # The last batch of each epoch is smaller, and has its program from the first training.
    found = printed("""
session = backend.Session("cpu", 1)
every = [
    dict(implementation=implementation, variant=variant, loader=loader)
    for implementation in ("scratch", "concise")
    for variant in ("eager", "compiled", "epoch")
    for loader in ("sliced", "dataloader")
]
def compiled():
    return [
        program.experimental_get_tracing_count()
        for trainer in session._trainers.values()
        for program in (trainer._step, trainer._sliced_epoch, trainer._loaded_epoch)
    ]
for one in every:
    train(session, **one)
first = compiled()
losses = [train(session, weight=1.0, lr=2e-5, loss="mse", **one)[1] for one in every]
print(json.dumps([first, compiled(), [loss[0] for loss in losses], [loss[-1] for loss in losses]]))
""")
    first, again, begins, ends = found
    # Two sizes of batches step by step; a whole epoch is one program whatever their sizes.
    assert first == again == [2, 1, 1] * 2
    assert begins == pytest.approx([begins[0]] * 12, rel=1e-6)
    assert ends == pytest.approx([ends[0]] * 12, rel=1e-5)
    assert ends[0] < begins[0]


def test_an_epoch_that_is_one_program_has_points_at_its_end_only() -> None:
    """And ends with the losses of the eager one."""
    found = printed("""
session = backend.Session("cpu", 1)
print(json.dumps([train(session, variant=variant) for variant in ("eager", "compiled", "epoch")]))
""")
    (eager, losses), (compiled, _), (epoch, at_ends) = found
    assert eager == compiled == [0, 4, 8, 10, 14, 18, 20]
    assert epoch == [0, 10, 20]
    assert at_ends == pytest.approx([losses[eager.index(n)] for n in epoch], rel=1e-5)


def test_keras_stands_on_tensorflow_whatever_the_user_prefers() -> None:
    """The variable wins over a file in the user's home, so it is set for this process."""
    found = printed(
        """
curve = train(backend.Session("cpu", 1), implementation="concise")
print(json.dumps([tf.keras.backend.backend(), len(curve[1])]))
""",
        KERAS_BACKEND="jax",
    )
    assert found == ["tensorflow", 7]


def test_one_element_can_be_computed_alone() -> None:
    """Into the variable that holds the rest, as the chapter's listing writes it."""
    found = printed("""
products = backend.Session("cpu", 1).products(3, "float64", 1)
products.one_element(1, 2)
alone = products.A.numpy().tolist()
products.call("full", 0)()
print(json.dumps([products.A.numpy().tolist(), alone]))
""")
    whole, alone = found
    assert alone[1].pop(2) == pytest.approx(whole[1][2], rel=1e-12)
    assert alone == [[0, 0, 0], [0, 0], [0, 0, 0]]


def test_the_loader_shuffles_as_the_books_does_into_the_order_that_all_share() -> None:
    """A buffer of 1000, whatever the number of examples, and batches in the order handed over.

    A warm-up visits only some of them.
    """
    found = printed("""
from report.backends.tensorflow import training
def seen(n, size, visited):
    order = tf.constant([(7 * k) % n for k in range(visited)])
    batches = training.loaded(tf.zeros((n, 2)), tf.range(n), size, order)
    each = [[int(y) for y in batch] for _, batch in batches]
    again = [[int(y) for y in batch] for _, batch in batches]
    kept = batches._input_dataset
    return [sum(each, []) == order.numpy().tolist(), each == again, len(each[0]),
            type(kept).__name__, int(kept._buffer_size)]
print(json.dumps([seen(20, 6, 20), seen(2999, 100, 2999), seen(1500, 1, 100)]))
""")
    assert found == [
        [True, True, 6, "_ShuffleDataset", 1000],
        [True, True, 100, "_ShuffleDataset", 1000],
        [True, True, 1, "_ShuffleDataset", 1000],
    ]


def test_the_step_takes_the_chapters_arguments() -> None:
    """Parameters, gradients, states and hyperparameters, with the rate a number or a variable."""
    found = printed("""
from report.backends.tensorflow.training import sgd
w = tf.Variable([1.0, 2.0])
for lr in (0.5, tf.Variable(0.5)):
    sgd([w], [tf.constant([1.0, -1.0])], None, {"lr": lr})
print(json.dumps(w.numpy().tolist()))
""")
    assert found == [0.0, 3.0]
