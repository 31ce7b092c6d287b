"""Two results side by side: what both timed, row by row, and what all rows share. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from report.analysis import noise
from report.analysis.quantities import Key, Quantity, by_backend, undisturbed, varying
from report.comparing.common import judged_ratio, shared
from report.comparing.gate import METHOD, Difference, Gate, differences, other_work
from report.comparing.verdict import LEAST, Verdict, judge, smallest
from report.experiments.catalogue import of_result
from report.results.runs import hardware, starts
from report.text.names import series_name, title
from report.text.numerals import count, times

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from report.analysis.estimate import Estimate
    from report.analysis.noise import Grade
    from report.results.result import Result
    from report.worker.records import Labels

ALL = "all"
"""Of the threads that a process could use; a machine with more cores does the same work with more.
"""

NOT_MEASURED = "not measured"


ANYTHING = 100.0  # a row shows nothing if it shows only differences larger than this

ONE_PROCESS = "a single process does not show how much processes differ"


@dataclass(frozen=True)
class Lacking:
    """What one side measured of an experiment with a framework and the other did not, and why."""

    experiment: str
    framework: str
    side: int  # which side lacks it: 0 or 1
    reason: str
    count: int


@dataclass(frozen=True, kw_only=True)
class Row:
    """One quantity in two results, and the 99 % interval of its ratio."""

    first: Quantity
    second: Quantity
    experiment: str  # its title
    what: str  # what tells it from others of the experiment and framework
    grades: tuple[str, str]  # how quiet the machine was, on each side
    ratio: Estimate | None = None  # time of the first over the second; None where the work differs
    verdict: Verdict | None = None  # what that says; None where it is not judged
    smallest: float | None = None  # the smallest ratio above 1 that it could have shown
    beside: Estimate | None = None  # the ratio divided by the common factor
    relative: Verdict | None = None  # what that says
    reason: str = ""  # why it is not judged

    @property
    def framework(self) -> str:
        """Return what its makers call the framework."""
        return title(self.first.backend)

    @property
    def detects(self) -> str:
        """Return the smallest ratio that it could have shown, in words; empty if that is open."""
        return detects(self.smallest)

    @property
    def says(self) -> str:
        """Return the verdict in words, or why there is none."""
        return str(self.verdict) if self.verdict else f"not judged: {self.reason}"


def detects(least: float | None) -> str:
    """Write the smallest ratio that something could have shown; empty if that is open."""
    if least is None:
        return ""
    return times(least) if least < ANYTHING else f"over {ANYTHING:g}"


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two results, whether they can be compared, and what that says."""

    names: tuple[str, str]  # of both, as columns have them
    least: float  # the least effect that matters, as a fraction
    gate: Gate
    common: Estimate | None  # what all judged rows share: time of the first over that of the second
    rows: list[Row]
    lacking: list[Lacking]

    @property
    def overall(self) -> Verdict | None:
        """Return what the common factor says."""
        return judge(self.common, self.least) if self.common else None

    @property
    def judged(self) -> bool:
        """Return whether any row has a verdict."""
        return any(row.verdict for row in self.rows)

    def slower(self, least: float) -> list[Row]:
        """Return the judged rows in which the second is slower by this fraction or more."""
        said = [(row, judge(row.ratio, least)) for row in self.rows if row.verdict and row.ratio]
        return [row for row, says in said if says and says.word == "slower" and says.beyond]

    def counts(self) -> str:
        """Say how many rows have which verdict."""
        words = Counter(row.verdict.word if row.verdict else "not judged" for row in self.rows)
        order = ("faster", "slower", "the same", "undecided", "not judged")
        return ", ".join(f"{words[word]} {word}" for word in order if words[word])


def compare(
    first: Result, second: Result, least: float = LEAST, *, across_versions: bool = False
) -> Comparison:
    """Put two results side by side, in the order of the first.

    `least` is the least effect that matters, as a fraction; rows that other code measured are
    judged only `across_versions`.
    """
    results, found = (first, second), differences([first, second])
    barring = [one for one in found if not (across_versions and one.name == METHOD)]
    sides = (of_result(first), of_result(second))
    same = paired(sides, results)
    state = _state(first, second)
    rows = _rows(results, same, barring, state, least)
    factor = shared((r.ratio, r.first, r.second) for r in rows if r.ratio and r.verdict)
    for k, row in enumerate(rows):
        if factor and row.ratio and row.verdict:
            beside = factor.beside(row.ratio, row.first, row.second)
            rows[k] = replace(row, beside=beside, relative=judge(beside, least))
    return Comparison(
        names=names_of(results),
        least=least,
        gate=_gate(results, found, rows, state, across_versions=across_versions),
        common=factor.estimate if factor else None,
        rows=rows,
        lacking=lacking(sides, results, same),
    )


def _state(first: Result, second: Result) -> list[str]:
    """Say by which probes one machine was another in the second run than in the first.

    They are an alarm: by how much its times changed they do not tell.
    """
    if hardware(first.machine) != hardware(second.machine) or first.run == second.run:
        return []
    sides = [[r.conditions for r in each.records if r.conditions] for each in (first, second)]
    return noise.differences(sides[1], sides[:1], "the first run", noise.BARS)


def names_of(results: tuple[Result, Result]) -> tuple[str, str]:
    """Return what results are called side by side: machines by id, runs of one by their times."""
    one, other = results
    if one.pair is not None and one.pair == other.pair:
        return ("A", "B") if one.started_at < other.started_at else ("B", "A")
    if one.machine.id != other.machine.id:
        return one.machine.id, other.machine.id
    return f"{one.machine.id} {one.started_at}", f"{other.machine.id} {other.started_at}"


def _rows(
    results: tuple[Result, Result],
    same: Sequence[tuple[Quantity, Quantity]],
    found: Sequence[Difference],
    state: Sequence[str],
    least: float,
) -> list[Row]:
    graded = [grades(result) for result in results]
    moved = f"the machine was in a different state ({'; '.join(state)})" if state else ""
    planned = results[0].config["experiments"]
    labels: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for q, _ in same:
        labels.setdefault((q.experiment, q.backend), []).append(q.labels)
    rows = []
    for one, other in same:
        names = varying(labels[one.experiment, one.backend]) or list(one.labels)[:1]
        sides = [each[one.experiment, one.backend] for each in graded]
        barred = other_work(found, one.experiment, one.kind)
        ratio = None if barred else judged_ratio(one, other)
        verdict = judge(ratio, least) if ratio else None
        reason = barred or _noisy(sides) or ("" if verdict else ONE_PROCESS) or moved
        rows.append(
            Row(
                first=one,
                second=other,
                experiment=planned[one.experiment]["title"],
                what=series_name(one.labels, names),
                grades=(sides[0].level, sides[1].level),
                ratio=ratio,
                verdict=None if reason else verdict,
                smallest=smallest(ratio, least) if ratio else None,
                reason=reason,
            )
        )
    return rows


def _noisy(sides: Sequence[Grade]) -> str:
    reasons = dict.fromkeys(why for one in sides if one.level == "noisy" for why in one.reasons)
    return f"the machine was noisy ({'; '.join(reasons)})" if reasons else ""


def grades(result: Result) -> dict[tuple[str, str], Grade]:
    """Return how quiet the machine was, by experiment and backend, for processes that count.

    How far processes differ is in the intervals already.
    """
    found = {}
    for name in result.config["experiments"]:
        for backend, records in by_backend(result.of(name)).items():
            kept = [record.conditions for record in undisturbed(records).records if record]
            found[name, backend] = noise.grade([each for each in kept if each])
    return found


def _gate(
    results: tuple[Result, Result],
    found: list[Difference],
    rows: Sequence[Row],
    state: Sequence[str],
    *,
    across_versions: bool,
) -> Gate:
    barred = Counter(row.reason for row in rows if row.ratio is None)
    if not rows or barred.total() == len(rows):
        why = list(barred) or ["they share no measurement"]
        return Gate(answer="no", because=why, differences=found)
    if state:
        moved = f"the probes show it in a different state: {'; '.join(state)}; run it again"
        return Gate(answer="no", because=[moved], differences=found)
    care = [f"different work in {count(n, 'row')}: {why}" for why, n in barred.items()]
    sorts = [s for s in ("hardware", "software", "variables") if any(d.sort == s for d in found)]
    if len(sorts) > 1:
        *first, last = sorts
        differ = f"{', '.join(first)} and {last}".replace("variables", "environment variables")
        care.append(f"{differ} differ, so a ratio cannot say which is the cause")
    if across_versions and any(one.name == METHOD for one in found):
        care.append("different code measured them, and may do different work under the same name")
    runs = [len(starts(result)) for result in results]
    if min(runs) == 1 and results[0].run != results[1].run:
        who = "each side" if max(runs) == 1 else "one side"
        care.append(f"{who} has a single run, so run-to-run variation is taken from other machines")
    if noisy := sum("noisy" in row.grades for row in rows):
        care.append(f"{count(noisy, 'row')} were measured on a noisy machine and are not judged")
    return Gate(answer="with care" if care else "yes", because=care, differences=found)


def paired(
    sides: tuple[Sequence[Quantity], Sequence[Quantity]], results: tuple[Result, Result]
) -> list[tuple[Quantity, Quantity]]:
    """Return what both timed, in the order of the first.

    It has the same labels; or these differ only in that each used all of its threads, or that one
    knows no TF32 and the other did without.
    """
    found = {q.key: q for q in sides[1]}
    same = {q.key: found.pop(q.key) for q in sides[0] if q.key in found}
    first, second = ({(r.experiment, r.backend): r.threads for r in one.records} for one in results)
    loose = {_loose(q, second): q for q in found.values()}
    for q in sides[0]:
        if q.key not in same and (other := loose.pop(_loose(q, first), None)) is not None:
            same[q.key] = other
    return [(q, same[q.key]) for q in sides[0] if q.key in same]


def lacking(
    sides: tuple[Sequence[Quantity], Sequence[Quantity]],
    results: tuple[Result, Result],
    pairs: Sequence[tuple[Quantity, Quantity]],
) -> list[Lacking]:
    """Return what only one side timed, by experiment, framework and reason."""
    counted: Counter[tuple[str, str, int, str]] = Counter()
    for mine, other in ((0, 1), (1, 0)):
        there = {pair[mine].key for pair in pairs}
        planned = results[mine].config["experiments"]
        for q in sides[mine]:
            if q.key not in there:
                reason = why_missing(results[other], q.experiment, q.backend, q.labels)
                counted[planned[q.experiment]["title"], title(q.backend), other, reason] += 1
    return [Lacking(*what, count=number) for what, number in counted.items()]


def why_missing(result: Result, experiment: str, backend: str, labels: Labels | None = None) -> str:
    """Say why a result lacks a series, or a framework's part of an experiment."""
    environment = result.environments.get(backend)
    if environment is None or environment.status != "ok":
        reason = environment.reason if environment else None
        return f"{title(backend)} is not available" + (f": {reason}" if reason else "")
    for record in result.of(experiment):
        if record.backend != backend:
            continue
        if record.outcome is None:
            return f"{record.status}: {record.reason or 'no reason was given'}"
        for series in record.outcome.series:
            if series.labels == labels and series.status != "ok":
                return f"{series.status}: {series.reason or 'no reason was given'}"
    return NOT_MEASURED


def _loose(quantity: Quantity, threads: Mapping[tuple[str, str], int]) -> Key:
    labels = dict(quantity.labels)
    if labels.get("threads") == threads[quantity.experiment, quantity.backend]:
        labels["threads"] = ALL
    if "tf32" in labels:
        labels["tf32"] = bool(labels["tf32"])
    return replace(quantity, labels=labels).key
