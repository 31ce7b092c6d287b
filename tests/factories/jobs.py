"""Makes what a worker is handed: jobs, and rows as loaded data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from report.results.result import Dataset
from report.run.data import LoadedData

if TYPE_CHECKING:
    from report.analysis.leastsquares import FloatArray
    from report.experiments.settings import Settings

SEED = 20190826


def job(settings: Settings, **fields: Any) -> dict[str, Any]:
    """Make a job as the runner sends it: on PyTorch, one process of one thread with one seed."""
    return {
        "do": "job",
        "backend": "pytorch",
        "device": "cpu",
        "settings": settings.model_dump(mode="json"),
        "seed": SEED,
        "threads": 1,
        "process": 0,
        "processes": 1,
        "seeds": 1,
        "budget_s": 0.05,
        "repeats": 3,
        **fields,
    }


def loaded(rows: FloatArray) -> LoadedData:
    """Make data of rows whose last column is the target."""
    examples, columns = rows.shape
    dataset = Dataset(
        source="surrogate", origin="made up", sha1=None, examples=examples, features=columns - 1
    )
    return LoadedData(dataset=dataset, features=rows[:, :-1], targets=rows[:, -1])
