"""A result as a notebook shows it: its headlines, what does not hold, and a figure."""

from __future__ import annotations

import re
import tempfile
import warnings
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from report import frames, resources
from report.claims import wording
from report.claims.verdicts import of_result
from report.config import address
from report.errors import ResultError
from report.experiments.catalogue import KINDS, LABELS
from report.figures import prose
from report.machine.machine import describe
from report.results import remote, runs, store
from report.site import verdicts
from report.site.machine import day, figures_of

if TYPE_CHECKING:
    from report.results.result import Result

_COLOURS = re.compile(r"--(?:series-\d|ink|muted|rule|paper): #\w+;")


@dataclass(frozen=True, repr=False)
class Shown:
    """A result, or the runs of a machine together, with the verdicts of today's rules."""

    result: Result

    def __repr__(self) -> str:
        """Return what it is, in a line: all that it holds are megabytes."""
        result = self.result
        return f"<{describe(result.machine)}, {day(result.started_at)}, profile {result.profile}>"

    def _repr_html_(self) -> str:
        """Return it for a notebook: with no script, and nothing from elsewhere."""
        from report.figures.draw import drawing  # noqa: PLC0415 (loads the drawing library)

        result, figures = self.result, (figures for _, figures in figures_of(self.result))
        figure = next((each for some in figures for each in some if each.shape), None)
        shape = figure and figure.shape
        style = (resources.templates() / "style.css").read_text(encoding="utf-8")
        views = [view for view in verdicts.views(result) if view.leading]
        judged = [(view.source, view.judged.verdict) for view in views]
        told = zip(views, judged, strict=True)
        template = prose.environment().get_template("notebook.html")
        return template.render(
            words=describe(result.machine),
            began=[day(began) for began in runs.starts(result)],
            profile=result.profile,
            cards=[card for kind in KINDS.values() for card in kind.cards(result.led())],
            failing=[view for view, says in told if says == ("chapter", "contradicted")],
            tally=wording.tally(judged),
            figure=figure,
            svg=drawing(figure.name, figure.words.alt, shape).wide if figure and shape else "",
            colours=" ".join(_COLOURS.findall(style.partition("@media")[0])),
        )


def read(reference: str, results: Path) -> Shown:
    """Return a result file, or a machine's runs in a results folder, as `store.find` does."""
    result = store.find(reference, results, LABELS)
    return Shown(replace(result, verdicts=of_result(result)))


def load(at: str, level: frames.Level, *, allow_private: bool) -> Any:
    """Return the numbers of the results at an address as `frames.load` does.

    What is refused there is warned of, and nothing is kept.

    Raises:
        ResultError: There are none.
        ValueError: It is no address.
    """
    today, reader = f"{datetime.now(UTC):%Y-%m-%d}", remote.Reader(allow_private=allow_private)
    with tempfile.TemporaryDirectory(prefix="minibatch-report-") as folder:
        for one in remote.take(address.source(at), Path(folder), LABELS, today, reader):
            if isinstance(one, ResultError):
                warnings.warn(f"Left out: {one.message}", stacklevel=3)
        return frames.load(Path(folder), level)
