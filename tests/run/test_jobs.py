"""How long a run will take: against what committed runs took, and as its own jobs teach it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from factories import small_results
from report.config.plan import PlannedExperiment
from report.experiments.catalogue import LABELS
from report.results import store
from report.run.jobs import Forecast, Job, planned

if TYPE_CHECKING:
    from report.results.store import Saved

RESULTS = Path(__file__).parents[2] / "results"

GAP = 0.25
"""By which share a forecast may be off."""


def experiment(name: str = "products", **changes: Any) -> PlannedExperiment:
    """Return products in four processes that share 40 s."""
    fields = {
        "title": name,
        "kind": "matmul",
        "backends": ["pytorch"],
        "device": "auto",
        "processes": 4,
        "repeats": 30,
        "budget_s": 40.0,
        "timeout_s": 60.0,
        "seeds": 1,
        "settings": {"strategy": ["full"], "size": [256]},
    }
    return PlannedExperiment(name=name, **{**fields, **changes})


def seconds(*experiments: PlannedExperiment, **options: Any) -> float:
    """Return what PyTorch needs for these, before anything is known."""
    jobs = planned(experiments, ["pytorch"], **options)
    return Forecast(jobs).seconds(jobs)


@pytest.fixture(scope="module")
def saved() -> list[Saved]:
    """Return the committed results."""
    found = store.read_all(RESULTS, LABELS)[0]
    if not found:
        pytest.skip("there are no committed results")
    return found


def test_committed_runs_took_what_is_forecast_for_their_plans(saved: list[Saved]) -> None:
    """Within a quarter of what their records took, both profiles, with and without a GPU."""
    for one in saved:
        result = one.result
        made = [PlannedExperiment(name=n, **e) for n, e in result.config["experiments"].items()]
        gpu = any(record.device.startswith("cuda") for record in result.records)
        jobs = planned(made, list(result.environments), accelerator=gpu)
        took_s = math.fsum(record.elapsed_s for record in result.records)
        assert Forecast(jobs).seconds(jobs) == pytest.approx(took_s, rel=GAP), one.name


def test_forecast_grows_with_what_is_chosen() -> None:
    """A part takes less than the whole, and more than its budget; what lacks takes nothing."""
    one, other = experiment(), experiment("other")
    assert 40 < seconds(one) < seconds(one, other)
    assert seconds(one, other, lacking=["pytorch"]) == 0


def test_second_fresh_process_is_part_of_the_forecast() -> None:
    """What must come first in a process starts another, unless it is the first experiment."""
    cold = {"strategy": ["full"], "size": [256], "as_printed": True}
    plain = seconds(experiment(), experiment("other"))
    assert seconds(experiment(settings=cold), experiment("other")) == pytest.approx(plain)
    assert seconds(experiment(), experiment("other", settings=cold)) > plain + 1


def test_work_that_no_budget_bounds_is_forecast() -> None:
    """65,536 calls and thousands of updates are done once at least; more slowly on a GPU."""
    run = {"label": "SGD", "batch_size": 1, "lr": 0.01, "epochs": 2, "loss": "half_squared"}
    ways = {"loader": ["sliced"], "implementation": ["scratch"]}
    elements = {"strategy": ["element"], "size": [256], "as_printed": True}
    for settings, kind in ((elements, "matmul"), ({"runs": [run], **ways}, "training")):
        made = experiment(kind=kind, budget_s=0.4, settings=settings)
        cpu, gpu = (Job(made, "pytorch", 0, accelerated=fast).expected_s for fast in (False, True))
        assert cpu > 0.4
        assert gpu > 3 * cpu


def test_few_repeats_of_short_runs_leave_budget() -> None:
    """A minute is not used up by training a few updates three times."""
    run = {"label": "GD", "batch_size": 1500, "lr": 0.9, "epochs": 2, "loss": "half_squared"}
    settings = {"runs": [run], "loader": ["sliced"], "implementation": ["scratch"]}
    assert seconds(experiment(kind="training", repeats=3, budget_s=60, settings=settings)) < 20


def learned(forecast: Forecast, job: Job, measured_s: float) -> None:
    """Tell a forecast of a job that has been done."""
    took = {"elapsed_s": measured_s, "measured_s": measured_s}
    record = small_results.record(job.experiment.name, job.process, kind="matmul", **took)
    forecast.learn(job, record)


def test_forecast_learns_from_what_jobs_take() -> None:
    """Its own first process says what another takes; that of others, by how much all is slower."""
    jobs = planned([experiment(processes=3), experiment("other", processes=3)], ["pytorch"])
    before, after = Forecast(jobs), Forecast(jobs)
    learned(after, jobs[0], 3 * jobs[0].expected_s)
    mine, its = (
        after.by_experiment(jobs[1:])[name] / before.by_experiment(jobs[1:])[name]
        for name in ("products", "other")
    )
    assert mine > 2.5
    assert 1.1 < its < 2.5
    assert after.seconds([]) == 0


def test_processes_after_the_first_get_what_budgets_leave() -> None:
    """Where the first three have used the budgets up, no time is forecast for a fourth."""
    jobs = planned([experiment()], ["pytorch"])
    first, last = jobs[:3], jobs[3:]
    quick, slow = Forecast(jobs), Forecast(jobs)
    for job in first:
        learned(quick, job, 10)
        learned(slow, job, 20)
    assert quick.seconds(last) == pytest.approx(10, rel=0.2)
    assert slow.seconds(last) == 0
