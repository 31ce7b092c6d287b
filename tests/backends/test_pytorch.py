"""PyTorch: devices that fail in their own words, and optimizers step for step as torch.optim's."""

from __future__ import annotations

import math
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import torch

from report.backends import pytorch, refusal
from report.backends.pytorch import optimizers, training
from report.backends.pytorch.memory import Memory
from report.run import data
from report.worker.records import Unavailable, reason_of

if TYPE_CHECKING:
    from collections.abc import Callable

THEIRS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "sgd": torch.optim.SGD,
    "momentum": partial(torch.optim.SGD, momentum=0.9),
    "adagrad": partial(torch.optim.Adagrad, eps=1e-10),
    "rmsprop": partial(torch.optim.RMSprop, alpha=0.9, eps=1e-8),
    "adadelta": partial(torch.optim.Adadelta, rho=0.9, eps=1e-6),
    "adam": partial(torch.optim.Adam, betas=(0.9, 0.999), eps=1e-8),
}
STEPS = 20
BATCH = 10


def _params() -> list[torch.Tensor]:
    """Return w and b as runs begin, but not quite at 0."""
    w = torch.linspace(-0.02, 0.02, 5, dtype=torch.float64).reshape(-1, 1).requires_grad_()
    return [w, torch.zeros(1, dtype=torch.float64, requires_grad=True)]


def _gradients(params: list[torch.Tensor], step: int) -> None:
    """Add the gradient of a minibatch to `grad`, as training does."""
    rows = torch.tensor(data.surrogate(0)[step * BATCH : (step + 1) * BATCH])
    out = training.linreg(rows[:, :-1], *params)
    training.squared_loss(out, rows[:, -1]).mean().backward()  # type: ignore[no-untyped-call]


def test_every_optimizer_is_compared() -> None:
    """One more in the registry needs its counterpart here."""
    assert set(training.ALGORITHMS) == set(THEIRS)


@pytest.mark.parametrize("lr", [0.01, 0.3])
@pytest.mark.parametrize("name", THEIRS)
def test_each_step_is_that_of_torch(name: str, lr: float) -> None:
    """Twenty steps on minibatches' gradients in float64, to 1e-10 after each of them."""
    # The eps stand where torch has them: with that of Adadelta or Adam inside another root the
    # first step would differ in the third digit already.
    ours, theirs = _params(), _params()
    algorithm = training.ALGORITHMS[name]
    states = algorithm.init(ours)
    hyperparams = {"lr": lr, "momentum": 0.9, **algorithm.hyperparams}
    optimizer = THEIRS[name](theirs, lr=lr)
    for step in range(STEPS):
        _gradients(ours, step)
        algorithm.trainer_fn(ours, states, hyperparams)
        optimizer.zero_grad()
        _gradients(theirs, step)
        optimizer.step()
        for mine, other in zip(ours, theirs, strict=True):
            assert mine.detach().numpy() == pytest.approx(other.detach().numpy(), rel=0, abs=1e-10)
    moved = torch.cat([(p - q).detach().flatten() for p, q in zip(ours, _params(), strict=True)])
    assert float(moved.abs().min()) > 1e-6


@pytest.mark.parametrize("name", THEIRS)
def test_a_step_resets_gradients_and_leaves_what_has_none(name: str) -> None:
    """So that the loop need not know its optimizer; a parameter may not be part of the loss."""
    params, aside = _params(), _params()[0]
    algorithm = training.ALGORITHMS[name]
    _gradients(params, 0)
    # The chapter's own sgd asks every parameter for its gradient.
    every = params if name == "sgd" else [*params, aside]
    algorithm.trainer_fn(
        every, algorithm.init(every), {"lr": 0.1, "momentum": 0.9, **algorithm.hyperparams}
    )
    assert [float(p.grad.abs().max()) for p in params if p.grad is not None] == [0, 0]
    assert torch.equal(aside, _params()[0])


def test_adams_first_step_is_as_long_as_the_rate() -> None:
    """After one step m / (1 - beta1) = g and v / (1 - beta2) = g^2: lr g / |g|, but for eps."""
    p = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    p.grad = torch.tensor([3.0, -0.02], dtype=torch.float64)
    hyperparams = {"lr": 0.1, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "t": 0}
    optimizers.adam([p], optimizers.init_pairs_of_states([p]), hyperparams)
    assert p.tolist() == pytest.approx([-0.1, 0.1], rel=1e-6)
    assert hyperparams["t"] == 1


def test_momentums_second_step_remembers_the_first() -> None:
    """With g = 1 twice and momentum 1/2 the steps are lr and 3/2 lr."""
    p = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    states = optimizers.init_states([p])
    for _ in range(2):
        p.grad = torch.ones(1, dtype=torch.float64)
        optimizers.momentum([p], states, {"lr": 0.1, "momentum": 0.5})
    assert math.isclose(p.item(), -0.25)


# --- devices


@pytest.fixture(name="fails")
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[Exception], None]:
    """Return a function that puts in a CUDA device on which every allocation fails."""

    def install(error: Exception) -> None:
        def fail(make: Callable[..., Any], *args: Any, device: Any = None, **more: Any) -> Any:
            if str(device).startswith(("cuda", "cpu")):
                raise error
            return make(*args, device=device, **more)

        properties = SimpleNamespace(major=12, minor=0, name="NVIDIA RTX", total_memory=2**35)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
        monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: properties)
        for name in ("full", "empty"):
            monkeypatch.setattr(torch, name, partial(fail, getattr(torch, name)))

    return install


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("CUDA error: no kernel image is available for execution\nSearch for it"),
        AssertionError("no kernel image is available: Torch not compiled with CUDA enabled"),
        SystemError("no kernel image is available"),
    ],
)
def test_device_that_does_not_work_says_why_in_its_own_words(
    fails: Callable[[Exception], None], error: Exception
) -> None:
    """A wrong answer is another thing, with another remedy, than a PyTorch that is too old."""
    fails(error)
    (found,) = pytorch.environment().accelerators
    assert not found.works
    assert "no kernel image is available" in str(found.reason)
    assert "\n" not in str(found.reason)
    # What was known of it before it failed stays.
    assert (found.name, found.memory_bytes) == ("NVIDIA RTX", 2**35)


def test_dtype_that_is_not_multiplied_says_why(fails: Callable[[Exception], None]) -> None:
    """So that a reader knows whether to wait for the framework or to mend the machine."""
    fails(RuntimeError("not implemented for 'Half'"))
    with pytest.raises(Unavailable, match=r"no float16 on cpu: .*not implemented for 'Half'"):
        pytorch.Session("cpu", 1).products(8, "float16", 0)


@pytest.mark.parametrize(
    "words",
    [
        "[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory: you tried",
        "CUDA out of memory. Tried to allocate 2.00 GiB",
        "MPS backend out of memory",
    ],
)
def test_memory_that_is_short_is_a_skip_with_the_allocators_words(
    fails: Callable[[Exception], None], words: str
) -> None:
    """Every allocator has its own."""
    memory = Memory(torch.device("cpu"))
    fails(RuntimeError(words))
    with pytest.raises(Unavailable, match="not enough memory on cpu: ") as caught:
        memory.reserve(2**20)
    assert words in str(caught.value)


def test_illegal_access_to_memory_is_not_called_too_little(
    fails: Callable[[Exception], None],
) -> None:
    """It is a fault of the program or the device, and the run has failed."""
    memory = Memory(torch.device("cpu"))
    fails(RuntimeError("CUDA error: an illegal memory access was encountered"))
    with pytest.raises(RuntimeError, match="illegal memory access"):
        memory.reserve(2**20)


def test_wrong_product_is_told_from_one_that_failed() -> None:
    """A product that comes out wrong has no words of its own."""
    assert refusal(lambda: True) is None
    assert "no right answer" in str(refusal(lambda: False))
    assert "ZeroDivisionError" in str(refusal(lambda: 1 // 0))


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("", "ValueError"),
        ("too large\nat line 3", "ValueError: too large"),
        ("ValueError: too large", "ValueError: too large"),
        (
            "Traceback (most recent call last):\n  File x\nToo large: 7 > 5",
            "ValueError: Too large: 7 > 5",
        ),
    ],
)
def test_reason_is_the_line_that_says_what_went_wrong(message: str, reason: str) -> None:
    """Whichever it is of an error's lines; that there is a traceback says nothing."""
    assert reason_of(ValueError(message)) == reason
