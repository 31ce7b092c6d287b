"""Calls and updates: that they compute what they should, and what becomes of a missing compiler."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import pytest
import torch

from factories import accelerator
from factories.jobs import SEED, job
from report.backends import pytorch
from report.backends.pytorch.steps import Update
from report.environments.process import Worker, command
from report.experiments.overhead.kind import OverheadSettings
from report.experiments.overhead.measure import measure, update_bytes, update_flops
from report.worker.records import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable


def job_of(*, budget_s: float = 0.05, device: str = "cpu", **settings: Any) -> dict[str, Any]:
    """Return a job with these settings."""
    asked = OverheadSettings.model_validate(settings)
    return job(asked, kind="overhead", budget_s=budget_s, device=device)


def asked(**settings: Any) -> dict[str, Any]:
    """Return what a real worker answers to such a job, and that it has left no process behind."""
    with Worker(command()) as worker:
        answer = worker.ask(job_of(**settings), timeout_s=300)
        assert psutil.Process(worker.pid).children(recursive=True) == []
    series: list[dict[str, Any]] = answer["outcome"]["series"]
    return {f"{s['labels']['variant']} {s['labels']['operation']}": s for s in series}


class Fake:
    """A backend that computes nothing, and notes what it is told, in order.

    Attributes:
        lacking: Whether it cannot compile.
        log: "add 4", "update 2", "compile 3", "compiled 3".
    """

    def __init__(self, *, lacking: bool = False) -> None:
        """Take what it can do."""
        self.lacking = lacking
        self.log: list[str] = []

    def synchronize(self) -> None:
        """Have nothing to wait for."""

    def threads(self) -> None:
        """Have none to speak of."""

    def addition(self, size: int) -> Callable[[], object]:
        """Return a call that notes itself."""
        return lambda: self.log.append(f"add {size}")

    def update(self, size: int, features: int, seed: int, *, compiled: bool) -> SimpleNamespace:
        """Return an update that notes itself."""
        assert (features, seed) == (5, SEED)
        if compiled and self.lacking:
            raise Unavailable("no compiler")
        if compiled:
            self.log.append(f"compile {size}")
        name = f"{'compiled' if compiled else 'update'} {size}"
        return SimpleNamespace(step=lambda: self.log.append(name))


def batch(size: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return features, targets and weights in double precision."""
    generator = torch.Generator().manual_seed(size)
    features, targets, weights = (
        torch.randn(shape, generator=generator, dtype=torch.float64)
        for shape in ((size, 5), (size,), (5, 1))
    )
    return features, targets, weights


def update_of(size: int) -> Update:
    """Return an update of that batch, at a rate that shows."""
    update = Update(size, 5, SEED, torch.device("cpu"))
    update.X, update.y, weights = batch(size)
    update.w = weights.requires_grad_()
    update.b = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    update.lr = 0.1
    return update


def expected(size: int, lr: float, steps: int) -> list[float]:
    """Return weights and bias after steps of gradient descent, by hand.

    The loss is L = 1/(2b) |X w + c - y|^2. With the residual r = X w + c - y its gradient is
    X^T r / b in w and the mean of r in c; a step subtracts lr times that.
    """
    features, targets, start = (tensor.numpy() for tensor in batch(size))
    weights, bias = start[:, 0].copy(), 0.0
    for _ in range(steps):
        residual = features @ weights + bias - targets
        weights = weights - lr * features.T @ residual / size
        bias -= lr * float(np.mean(residual))
    return [*weights.tolist(), bias]


@pytest.mark.parametrize("size", [1, 2, 7])
def test_an_update_is_one_step_of_gradient_descent(size: int) -> None:
    """Exactly, in double precision; and the second is the second, since gradients are reset."""
    update = update_of(size)
    for steps in (1, 2):
        update.step()
        found = [*update.w.flatten().tolist(), update.b.item()]
        assert found == pytest.approx(expected(size, 0.1, steps), rel=1e-12, abs=1e-12)
    assert update.w.grad is not None
    assert update.w.grad.abs().max() == 0


@pytest.mark.filterwarnings("ignore")  # the compiler's own
@pytest.mark.parametrize("size", [1, 7])
def test_a_compiled_update_is_the_same_step(size: int) -> None:
    """Compiling takes the first step itself, and changes no result beyond rounding."""
    update = update_of(size)
    try:
        update.compile()
    except Unavailable as reason:
        pytest.skip(str(reason))
    for steps in (1, 2):
        found = [*update.w.flatten().tolist(), update.b.item()]
        assert found == pytest.approx(expected(size, 0.1, steps), rel=1e-12, abs=1e-12)
        update.step()


def test_the_updates_that_are_timed_hardly_move() -> None:
    """Millions of them on one batch would else fit it, and then compute with other numbers."""
    update = pytorch.Session("cpu", 1).update(4, 5, SEED, compiled=False)
    start = update.w.detach().clone()
    for _ in range(100):
        update.step()
    assert float((update.w.detach() - start).abs().max()) < 1e-5
    assert update.X.shape == (4, 5)
    assert update.y.shape == (4,)


def test_the_batch_follows_the_seed() -> None:
    """Every process times the same numbers; another seed gives others."""
    session = pytorch.Session("cpu", 1)
    first, again, other = (session.update(3, 5, s, compiled=False) for s in (1, 1, 2))
    assert torch.equal(first.X, again.X)
    assert not torch.equal(first.X, other.X)


def test_an_addition_writes_into_the_vector_that_is_kept() -> None:
    """Its result is there, in the same memory after every call."""
    call: Any = pytorch.Session("cpu", 1).addition(3)
    assert call() is call() is call.keywords["out"]
    assert call().tolist() == [2.0, 2.0, 2.0]


def test_operations_of_an_update_with_one_example_are_counted_by_hand() -> None:
    """Five features: 43."""
    # Forward: 5 products and 5 sums, the bias: 11. Loss: subtract, square, halve, and the mean's
    # sum and division: 5. Backward: divide, halve, the square's two products, the bias's sum, and
    # the weights' 5 products and 5 sums: 15. Step: 6 products with lr and 6 subtractions: 12.
    assert update_flops(1) == 11 + 5 + 15 + 12 == 43
    # Each further example: forward 11, loss 4 (the division is done once), backward 15.
    assert update_flops(100) - update_flops(99) == 11 + 4 + 15


def test_operations_of_an_update_without_a_loss_are_counted_by_hand() -> None:
    """Five features, the gradient written out: 37 with one example, 23 for each further one."""
    # The error takes 5 products and 5 sums, the bias and the target: 12. The gradient 5 products
    # and 5 sums, and the sum of the errors: 11. The step: two divisions, 6 products and 6
    # subtractions.
    assert update_flops(1, written_out=True) == 12 + 11 + 14 == 37
    assert update_flops(9, written_out=True) - update_flops(8, written_out=True) == 12 + 11


def test_bytes_of_an_update_with_one_example_are_counted_by_hand() -> None:
    """5 features and a target read; 6 parameters and 6 gradients read and written; 4 bytes each."""
    assert update_bytes(1) == 4 * (5 + 1 + 2 * 6 + 2 * 6) == 120
    assert update_bytes(3) - update_bytes(2) == 4 * 6


def test_labels_flops_and_bytes_are_those_that_others_rely_on() -> None:
    """An addition of n: n operations, 12 n bytes; variants have batch sizes of their own."""
    outcome = measure(
        Fake(), job_of(add_size=[1, 8], update_size=[2, 1], compiled_size=3, budget_s=0.2)
    )
    assert [(s.labels, s.flops, s.bytes_moved) for s in outcome.series] == [
        ({"operation": "add", "size": 1, "variant": "eager", "threads": 1}, 1, 12),
        ({"operation": "add", "size": 8, "variant": "eager", "threads": 1}, 8, 96),
        ({"operation": "update", "size": 2, "variant": "eager", "threads": 1}, 73, 144),
        ({"operation": "update", "size": 1, "variant": "eager", "threads": 1}, 43, 120),
        ({"operation": "update", "size": 3, "variant": "compiled", "threads": 1}, 103, 168),
    ]
    assert {s.status for s in outcome.series} == {"ok"}


def test_all_is_compiled_before_anything_is_sampled() -> None:
    """After the last compilation every series still makes all the calls of its samples."""
    fake = Fake()
    outcome = measure(fake, job_of(add_size=4, update_size=2, compiled_size=[3, 5], budget_s=0.2))
    last = max(index for index, entry in enumerate(fake.log) if entry.startswith("compile "))
    after = Counter(fake.log[last:])
    names = {"eager": {"add": "add", "update": "update"}, "compiled": {"update": "compiled"}}
    for series in outcome.series:
        labels, timing = series.labels, series.timing
        name = names[str(labels["variant"])][str(labels["operation"])]
        assert timing is not None
        assert after[f"{name} {labels['size']}"] >= timing.samples * timing.inner_loops


def test_what_cannot_be_compiled_is_skipped_and_the_rest_is_measured() -> None:
    """With the reason, and with its labels, so that a page can say what is missing."""
    outcome = measure(Fake(lacking=True), job_of(add_size=1, update_size=1, compiled_size=[1, 2]))
    assert [(s.status, s.reason, s.timing is None) for s in outcome.series] == [
        ("ok", None, False),
        ("ok", None, False),
        ("skipped", "no compiler", True),
        ("skipped", "no compiler", True),
    ]


def test_more_sizes_than_pytorch_keeps_compiled_are_refused() -> None:
    """It would give up the ninth one and run it as written, under the name of a compiled one."""
    with pytest.raises(ValueError, match="at most 8"):
        job_of(compiled_size=list(range(1, 10)))


def test_a_missing_compiler_is_a_skipped_series_in_a_real_worker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """CXX names none: the series says so, without the folder, which may name a person."""
    monkeypatch.setenv("CXX", "/home/somebody/bin/no-such-compiler")
    found = asked(add_size=1, update_size=2, compiled_size=2)
    compiled = found.pop("compiled update")
    assert {series["status"] for series in found.values()} == {"ok"}
    assert all(series["timing"]["median_s"] > 0 for series in found.values())
    assert (compiled["status"], compiled["timing"]) == ("skipped", None)
    assert compiled["reason"].startswith("torch.compile: InvalidCxxCompiler: ")
    assert "no-such-compiler" in compiled["reason"]
    assert "somebody" not in compiled["reason"]


def test_a_real_worker_times_calls_and_both_kinds_of_updates() -> None:
    """Compiling is the first call of its series, in no sample, and leaves no process behind."""
    found = asked(add_size=1, update_size=2, compiled_size=2, budget_s=0.3)
    compiled = found.pop("compiled update")
    if compiled["status"] == "skipped":
        assert compiled["reason"].startswith("torch.compile: ")
    else:
        timing = compiled["timing"]
        assert timing["warmup_s"][0] > 10 * timing["median_s"]
    assert {series["status"] for series in found.values()} == {"ok"}
    # One addition is a single call of the framework, an update many.
    add, update = (found[f"eager {name}"]["timing"]["median_s"] for name in ("add", "update"))
    assert 0 < add < update


@pytest.mark.parametrize(
    ("function", "answer", "reason"),
    [("get_num_threads", 2, "asked for 1 thread, has 2"), ("add", None, "wrong result")],
)
def test_what_is_not_as_meant_is_no_number(
    monkeypatch: pytest.MonkeyPatch, function: str, answer: int | None, reason: str
) -> None:
    """Threads that were not taken, and a sum that is wrong: a failure with its reason."""
    wrong = torch.zeros(4)
    monkeypatch.setattr(torch, function, lambda *_, **__: wrong if answer is None else answer)
    job = job_of(add_size=4, update_size=1, variant="eager")
    series = measure(pytorch.Session("cpu", 1), job).series
    (added,) = (one for one in series if one.labels["operation"] == "add")
    assert (added.status, added.timing) == ("failed", None)
    assert str(added.reason).startswith(reason)


# --- on an accelerator

BESIDE: dict[str, Any] = {
    "add_size": [4],
    "update_size": [2, 3],
    "variant": ["eager", "graph", "cpu"],
    "device_update_size": [5],
}


def test_updates_of_a_device_stand_beside_those_of_the_cpu() -> None:
    """Of the same batches and in the same process; the device's have its clock too."""
    outcome = measure(accelerator.Session(), job_of(device="cuda:0", **BESIDE))
    timed = Counter(
        (s.labels["variant"], bool(s.timing and s.timing.device_s))
        for s in outcome.series
        if s.labels["operation"] == "update"
    )
    assert timed == {
        ("eager", True): 3,
        ("graph", True): 3,
        ("cpu", False): 3,
    }


def test_cpu_alone_has_no_graphs_and_no_cpu_beside_it() -> None:
    """The same plan measures there what it always did; nothing is skipped for being elsewhere."""
    outcome = measure(pytorch.Session("cpu", 1), job_of(**BESIDE))
    updates = [s.labels for s in outcome.series if s.labels["operation"] == "update"]
    assert [(u["size"], u["variant"]) for u in updates] == [(2, "eager"), (3, "eager")]
