"""TensorFlow, as its practitioners write it. Runs in the worker; the parent never imports it."""

from __future__ import annotations

import os
import platform
import re
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

# Both are read when TensorFlow is imported: errors only, so that they are not buried, and no
# other framework under Keras, which a file in the user's home may have chosen.
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
os.environ["KERAS_BACKEND"] = "tensorflow"

import tensorflow as tf

from report.backends import UPDATE_LR
from report.backends.tensorflow.products import DTYPES, Products, why_not
from report.backends.tensorflow.training import Concise, Scratch, Trainer
from report.worker.host import usable_cores
from report.worker.records import Accelerator, Environment, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from report.experiments.training.measure import Data, Run, Start
    from report.worker.curve import Curve


class Session:
    """TensorFlow on one device."""

    def __init__(self, device: str, threads: int) -> None:
        """Take a device and a number of CPU threads.

        Raises:
            Unavailable: The process has already computed on another device.
        """
        _stay_on(device)
        self.device = device
        self._threads = threads
        self._trainers: dict[tuple[str, str, int], Trainer] = {}

    def synchronize(self) -> None:
        """Wait for a GPU; on the CPU a call returns when its work is done (tried, documented).

        See https://www.tensorflow.org/api_docs/python/tf/test/experimental/sync_devices.
        """
        if self.device != "cpu":
            tf.test.experimental.sync_devices()

    def set_threads(self, threads: int) -> None:
        """Use this many CPU threads, of one operation and for operations side by side.

        Raises:
            Unavailable: TensorFlow has already started another number.
        """
        if threads == self.threads():
            return
        try:
            tf.config.threading.set_intra_op_parallelism_threads(threads)
            tf.config.threading.set_inter_op_parallelism_threads(threads)
        except RuntimeError as error:
            raise Unavailable(
                "TensorFlow keeps the number of threads that its first operation started"
            ) from error

    def threads(self) -> int:
        """Return how many CPU threads one operation takes; 0 stands for all that are usable."""
        return tf.config.threading.get_intra_op_parallelism_threads() or usable_cores()

    def products(self, size: int, dtype: str, seed: int) -> Products:
        """Make two normal n x n matrices from a seed."""
        self.set_threads(self._threads)
        if why := why_not(dtype):
            raise Unavailable(f"TensorFlow multiplies no {dtype} on {self.device}: {why}")
        return Products(size, dtype, seed)

    def addition(self, size: int) -> Callable[[], object]:
        """Return a call that adds two vectors; see `report.experiments.overhead.measure`."""
        self.set_threads(self._threads)
        return addition(size)

    def update(self, size: int, features: int, seed: int, *, compiled: bool) -> Update:
        """Return a training update on a fixed batch; compiling it takes part of a second."""
        self.set_threads(self._threads)
        return Update(size, features, seed, compiled=compiled)

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


def addition(size: int) -> Callable[[], object]:
    """Return a call that adds two vectors; the sum is new each time, for want of an `out`.

    Args:
        size: Elements of each.
    """
    a, b = tf.ones(size), tf.ones(size)
    # Not a function of Python's own, whose call would be a good part of what is measured.
    return partial(tf.add, a, b)


class Update:
    """The chapter's linear regression, about to be updated with one batch."""

    def __init__(self, size: int, features: int, seed: int, *, compiled: bool) -> None:
        """Draw a batch and initial weights from a seed; what is compiled has updated once."""
        generator = tf.random.Generator.from_seed(seed)
        X, y, weights = (
            generator.normal(shape) for shape in ((size, features), (size,), (features,))
        )
        self.model = Scratch(features, tf.float32)
        self.model.restart(weights, UPDATE_LR)
        step = tf.function(self.model.step) if compiled else self.model.step
        self.step: Callable[[], object] = partial(step, X, y)
        if compiled:
            self.step()


def environment() -> Environment:
    """Describe TensorFlow, its libraries and its devices."""
    versions, accelerators = _versions(), _accelerators()
    working = [each.device for each in accelerators if each.works]
    return Environment(
        backend="tensorflow",
        versions=versions,
        blas=_blas(versions.get("oneDNN")),
        threads=usable_cores(),  # what it takes if nobody says
        accelerators=accelerators,
        dtypes={
            device: [dtype for dtype in DTYPES if not _why_not(device, dtype)]
            for device in ("cpu", *working)
        },
    )


def _why_not(device: str, dtype: str) -> str | None:
    with tf.device(f"/{'CPU' if device == 'cpu' else 'GPU'}:{device.partition(':')[2] or 0}"):
        return why_not(dtype)


def _stay_on(device: str) -> None:
    """Hide all GPUs but one: TensorFlow puts every operation onto the first that it sees.

    Raises:
        Unavailable: There is no such device, or it has already started with another.
    """
    gpus = tf.config.list_physical_devices("GPU")
    wanted = [] if device == "cpu" else gpus[int(device.partition(":")[2] or 0) :][:1]
    if device != "cpu" and not wanted:
        raise Unavailable(f"TensorFlow sees no {device}")
    try:
        tf.config.set_visible_devices(wanted, "GPU")
        for gpu in wanted:
            # Else it takes all memory at once, and nobody knows how much it needed.
            tf.config.experimental.set_memory_growth(gpu, enable=True)
    except RuntimeError as error:
        if tf.config.get_visible_devices("GPU") != wanted:
            raise Unavailable("TensorFlow keeps the device that it has started with") from error
    tf.config.experimental.enable_tensor_float_32_execution(enabled=False)


def _versions() -> dict[str, str]:
    versions = {"tensorflow": str(tf.__version__)}
    versions |= {package: metadata.version(package) for package in ("keras", "numpy")}
    # No function says this one; the headers for those who extend TensorFlow do.
    include = Path(tf.sysconfig.get_include())
    header = include / "external/onednn/include/oneapi/dnnl/dnnl_version.h"
    if header.is_file():
        numbers = re.findall(
            r"define DNNL_VERSION_(?:MAJOR|MINOR|PATCH)\s+(\d+)", header.read_text()
        )
        versions["oneDNN"] = ".".join(numbers)
    return versions


def _blas(onednn: str | None) -> str | None:
    # As oneDNN itself says under ONEDNN_VERBOSE=1: it multiplies float32, bfloat16 and float16,
    # but not float64. Elsewhere than on x86 that has not been tried.
    if onednn is None or platform.machine() not in {"x86_64", "AMD64"}:
        return None
    return f"oneDNN {onednn}; Eigen for float64"


def _accelerators() -> list[Accelerator]:
    kind = "cuda" if tf.test.is_built_with_cuda() else "gpu"
    return [
        Accelerator(
            device=f"{kind}:{index}",
            name=tf.config.experimental.get_device_details(device).get("device_name"),
            works=reason is None,
            reason=reason,
        )
        for index, device in enumerate(tf.config.list_physical_devices("GPU"))
        for reason in [_why_not(f"{kind}:{index}", "float32")]
    ]
