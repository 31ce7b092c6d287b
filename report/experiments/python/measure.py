"""What a `python` experiment runs: a person's own function, in a framework's interpreter.

The function is called once for each combination of arguments, and returns what is to be timed: a
call, or a dict with it as "call" and, as far as they are known, its "flops", "bytes", "examples"
and a "check", which is called once and returns whether what was computed is right.
"""

from __future__ import annotations

import importlib.util
import inspect
import itertools
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from report.registry import BACKENDS
from report.worker import sensors
from report.worker.checks import Threaded, wrong_threads
from report.worker.records import Outcome, Series, Unavailable, reason_of
from report.worker.timing import Made, Method, Stopwatch, measured

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from report.worker.records import Scalar, Status

GIVEN = ("device", "threads", "seed")
"""What a function is told of its surroundings, if it has parameters of these names."""

AMOUNTS = ("flops", "bytes", "examples")
"""Whole numbers that it may say of a call, beside "call" and "check"."""


class Session(Threaded, Protocol):
    """What a backend must offer for this kind."""

    def synchronize(self) -> object:
        """Wait until the device has done what was queued."""

    def set_threads(self, threads: int) -> None:
        """Use this many CPU threads from now on."""


def measure(session: Session, job: dict[str, Any]) -> Outcome:
    """Measure all cases of the experiment, interleaved; what fails for one says nothing of others.

    Raises:
        Unavailable: There is no such file, or no such function in it.
    """
    settings = job["settings"]
    session.set_threads(job["threads"])
    setup = _function(job["source"], settings["function"].rpartition(":")[2])
    cases = list(_cases(settings["arguments"]))
    method = Method(budget_s=job["budget_s"], repeats=job["repeats"])
    board = sensors.board(job.get("board")) if job["device"] != "cpu" else None
    made: list[Made] = []
    for arguments in cases:
        labels = {"case": case_name(arguments), "threads": job["threads"], **arguments}
        status: Status = "failed"
        try:
            timed = _timed(session, setup, arguments, job)
            stopwatch = Stopwatch(
                call=timed["call"],
                synchronize=session.synchronize,
                method=method,
                compiles=BACKENDS[job["backend"]].compiles,
                board=board,
            )
            stopwatch.warm_up(method.budget_s / len(cases))
        except NotImplementedError as error:
            status, reason = "skipped", str(error) or "not implemented"
        except Exception as error:  # noqa: BLE001 (it is anybody's code)
            reason = reason_of(error)
        else:
            stopwatch.note(wrong_threads(session, job["threads"]))
            flops, moved, examples = (timed.get(name) for name in AMOUNTS)
            series = Series(labels=labels, flops=flops, bytes_moved=moved, examples=examples)
            made.append((series, stopwatch))
            continue
        made.append((Series(labels=labels, status=status, reason=reason), None))
    return Outcome(series=measured(made, method, job))


def case_name(arguments: Mapping[str, Scalar]) -> str:
    """Name a combination of arguments: "n = 64, causal = True"; "call" where there are none."""
    return ", ".join(f"{name} = {value}" for name, value in arguments.items()) or "call"


def _cases(arguments: Mapping[str, list[Scalar]]) -> Iterator[dict[str, Scalar]]:
    for values in itertools.product(*arguments.values()):
        yield dict(zip(arguments, values, strict=True))


def _function(source: str, name: str) -> Callable[..., Any]:
    """Import a file by its path, with its neighbours within reach, and return a function of it."""
    path = Path(source)
    if not path.is_file():
        raise Unavailable(f"there is no file {path.name} beside the configuration")
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise Unavailable(f"{path.name} is no file of Python")
    module = sys.modules[path.stem] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: Callable[..., Any] | None = getattr(module, name, None)
    if not callable(found):
        raise Unavailable(f"{path.name} has no function {name}")
    return found


def _timed(
    session: Session,
    setup: Callable[..., Any],
    arguments: Mapping[str, Scalar],
    job: dict[str, Any],
) -> dict[str, Any]:
    """Set a case up, call it once, and check what came of it.

    Raises:
        NotImplementedError: The code says that it cannot do this case.
        ArithmeticError: Its own check says that it computes something else.
    """
    known = inspect.signature(setup).parameters
    own = {name: job[name] for name in GIVEN if name in known}
    found = setup(**arguments, **own)
    timed: dict[str, Any] = found if isinstance(found, dict) else {"call": found}
    _require_known(timed)
    timed["call"]()
    session.synchronize()
    right = timed["check"]() if "check" in timed else None
    if right is not None and not right:
        raise ArithmeticError("its check says that the result is wrong")
    return timed


def _require_known(timed: Mapping[str, Any]) -> None:
    """Refuse what cannot be meant.

    Raises:
        TypeError: What was returned is no call, or says more than is known.
    """
    if not callable(timed.get("call")):
        raise TypeError("setup must return what is to be timed: a function, or a dict with a call")
    if unknown := timed.keys() - {"call", "check", *AMOUNTS}:
        raise TypeError(f"setup returns {sorted(unknown)}, which is not known here")
    for name in AMOUNTS:
        amount = timed.get(name)
        if amount is not None and (type(amount) is not int or amount < 1):
            raise TypeError(f"{name} must be a whole number above 0, not {amount!r}")
