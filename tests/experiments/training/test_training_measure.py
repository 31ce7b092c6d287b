"""Training on PyTorch and the real data, held to what the theory of least squares foretells."""

from __future__ import annotations

import gc
import itertools
import json
import math
from array import array
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch import nn

from factories import accelerator
from factories.jobs import SEED, job, loaded
from report.analysis import leastsquares, seeds
from report.backends import pytorch
from report.backends.pytorch import training as pytorch_training
from report.experiments.training import measure as training
from report.experiments.training.kind import TrainingSettings
from report.experiments.training.measure import KEPT_REPEATS, Run, measure, offered, refusal
from report.registry import BACKENDS, Training
from report.run import data
from report.run.data import write_bundle
from report.worker import sensors
from report.worker.curve import Curve, PrintedCurve
from report.worker.records import Unmeant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from report.analysis.leastsquares import FloatArray
    from report.experiments.training.measure import Data, Start
    from report.run.data import LoadedData
    from report.worker.records import Outcome, TrainingRun

LOWEST = 0.2416879551
"""The lowest loss that any weights have on these rows."""

DESCENT = [0.27571, 0.25031, 0.24649, 0.24550, 0.24513, 0.24508, 0.24526, 0.24564, 0.24622, 0.24699]
"""Losses of gradient descent after 1 to 10 steps at lr 1 from w = 0, b = 0."""

GD = {"label": "GD", "batch_size": 1500, "lr": 1.0, "epochs": 10, "loss": "half_squared"}
SGD = {"label": "SGD", "batch_size": 1, "lr": 0.005, "epochs": 2, "loss": "half_squared"}
BATCH_100 = GD | {"label": "batch 100", "batch_size": 100, "lr": 0.4, "epochs": 2}
BATCH_10 = {"label": "batch 10", "batch_size": 10, "lr": 0.05, "epochs": 2, "loss": "half_squared"}

LOADERS = ["dataloader", "sliced"]
IMPLEMENTATIONS = ["scratch", "concise"]
SWEPT = {"energy_s", "loader", "implementation", "variant", "dtype", "as_printed"}


@pytest.fixture(name="airfoil", scope="module")
def real_rows(real_file: Path) -> LoadedData:
    """Return the chapter's 1500 rows."""
    return data.load(real_file)


@pytest.fixture(name="bundle", scope="module")
def written(airfoil: LoadedData, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the rows as the parent hands them to its workers, with starts for five seeds."""
    folder = tmp_path_factory.mktemp("bundle")
    return write_bundle(folder, airfoil, seed=SEED, seeds=5, epochs=10)


@pytest.fixture(name="from_zero")
def written_with_zero_weights(airfoil: LoadedData, tmp_path: Path) -> dict[str, Any]:
    """Return the rows with a start at w = 0 (the bias starts at 0 anyway)."""
    bundle = write_bundle(tmp_path, airfoil, seed=SEED, seeds=1, epochs=10)
    (tmp_path / "seed-0.weights.f64").write_bytes(bytes(5 * 8))
    return bundle


def job_of(bundle: dict[str, Any], runs: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    """Return a job with these runs; changes are to its settings, or to the job itself."""
    swept = {key: changes.pop(key) for key in changes.keys() & SWEPT}
    spec = {"loader": "sliced", "dtype": "float32", "runs": runs, **swept}
    fields = {"bundle": bundle, "budget_s": 600.0, "repeats": 1, **changes}
    return job(TrainingSettings.model_validate(spec), **fields)


def train(bundle: dict[str, Any], *runs: dict[str, Any], **changes: Any) -> list[TrainingRun]:
    """Carry out a training job in this process, on PyTorch."""
    session = pytorch.Session("cpu", 1)
    return measure(session, job_of(bundle, list(runs), **changes)).runs


def initial_theta(bundle: dict[str, Any], seed: int) -> FloatArray:
    """Return w and b as a run with this seed begins."""
    weights = seeds.initial_weights(SEED, seed, bundle["features"])
    return np.append(weights, 0.0)


# --- against theory


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize(
    ("implementation", "loss", "lr"),
    [
        ("scratch", "half_squared", 1.0),
        ("concise", "half_squared", 1.0),
        # The gradient of the loss without 1/2 is twice as large: half the rate, the same step.
        ("scratch", "mse", 0.5),
        ("concise", "mse", 0.5),
    ],
)
def test_gradient_descent_from_zero_takes_the_known_path(
    from_zero: dict[str, Any], loader: str, implementation: str, loss: str, lr: float
) -> None:
    """In float32, to the five digits in which the ten losses are known."""
    (run,) = train(
        from_zero, GD | {"lr": lr, "loss": loss}, loader=[loader], implementation=[implementation]
    )
    assert run.examples == [1500 * step for step in range(11)]
    assert run.loss[1:] == pytest.approx(DESCENT, rel=0, abs=1e-5)


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_gradient_descent_in_float64_takes_the_exact_path(
    airfoil: LoadedData, bundle: dict[str, Any], implementation: str
) -> None:
    """From drawn weights, as the data's moments alone foretell it, to twelve digits."""
    (run,) = train(bundle, GD, dtype="float64", implementation=[implementation])
    problem = leastsquares.problem(airfoil.features, airfoil.targets)
    exact = problem.gradient_descent(initial_theta(bundle, 0), lr=1.0, steps=10)
    assert run.loss == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize("loader", LOADERS)
def test_minibatches_in_float64_take_the_path_of_their_permutations(
    airfoil: LoadedData, bundle: dict[str, Any], loader: str
) -> None:
    """NumPy, given the same start and the same orders, finds the same loss at every point."""
    # Batches of 64 do not divide 1500, so that the last of an epoch has 28 examples.
    odd = BATCH_100 | {"batch_size": 64}
    (run,) = train(bundle, odd, dtype="float64", loader=[loader])
    design = np.column_stack([airfoil.features, np.ones(1500)])
    problem = leastsquares.problem(airfoil.features, airfoil.targets)
    theta, n, losses = initial_theta(bundle, 0), 0, {}
    losses[0] = problem.loss(theta)
    for order in seeds.permutations(SEED, 0, epochs=2, examples=1500):
        for begin in range(0, 1500, 64):
            rows = order[begin : begin + 64]
            error = design[rows] @ theta - airfoil.targets[rows]
            theta = theta - 0.4 * design[rows].T @ error / len(rows)
            n += len(rows)
            losses[n] = problem.loss(theta)
    assert run.loss == pytest.approx([losses[n] for n in run.examples], rel=1e-11)


@pytest.mark.parametrize("loader", LOADERS)
def test_the_chapters_four_runs_end_where_the_chapter_shows(
    bundle: dict[str, Any], loader: str
) -> None:
    """Above the lowest loss there is, 0.24169, and below 0.26, from each of three starts."""
    # Gradient descent with lr 1 is past its largest stable rate: its loss rises again in the end.
    runs = train(bundle, GD, SGD, BATCH_100, BATCH_10, seeds=3, loader=[loader])
    assert len(runs) == 12
    for run in runs:
        assert not run.diverged
        assert LOWEST < run.loss[-1] <= 0.26, run.labels
    assert all(run.loss[-1] > min(run.loss) + 1e-4 for run in runs if run.labels["run"] == "GD")


# --- the same, done in two ways


@pytest.mark.parametrize("size", [1, 10, 100, 1500])
def test_both_loaders_give_identical_batches(airfoil: LoadedData, size: int) -> None:
    """Bit by bit: the same numbers in the same order, the last batch of an epoch included."""
    features, targets = (
        torch.from_numpy(each.astype("float32")) for each in (airfoil.features, airfoil.targets)
    )
    order = torch.from_numpy(seeds.permutations(SEED, 0, epochs=1, examples=1500)[0].astype("i8"))
    (epoch,) = pytorch_training.loaded(features, targets, size, [order], torch.device("cpu"))
    cut = pytorch_training.sliced(features, targets, size, order)
    for one, other in zip(epoch, cut, strict=True):
        assert all(map(torch.equal, one, other))


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
def test_each_epoch_visits_each_example_once_in_the_order_handed_over(
    airfoil: LoadedData,
    bundle: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    loader: str,
    implementation: str,
) -> None:
    """The targets that the loss sees while gradients are recorded are the permuted ones."""
    seen: list[float] = []

    def note(owner: Any, function: str) -> None:
        real = getattr(owner, function)

        def noting(*args: torch.Tensor) -> Any:
            if torch.is_grad_enabled():
                seen.extend(args[-1].flatten().tolist())
            return real(*args)

        monkeypatch.setattr(owner, function, noting)

    note(pytorch_training, "squared_loss")
    note(nn.MSELoss, "forward")
    train(bundle, BATCH_100, dtype="float64", loader=[loader], implementation=[implementation])
    orders = seeds.permutations(SEED, 0, epochs=2, examples=1500)
    expected = [airfoil.targets[index] for order in orders for index in order.tolist()]
    assert sorted(orders[1].tolist()) == list(range(1500))
    # Fifteen updates, which are an epoch, before the measured round.
    assert seen == expected[:1500] + expected


# --- seeds


def test_same_seed_gives_the_same_losses_in_every_call(bundle: dict[str, Any]) -> None:
    """Bit by bit; only the seconds differ."""
    first, again = (train(bundle, BATCH_10, seeds=2) for _ in range(2))
    assert [run.loss for run in first] == [run.loss for run in again]


def test_different_seeds_start_elsewhere_and_go_another_way(bundle: dict[str, Any]) -> None:
    """Weights and permutations both belong to the seed."""
    runs = train(bundle, BATCH_10, seeds=3)
    assert [run.seed for run in runs] == [0, 1, 2]
    for a, b in itertools.combinations(runs, 2):
        assert a.loss[0] != b.loss[0]
        assert a.loss[-1] != b.loss[-1]


def test_a_seed_decides_the_permutations_and_not_just_the_weights(
    airfoil: LoadedData, tmp_path: Path
) -> None:
    """From the same weights two seeds go different ways."""
    bundle = write_bundle(tmp_path, airfoil, seed=SEED, seeds=2, epochs=2)
    for seed in range(2):
        (tmp_path / f"seed-{seed}.weights.f64").write_bytes(bytes(5 * 8))
    one, other = train(bundle, BATCH_100, seeds=2)
    assert one.loss[0] == other.loss[0]
    assert one.loss[1] != other.loss[1]


def test_a_runs_epochs_do_not_change_its_first_ones(bundle: dict[str, Any]) -> None:
    """Two epochs are the beginning of ten, so that runs of different length can be compared."""
    short, long = train(bundle, BATCH_100, BATCH_100 | {"label": "long", "epochs": 4})
    assert long.loss[: len(short.loss)] == short.loss


@pytest.mark.parametrize(
    ("seeds", "processes", "dealt"),
    [
        (3, 1, [[0, 1, 2]]),
        (3, 4, [[0], [1], [2], [0]]),
        (10, 4, [[0, 4, 8], [1, 5, 9], [2, 6], [3, 7]]),
        (1, 3, [[0], [0], [0]]),
        (2, 5, [[0], [1], [0], [1], [0]]),
    ],
)
def test_seeds_are_dealt_out_to_the_processes(
    seeds: int, processes: int, dealt: list[list[int]]
) -> None:
    """Each seed is trained somewhere, and a process that would go without repeats another's."""
    hands = [training._seeds(seeds, process, processes) for process in range(processes)]
    assert hands == dealt


def test_a_process_trains_only_the_seeds_that_it_was_dealt(bundle: dict[str, Any]) -> None:
    """The third of four processes gets the third of three seeds, and records it under its name."""
    (third,) = train(bundle, BATCH_100, seeds=3, process=2, processes=4)
    everyone = train(bundle, BATCH_100, seeds=3)
    assert third.seed == 2
    assert third.loss == everyone[2].loss


# --- divergence


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize("implementation", IMPLEMENTATIONS)
@pytest.mark.parametrize("spec", [GD, BATCH_10], ids=["GD", "batch 10"])
def test_a_run_that_overflows_is_cut_and_called_diverged(
    bundle: dict[str, Any], spec: dict[str, Any], implementation: str, loader: str
) -> None:
    """At lr 1000 the loss leaves float32 in some steps; what is stored can be written as JSON."""
    (run,) = train(bundle, spec | {"lr": 1000.0}, loader=[loader], implementation=[implementation])
    assert run.diverged
    full = 11 if spec is GD else 17
    assert 1 <= len(run.loss) < full
    assert len(run.examples) == len(run.loss) == len(run.elapsed_s[0])
    assert all(math.isfinite(loss) for loss in run.loss)
    assert all(index < len(run.loss) for index in run.epoch_ends)
    json.dumps(asdict(run), allow_nan=False)


def test_a_run_that_ends_above_its_start_is_called_diverged_and_not_cut(
    bundle: dict[str, Any],
) -> None:
    """At lr 1.3 gradient descent grows, but its losses are finite numbers to the end."""
    (run,) = train(bundle, GD | {"lr": 1.3})
    assert run.diverged
    assert len(run.loss) == 11
    assert run.epoch_ends == list(range(1, 11))


# --- rounds, repeats and the budget


class Fake:
    """A backend that trains in no time and notes what it was asked for.

    Attributes:
        trained: (label, the first weight) of each training, in order.
        took_s: What its clock shows after each.
    """

    def __init__(self, took_s: float = 0.0) -> None:
        """Begin with a clock at an arbitrary time."""
        self.trained: list[tuple[str, float]] = []
        self.took_s = took_s
        self.now_s = 300.0

    def synchronize(self) -> None:
        """Have nothing to wait for."""

    def threads(self) -> None:
        """Have none to speak of."""

    def perf_counter(self) -> float:
        """Return the time on the backend's own clock."""
        return self.now_s

    def train(self, run: Run, data: Data, start: Start, curve: Curve) -> None:
        """Make one point an epoch."""
        self.trained.append((run.run, start.weights[0]))
        self.now_s += self.took_s
        curve.evaluate = lambda: 0.25
        curve.start()
        for epoch in range(run.epochs):
            curve.end_epoch(data.examples * (epoch + 1))


@pytest.fixture(name="made_up")
def small_bundle(tmp_path: Path) -> dict[str, Any]:
    """Return a bundle of four examples."""
    rows = np.column_stack([np.arange(8.0).reshape(4, 2), np.arange(4.0)])
    return write_bundle(tmp_path, loaded(rows), seed=SEED, seeds=5, epochs=10)


@pytest.fixture(name="train_on")
def by_the_fakes_clock(
    made_up: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Outcome]:
    """Return a function that carries out a job of two runs on a fake, by the fake's clock."""

    def train_on(fake: Fake, **changes: Any) -> Outcome:
        monkeypatch.setattr(training, "time", SimpleNamespace(perf_counter=fake.perf_counter))
        return measure(fake, job_of(made_up, [GD, BATCH_100], **changes))

    return train_on


def test_every_round_trains_every_run_with_every_seed_in_shuffled_order(
    train_on: Callable[..., Outcome],
) -> None:
    """Each run once before, unmeasured; then each with each seed, once a round."""
    fake = Fake()
    outcome = train_on(fake, seeds=2, repeats=6)
    weights = [seeds.initial_weights(SEED, seed, 2)[0] for seed in range(2)]
    every = sorted(itertools.product(["GD", "batch 100"], weights))
    assert fake.trained[:2] == [("GD", weights[0]), ("batch 100", weights[0])]
    rounds = [fake.trained[begin : begin + 4] for begin in range(2, len(fake.trained), 4)]
    assert [sorted(one) for one in rounds] == [every] * 6
    assert len({tuple(one) for one in rounds}) > 1
    # Unshuffled in the records.
    named = [(run.labels["run"], run.seed) for run in outcome.runs]
    assert named == [("GD", 0), ("GD", 1), ("batch 100", 0), ("batch 100", 1)]


@pytest.mark.parametrize(("budget_s", "rounds"), [(10.0, 4), (9.9, 3), (0.1, 1)])
def test_rounds_end_when_another_would_not_fit_into_the_budget(
    train_on: Callable[..., Outcome], budget_s: float, rounds: int
) -> None:
    """Two trainings before the rounds take 2 s, and each round of two 2 s; one is always made."""
    # Losses do not depend on time, and one time is better than none.
    outcome = train_on(Fake(1.0), repeats=100, budget_s=budget_s)
    assert [run.repeats for run in outcome.runs] == [rounds] * 2


def test_kept_times_are_capped_and_counted(train_on: Callable[..., Outcome]) -> None:
    """The first so many repeats keep their times, and `repeats` says how many there were."""
    outcome = train_on(Fake(), repeats=KEPT_REPEATS + 5)
    for run in outcome.runs:
        assert run.repeats == KEPT_REPEATS + 5
        assert len(run.elapsed_s) == KEPT_REPEATS
        assert all(len(times) == len(run.examples) for times in run.elapsed_s)


def test_sweeps_give_every_run_with_every_loader_and_implementation(
    train_on: Callable[..., Outcome],
) -> None:
    """Each under labels that tell it from the others."""
    outcome = train_on(Fake(), loader=LOADERS, implementation=IMPLEMENTATIONS)
    every = itertools.product(["GD", "batch 100"], LOADERS, IMPLEMENTATIONS, ["eager"])
    assert ways_of(run.labels for run in outcome.runs) == list(every)


def ways_of(labels: Iterable[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Return what tells runs of the same name apart."""
    return [(one["run"], one["loader"], one["implementation"], one["variant"]) for one in labels]


@pytest.fixture(name="offer")
def another_registry(monkeypatch: pytest.MonkeyPatch) -> Callable[[Training], None]:
    """Return a function that lets the framework under test train in other ways."""

    def offer(trains: Training) -> None:
        known = replace(BACKENDS["pytorch"], title="The fake", training=trains)
        monkeypatch.setitem(BACKENDS, "pytorch", known)

    return offer


def test_each_run_is_trained_in_all_ways_that_the_framework_offers(
    train_on: Callable[..., Outcome], offer: Callable[[Training], None]
) -> None:
    """Which can differ with the implementation; an experiment that says nothing means all."""
    offer(Training(scratch=("eager", "epoch"), concise=("compiled",)))
    runs = train_on(Fake(), implementation=IMPLEMENTATIONS).runs
    assert ways_of(run.labels for run in runs) == [
        (name, "sliced", *way)
        for name in ("GD", "batch 100")
        for way in (("scratch", "eager"), ("scratch", "epoch"), ("concise", "compiled"))
    ]


def test_slices_in_the_place_of_a_loader_are_trained_once(
    train_on: Callable[..., Outcome], offer: Callable[[Training], None]
) -> None:
    """A framework without a data loader cuts slices, and its label says so; not twice the same."""
    fake = Fake()
    offer(Training(scratch=("eager",)))
    outcome = train_on(fake, loader=LOADERS, repeats=2)
    assert ways_of(run.labels for run in outcome.runs) == [
        ("GD", "sliced", "scratch", "eager"),
        ("batch 100", "sliced", "scratch", "eager"),
    ]
    assert outcome.series == []
    assert [name for name, _ in fake.trained].count("GD") == 3


def test_what_a_framework_cannot_train_is_skipped_with_its_reason(
    train_on: Callable[..., Outcome], offer: Callable[[Training], None]
) -> None:
    """Under the labels that it would have had; the other ways are trained as ever."""
    offer(Training(scratch=("eager",)))
    outcome = train_on(Fake(), repeats=3, seeds=2, variant=["epoch", "eager"])
    wanted = [(name, "sliced", "scratch", "epoch") for name in ("GD", "batch 100")]
    assert ways_of(series.labels for series in outcome.series) == wanted
    assert {(s.status, s.reason, s.timing) for s in outcome.series} == {
        ("skipped", "The fake trains eager here, not epoch", None)
    }
    assert outcome.series[0].labels.keys() == outcome.runs[0].labels.keys()
    assert [(run.labels["variant"], run.repeats) for run in outcome.runs] == [("eager", 3)] * 4


def test_nothing_but_skipped_runs_ends_at_once(
    train_on: Callable[..., Outcome], offer: Callable[[Training], None]
) -> None:
    """It is an outcome like any other, and takes none of the budget."""
    fake = Fake(1.0)
    offer(Training(scratch=("eager",)))
    outcome = train_on(fake, implementation=["concise"], repeats=1000, budget_s=100.0)
    assert outcome.runs == []
    assert [series.status for series in outcome.series] == ["skipped"] * 2
    assert fake.trained == []


# --- the chapter's own lines


class Lister(Fake):
    """A fake whose runs have points, and which notes what the collector may go through."""

    def __init__(self, took_s: float = 0.0) -> None:
        """Note nothing yet."""
        super().__init__(took_s)
        self.frozen: list[bool] = []
        self.printing: list[bool] = []

    def train(self, run: Run, data: Data, start: Start, curve: Curve) -> None:
        """Reach a point at 200 examples as well."""
        self.frozen.append(gc.get_freeze_count() > 0)
        self.printing.append(isinstance(curve, PrintedCurve))
        curve.evaluate = lambda: 0.25
        curve.start()
        curve.point(200)
        super().train(run, data, start, Curve(synchronize=self.synchronize))
        for epoch in range(run.epochs):
            curve.end_epoch(200 + data.examples * (epoch + 1))


LISTED = {"loader": ["dataloader"], "as_printed": True}


@pytest.fixture(name="frozen")
def with_frozen_objects() -> Iterator[None]:
    """Let the collector pass over what is there, as a worker does before it measures."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("frozen")
def test_each_listed_run_is_printed_first_cold_and_once_more(
    train_on: Callable[..., Outcome],
) -> None:
    """In the order of the configuration, before any warm-up, and with nothing frozen meanwhile."""
    fake = Lister()
    outcome = train_on(fake, **LISTED, repeats=3)
    said = [(one.run, one.turn, one.loss) for one in outcome.printed_runs]
    expected = [("GD", 0), ("batch 100", 0), ("GD", 1), ("batch 100", 1)]
    assert said == [(*each, 0.25) for each in expected]
    assert [name for name, _ in fake.trained[:4]] == [name for name, _ in expected]
    assert fake.printing == [True] * 4 + [False] * (len(fake.printing) - 4)
    assert fake.frozen == [not printing for printing in fake.printing]


def test_runs_that_take_long_are_not_printed_again(train_on: Callable[..., Outcome]) -> None:
    """Once they have taken more than half of the budget: 2 of 3 s."""
    outcome = train_on(Lister(1.0), **LISTED, budget_s=3.0)
    assert [(one.run, one.turn) for one in outcome.printed_runs] == [("GD", 0), ("batch 100", 0)]


@pytest.mark.parametrize(
    "changes",
    [
        {**LISTED, "as_printed": False},
        {**LISTED, "backend": "numpy"},
        {**LISTED, "backend": "jax"},
    ],
    ids=["not asked for", "NumPy", "JAX"],
)
def test_nothing_is_printed_that_the_chapter_does_not_list(
    train_on: Callable[..., Outcome], changes: dict[str, Any]
) -> None:
    """A framework without a listing, or an experiment that does not ask for it."""
    fake = Lister()
    assert train_on(fake, **changes).printed_runs == []
    assert not any(fake.printing)


def test_only_what_is_listed_is_printed(train_on: Callable[..., Outcome]) -> None:
    """From scratch, with the loader; the same run done otherwise has no line of its own."""
    fake = Lister()
    outcome = train_on(
        fake,
        loader=["dataloader", "sliced"],
        implementation=IMPLEMENTATIONS,
        as_printed=True,
        budget_s=0.05,
    )
    assert sum(fake.printing) == len(outcome.printed_runs) == 4


REFUSALS = {
    "no layers": (
        {"implementation": "concise", "variant": "eager"},
        "Numba has no layers, losses or optimizers of its own",
    ),
    "another variant": ({"variant": "eager"}, "Numba trains epoch here, not eager"),
    "another optimizer": ({"optimizer": "adam"}, "Numba trains with plain SGD here, not adam"),
    "a schedule": ({"schedule": "step"}, "Numba keeps its rate constant here (scratch)"),
}


@pytest.mark.parametrize(("changes", "words"), REFUSALS.values(), ids=REFUSALS)
def test_what_cannot_be_done_is_known_without_the_framework(
    changes: dict[str, Any], words: str
) -> None:
    """From the registry alone, in words; what can be done has no reason."""
    plain = Run(
        run="a", batch_size=1, lr=1.0, epochs=1, loss="mse", loader="sliced",
        implementation="scratch", variant="epoch",
    )  # fmt: skip
    assert refusal(BACKENDS["numba"], plain) is None
    assert words in str(refusal(BACKENDS["numba"], replace(plain, **changes)))


def test_what_is_left_out_of_auto_is_there_for_who_names_it() -> None:
    """JAX trains eagerly on request; an optimizer that it lacks is refused once and not twice."""
    settings = {
        "runs": [{**GD, "optimizer": "sgd"}],
        "loader": ["sliced"],
        "implementation": ["scratch"],
    }
    jax = BACKENDS["jax"]
    assert [run.variant for run in offered(jax, settings)] == ["compiled", "epoch"]
    (eager,) = offered(jax, settings | {"variant": ["eager"]})
    assert refusal(jax, eager) is None
    adam = settings | {"runs": [{**GD, "optimizer": "adam"}]}
    assert len(list(offered(jax, adam))) == 1


def test_the_worker_reads_what_the_parent_wrote(made_up: dict[str, Any]) -> None:
    """Features row by row, targets, and for each seed its weights and permutations."""
    read = training._data(made_up, "float32")
    assert read.features == array("d", range(8))
    assert read.targets == array("d", range(4))
    start = training._start(made_up, 3, "permutation", copies=1)
    assert start.weights == array("d", seeds.initial_weights(SEED, 3, 2))
    orders = seeds.permutations(SEED, 3, epochs=10, examples=4)
    assert [order.tolist() for order in start.orders] == orders.tolist()


def test_training_on_other_threads_than_asked_is_no_number(made_up: dict[str, Any]) -> None:
    """The reason says both numbers."""
    fake = Fake()
    fake.threads = lambda: 2  # type: ignore[assignment,method-assign]
    with pytest.raises(Unmeant, match="asked for 1 thread, has 2"):
        measure(fake, job_of(made_up, [GD]))


# --- memory and energy

SHORT = {"label": "short", "batch_size": 2, "lr": 0.01, "epochs": 1, "loss": "half_squared"}
"""On four examples."""


def test_most_memory_of_a_run_is_recorded(made_up: dict[str, Any]) -> None:
    """That of the process, where Linux says so; and of an accelerator, as its framework counts."""
    (on_cpu,) = train(made_up, SHORT)
    assert on_cpu.device_memory_bytes is None
    if Path("/proc/self/clear_refs").exists():
        assert on_cpu.memory_bytes is not None
        assert 10e6 < on_cpu.memory_bytes < 100e9
    asked = job_of(made_up, [SHORT], device="cuda:0")
    (on_device,) = measure(accelerator.Session(), asked).runs
    assert on_device.device_memory_bytes == accelerator.HELD_BYTES


def test_energy_is_that_of_an_epoch(
    made_up: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A board that draws 100 W: its joules over the seconds, and the epochs among the calls."""
    monkeypatch.setattr(sensors, "board", lambda _: sensors.Board(accelerator.Nvml(), object()))
    asked = job_of(made_up, [SHORT | {"epochs": 3}], device="cuda:0", energy_s=0.05)
    outcome = measure(accelerator.Session(), asked)
    (one,) = outcome.runs
    assert one.energy is not None
    assert one.energy.calls % 3 == 0
    assert one.energy.joules / one.energy.elapsed_s == pytest.approx(100, rel=0.5)
    assert "NVML" in str(outcome.energy)


def test_run_that_ends_early_has_no_energy(
    made_up: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An epoch that was not done must not be counted as one."""
    monkeypatch.setattr(sensors, "board", lambda _: sensors.Board(accelerator.Nvml(), object()))
    diverging = SHORT | {"epochs": 60, "lr": 1e6}
    outcome = measure(
        accelerator.Session(), job_of(made_up, [diverging], device="cuda:0", energy_s=0.02)
    )
    (one,) = outcome.runs
    assert one.diverged
    assert one.energy is None
