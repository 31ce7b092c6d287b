"""The house's shape: which module may import which, how large they grow, what is registered."""

from __future__ import annotations

import ast
import functools
import graphlib
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from report.registry import BACKENDS, KINDS
from report.resources import templates

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "report"

MOST_LINES = 450
MOST_FUNCTION_LINES = 70

FRAMEWORKS = {
    *("cupy", "jax", "jaxlib", "keras", "mlx", "mxnet", "paddle"),
    *("tensorflow", "tinygrad", "torch", "torchvision"),
} | ({backend.package for backend in BACKENDS.values()} - {"numpy"})
"""Not NumPy, should it become a backend: the parent computes with it."""

OPTIONAL = {"threadpoolctl"}
"""What a backend may use beside its framework, where it is installed."""

NETWORK = ("socket", "ssl", "http", "urllib.request", "urllib3", "pooch", "requests", "ftplib",
           "distributed", "asyncssh")  # fmt: skip
"""What can reach another machine."""

DOORS = (ast.FunctionDef, ast.If)
"""What `report/__init__.py` imports in: its functions, and `if TYPE_CHECKING`."""

LOADERS = {"import_module", "__import__", "run_module", "run_path"}
"""What loads a module by a string."""

ROOMS = (
    *("resources", "registry", "worker", "backends", "text", "errors", "results"),
    *("machine", "environments", "analysis", "figures", "experiments", "frames", "sections"),
    *(
        "claims",
        "config",
        "run",
        "terminal",
        "comparing",
        "site",
        "notebook",
        "runs",
        "fleet",
        "cli",
    ),
    "__main__",
)
"""In the order of the flow: a module imports from its own room and from those before it."""

HEAVY = {"numpy", "matplotlib", "pydantic", "yaml", "scipy", "jinja2", "rich"}


class Import(NamedTuple):
    """What a module imports, with all its dots, and in which line."""

    name: str
    line: int

    @property
    def top(self) -> str:
        """The package."""
        return self.name.partition(".")[0]


def name_of(path: Path) -> str:
    """Return a module's dotted name."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


@functools.cache
def tree_of(name: str) -> ast.Module:
    """Return the syntax tree of one of the project's modules."""
    return ast.parse(FILES[name].read_text(encoding="utf-8"))


@functools.cache
def imports_of(name: str) -> tuple[Import, ...]:
    """Return all that a module imports: in functions and for type checkers, too.

    The package's own functions are doors, through which nothing comes before they are called.
    """
    tree = tree_of(name)
    if name == "report":
        tree = ast.Module([one for one in tree.body if not isinstance(one, DOORS)], [])
    return tuple(_imports(tree))


def _imports(tree: ast.Module) -> Iterator[Import]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield Import(inner if inner in FILES else str(node.module), node.lineno)


def on_worker_side(name: str) -> bool:
    """Return whether a module must run where there is a framework and nothing else."""
    folder = name.split(".")[1:2]
    if folder == ["experiments"]:
        return FILES[name].name in {"__init__.py", "measure.py"}
    return folder in ([], ["registry"], ["worker"], ["backends"])


def is_backend(name: str) -> bool:
    """Return whether a module is a framework's own."""
    return name.startswith("report.backends.")


WORKER_SIDE = [name for name in FILES if on_worker_side(name)]


# --- who may import whom


def test_the_modules_are_told_apart_as_the_design_says() -> None:
    """The two lists below would prove nothing if they were empty."""
    assert {"report", "report.registry", "report.experiments", "report.worker.main"} <= set(
        WORKER_SIDE
    )
    for kind in KINDS:
        assert f"report.experiments.{kind}" in WORKER_SIDE
        assert f"report.experiments.{kind}.measure" in WORKER_SIDE
        assert f"report.experiments.{kind}.figures" not in WORKER_SIDE
    assert "report.experiments.settings" not in WORKER_SIDE
    assert "report.run.runner" not in WORKER_SIDE
    assert "report.analysis.estimate" in {
        found.name for found in imports_of("report.analysis.quantities")
    }


@pytest.mark.parametrize("name", WORKER_SIDE)
def test_worker_side_imports_only_the_standard_library_and_its_framework(name: str) -> None:
    """And other modules of the worker side; not even for type checkers any of the parent's."""
    allowed = set(sys.stdlib_module_names)
    if is_backend(name):
        # NumPy is no framework's rival: all of them bring it.
        allowed |= {BACKENDS[name.split(".")[2]].package, "numpy"} | OPTIONAL
    foreign = [found for found in imports_of(name) if found.name not in WORKER_SIDE]
    assert [found for found in foreign if found.top not in allowed] == []


@pytest.mark.parametrize("name", [name for name in FILES if not is_backend(name)])
def test_only_backends_import_a_framework(name: str) -> None:
    """Rendering, comparing and publishing need none, and a worker imports the one it is told."""
    every = imports_of(name)
    assert [one for one in every if one.top in FRAMEWORKS or is_backend(one.name)] == []


def test_modules_do_not_import_each_other_in_circles() -> None:
    """Not even in a function or for type checkers: what two modules share belongs below both."""
    graph = {
        name: {found.name for found in imports_of(name) if found.name in FILES} for name in FILES
    }
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        pytest.fail(" <- ".join(error.args[1]))


def room_of(name: str) -> str:
    """Return the room that a module stands in; what a kind measures belongs to the backends."""
    parts = name.split(".")
    if parts[1:2] == ["experiments"] and parts[-1] == "measure":
        return "backends"
    return parts[1] if len(parts) > 1 else ""


def test_every_module_stands_in_a_room() -> None:
    """And no room is empty: the order says something of each."""
    assert {room_of(name) for name in FILES} - {""} == set(ROOMS)


@pytest.mark.parametrize("name", [name for name in FILES if name != "report"])
def test_imports_follow_the_flow(name: str) -> None:
    """From what is measured to what is shown; not even in a function or for type checkers."""
    below = {"", *ROOMS[: ROOMS.index(room_of(name)) + 1]}
    ours = [found for found in imports_of(name) if found.name in FILES]
    assert [found for found in ours if room_of(found.name) not in below] == []


def test_the_registry_imports_nothing_of_what_it_lists() -> None:
    """A name or a title never loads an implementation, nor anything else of ours."""
    assert {i.name for i in imports_of("report.registry")} <= set(sys.stdlib_module_names)


def test_only_figures_import_the_drawing_library() -> None:
    """Who validates or judges does not wait for it."""
    importers = {
        name
        for name in FILES
        for node in tree_of(name).body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for found in _imports(ast.Module([node], []))
        if found.top == "matplotlib"
    }
    assert importers
    assert {room_of(name) for name in importers} == {"figures"}


def test_only_adding_and_the_data_set_ask_the_network() -> None:
    """Whatever a result says, rendering it fetches nothing; `serve` only answers."""
    askers = {
        name for name in FILES for found in imports_of(name) if found.name.startswith(NETWORK)
    }
    assert askers == {
        *("report.results.remote", "report.run.data", "report.cli.serving"),
        "report.results.privacy",  # asks for this machine's own name
        *("report.fleet.engine", "report.backends.pytorch.group"),  # hosts that measure together
    }
    everywhere = [(name, found.name) for name in FILES for found in imports_of(name)]
    importers = {name for name, found in everywhere if found == "report.results.remote"}
    assert importers == {"report.cli.results", "report.notebook"}


def test_modules_are_loaded_by_name() -> None:
    """The type checker and the tests here can follow all of them but the worker's one door."""
    loaders = {
        name
        for name in FILES
        for node in ast.walk(tree_of(name))
        if isinstance(node, ast.Name | ast.Attribute | ast.alias)
        if LOADERS & {getattr(node, field, None) for field in ("id", "attr", "name")}
    }
    # A process of a group is started by torchrun, and has to find the package first.
    assert loaders == {"report.worker.main", "report.backends.pytorch.rank"}


def test_nothing_imports_the_command_line() -> None:
    """It stands at the top; `python -m report` alone starts it."""
    importers = [name for name in FILES if "report.cli" in {i.name for i in imports_of(name)}]
    assert importers == ["report.__main__"]


BARE = """
import sys
before = set(sys.modules)
import report
report.load, report.read
print(*sys.modules.keys() - before)
"""


def test_the_package_itself_imports_nothing() -> None:
    """Workers import it, and whoever wants its version; `load` and `read` load when called."""
    loaded = modules_after(BARE)
    assert {one for one in loaded if one.partition(".")[0] not in sys.stdlib_module_names} == {
        "report"
    }


HELP = """
import sys
from report.cli import main
main(["--help"], standalone_mode=False)
print(*sys.modules)
"""


def test_help_imports_nothing_heavy() -> None:
    """`report --help` and shell completion must answer at once."""
    loaded = modules_after(HELP)
    assert "report.cli" in loaded
    assert {name.partition(".")[0] for name in loaded} & (HEAVY | FRAMEWORKS) == set()


KNOWN = """
import sys
import report.config.configuration, report.experiments.catalogue, report.sections.catalogue
print(*sys.modules)
"""


def test_a_configuration_is_read_without_the_drawing_library() -> None:
    """All kinds and sections are at hand then, and `report validate` answers at once."""
    loaded = modules_after(KNOWN)
    assert "report.figures.figure" in loaded
    assert not {name for name in loaded if name.partition(".")[0] in {"matplotlib"} | FRAMEWORKS}


STORED = {
    *("report", "report.errors", "report.registry", "report.resources", "report.text"),
    *("report.text.numerals", "report.text.plain", "report.worker", "report.worker.records"),
}
"""What `report.results` stands on."""

LIGHT = {
    *("annotated_types", "click", "filelock", "platformdirs", "pydantic", "pydantic_core"),
    *("typing_extensions", "typing_inspection"),
}

LOADED = """
import sys
before = set(sys.modules)
import report.results.result, report.results.store
print(*sys.modules.keys() - before)
"""


def modules_after(code: str) -> set[str]:
    """Return what a program that prints names of modules prints."""
    run = [sys.executable, "-c", code]
    done = subprocess.run(run, capture_output=True, cwd=ROOT, text=True, check=True, timeout=60)
    return set(done.stdout.splitlines()[-1].split())


def test_results_can_be_read_with_little_more_than_pydantic() -> None:
    """No statistics, no downloader and no judge, neither ours nor a library's."""
    loaded = modules_after(LOADED)
    ours = {name for name in loaded if name.partition(".")[0] == "report"}
    assert "report.results.result" in ours
    assert {name for name in ours if not name.startswith("report.results")} <= STORED
    theirs = {name.partition(".")[0] for name in loaded - ours}
    foreign = {name for name in theirs - sys.stdlib_module_names if not name.startswith("_")}
    assert foreign <= LIGHT


# --- how large they grow


@pytest.mark.parametrize("name", FILES)
def test_no_module_outgrows_a_sitting(name: str) -> None:
    """A longer one is really two."""
    assert len(FILES[name].read_text(encoding="utf-8").splitlines()) < MOST_LINES


@pytest.mark.parametrize("name", FILES)
def test_no_function_outgrows_a_screen(name: str) -> None:
    """Docstring included."""
    long = [
        f"{node.name}: {length} lines"
        for node in ast.walk(tree_of(name))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if (length := (node.end_lineno or node.lineno) - node.lineno + 1) >= MOST_FUNCTION_LINES
    ]
    assert long == []


# --- what is registered


def test_every_kind_is_in_the_catalogue() -> None:
    """Under its own name, which the registry has without importing it, and in the same order."""
    from report.experiments import catalogue

    assert list(catalogue.KINDS) == list(KINDS)
    assert all(kind.name == name for name, kind in catalogue.KINDS.items())
    # Without labels its results could be written and not read.
    assert set(catalogue.LABELS) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_made_of_little(kind: str) -> None:
    """An object with its settings, what a worker calls, and a text: all else is its own affair."""
    assert f"report.experiments.{kind}" in FILES
    assert "Labels" in defined_in(f"report.experiments.{kind}.kind")
    assert "measure" in defined_in(f"report.experiments.{kind}.measure")
    assert (templates() / "experiments" / f"{kind}.html").is_file()


def test_every_folder_and_template_of_a_kind_is_registered() -> None:
    """A kind that is finished but for its line in the registry would never run."""
    folders = {path.parent.name for path in PACKAGE.glob("experiments/*/__init__.py")}
    texts = {path.name: path.read_text("utf-8") for path in templates().glob("experiments/*.html")}
    parts = {name for name in texts if any(f"/{name}" in text for text in texts.values())}
    assert folders == {Path(name).stem for name in texts.keys() - parts} == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_stand_in_a_configuration(kind: str) -> None:
    """With its own defaults for everything else."""
    from report.config.configuration import Config

    config = Config.model_validate({"version": 1, "experiments": {"one": {"kind": kind}}})
    assert config.experiments["one"].kind == kind


def test_every_backend_has_its_folder_and_every_folder_its_backend() -> None:
    """One framework a folder, registered under the folder's name."""
    folders = {name.split(".")[2] for name in FILES if is_backend(name)}
    assert folders == set(BACKENDS)
    assert all(backend.name == name for name, backend in BACKENDS.items())


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_backend_offers_what_the_worker_calls(backend: str) -> None:
    """A function `environment()`, and a class, `Session(device, threads)`."""
    assert {"environment", "Session"} <= defined_in(f"report.backends.{backend}")


def defined_in(name: str) -> set[str]:
    """Return the names that a module defines at its top, without importing it."""
    names = set()
    for node in tree_of(name).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return names
