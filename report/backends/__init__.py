"""One framework a folder. This module is the registry; it imports none of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Backend:
    """What both sides must know of a framework without importing it.

    Attributes:
        name: As in experiments.yaml; the module `report.backends.<name>` measures it.
        title: As its makers write it.
        package: The import name that must be there.
        install: What to tell a person who lacks it.
    """

    name: str
    title: str
    package: str
    install: str


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
        ),
    )
}
