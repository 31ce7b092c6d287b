"""What tests of verdicts share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pydantic import TypeAdapter

from factories import small_results
from report.claims import verdicts
from report.results.result import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from report.results.result import Record


@pytest.fixture(name="judged", scope="session")
def judge_of_small_results() -> Callable[..., Any]:
    """Return a function that judges one claim with these keys by records."""

    def judged(records: Sequence[Record], **keys: Any) -> Verdict:
        claims = {"it": small_results.claim(**keys)}
        (found,) = verdicts.of_result(small_results.result(records, claims))
        # Whatever the verdict, a result file can hold it: no number is infinite.
        adapter = TypeAdapter(Verdict)
        assert adapter.validate_json(adapter.dump_json(found)) == found
        return found

    return judged
