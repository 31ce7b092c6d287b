"""Started by path in any interpreter: makes `report` importable, and nothing beside it.

The interpreter may be one that has never heard of this package (a framework's own virtual
environment), or one full of the parent's packages. So the package is registered from its
folder, without putting that folder's neighbours on `sys.path`.
"""

import importlib.util
import sys
from pathlib import Path


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
