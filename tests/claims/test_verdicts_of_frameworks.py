"""Claims judged with several frameworks, some of which do the same in several ways."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from report.analysis.quantities import by_backend
from report.claims.verdicts import leading
from report.experiments.training.quantities import of_records

if TYPE_CHECKING:
    from collections.abc import Callable

    from report.results.result import Result, Verdict

FRAMEWORKS = ("pytorch", "tensorflow", "jax", "numba")


@pytest.fixture(name="result", scope="module")
def of_four(make_result: Callable[..., Result]) -> Result:
    """Return a made-up result: TensorFlow trains in three ways, JAX in two."""
    return make_result(frameworks=FRAMEWORKS)


def verdict(result: Result, claim: str, backend: str) -> Verdict:
    """Return what a framework says to a claim."""
    return next(v for v in result.verdicts if (v.claim, v.backend) == (claim, backend))


def test_claim_that_names_no_variant_is_judged_by_the_ordinary_one(result: Result) -> None:
    """TensorFlow's as it is written, JAX's with a compiled update: not by all of them at once."""
    for backend, variant in (("tensorflow", "eager"), ("jax", "compiled"), ("numba", "epoch")):
        found = verdict(result, "sgd-epoch-slower-than-gd", backend)
        records = by_backend(result.of("chapter-training"))[backend]
        labels = {"run": "SGD", "variant": variant}
        (epoch,) = (q for q in of_records(records) if labels.items() <= q.labels.items())
        assert found.left is not None
        assert found.left.value == epoch.time().value


def test_each_framework_gets_a_verdict_and_the_first_leads(result: Result) -> None:
    """Those that measured it; the page is about one of them."""
    of_claim = [v for v in result.verdicts if v.claim == "column-slower-than-full"]
    assert [v.backend for v in of_claim] == list(FRAMEWORKS)
    assert all(v.verdict != "not run" for v in of_claim)
    assert [v.backend for v in leading(result) if v.claim == "column-slower-than-full"] == [
        "pytorch"
    ]


def test_framework_without_layers_says_why_it_was_not_judged(result: Result) -> None:
    """The reason is the framework's own."""
    found = verdict(result, "concise-as-fast", "jax")
    assert (found.verdict, found.effect) == ("not run", None)
    assert found.reason
