"""Training in other ways than the chapter's four runs: schedules, sampling, copies, grids.

On rows with the data's moments, on PyTorch; NumPy, given the same orders, is the oracle.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from factories.jobs import job, loaded
from report.analysis import leastsquares, seeds
from report.backends import pytorch
from report.backends.pytorch import training as pytorch_training
from report.experiments.training import measure as training
from report.experiments.training.kind import TrainingSettings
from report.run import data
from report.run.data import Order, write_bundle
from report.worker.schedules import factor

if TYPE_CHECKING:
    from pathlib import Path

    from report.analysis.leastsquares import FloatArray, Problem
    from report.worker.records import TrainingRun

SEED, EXAMPLES, EPOCHS = 7, 300, 6
ORDERS: list[Order] = list(itertools.product(("permutation", "replacement"), (1, 2)))
RUN = {"label": "one", "batch_size": 10, "lr": 0.05, "epochs": 2}
BOTH = ["scratch", "concise"]
SCHEDULES = ["constant", "tenth", "step", "inverse", "cosine"]
OPTIMIZERS = {"sgd": 0.1, "adagrad": 0.2, "rmsprop": 0.01, "adadelta": 1.0, "adam": 0.02}
"""With rates that bring each some way in a few epochs."""

ROWS = data.surrogate(0)[:EXAMPLES]


@pytest.fixture(name="bundle", scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return 300 rows as the parent hands them to its workers, with orders of all kinds."""
    folder = tmp_path_factory.mktemp("bundle")
    return write_bundle(folder, loaded(ROWS), seed=SEED, seeds=2, epochs=EPOCHS, orders=ORDERS)


def train(
    bundle: dict[str, Any], *runs: dict[str, Any], dtype: str = "float64", **settings: Any
) -> list[TrainingRun]:
    """Carry out a job as experiments.yaml would ask for it, in this process, once."""
    named = {"runs": list(runs)} if runs else {}
    spec = TrainingSettings.model_validate(
        {"loader": "sliced", "dtype": dtype, **named, **settings}
    )
    asked = job(spec, bundle=bundle, seed=SEED, budget_s=600.0, repeats=1)
    return training.measure(pytorch.Session("cpu", 1), asked).runs


def problem() -> Problem:
    """Return the least squares that the rows pose."""
    return leastsquares.problem(ROWS[:, :-1], ROWS[:, -1])


def exact(orders: Any, lr: float, batch_size: int, schedule: str = "constant") -> list[float]:
    """Return the losses of SGD after each epoch, from the seed's own start."""
    inputs = np.column_stack([ROWS[:, :-1], np.ones(EXAMPLES)])
    theta: FloatArray = np.append(seeds.initial_weights(SEED, 0, 5), 0.0)
    losses = [problem().loss(theta)]
    for epoch, order in enumerate(orders):
        rate = lr * factor(schedule, epoch, len(orders))
        for begin in range(0, len(order), batch_size):
            rows = order[begin : begin + batch_size] % EXAMPLES
            residual = inputs[rows] @ theta - ROWS[rows, -1]
            theta = theta - rate * residual @ inputs[rows] / len(rows)
        losses.append(problem().loss(theta))
    return losses


# --- schedules


@pytest.mark.parametrize("implementation", BOTH)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_schedule_changes_the_rate_epoch_by_epoch(
    bundle: dict[str, Any], schedule: str, implementation: str
) -> None:
    """The losses are those of NumPy with lr times the factor of each epoch."""
    spec = RUN | {"epochs": EPOCHS, "schedule": schedule}
    (run,) = train(bundle, spec, evaluate="epochs", implementation=implementation)
    orders = seeds.permutations(SEED, 0, EPOCHS, EXAMPLES)
    assert run.loss == pytest.approx(exact(orders, 0.05, 10, schedule), rel=1e-11)


def test_a_schedule_applies_to_every_optimizer(bundle: dict[str, Any]) -> None:
    """After the first epoch, which has the full rate, Adam goes another way with less."""
    spec = RUN | {"optimizer": "adam", "lr": 0.02}
    constant, tenth = train(
        bundle, spec, spec | {"label": "tenth", "schedule": "tenth"}, evaluate="epochs"
    )
    assert tenth.loss[:2] == constant.loss[:2]
    assert tenth.loss[2] != constant.loss[2]


# --- optimizers


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
@pytest.mark.parametrize("name", [*OPTIMIZERS, "momentum"])
def test_optimizers_of_the_framework_and_from_scratch_take_the_same_path(
    bundle: dict[str, Any], name: str, schedule: str
) -> None:
    """Also the adaptive ones, to which the framework's loss without 1/2 would be another one."""
    own = {"optimizer": name, "schedule": schedule, "lr": OPTIMIZERS.get(name, 0.01)}
    if name == "momentum":
        own["momentum"] = 0.9
    scratch, concise = train(bundle, RUN | own, implementation=BOTH)
    assert scratch.loss[-1] < scratch.loss[0]
    assert concise.loss == pytest.approx(scratch.loss, rel=1e-9)


@pytest.mark.parametrize("implementation", BOTH)
def test_momentums_rate_belongs_to_the_loss_as_sgds_does(
    bundle: dict[str, Any], implementation: str
) -> None:
    """Half the rate for a gradient twice as large is the same path."""
    spec = RUN | {"optimizer": "momentum", "momentum": 0.5}
    half, mse = train(
        bundle,
        spec,
        spec | {"label": "mse", "loss": "mse", "lr": 0.025},
        implementation=implementation,
    )
    assert mse.loss == pytest.approx(half.loss, rel=1e-11)


def test_the_best_momentum_beats_the_best_fixed_rate(bundle: dict[str, Any]) -> None:
    """Polyak's heavy ball shrinks the error per step by (sqrt(k) - 1) / (sqrt(k) + 1) at best."""
    # Gradient descent comes to (k - 1) / (k + 1), with k = lambda_max / lambda_min. Here k is about
    # 12; after 6 steps the excess, a square, has shrunk to 0.85^12 = 0.14 at the slowest, against
    # 0.55^12 = 0.0008 times a small power of the steps.
    low, *_, high = problem().hessian_eigenvalues()
    k = high / low
    gd = {"label": "GD", "batch_size": EXAMPLES, "lr": 2 / (low + high), "epochs": EPOCHS}
    ball = gd | {
        "label": "momentum",
        "optimizer": "momentum",
        "lr": 4 / (math.sqrt(low) + math.sqrt(high)) ** 2,
        "momentum": ((math.sqrt(k) - 1) / (math.sqrt(k) + 1)) ** 2,
    }
    plain, heavy = train(bundle, gd, ball)
    lowest = problem().optimum()[1]
    assert heavy.loss[-1] - lowest < (plain.loss[-1] - lowest) / 3


# --- sampling and copies


@pytest.mark.parametrize("loader", ["sliced", "dataloader"])
@pytest.mark.parametrize("implementation", BOTH)
def test_drawing_with_replacement_takes_the_path_of_the_draws(
    bundle: dict[str, Any], loader: str, implementation: str
) -> None:
    """NumPy, given the draws that the parent made, finds the same losses."""
    spec = RUN | {"sampling": "replacement"}
    (run,) = train(bundle, spec, evaluate="epochs", loader=loader, implementation=implementation)
    orders = seeds.draws(SEED, 0, 2, EXAMPLES)
    assert run.loss == pytest.approx(exact(orders, 0.05, 10), rel=1e-11)
    assert run.examples == [0, EXAMPLES, 2 * EXAMPLES]


@pytest.mark.parametrize("loader", ["sliced", "dataloader"])
@pytest.mark.parametrize("sampling", ["permutation", "replacement"])
def test_two_copies_make_epochs_of_twice_the_examples(
    bundle: dict[str, Any], sampling: str, loader: str
) -> None:
    """In an order of all 600; the loss stays that of the 300."""
    spec = RUN | {"copies": 2, "sampling": sampling}
    (run,) = train(bundle, spec, evaluate="epochs", loader=loader)
    draw = seeds.permutations if sampling == "permutation" else seeds.draws
    orders = draw(SEED, 0, 2, 2 * EXAMPLES)
    assert run.loss == pytest.approx(exact(orders, 0.05, 10), rel=1e-11)
    assert run.examples == [0, 2 * EXAMPLES, 4 * EXAMPLES]


def test_gradient_descent_does_not_notice_a_second_copy(bundle: dict[str, Any]) -> None:
    """The mean gradient over everything twice is that over everything once."""
    once = {"label": "GD", "batch_size": EXAMPLES, "lr": 0.5, "epochs": 4}
    one, two = train(
        bundle, once, once | {"label": "twice", "batch_size": 2 * EXAMPLES, "copies": 2}
    )
    assert two.loss == pytest.approx(one.loss, rel=1e-12)
    assert [two.examples[end] for end in two.epoch_ends] == [600, 1200, 1800, 2400]


def test_a_run_is_evaluated_on_the_data_as_it_is(
    bundle: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Evaluating sees 300 outputs, however many copies are trained on."""
    sizes = []
    half_squared = pytorch_training.squared_loss

    def noting(y_hat: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        if not torch.is_grad_enabled():
            sizes.append(len(y_hat))
        return half_squared(y_hat, y)

    monkeypatch.setattr(pytorch_training, "squared_loss", noting)
    train(bundle, RUN | {"copies": 2})
    assert set(sizes) == {EXAMPLES}


# --- what an experiment can ask for


def test_evaluating_at_epochs_leaves_the_losses_there_as_they_were(bundle: dict[str, Any]) -> None:
    """The curve has fewer points, and the same training."""
    (every,) = train(bundle, RUN)
    (ends,) = train(bundle, RUN, evaluate="epochs")
    assert every.examples == [0, 200, 300, 400, 600]
    assert ends.examples == [0, 300, 600]
    assert ends.epoch_ends == [1, 2]
    assert ends.loss == [every.loss[at] for at in (0, *every.epoch_ends)]


def test_a_grid_is_a_run_for_each_pair(bundle: dict[str, Any]) -> None:
    """Named by the pair, and the same as if each had been written down."""
    grid = {"batch_size": [10, 300], "lr": [0.05, 1], "epochs": 2}
    runs = train(bundle, grid=grid)
    assert [run.labels["run"] for run in runs] == [
        "b = 10, lr = 0.05",
        "b = 10, lr = 1",
        "b = 300, lr = 0.05",
        "b = 300, lr = 1",
    ]
    pairs = [(run.labels["batch_size"], run.labels["lr"]) for run in runs]
    assert pairs == [(10, 0.05), (10, 1.0), (300, 0.05), (300, 1.0)]
    (written_down,) = train(bundle, RUN)
    assert runs[0].loss == written_down.loss


def test_a_grid_stands_beside_runs(bundle: dict[str, Any]) -> None:
    """Those that are named come first."""
    runs = train(bundle, RUN, grid={"batch_size": 100, "lr": 0.1})
    assert [run.labels["run"] for run in runs] == ["one", "b = 100, lr = 0.1"]


def test_a_run_can_have_its_own_loader_and_implementation(bundle: dict[str, Any]) -> None:
    """Others are done in every way that the experiment asks for."""
    own = RUN | {"label": "own", "loader": "dataloader", "implementation": "concise"}
    runs = train(bundle, RUN, own, loader=["sliced", "dataloader"])
    ways = [(r.labels["run"], r.labels["loader"], r.labels["implementation"]) for r in runs]
    assert ways == [
        ("one", "sliced", "scratch"),
        ("one", "dataloader", "scratch"),
        ("own", "dataloader", "concise"),
    ]


def test_labels_say_all_that_a_run_says(bundle: dict[str, Any]) -> None:
    """Under the names that figures, claims and other machines know."""
    said = {
        "optimizer": "momentum",
        "momentum": 0.5,
        "schedule": "step",
        "sampling": "replacement",
        "copies": 2,
    }
    (run,) = train(bundle, RUN | said)
    rest = {"loss": "half_squared", "loader": "sliced", "implementation": "scratch"}
    numbers = {name: RUN[name] for name in ("batch_size", "lr", "epochs")}
    assert run.labels == {"run": "one", "variant": "eager", **numbers, **rest, **said}


# --- divergence, and what is kept


def test_a_diverging_run_of_a_grid_ends_with_its_first_epoch(
    bundle: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 20 epochs of 30 updates one is made, once before the measured round and once in it."""
    steps = []
    sgd = pytorch_training.ALGORITHMS["sgd"]

    def counting(params: Any, states: Any, hyperparams: Any) -> None:
        steps.append(1)
        sgd.trainer_fn(params, states, hyperparams)

    monkeypatch.setitem(pytorch_training.ALGORITHMS, "sgd", replace(sgd, trainer_fn=counting))
    grid = {"batch_size": 10, "lr": 1000.0, "epochs": EPOCHS}
    (run,) = train(bundle, grid=grid, evaluate="epochs", dtype="float32")
    assert len(steps) == 2 * EXAMPLES // 10
    assert run.diverged
    assert (run.examples, run.epoch_ends) == ([0], [])


def test_losses_in_float32_keep_the_digits_that_they_have(bundle: dict[str, Any]) -> None:
    """Rounded to nine, each is still the float32 that was evaluated, and no other."""
    (run,) = train(bundle, RUN, dtype="float32")
    assert all(len(repr(loss)) <= len("0.") + 10 for loss in run.loss)
    values = np.random.default_rng(5).lognormal(-1.4, 3, 2000).astype(np.float32)
    kept = [training._shortest(float(value), "float32") for value in values]
    assert np.array_equal(np.array(kept, np.float32), values)
    assert training._shortest(1 / 3, "float64") == 1 / 3


def test_a_bundle_has_only_the_orders_that_were_asked_for(tmp_path: Path) -> None:
    """One kind asked for is one file for each seed."""
    write_bundle(tmp_path, loaded(ROWS[:4]), seed=1, seeds=2, epochs=1, orders=[("replacement", 2)])
    found = sorted(path.name for path in tmp_path.glob("*.i32"))
    assert found == ["seed-0.replacement-2.i32", "seed-1.replacement-2.i32"]
    assert (tmp_path / found[0]).stat().st_size == 4 * 2 * 4
