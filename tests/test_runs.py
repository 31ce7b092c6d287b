"""One run after another, and what they end with in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report import runs
from report.experiments.catalogue import KINDS
from report.results import runs as alike
from report.results import store
from results_factory import only

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from report.results.result import Result


def test_a_further_run_ends_with_the_numbers_of_its_machines_page(
    make_result: Callable[..., Result], tmp_path: Path
) -> None:
    """Those of all alike runs together, and their verdicts; a single run's are its own."""
    first, second = (
        only(make_result(speed=speed, started_at=f"2026-01-0{day}T03:04:05Z"), "vectorization")
        for day, speed in ((2, 1.0), (3, 1.5))
    )
    store.save(first, tmp_path)
    assert runs._with_its_runs(first, tmp_path) is first
    store.save(second, tmp_path)
    whole = runs._with_its_runs(second, tmp_path)
    cards = [
        [card.value for kind in KINDS.values() for card in kind.cards(one.led())]
        for one in (whole, alike.together([first, second]), second)
    ]
    assert cards[0] == cards[1] != cards[2]
    assert whole.verdicts
