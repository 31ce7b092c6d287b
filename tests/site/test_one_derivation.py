"""Every number has one derivation: what has the same key is the same number, wherever it stands."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from report.analysis.estimate import Estimate
from report.claims import verdicts
from report.results import store
from report.site.gather import gather

if TYPE_CHECKING:
    from collections.abc import Iterator

    from report.claims.verdicts import Value
    from report.results.result import Result

RESULTS = Path(__file__).parents[2] / "results"

Numbers = tuple[float, float | None, float | None]


@pytest.fixture(name="result", scope="module")
def newest_committed() -> Result:
    """Return the newest committed result, judged by the code as it is."""
    if not any(RESULTS.glob("*/*.json")):
        pytest.skip("there are no committed results")
    result = store.load_all(RESULTS)[-1]
    return replace(result, verdicts=verdicts.of_result(result))


@contextlib.contextmanager
def recording() -> Iterator[dict[str, set[Numbers]]]:
    """Note the numbers of every estimate that has a key, while it lasts."""
    seen: dict[str, set[Numbers]] = {}
    made = Estimate.__init__

    def noted(self: Estimate, **fields: Any) -> None:
        made(self, **fields)
        if self.key:
            seen.setdefault(self.key, set()).add((self.value, self.low, self.high))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Estimate, "__init__", noted)
        yield seen


def of_verdicts(result: Result) -> Iterator[Value]:
    """Return all numbers that verdicts show."""
    for verdict in result.verdicts:
        for value in (verdict.effect, verdict.left, verdict.right, *verdict.numbers.values()):
            if value is not None and value.key:
                yield value


@pytest.mark.slow
def test_estimates_with_the_same_key_are_the_same_number(result: Result) -> None:
    """On all pages of the committed result, and in its verdicts: value and both ends."""
    with recording() as judged:
        verdicts.of_result(result)
    with recording() as shown:
        gather([result])
    several = {
        key: sorted(map(str, numbers))
        for key in judged.keys() | shown.keys()
        if len(numbers := judged.get(key, set()) | shown.get(key, set())) > 1
    }
    assert several == {}
    # It would prove nothing if the two had no quantity in common.
    assert len(judged.keys() & shown.keys()) > 50
    for value in of_verdicts(result):
        ((number, low, high),) = judged[value.key]
        assert value.value == number
        assert value.low in {low, None}
        assert value.high in {high, None}
