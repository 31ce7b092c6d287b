"""Every number has one derivation: what has the same key is the same number, wherever it stands."""

from __future__ import annotations

import contextlib
import csv
import io
import re
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

import pages
from report.analysis.estimate import Estimate
from report.claims import verdicts, wording
from report.config.plan import PlannedExperiment
from report.experiments.catalogue import LABELS, headline
from report.figures.prose import digest
from report.results import store
from report.run.jobs import Job
from report.site.gather import ESTIMATES
from report.terminal import Watcher

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from report.results.result import Result, Value

RESULTS = Path(__file__).parents[2] / "results"

Numbers = tuple[float, float | None, float | None]

Site = dict[str, bytes]

Shown = tuple[Site, dict[str, set[Numbers]]]


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


@pytest.fixture(name="result", scope="module")
def newest_committed() -> Result:
    """Return the newest committed result, judged by the code as it is."""
    saved = store.read_all(RESULTS, LABELS)[0]
    if not saved:
        pytest.skip("there are no committed results")
    result = saved[-1].result
    return replace(result, verdicts=verdicts.of_result(result))


@pytest.fixture(name="shown", scope="module")
def rendered(result: Result) -> Shown:
    """Return the site of the result, with the estimates that were made for it."""
    with recording() as estimates:
        site = pages.gather([result])
    return site, estimates


@pytest.fixture(name="site", scope="module")
def site_alone(shown: Shown) -> Site:
    """Return the site of the result."""
    return shown[0]


def of_verdicts(result: Result, *, turn: bool = False) -> Iterator[Value]:
    """Return all numbers that verdicts show, their ratios perhaps the other way round."""
    for verdict in result.verdicts:
        effect = wording.told(result.config["claims"][verdict.claim], verdict, turn=turn)
        for value in (effect, verdict.left, verdict.right, *verdict.numbers.values()):
            if value is not None and value.key:
                yield value


def test_estimates_with_the_same_key_are_the_same_number(result: Result, shown: Shown) -> None:
    """On all pages of the committed result, and in its verdicts: value and both ends."""
    with recording() as judged:
        verdicts.of_result(result)
    _, estimates = shown
    several = {
        key: sorted(map(str, numbers))
        for key in judged.keys() | estimates.keys()
        if len(numbers := judged.get(key, set()) | estimates.get(key, set())) > 1
    }
    assert several == {}
    # It would prove nothing if the two had no quantity in common.
    assert len(judged.keys() & estimates.keys()) > 50
    for value in of_verdicts(result):
        ((number, low, high),) = judged[value.key]
        assert value.value == number
        assert value.low in {low, None}
        assert value.high in {high, None}


# What a reader gets: pages and files


def on_pages(site: Mapping[str, bytes]) -> Iterator[tuple[str, str, str]]:
    """Return every number of a page that has a key: where, its digest, its value."""
    for name, page in pages.read_pages(site).items():
        for each in page.elements():
            if key := each.get("data-key"):
                yield name, key, str(each.get("value"))


def in_sheets(site: Mapping[str, bytes]) -> Iterator[tuple[str, str, str]]:
    """Return every estimate of a CSV file that has a key: where, its key, its value.

    A `key` is that of the first estimate of its row, a `left_key` that of `left`.
    """
    for name, content in site.items():
        if not name.endswith(".csv") or name == ESTIMATES:
            continue
        header, *rows = csv.reader(io.StringIO(content.decode(), newline=""))
        estimates = [column.removesuffix("_low95") for column in header if "_low95" in column]
        for row in rows:
            cells = dict(zip(header, row, strict=True))
            pairs = [(cells.get(f"{column}_key"), cells[column]) for column in estimates]
            pairs.append((cells.get("key"), next((cells[c] for c in estimates if cells[c]), "")))
            yield from ((name, key, value) for key, value in pairs if key and value)


def many_valued(numbers: Iterable[tuple[str, str, str]]) -> dict[str, set[str]]:
    """Return the keys that have more than one value, to ten digits, with where each stands."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for where, key, value in numbers:
        found[key].setdefault(f"{float(value):.10g}", where)
    return {
        key: {f"{value} in {where}" for value, where in values.items()}
        for key, values in found.items()
        if len(values) > 1
    }


def test_pages_and_files_give_one_value_for_each_key(result: Result, site: Site) -> None:
    """In headlines, sentences, captions, tables, verdicts and CSV files, to ten digits."""
    numbers = list(on_pages(site))
    kept = [(where, digest(key), value) for where, key, value in in_sheets(site)]
    kept += [("verdicts", digest(v.key), repr(v.value)) for v in of_verdicts(result)]
    table = list(csv.DictReader(io.StringIO(site[ESTIMATES].decode(), newline="")))
    kept += [(ESTIMATES, row["key"], row["value"]) for row in table]
    assert many_valued([*numbers, *kept]) == {}
    # It would prove nothing if pages and files had no number in common.
    assert len({key for _, key, _ in numbers} & {key for _, key, _ in kept}) > 300
    assert len({key for _, key, _ in numbers} & {row["key"] for row in table}) > 300


NAMED = re.compile(r"([\w-]+/\w+)/([^/?]+)\?(.*?)(?= \* | / | to [a-z]|\)?$)")

TIMED = ("seconds", "flop_per_s", "bytes_per_s", "examples_per_s")


def series_in(key: str) -> Iterator[tuple[str, str, frozenset[str]]]:
    """Return the series that a key names: experiment and framework, metric, and labels."""
    for where, metric, labels in NAMED.findall(key):
        # Averages over rates have a name of their own, and losses do not depend on the variant.
        kept = (one for one in labels.split("&") if not one.startswith(("run=", "variant=")))
        yield where, metric, frozenset(kept)


def test_whatever_is_timed_on_a_page_can_be_downloaded(result: Result, shown: Shown) -> None:
    """A number on a page is a series of some CSV file or verdict, or is made from such."""
    site, estimates = shown
    keys = {
        digest(key): key for key in [*estimates, *(v.key for v in of_verdicts(result, turn=True))]
    }
    known: dict[str, list[frozenset[str]]] = defaultdict(list)
    for key in [key for _, key, _ in in_sheets(site)] + [v.key for v in of_verdicts(result)]:
        for where, _, labels in series_in(key):
            known[where].append(labels)
    named = {one for _, key, _ in on_pages(site) for one in series_in(keys[key])}
    timed = [(where, labels) for where, metric, labels in named if metric.startswith(TIMED)]
    assert len(timed) > 200
    assert [(w, labels) for w, labels in timed if not any(labels <= k for k in known[w])] == []


def test_one_value_for_each_key_can_fail() -> None:
    """The comparison above sees a difference in the tenth digit, and none in the eleventh."""
    assert many_valued([("a", "k", "1.000000001"), ("b", "k", "1.000000002")])
    assert not many_valued([("a", "k", "1.0000000001"), ("b", "k", "1.0000000002")])


@pytest.mark.parametrize(
    ("what", "tags"),
    [
        ("headlines", r'class="value"><data '),
        ("the lead", r'class="lead">[^\n]*<data '),
        ("captions", r"<figcaption>[^\n]*<data "),
        ("tables", r"<td[^>]*><data "),
        ("findings of verdicts", r'class="finding">[^\n]*<data '),
        ("ratios of verdicts", r'<td class="num"><data [^\n]*class="interval"'),
        ("sentences on a verdict", r"<p>[^\n]*<data "),
    ],
)
def test_numbers_carry_their_keys_wherever_they_stand(site: Site, what: str, tags: str) -> None:
    """Else the test of one value for each key would compare nothing there."""
    page = "".join(body.decode() for name, body in site.items() if name.startswith("machines/"))
    assert len(re.findall(tags, page)) > 0, what
    assert "&lt;data" not in page


def line_of(result: Result, experiment: str, backend: str) -> str:
    """Return what is printed when an experiment has ended."""
    planned = PlannedExperiment(name=experiment, **result.config["experiments"][experiment])
    job, printed = Job(planned, backend, 0), io.StringIO()
    watcher = Watcher(Console(file=printed, width=1000))
    watcher.begin([job], result)
    watcher.finish(job, result.of(experiment)[0])
    return next(each for each in printed.getvalue().splitlines() if each.startswith(experiment))


def test_lines_of_a_run_show_numbers_of_its_pages(result: Result, site: Site) -> None:
    """What the terminal says of each experiment stands on a page, with the same key and value."""
    text = b"".join(content for name, content in site.items() if name.endswith(".html")).decode()
    shown = re.findall(r'<data value="([^"]*)" data-key="([^"]*)">', text)
    values = {key: value for value, key in shown}
    for name in result.config["experiments"]:
        lead = str(result.lead(name))
        if all(record.outcome is None for record in result.of(name)):
            continue  # for an accelerator only
        card = headline(result, name, lead)
        assert card is not None, name
        assert card.estimate is not None, name
        assert values[digest(card.estimate.key)] == f"{card.estimate.value:.10g}", name
        ends = f" ({card.interval})" if card.interval else ""
        number = f"{card.label} {card.value} {card.unit}".strip()
        assert f"  {number}{ends}  " in line_of(result, name, lead)
