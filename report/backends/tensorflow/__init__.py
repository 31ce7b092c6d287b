"""TensorFlow, as its practitioners write it. Runs in the worker; the parent never imports it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

# Both are read when TensorFlow is imported: errors only, so that they are not buried, and no
# other framework under Keras, which a file in the user's home may have chosen.
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
os.environ["KERAS_BACKEND"] = "tensorflow"

import tensorflow as tf

from report.backends.tensorflow import steps
from report.backends.tensorflow.environment import DTYPES, environment, multiplies, stay_on_the_cpu
from report.backends.tensorflow.models import Concise, Scratch
from report.backends.tensorflow.products import Products
from report.backends.tensorflow.training import Trainer
from report.worker.host import usable_cores
from report.worker.records import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from report.experiments.training.measure import Data, Run, Start
    from report.worker.timing import Curve

__all__ = ["Session", "environment", "session"]


class Session:
    """TensorFlow on the CPU."""

    def __init__(self, device: str, threads: int) -> None:
        """Take a device, which can only be the CPU here, and a number of threads."""
        if device != "cpu":
            raise Unavailable(f"TensorFlow is measured on the CPU only, not on {device}")
        stay_on_the_cpu()
        self._threads = threads
        self._trainers: dict[tuple[str, str, int], Trainer] = {}

    def synchronize(self) -> None:
        """Wait for nothing: on the CPU a call returns when its work is done (tried, documented).

        See https://www.tensorflow.org/api_docs/python/tf/test/experimental/sync_devices: only GPUs
        run on, unless asked to.
        """

    def set_threads(self, threads: int) -> None:
        """Use this many CPU threads, of one operation and for operations side by side.

        Raises:
            Unavailable: TensorFlow has already started another number.
        """
        started = tf.config.threading.get_intra_op_parallelism_threads()
        if threads == (started or usable_cores()):
            return
        try:
            tf.config.threading.set_intra_op_parallelism_threads(threads)
            tf.config.threading.set_inter_op_parallelism_threads(threads)
        except RuntimeError as error:
            raise Unavailable(
                "TensorFlow keeps the number of threads that its first operation started"
            ) from error

    def products(self, size: int, dtype: str, seed: int) -> Products:
        """Make two normal n x n matrices from a seed."""
        self.set_threads(self._threads)
        if not multiplies(dtype):
            raise Unavailable(f"TensorFlow multiplies no {dtype} on the CPU")
        return Products(size, DTYPES[dtype], seed)

    def addition(self, size: int) -> Callable[[], object]:
        """Return a call that adds two vectors; see `report.experiments.overhead.measure`."""
        self.set_threads(self._threads)
        return steps.addition(size)

    def update(self, size: int, features: int, seed: int, *, compiled: bool) -> steps.Update:
        """Return a training update on a fixed batch; compiling it takes part of a second."""
        self.set_threads(self._threads)
        return steps.Update(size, features, seed, compiled=compiled)

    def train(self, run: Run, data: Data, start: Start, curve: Curve) -> None:
        """Train once and fill the curve; see `report.experiments.training.measure`."""
        self.set_threads(self._threads)
        dtype = DTYPES[data.dtype]
        features = tf.reshape(tf.constant(data.features, dtype), (data.examples, -1))
        key = run.implementation, data.dtype, features.shape[1]
        if key not in self._trainers:
            model = (Concise if run.implementation == "concise" else Scratch)(key[2], dtype)
            self._trainers[key] = Trainer(model)
        examples = features, tf.constant(data.targets, dtype)
        self._trainers[key].train(run, examples, start, curve)


session = Session
