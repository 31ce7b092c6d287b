"""One framework a folder. This module is the registry; it imports none of them."""

from __future__ import annotations

from dataclasses import dataclass

Version = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Backend:
    """What both sides must know of a framework without importing it.

    Attributes:
        name: As in experiments.yaml; the module `report.backends.<name>` measures it.
        title: As its makers write it.
        package: The import name that must be there.
        install: What to tell a person who lacks it.
        oldest: The first Python that it runs on.
        newest: The last one; None where nothing is known to break.
        kinds: Kinds of experiments that it offers.
    """

    name: str
    title: str
    package: str
    install: str
    oldest: Version = (3, 11)
    newest: Version | None = None
    kinds: tuple[str, ...] = ("matmul", "overhead", "training")

    def runs_on(self, version: Version) -> bool:
        """Return whether a Python is neither too old nor too new for it."""
        return self.oldest <= version and (self.newest is None or version <= self.newest)

    def pythons(self) -> str:
        """Say which Pythons will do: "3.11", "3.11 to 3.13", "3.11 or newer"."""
        first = ".".join(map(str, self.oldest))
        if self.newest is None:
            return f"{first} or newer"
        last = ".".join(map(str, self.newest))
        return first if first == last else f"{first} to {last}"


def _in_its_own(name: str) -> str:
    return f"report env create {name}"


BACKENDS: dict[str, Backend] = {
    backend.name: backend
    for backend in (
        Backend(
            name="pytorch",
            title="PyTorch",
            package="torch",
            install=(
                "pip install 'minibatch-report[torch]' (CPU-only wheels, much smaller: "
                "add --extra-index-url https://download.pytorch.org/whl/cpu)"
            ),
            kinds=("matmul", "bandwidth", "overhead", "gradient", "training"),
        ),
        Backend(
            name="mxnet",
            title="MXNet",
            package="mxnet",
            install=_in_its_own("mxnet"),
            # It needs a NumPy below 1.24, of which there are no wheels for later Pythons.
            newest=(3, 11),
        ),
        Backend(
            name="tensorflow",
            title="TensorFlow",
            package="tensorflow",
            install=_in_its_own("tensorflow"),
            newest=(3, 13),
        ),
        Backend(name="jax", title="JAX", package="jax", install=_in_its_own("jax")),
        Backend(name="numpy", title="NumPy", package="numpy", install=_in_its_own("numpy")),
        Backend(name="numba", title="Numba", package="numba", install=_in_its_own("numba")),
    )
}
