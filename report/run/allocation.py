"""After the first processes: who gets the time that is left, and what is measured again. Pure.

A plan gives every experiment the same number of processes, whether its claims are plain after three
or open after eight. Once three of each have run, the time of the rest is dealt out again: what is
decided stops there, and what is open gets more, up to three times its plan. The whole takes as
long as the plan would have, by what the first processes took, and no longer than its budgets.

This happens once, before anything more is measured, so that no interval is looked at again and
again until it says something. What is open is told by a distance of four standard errors from what
decides the claim, far beyond the verdict's own two (Haybittle and Peto), and how many processes it
needs by the width that matters and a variance of the first stage (Stein). That variance is at
least the median of all effects of the same kind: by its own alone, an effect whose first three
processes happen to agree would stop with an interval too narrow. `docs/decisions/0016` has what
else was tried and how often each is wrong.

How many samples a further process takes is the optimum of Kalibera and Jones: the more a process
costs before its first sample, and the more samples differ within it, the more; the more
processes differ, the fewer.

Source: C. Stein, "A Two-Sample Test for a Linear Hypothesis Whose Power Is Independent of the
Variance", Annals of Mathematical Statistics 16, 1945; R. Peto et al., "Design and Analysis of
Randomized Clinical Trials Requiring Prolonged Observation of Each Patient", British Journal of
Cancer 34, 1976; T. Kalibera and R. Jones, "Rigorous Benchmarking in Reasonable Time", ISMM 2013,
section 6.
"""

from __future__ import annotations

import functools
import itertools
import math
from dataclasses import dataclass, field, replace
from statistics import fmean, median, stdev, variance
from typing import TYPE_CHECKING

from scipy.special import stdtrit

from report.analysis import noise
from report.claims import verdicts
from report.experiments.catalogue import KINDS, of_records
from report.results.result import Allocation, Record, Result, StoredClaim

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from report.analysis.estimate import Estimate

FIRST = 3  # processes before the rest is shared out: with fewer, no interval decides anything
MOST = 3  # how many times its planned processes an experiment can get
FAR = 4.0  # standard errors between an effect and what decides its claim, at which nothing is open
NEAR = 0.7  # share of that distance that an interval's half-width should have

FINEST = 0.01
"""Half-width, relative, below which none is asked for: a machine's state alone moves by more."""

HEADLINE = 0.1  # half-width of a headline's interval, relative, that is narrow enough
FEW = 4  # with fewer effects than this of one kind, their variances have no median of their own
FEWEST_SAMPLES = 6  # of a series in a further process: with fewer, the median has no interval
Pair = tuple[str, str]  # an experiment and a backend


@dataclass(frozen=True)
class _Effect:
    """What a claim or a headline stands on: on logarithms, or an exponent."""

    name: str
    kind: str
    pairs: frozenset[Pair]
    value: float
    deviation: float  # standard deviation of a single process
    replicates: int
    limits: tuple[float, ...]  # what decides: where the value lies to them; none for a headline
    width: float  # half-width of the interval that is narrow enough wherever the value lies

    def needed(self, deviation: float) -> int | None:
        """Return how many processes it needs; None if it is decided with those it has."""
        if not self.limits:
            count = processes_for(self.width, deviation)
            return count if count > self.replicates else None
        distance = min(abs(self.value - limit) for limit in self.limits)
        if decided(distance, deviation, self.replicates):
            return None
        return processes_for(max(self.width, NEAR * distance), deviation)


@dataclass(kw_only=True)
class _Share:
    """What one experiment gets on one backend."""

    planned: int
    least: int
    process_s: float  # of one process, by what the first took
    further_s: float  # of one with `repeats`
    repeats: int | None  # the most samples in those; as planned where nothing tells better
    count: int
    open: list[str] = field(default_factory=list)
    wanted: int = 0

    @property
    def seconds(self) -> float:
        further = self.further_s if self.open else self.process_s
        return FIRST * self.process_s + (self.count - FIRST) * further


_Need = tuple[str, list[_Share], int]
"""What is open, the shares that it stands on, and how many processes each of them needs."""


@functools.cache
def student(freedom: int) -> float:
    """Return the quantile of Student's t for a 95 % interval."""
    return float(stdtrit(freedom, 0.975))


def decided(distance: float, deviation: float, replicates: int) -> bool:
    """Return whether an effect lies so far from what decides that more processes change nothing."""
    return distance > FAR * deviation / math.sqrt(replicates)


def processes_for(half_width: float, deviation: float, most: int = 200) -> int:
    """Return how many processes make a 95 % interval this narrow, or `most`."""
    fits = (n for n in range(2, most) if student(n - 1) * deviation <= half_width * math.sqrt(n))
    return next(fits, most)


def ready(result: Result, names: Collection[str]) -> bool:
    """Return whether the first processes of all these experiments have run, and none beyond."""
    planned = {name: result.config["experiments"][name] for name in names}
    seen = {(r.experiment, r.backend, r.process) for r in result.records if r.experiment in planned}
    first = {
        (name, backend, process)
        for name, one in planned.items()
        for backend in one["backends"]
        for process in range(min(FIRST, one["processes"]))
    }
    return first <= seen and all(process < FIRST for *_, process in seen)


def allocate(result: Result, names: Collection[str]) -> list[Allocation]:
    """Deal out the time that is left after the first processes of these experiments.

    The same records give the same shares. An experiment that is planned with fewer processes than
    `FIRST`, that one of them failed or skipped, or that other hosts take part in, keeps its plan;
    where seeds are dealt out to more processes than that, it gets no fewer than planned.
    """
    shares = _shares(result, names)
    starts = _starts(result)
    # Some take longer than their budgets whatever they are given: what they do once takes that.
    budget_s = math.fsum(result.config["experiments"][name]["budget_s"] for name, _ in shares)
    over_s = math.fsum(share.seconds for share in shares.values()) - budget_s
    limit = _total(shares, starts) - max(0.0, over_s)
    for share in shares.values():
        share.count = share.least
    needs = _needs(result, shares)
    for name, mine, count in needs:
        for share in mine:
            share.open.append(name)
            share.wanted = max(share.wanted, min(count, MOST * share.planned))
    _fill(shares, {p: s.planned for p, s in shares.items() if s.open}, starts, limit)
    # What is decided soonest gets what it needs first, while it can be had.
    for _, mine, count in sorted(needs, key=_price):
        if all(count <= MOST * share.planned for share in mine):
            before = [share.count for share in mine]
            for share in mine:
                share.count = max(share.count, count)
            if _total(shares, starts) > limit:
                for share, old in zip(mine, before, strict=True):
                    share.count = old
    # Then those that even three times the plan would not decide, and at last what is decided.
    _fill(shares, {p: s.wanted for p, s in shares.items() if s.open}, starts, limit)
    _fill(shares, {p: s.planned for p, s in shares.items()}, starts, limit)
    return [
        Allocation(
            experiment=name,
            backend=backend,
            processes=share.count,
            repeats=share.repeats if share.open else None,
            open=sorted(set(share.open)),
        )
        for (name, backend), share in shares.items()
    ]


def _price(need: _Need) -> tuple[float, str]:
    name, mine, count = need
    return sum(max(0, count - share.count) * share.further_s for share in mine), name


def _fill(
    shares: dict[Pair, _Share], most: dict[Pair, int], starts: dict[str, float], limit: float
) -> None:
    """Give one process after the other to whoever has the fewest, while there is time."""
    waiting = {pair for pair, count in most.items() if shares[pair].count < count}
    while waiting:
        pair = min(waiting, key=lambda one: (shares[one].count, one))
        shares[pair].count += 1
        over = _total(shares, starts) > limit
        shares[pair].count -= over
        if over or shares[pair].count >= most[pair]:
            waiting.remove(pair)


def _total(shares: dict[Pair, _Share], starts: dict[str, float]) -> float:
    """Return the seconds of all processes; the experiments of a backend share its workers."""
    workers: dict[str, int] = {}
    for (_, backend), share in shares.items():
        workers[backend] = max(workers.get(backend, 0), share.count)
    begun = (count * starts.get(backend, 0.0) for backend, count in workers.items())
    return math.fsum([*(share.seconds for share in shares.values()), *begun])


def _shares(result: Result, names: Collection[str]) -> dict[Pair, _Share]:
    """Return each pair that can get more or less than its plan, with what a process takes."""
    shares = {}
    for name in names:
        planned = result.config["experiments"][name]
        of_seeds = planned["kind"] == "training" and planned["seeds"] > FIRST
        for backend in planned["backends"]:
            records = [r for r in result.of(name) if r.backend == backend]
            shared = planned["settings"].get("nodes", 1) > 1
            if shared or planned["processes"] < FIRST or not all(r.outcome for r in records):
                continue
            process_s = fmean(record.measured_s or 0.0 for record in records)
            repeats, saved_s = _repetitions(records, process_s, planned["repeats"])
            shares[name, backend] = _Share(
                planned=planned["processes"],
                least=planned["processes"] if of_seeds else FIRST,
                process_s=process_s,
                further_s=process_s - saved_s,
                repeats=repeats,
                count=planned["processes"],
            )
    return shares


def _starts(result: Result) -> dict[str, float]:
    """Return what it takes to start a worker of each backend: its first job took that longer."""
    longest: dict[str, dict[int, float]] = {}
    for record in result.records:
        if record.measured_s is not None:
            of_backend = longest.setdefault(record.backend, {})
            start = record.elapsed_s - record.measured_s
            of_backend[record.process] = max(start, of_backend.get(record.process, 0.0))
    return {backend: fmean(each.values()) for backend, each in longest.items()}


def _repetitions(
    records: Sequence[Record], process_s: float, repeats: int
) -> tuple[int | None, float]:
    """Return the best number of samples for a further process, and the seconds that it saves.

    With c1 the cost of a sample, c2 that of a process before it, T1 and T2 the variances of a
    sample and of a process, sqrt(c2 / c1 * T1 / T2) of them, by Kalibera and Jones. Where nothing
    tells, as many as planned.
    """
    timings = [s.timing for r in records if r.outcome for s in r.outcome.series if s.timing]
    if not timings:
        return None, 0.0
    taken = median(timing.samples for timing in timings)
    sampled = [(t.samples, fmean(t.elapsed_s) / len(records)) for t in timings]
    sampled_s = math.fsum(samples * each_s for samples, each_s in sampled)
    before_s, sample_s = max(0.0, process_s - sampled_s), sampled_s / taken
    within, between = [], []
    for quantity in of_records(records, ""):
        logs = [[math.log(sample) for sample in group] for group in quantity.groups if group]
        if len(logs) > 1 and all(len(group) > 1 for group in logs):
            within.append(fmean(variance(group) for group in logs))
            between.append(variance(median(group) for group in logs))
    if not within or not fmean(within):
        return None, 0.0
    # A median of normal samples varies by pi / 2 times what their mean does.
    of_process = fmean(between) - math.pi / 2 * fmean(within) / taken
    if of_process <= 0:
        return None, 0.0
    best = math.ceil(math.sqrt(before_s / sample_s * fmean(within) / of_process))
    best = max(best, FEWEST_SAMPLES)
    if best >= repeats:
        return None, 0.0
    return best, math.fsum(max(0, samples - best) * each_s for samples, each_s in sampled)


def _needs(result: Result, shares: dict[Pair, _Share]) -> list[_Need]:
    every = [effect for effect in _effects(result) if effect.pairs & shares.keys()]
    needs = []
    for effect in every:
        alike = [one.deviation for one in every if one.kind == effect.kind]
        pool = alike if len(alike) >= FEW else [one.deviation for one in every]
        # The median of a variance with two degrees of freedom is ln 2 of its mean.
        usual = math.sqrt(median(one**2 for one in pool) / math.log(2))
        count = effect.needed(max(effect.deviation, usual))
        if count is not None:
            mine = [shares[pair] for pair in sorted(effect.pairs & shares.keys())]
            needs.append((effect.name, mine, count))
    return needs


def _effects(result: Result) -> Iterator[_Effect]:
    experiments = result.config["experiments"]
    for name, backend, case in verdicts.cases(result):
        claim = result.config["claims"][name]
        found = _deviation(case.effect, plain=claim["relation"] == "power-law")
        pairs = frozenset((each, backend) for each in case.measured.by_process)
        if pairs and found:
            kind = experiments[min(pairs)[0]]["kind"]
            yield _Effect(name, kind, pairs, *found, *_limits(claim))
    led = result.led()
    for card in itertools.chain.from_iterable(kind.cards(led) for kind in KINDS.values()):
        if card.estimate is not None and (found := _deviation(card.estimate)):
            # A key is "machine/experiment/backend/...".
            _, name, backend, _ = card.estimate.key.split("/", 3)
            pairs = frozenset({(name, backend)})
            yield _Effect(card.label, experiments[name]["kind"], pairs, *found, (), HEADLINE)


def _deviation(estimate: Estimate, *, plain: bool = False) -> tuple[float, float, int] | None:
    """Return a value, how much single processes differ, and of how many it is.

    On logarithms, unless it is `plain`. What runs differ by, which is in an interval as well, no
    process can make smaller.
    """
    if estimate.low is None or estimate.high is None or estimate.basis != "replicates":
        return None
    numbers = (estimate.value, estimate.low, estimate.high, *estimate.each)
    value, low, high, *each = numbers if plain else map(math.log, numbers)
    count = estimate.replicates
    if len(each) > 1:
        return value, stdev(each), count
    return value, (high - low) / 2 / student(count - 1) * math.sqrt(count), count


def _limits(claim: StoredClaim) -> tuple[tuple[float, ...], float]:
    """Return what an effect is held against, and half of what matters, as `claims.judge` has it."""
    least, margin = math.log(claim["least"]), math.log(claim["margin"])
    tolerance, exponent = claim["tolerance"], claim["exponent"] or 0.0
    limits, matters = {
        "greater": ((0.0, least), least),
        "less": ((0.0, -least), least),
        "stalls": ((-least,), least),
        "equivalent": ((-margin, margin), margin),
        "power-law": ((exponent - tolerance, exponent + tolerance), tolerance),
    }[claim["relation"]]
    return limits, max(FINEST, matters / 2)


# --- what is measured again: what was seen of the machine decides, never what was measured


def disturbed(records: Sequence[Record]) -> list[Record]:
    """Return what of a run was measured once, while the machine was noisy or in another state.

    In another state were sweeps whose probes differ from those of the run's others.
    """
    met = [(record, record.conditions) for record in records if record.conditions is not None]
    sweeps = {
        process: [s for r, s in met if r.process == process]
        for process in sorted({r.process for r, _ in met})
    }
    moved = noise.sweeps(sweeps)
    return [
        record
        for record, seen in met
        if (record.status, record.attempts) == ("ok", 1)
        and (noise.disturbance(seen) > 1 or record.process in moved)
    ]


def affordable(costs_s: Sequence[float], left_s: float) -> list[int]:
    """Return the indices of those that the time left suffices for, the earlier ones first."""
    chosen = []
    for index, cost_s in enumerate(costs_s):
        if cost_s <= left_s:
            chosen.append(index)
            left_s -= cost_s
    return chosen


def better(first: Record, second: Record) -> Record:
    """Return the one to keep of two attempts: the second, unless the machine was noisier then."""
    noisier = (
        second.status != "ok"
        or first.conditions is None
        or second.conditions is None
        or noise.disturbance(second.conditions) > noise.disturbance(first.conditions)
    )
    kept = first if noisier else second
    # The start of its process is that of the first: of each process there is one.
    return replace(kept, attempts=first.attempts + 1, import_s=first.import_s)
