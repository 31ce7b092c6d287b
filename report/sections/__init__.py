"""What several experiments say together: figures made of what each of them measured.

Each module offers `TITLE`, `experiments(result)` (the names of those that it draws on),
`figures(result)`, `method(result)` and `sentences(result)` (for the top of the page); the text that
asks its questions is the template of its name in `templates/sections/`. This module is the registry;
it imports none of them.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Model:
    """Where a model is found, and what it is shown.

    Attributes:
        module: Its name.
        every_framework: It is about all of them; else about the one that leads each experiment.
    """

    module: str
    every_framework: bool = False


MODELS: dict[str, Model] = {
    "frameworks": Model("report.sections.frameworks", every_framework=True),
    "roofline": Model("report.sections.roofline"),
    "data-parallel": Model("report.sections.data_parallel"),
}
"""By name, which is the anchor of its section."""
