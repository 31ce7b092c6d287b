"""Says how far times can be trusted, by what went on in the machine. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Literal, NamedTuple

from report.text.numerals import percent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from report.results.machine import Conditions

Level = Literal["quiet", "fair", "noisy", "unknown"]
LEVELS: tuple[Level, ...] = ("quiet", "fair", "noisy")
UNKNOWN: Level = "unknown"
"""Apart from these: nothing speaks against the times, but what would could not be read."""

PROBES = {
    "hash": "arithmetic",
    "vector": "vector arithmetic",
    "copy": "copying memory",
    "interpreter": "the Python interpreter",
    "device-product": "products on the accelerator",
    "device-memory": "memory of the accelerator",
}
"""What each probe shows, in words."""

# A run's median of a probe against that of the machine's other runs.
DIFFERS = dict.fromkeys(PROBES, 0.08) | {"hash": 0.03}
# The same, where it bars a comparison: beyond these, up to 3 % of the rows of two equal runs were
# told apart, and a third where vectors ran 20 % faster. Copying and the interpreter moved by up to
# 19 and 24 % where times did not (docs/decisions/0021 has each pair).
BARS = {"hash": 0.03, "vector": 0.055, "device-product": 0.08, "device-memory": 0.08}
# The same of a sweep, the processes of all frameworks with one number, against the run's others.
# One that was 5 % slow hashed 3.3 % slower and multiplied 6.5 % slower; the others were within 1.5
# and 5 % (measured here).
SWEEP_DIFFERS = {"hash": 0.03, "vector": 0.06, "device-product": 0.06, "device-memory": 0.06}

_SAVING = {"low-power", "quiet", "cool", "power", "balance_power"}
"""Modes of Linux's platform_profile and energy_performance_preference that cost speed."""

_SLOWING = {"heat", "slowdown", "power brake"}
"""What holds an accelerator's clock down beside the limit of its power."""


@dataclass(frozen=True, kw_only=True)
class Grade:
    """How far times from this machine can be trusted, and why, in words.

    Fair is where the large differences hold, noisy where one has to measure again. It is unknown
    where processor time of other programs or the probes could not be read, unless something
    that could be read says fair or noisy.
    """

    level: Level
    reasons: list[str]
    # What could not be read, whether or not it decides.
    unread: list[str] = field(default_factory=list)

    @property
    def severity(self) -> int:
        """Return its place from the best to the worst."""
        return ("quiet", UNKNOWN, "fair", "noisy").index(self.level)


class Sign(NamedTuple):
    """Something readable that disturbs; fair above one value and noisy above another."""

    fair: float
    noisy: float
    words: str
    called: str = ""  # where it could not be read; empty if there is nothing to tell then

    def severity(self, value: float) -> int:
        """Return the place of a value's level in `LEVELS`."""
        return int(value > self.fair) + int(value > self.noisy)

    def say(self, value: float, seen: Conditions | None = None) -> str:
        """Put a value in words, with what else was seen."""
        limits = seen.clock_limits if seen else ()
        return self.words.format(
            percent=_percent(value),
            cores=_number(value, "core"),
            times=_number(value, "time"),
            events=_number(value, "thermal throttling event"),
            megabytes=f"{value / 1e6:.1f}".removesuffix(".0"),
            mode=seen.power_mode if seen else None,
            limits=f" ({', '.join(limits)})" if limits else "",
        )


# The differences that the report is about are of 10 % and more, and a median forgives some
# disturbed samples.
SIGNS = {
    # The hypervisor's share falls on single samples; above a few percent it reaches the median.
    "steal_fraction": Sign(
        0.01, 0.05, "the hypervisor took {percent} of CPU time", "the hypervisor's share"
    ),
    # A desktop at rest needs a tenth of a core; half a core takes a thread's place at times.
    "other_cores": Sign(
        0.1, 0.5, "other programs kept {cores} busy", "processor time of other programs"
    ),
    # A busy program on the worker's core takes it 120 to 600 times a second (measured here). So do
    # threads of the worker's own where there are more than cores, 12,000 times a second in MXNet:
    # it counts only where other programs were busy, or that could not be read.
    "switches_per_s": Sign(30.0, 100.0, "others took its core {times} a second"),
    # Of arithmetic, by medians, beyond the scatter of the repetitions. What the other probes do
    # between a record's start and end says nothing of its times (correlations of -0.1 to 0.1 over
    # 180 records, measured here); what they do over a sweep does.
    "drift": Sign(
        0.05, 0.10, "arithmetic drifted by {percent} from start to end", "the probes of speed"
    ),
    # Less than this is a background program being moved out; more may have been the worker's data.
    "swapped_bytes": Sign(2**20, 2**20, "it swapped {megabytes} MB", "swapping"),
    # Like the hypervisor's share: each wait for memory, and each period of a quota used up.
    "memory_pressure": Sign(
        0.01, 0.05, "short of memory {percent} of the time", "waits for memory"
    ),
    # The processor slows down abruptly and by much, so that one event is too many.
    "throttle_events": Sign(0, 0, "{events}", "thermal throttling"),
    "quota_throttled": Sign(0.01, 0.05, "a CPU limit cut {percent} of periods short"),
    "on_battery": Sign(0, math.inf, "it ran on battery", "battery"),
    "power_mode": Sign(0, math.inf, "the power mode was {mode}", "power mode"),
    # What a board draws decides its clock, and heavy work is slower for it each time: no noise, but
    # a time that depends on what was done before.
    "clock_fall": Sign(0.05, math.inf, "the accelerator's clock fell by {percent}{limits}"),
    # As for the processor: heat, and a supply that cannot give what is drawn, come and go.
    "slowed_down": Sign(0, 0, "the accelerator slowed itself down{limits}"),
}

# Fresh processes differ by some percent through the layout of memory alone (Mytkowicz et al.,
# "Producing Wrong Data Without Doing Anything Obviously Wrong!", ASPLOS 2009).
SPREAD = Sign(0.05, 0.15, "processes differ by up to {percent}")

_NEEDED = {"other_cores", "drift"}
"""Without these a machine is not called quiet."""


def apart(spread: float, where: str = "") -> str:
    """Say how far processes differ, and in which series."""
    return SPREAD.say(spread) + (f" ({where})" if where else "")


def grade(conditions: Sequence[Conditions], spread: float | None = None) -> Grade:
    """Judge how far the times can be trusted, by the worst that was seen.

    The spread is the largest ratio between two processes' medians of one series, less 1; it is for
    those who ask whether processes agree on an answer.
    """
    found = [(SPREAD.severity(spread or 0), apart(spread or 0))]
    lacking: dict[str, str] = {}
    for name, sign in SIGNS.items():
        read = [(value, seen) for seen in conditions if (value := _read(name, seen)) is not None]
        if read:
            value, seen = max(read, key=lambda pair: pair[0])
            found.append((sign.severity(value), sign.say(value, seen)))
        if sign.called and 2 * len(read) <= len(conditions):
            lacking[name] = sign.called
    worst = max(severity for severity, _ in found)
    reasons = [words for severity, words in found if severity > 0]
    needed = [called for name, called in lacking.items() if name in _NEEDED]
    if not conditions:
        reasons.append("the machine was not observed")
    elif needed:
        reasons.append(f"{' and '.join(needed)} could not be read")
    return Grade(
        level=UNKNOWN if needed and worst == 0 else LEVELS[worst],
        reasons=reasons or [_quiet(conditions)],
        unread=[*lacking.values()],
    )


def disturbance(conditions: Conditions) -> float:
    """Return how far the worst that was seen lies beyond what is noisy: above 1 it is noisy."""
    found = [(_read(name, conditions) or 0.0, sign.noisy) for name, sign in SIGNS.items()]
    return max(value / noisy if noisy else 2 * value for value, noisy in found)


def differences(
    own: Sequence[Conditions],
    others: Sequence[Sequence[Conditions]],
    than: str = "the machine's other runs",
    limits: Mapping[str, float] = DIFFERS,
) -> list[str]:
    """Say in words which of a run's probes, by their medians, differ from those of others."""
    said = []
    for name, limit in limits.items():
        mine = _typical(own, name)
        theirs = [one for run in others if (one := _typical(run, name)) is not None]
        if mine is None or not theirs:
            continue
        ratio = mine / median(theirs)
        by = max(ratio, 1 / ratio) - 1
        if by > limit:
            how = f"{_percent(by)} {'slower' if ratio > 1 else 'faster'}"
            said.append(f"{PROBES[name]} ran {how} than in {than}")
    return said


def sweeps(run: Mapping[int, Sequence[Conditions]]) -> dict[int, list[str]]:
    """Say in words which sweeps of a run met another machine than the run's others.

    A sweep is what all frameworks measured in their processes of one number, a minute or so.
    """
    found = {}
    for process, own in run.items():
        others = [seen for each, seen in run.items() if each != process]
        if said := differences(own, others, "the run's other processes", SWEEP_DIFFERS):
            found[process] = said
    return found


def _typical(conditions: Sequence[Conditions], name: str) -> float | None:
    """Return the median over records of a probe's seconds, before and after each."""
    ends = [probe for seen in conditions for probe in (*seen.probes_before, *seen.probes_after)]
    each = [median(probe.seconds) for probe in ends if probe.name == name]
    return median(each) if each else None


def _read(sign: str, seen: Conditions) -> float | None:
    """Return a sign's value in a record; None where it could not be read."""
    match sign:
        case "drift":
            return _drift(seen)
        case "power_mode":
            return None if seen.power_mode is None else seen.power_mode in _SAVING
        case "slowed_down":
            return not _SLOWING.isdisjoint(seen.clock_limits)
        case "switches_per_s" if seen.other_cores is not None:
            return seen.switches_per_s if seen.other_cores > SIGNS["other_cores"].fair else None
    value: float | None = getattr(seen, sign)
    return value


def _quiet(conditions: Sequence[Conditions]) -> str:
    """Say what was looked for and not found; what could not be read is not claimed."""
    drift = max(drift for seen in conditions if (drift := _drift(seen)) is not None)
    steal = any(seen.steal_fraction is not None for seen in conditions)
    lost = ", no time lost to a hypervisor" if steal else ""
    return f"no other load{lost}, probes steady within {_percent(max(drift, 0.001))}"


def _drift(conditions: Conditions) -> float | None:
    """Return by how much arithmetic changed at least; None if a probe is missing at an end."""
    ends = (conditions.probes_before, conditions.probes_after)
    found = [[p.seconds for p in probes if p.name == "hash"] for probes in ends]
    return _moved(found[0][0], found[1][0]) if all(found) else None


def _moved(before: Sequence[float], after: Sequence[float]) -> float:
    """Return by how much the median changed, beyond what the scatter of repetitions explains.

    That is two standard errors of a median of so many, with the scatter from the quartiles. On a
    quiet machine whose neighbours flicker, medians differ by 10 % in every second record for this
    reason alone (measured here).
    """
    change = abs(math.log(median(before) / median(after)))
    error = math.hypot(_error_of_median(before), _error_of_median(after))
    return math.expm1(max(0.0, change - 2 * error))


def _error_of_median(seconds: Sequence[float]) -> float:
    """Return the relative standard error of a normal sample's median: 1.25 s / sqrt(n)."""
    ordered, count = sorted(seconds), len(seconds)
    quartiles = ordered[count // 4], ordered[count - 1 - count // 4]
    return 1.2533 * math.log(quartiles[1] / quartiles[0]) / 1.349 / math.sqrt(count)


def _percent(fraction: float) -> str:
    return percent(fraction).replace(".0 ", " ")


def _number(value: float, noun: str) -> str:
    words = f"{value:.2g}" if value < 100 else f"{value:.0f}"
    return f"{words} {noun}" if words == "1" else f"{words} {noun}s"
