"""The roofline: each kernel below what arithmetic and memory of this machine allow it.

Source: S. Williams, A. Waterman, D. Patterson, "Roofline: An Insightful Visual Performance Model
for Multicore Architectures", CACM 52(4), 2009; A. Ilic, F. Pratas, L. Sousa, "Cache-aware Roofline
Model", IEEE CAL 13(1), 2014, for a roof of each cache.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.figures import prose
from report.sections.roofline.cases import cases
from report.sections.roofline.figures import TEMPLATE, balance, of_case, of_formats, roof_formats

if TYPE_CHECKING:
    from collections.abc import Sequence

    from report.figures.figure import Figure
    from report.results.result import Result
    from report.sections.roofline.cases import Case

TITLE = "Roofline: what bounds each kernel"


def figures(result: Result) -> list[Figure]:
    """Draw for each backend its first number format, the balance, and all formats together."""
    by_backend: dict[str, list[Case]] = {}
    for case in cases(result):
        by_backend.setdefault(case.backend, []).append(case)
    drawn = []
    for mine in by_backend.values():
        drawn += [of_case(mine[0]), balance(mine[0], result.machine)]
        if len(mine) > 1:
            drawn.append(of_formats(mine))
    return drawn


def experiments(result: Result) -> list[str]:
    """Return the names of the experiments whose numbers are drawn."""
    return _experiments(result, cases(result))


def _experiments(result: Result, found: Sequence[Case]) -> list[str]:
    used = {k.quantity.experiment for case in found for k in case.kernels}
    used |= {roof.quantity.experiment for case in found for roof in case.roofs.values()}
    return [name for name in result.config["experiments"] if name in used]


def sentences(_: Result) -> list[str]:
    """Say nothing at the top of the page: what it stands on does."""
    return []


def method(result: Result) -> list[str]:
    """Describe how the figures were made."""
    found = cases(result)
    if not found:
        return []
    titles = [result.config["experiments"][n]["title"] for n in _experiments(result, found)]
    return prose.sentences(
        TEMPLATE, "method", titles=titles, roof_formats=roof_formats(found), cases=found
    )
