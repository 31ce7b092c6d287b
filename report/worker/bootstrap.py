"""Started by path in any interpreter: makes `report` importable, and nothing beside it.

First it shifts the heap by a random part of a page. Without that, an array lies at the same place
in its page in every process of the same code, which makes a small product up to a quarter faster or
slower in all of them (measured here), and no interval over processes would show it.

The interpreter may be one that has never heard of this package (a framework's own virtual
environment), or one full of the parent's packages. So the package is registered from its
folder, without putting that folder's neighbours on `sys.path`.
"""

import os

# As the first thing: what is allocated and freed before the shift leaves gaps that are not shifted.
SHIFT = bytearray(4096 + 16 * os.urandom(1)[0])
"""Kept for as long as the process lives. Systems draw the heap's beginning by whole pages only.

Source: T. Mytkowicz et al., "Producing Wrong Data Without Doing Anything Obviously Wrong!", ASPLOS
2009.
"""

import importlib.util  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402


def register() -> None:
    """Make `import report` find the folder that this file lies in."""
    root = Path(__file__).resolve().parent.parent
    spec = importlib.util.spec_from_file_location(
        "report", root / "__init__.py", submodule_search_locations=[str(root)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"no package in {root}")
    module = importlib.util.module_from_spec(spec)
    sys.modules["report"] = module
    spec.loader.exec_module(module)


OLDEST = (3, 11)

if __name__ == "__main__":
    if sys.version_info < OLDEST:
        python = ".".join(map(str, sys.version_info[:2]))
        sys.exit(f"the worker needs Python 3.11 or newer, and this interpreter is {python}")
    register()
    from report.worker.main import main

    main()
