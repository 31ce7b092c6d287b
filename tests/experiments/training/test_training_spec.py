"""What experiments.yaml may say of training, and what is refused in which words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from report.config.configuration import load
from report.config.plan import plan
from report.errors import ConfigError
from report.experiments.training.kind import TrainingSettings
from report.resources import default_config

if TYPE_CHECKING:
    from pathlib import Path

    from report.config.configuration import Config

HEAD = "version: 1\nexperiments:\n  t:\n    kind: training\n"
RUN = "label: a, batch_size: 30, lr: 1, epochs: 2"
PAIR = "'b = 10, lr = 0.1',"

REFUSED_RUNS = {
    "optimizer: momentum": "runs.0: optimizer: momentum needs the key momentum, such as 0.9.",
    "optimizer: adam, momentum: 0.9": "runs.0: optimizer: adam has no momentum; set optimizer: ",
    "optimizer: momentum, momentum: 1": "runs.0.momentum: Input should be less than 1 (it is 1).",
    # A rate for the loss without 1/2 means nothing where the gradient's size is divided out.
    "optimizer: adam, loss: mse": "runs.0: optimizer: adam divides by the gradient's size",
    # With a single epoch the schedule would never act.
    "epochs: 1, schedule: tenth": "runs.0: schedule: tenth acts from the second epoch on",
    "schedule: cosines": "runs.0.schedule: unknown value 'cosines'. Did you mean 'cosine'?",
    "batch_size: 3001, copies: 2": "runs.0.batch_size: a batch cannot be larger than the data; at "
    "most 3000 are possible",
}
REFUSED_GRIDS = {
    "grid: {batch_size: [10, 1501], lr: 0.1}": "grid.batch_size.1: a batch cannot be larger than",
    "quick: {grid: {batch_size: 1501, lr: 0.1}}": "quick.grid.batch_size: a batch cannot be larger",
    "grid: {batch_size: 10, lr: [0.1, 1, 1.0]}": "grid.lr: the list holds a value twice",
}


def read(tmp_path: Path, text: str) -> Config:
    """Read a configuration from a file x.yaml."""
    path = tmp_path / "x.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path)


def settings(tmp_path: Path, text: str, profile: Any = "full") -> dict[str, Any]:
    """Return the settings of the experiment t in a profile."""
    return plan(read(tmp_path, HEAD + text), profile).only(["t"])[0].settings


def refusal(tmp_path: Path, text: str) -> str:
    """Return the one line by which an experiment is refused."""
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, HEAD + text)
    (line,) = caught.value.message.splitlines()
    return line


@pytest.mark.parametrize("keys", REFUSED_RUNS)
def test_nonsense_in_a_run_is_refused_with_its_place_and_a_remedy(
    tmp_path: Path, keys: str
) -> None:
    """One line for one mistake."""
    run = {"label": "a", "batch_size": "30", "lr": "1", "epochs": "2"}
    run |= dict(pair.split(": ") for pair in keys.split(", "))
    written = ", ".join(f"{key}: {value}" for key, value in run.items())
    found = refusal(tmp_path, f"    runs: [{{{written}}}]\n")
    assert f"x.yaml:5: experiments.t.{REFUSED_RUNS[keys]}" in found


@pytest.mark.parametrize("text", REFUSED_GRIDS)
def test_nonsense_in_a_grid_is_refused_with_its_place(tmp_path: Path, text: str) -> None:
    """A batch that is larger than the data, also in a profile; a rate twice."""
    found = refusal(tmp_path, f"    {text}\n")
    assert f"x.yaml:5: experiments.t.{REFUSED_GRIDS[text]}" in found


def test_runs_and_a_grid_have_names_of_their_own_and_are_not_both_nothing(tmp_path: Path) -> None:
    """A run cannot have the name of a pair, and a list of runs that is written holds some."""
    named = (
        f"    runs: [{{{RUN.replace('a,', PAIR)}}}]\n    grid: {{batch_size: 10, lr: [0.1, 1]}}\n"
    )
    assert "experiments.t: two runs have the label 'b = 10, lr = 0.1'" in refusal(tmp_path, named)
    nothing = "    grid: {batch_size: 10, lr: 0.1}\n    runs: []\n"
    assert "x.yaml:6: experiments.t.runs: List should have" in refusal(tmp_path, nothing)


def test_two_copies_allow_batches_of_all_of_them(tmp_path: Path) -> None:
    """Gradient descent on the data twice has twice the examples in its one batch."""
    text = "    runs: [{label: a, batch_size: 3000, lr: 1, epochs: 2, copies: 2}]\n"
    assert settings(tmp_path, text)["runs"][0]["batch_size"] == 3000


def test_a_run_is_the_chapters_where_it_says_nothing(tmp_path: Path) -> None:
    """Plain SGD at a constant rate, each example once an epoch, done as the experiment says."""
    (run,) = settings(tmp_path, f"    runs: [{{{RUN}}}]\n")["runs"]
    assert run == {
        "label": "a",
        "batch_size": 30,
        "lr": 1.0,
        "epochs": 2,
        "loss": "half_squared",
        "optimizer": "sgd",
        "momentum": None,
        "schedule": "constant",
        "sampling": "permutation",
        "copies": 1,
        "loader": None,
        "implementation": None,
        "backends": None,
    }


def test_without_runs_or_a_grid_two_of_the_chapters_are_trained(tmp_path: Path) -> None:
    """An experiment of nothing but its kind does something that can be looked at."""
    made = settings(tmp_path, "")
    assert [run["label"] for run in made["runs"]] == ["GD", "batch 100"]
    assert (made["grid"], made["evaluate"]) == (None, "examples")


def test_a_grid_alone_brings_no_runs_of_its_own(tmp_path: Path) -> None:
    """What it has is its pairs."""
    made = settings(tmp_path, "    grid: {batch_size: [10, 100], lr: 0.1}\n")
    assert made["runs"] == []
    assert made["grid"] == {"batch_size": [10, 100], "lr": [0.1], "epochs": 2}


def test_a_profiles_grid_leaves_the_runs_alone(tmp_path: Path) -> None:
    """What a profile does not say stays as it is."""
    text = f"    runs: [{{{RUN}}}]\n    quick: {{grid: {{batch_size: 10, lr: 0.1}}}}\n"
    quick, full = (settings(tmp_path, text, profile) for profile in ("quick", "full"))
    assert [run["label"] for run in quick["runs"]] == ["a"]
    assert quick["grid"]["lr"] == [0.1]
    assert full["grid"] is None


def test_defaults_are_not_among_the_keys_that_were_set() -> None:
    """A profile that says nothing of runs must not replace the experiment's."""
    assert "runs" not in TrainingSettings().model_fields_set
    assert len(TrainingSettings().runs) == 2


@pytest.fixture(name="chapter")
def default_experiments(tmp_path: Path) -> dict[str, dict[str, Any]]:
    """Return the settings of the default file's experiments."""
    made = plan(read(tmp_path, default_config()), "full")
    return {experiment.name: experiment.settings for experiment in made.experiments}


LABELS = {
    "concise-as-listed": ["from scratch", "concise as listed", "concise, same path"],
    "batch-sizes": [f"batch {b}" for b in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1500)],
    "stability": ["lr 1", "lr 0.9", "best fixed lr", "momentum"],
    "decay": ["constant", "tenth", "step", "inverse", "cosine"],
    "replacement": ["each once", "with replacement"],
    "twice": ["GD", "GD, twice", "batch 100", "batch 100, twice", "SGD", "SGD, twice"],
    "optimizers": ["sgd", "momentum", "adagrad", "rmsprop", "adadelta", "adam"],
}


@pytest.mark.parametrize("name", LABELS)
def test_default_runs_have_the_names_that_claims_know(
    chapter: dict[str, dict[str, Any]], name: str
) -> None:
    """A claim names a run by its label."""
    assert [run["label"] for run in chapter[name]["runs"]] == LABELS[name]


def test_default_schedules_and_optimizers_are_what_their_labels_say(
    chapter: dict[str, dict[str, Any]],
) -> None:
    """Runs of `decay` differ in nothing else, and those of `optimizers` in that and the rate."""
    assert all(run["schedule"] == run["label"] for run in chapter["decay"]["runs"])
    assert len({(r["lr"], r["batch_size"], r["epochs"]) for r in chapter["decay"]["runs"]}) == 1
    assert all(run["optimizer"] == run["label"] for run in chapter["optimizers"]["runs"])
    assert len({(r["batch_size"], r["epochs"]) for r in chapter["optimizers"]["runs"]}) == 1


def test_default_concise_runs_take_the_steps_that_the_chapter_lists(
    chapter: dict[str, dict[str, Any]],
) -> None:
    """0.01 of a loss without 1/2 is two fifths of 0.05 with it; 0.025 is the same step."""
    scratch, listed, same = chapter["concise-as-listed"]["runs"]
    assert (scratch["lr"], scratch["loss"], scratch["implementation"]) == (
        0.05,
        "half_squared",
        "scratch",
    )
    assert (listed["lr"], listed["loss"], listed["epochs"]) == (0.01, "mse", 4)
    assert (2 * same["lr"], same["loss"], same["epochs"]) == (scratch["lr"], "mse", 2)
    assert chapter["concise-as-listed"]["implementation"] == ["concise"]


def test_default_stability_runs_stand_on_both_sides_of_the_limit(
    chapter: dict[str, dict[str, Any]],
) -> None:
    """Worked out of the two extreme eigenvalues of the chapter's rows, 0.1737 and 2.0985."""
    # 2 / 2.0985 = 0.9531; 2 / (0.1737 + 2.0985) = 0.8802; Polyak's momentum has the rate 4 /
    # (sqrt(0.1737) + sqrt(2.0985))^2 = 1.1496 and, with k = 12.08, ((3.476 - 1) / (3.476 + 1))^2 =
    # 0.306.
    one, below, best, ball = chapter["stability"]["runs"]
    assert below["lr"] < 0.9531 < one["lr"]
    assert best["lr"] == pytest.approx(0.8802, abs=1e-4)
    assert ball["lr"] == pytest.approx(1.1496, abs=5e-4)
    assert ball["momentum"] == pytest.approx(0.306, abs=1e-3)
