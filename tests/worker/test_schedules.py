"""Learning rate schedules: the factors, against their formulas and against torch's own."""

from __future__ import annotations

import pytest
import torch
from torch.optim import lr_scheduler

from report.worker.schedules import HALF, TENTH, factor, step_epochs

EPOCHS = 6

FACTORS = {
    "constant": [1, 1, 1, 1, 1, 1],
    "tenth": [1, 0.1, 0.01, 0.001, 1e-4, 1e-5],
    # A third of 6 epochs are 2.
    "step": [1, 1, 0.5, 0.5, 0.25, 0.25],
    "inverse": [1, 1 / 2, 1 / 3, 1 / 4, 1 / 5, 1 / 6],
    # (1 + cos(0, 30, 60, 90, 120, 150 degrees)) / 2; cos 30 = sqrt(3) / 2, cos 60 = 1/2.
    "cosine": [1, 0.5 + 0.75**0.5 / 2, 0.75, 0.5, 0.25, 0.5 - 0.75**0.5 / 2],
}


@pytest.mark.parametrize("schedule", FACTORS)
def test_factors_are_those_of_the_formula(schedule: str) -> None:
    """Epoch by epoch, worked out by hand; the first epoch has the full rate."""
    found = [factor(schedule, epoch, EPOCHS) for epoch in range(EPOCHS)]
    assert found == pytest.approx(FACTORS[schedule], rel=1e-12)


@pytest.mark.parametrize("epochs", [2, 3, 4, 7])
@pytest.mark.parametrize("schedule", ["tenth", "step", "cosine"])
def test_factors_are_those_of_torch(schedule: str, epochs: int) -> None:
    """ExponentialLR, StepLR and CosineAnnealingLR, stepped once an epoch, have the same rates."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=2.0)
    made: dict[str, lr_scheduler.LRScheduler] = {
        "tenth": lr_scheduler.ExponentialLR(optimizer, TENTH),
        "step": lr_scheduler.StepLR(optimizer, step_epochs(epochs), HALF),
        "cosine": lr_scheduler.CosineAnnealingLR(optimizer, T_max=epochs),
    }
    for group in optimizer.param_groups:
        group["lr"] = 2.0
    rates = []
    for _ in range(epochs):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        made[schedule].step()
    assert rates == pytest.approx([2 * factor(schedule, e, epochs) for e in range(epochs)])


def test_a_schedule_that_does_not_exist_is_named() -> None:
    """A newer configuration's word must not pass as a constant rate."""
    with pytest.raises(ValueError, match="no schedule 'linear'"):
        factor("linear", 0, 2)
