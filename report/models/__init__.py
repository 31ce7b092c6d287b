"""What several experiments say together: figures made of what each of them measured.

Each module offers `TITLE`, `experiments(result)` (the names of those that it draws on),
`figures(result)` and `method(result)`; the text that asks its questions is the template of its
name in `templates/models/`. This module is the registry; it imports none of them.
"""

from __future__ import annotations

MODELS: dict[str, str] = {
    "roofline": "report.models.roofline",
    "data-parallel": "report.models.data_parallel",
}
"""Name, which is the anchor of its section, and module."""
