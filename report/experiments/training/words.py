"""Sentences about training runs, made of a run's numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from report import statistics
from report.experiments.training import curves
from report.figures import in_words
from report.numerals import count, digits, percent, scaled, scientific, sentence, times

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from report.experiments.training.curves import Line
    from report.quantities import Quantity
    from report.results import Result
    from report.statistics import Estimate

MILLI = 1e-3


@dataclass(frozen=True, kw_only=True)
class Words:
    """What is said about a figure."""

    title: str
    caption: str
    explanation: str
    alt: str


def by_epoch(result: Result, lines: Sequence[Line]) -> Words:
    """Speak of loss against epochs."""
    first = {line.name: _after_one(line) for line in lines}
    best = min(first, key=lambda name: first[name])
    worst = max(first, key=lambda name: first[name])
    seeds = len(lines[0].run.seeds)
    same = first[worst] - first[best] < 5e-5
    if same:
        title = f"Both follow the same path: {first[best]:.4f} after one epoch"
    else:
        title = (
            f"After one epoch {best} is at {first[best]:.4f}, {worst} still at {first[worst]:.4f}"
        )
    caption = (
        f"Median over {count(seeds, 'seed')}, the band spans all of them. At the end: "
        + "; ".join(f"{line.name} {line.loss[-1]:.4f}" for line in lines)
        + "."
    )
    explanation = _equality(lines) + _gradient_descent(result, lines)
    alt = f"Curves of loss against epochs, one for each run. {title}. {caption}"
    return Words(title=title, caption=caption, explanation=explanation, alt=alt)


def _after_one(line: Line) -> float:
    return next(
        (loss for epoch, loss in zip(line.epochs, line.loss, strict=True) if epoch >= 1),
        line.loss[-1],
    )


def _equality(lines: Sequence[Line]) -> str:
    """Compare two implementations of one run point by point."""
    by_run: dict[object, list[Line]] = {}
    for line in lines:
        by_run.setdefault(line.run.labels["run"], []).append(line)
    sentences = []
    for run, pair in by_run.items():
        ways = {str(line.run.labels["implementation"]) for line in pair}
        if len(pair) != 2 or ways != {"scratch", "concise"}:
            continue
        gap = max(
            abs(a - b)
            for one, other in zip(pair[0].run.seeds, pair[1].run.seeds, strict=True)
            for a, b in zip(one.loss, other.loss, strict=False)
        )
        distance = "not at all" if gap == 0 else f"by at most {scientific(gap)}"
        sentences.append(
            f"For {run} the two implementations' losses differ {distance} at any point of any "
            "seed. They start from the same weights and see the same batches. The framework's "
            "loss has no factor 1/2, so the version from scratch takes twice its learning rate; "
            "the losses shown have the 1/2 in both. "
        )
    return "".join(sentences)


def _gradient_descent(result: Result, lines: Sequence[Line]) -> str:
    """Compare full-batch runs with the exact path and the stability limit."""
    gap = curves.deviation(result, [line.run for line in lines])
    limit = curves.stability_limit(result)
    if gap is None or limit is None:
        return ""
    said = (
        f"Full-batch gradient descent keeps within {scientific(gap)} of its exact path, computed "
        "in double precision. On these data it is stable up to a learning rate of "
        f"{digits(limit)}, two divided by the largest curvature of the loss. "
    )
    for line in lines:
        labels = line.run.labels
        step = float(str(labels["lr"])) * (2 if labels["loss"] == "mse" else 1)
        full = labels["batch_size"] == result.config["examples"]
        if full and step > limit and len(line.loss) > 2:
            lowest_at = min(range(len(line.loss)), key=lambda k: line.loss[k])
            said += (
                f"{sentence(line.name)} takes {digits(step)}, beyond it: along the steepest "
                "direction each step overshoots a little further, so that the loss is lowest after "
                f"epoch {line.epochs[lowest_at]:.0f} ({line.loss[lowest_at]:.4f}) and rises from "
                "there. "
            )
    return said


def by_time(result: Result, lines: Sequence[Line]) -> Words:
    """Speak of loss against time, the chapter's comparison."""
    target = curves.target(result)
    if target is None:
        title = "Loss against time"
        return Words(title=title, caption="", explanation="", alt=title)
    fared = {line.name: curves.towards(line.run, target) for line in lines}
    timed = {name: one.time for name, one in fared.items() if one.time is not None}
    parts = []
    for name, one in fared.items():
        if one.time is not None:
            parts.append(f"{name} after {_milliseconds(one.time)}")
        else:
            parts.append(f"{name} with {one.reached} of {one.seeds} seeds")
    caption = f"A loss of {target:g} is reached by: " + "; ".join(parts) + "."
    if not timed:
        title = f"No run reaches a loss of {target:g} with all its seeds"
        return Words(title=title, caption=caption, explanation="", alt=f"{title}. {caption}")
    first = min(timed, key=lambda name: timed[name].value)
    last = max(timed, key=lambda name: timed[name].value)
    factor = timed[last].value / timed[first].value
    title = f"{sentence(first)} is first at a loss of {target:g}, after {_short(timed[first])}"
    if first != last:
        title += f"; {last} takes {times(factor)} times as long"
    explanation = (
        "Time to a loss is updates needed, times seconds for one update. Small batches need "
        "fewer examples, because every update uses what the last one learned; large ones cost "
        "less for each example, because one call does more. What wins is decided by the cost of "
        "a call on this machine, and by how far the learning rate may go at each batch size. "
        "Evaluation is outside the timer."
    )
    alt = f"Curves of loss against training time on a logarithmic axis. {title}. {caption}"
    return Words(title=title, caption=caption, explanation=explanation, alt=alt)


def by_excess(lowest: float, lines: Sequence[Line]) -> Words:
    """Speak of the loss above the optimum against time."""
    ends = {line.name: line.loss[-1] - lowest for line in lines}
    best = min(ends, key=lambda name: ends[name])
    line = next(line for line in lines if line.name == best)
    title = (
        f"{sentence(best)} ends nearest to the optimum: {_tiny(ends[best])} above it after "
        f"{scaled(line.elapsed_s[-1], 's')}"
    )
    caption = (
        f"Loss above the lowest possible, {lowest:.4f}, at the end of each run: "
        + "; ".join(f"{name} {_tiny(value)}" for name, value in ends.items())
        + "."
    )
    explanation = (
        "On this scale a curve that goes straight down still learns, and one that turns level "
        "has met the noise of its own gradients: with a constant learning rate, small batches "
        "keep wandering about the optimum at a distance that the rate decides."
    )
    alt = f"Curves of excess loss against training time, both logarithmic. {title}. {caption}"
    return Words(title=title, caption=caption, explanation=explanation, alt=alt)


def seconds(found: Sequence[Quantity], examples: int) -> Words:
    """Speak of seconds per epoch."""
    fast = min(found, key=lambda q: q.time().value)
    slow = max(found, key=lambda q: q.time().value)
    factor = statistics.paired_ratio(slow.groups, fast.groups)
    title = f"An epoch of {fast.labels['run']} takes {_short(fast.time())}"
    if fast is not slow:
        title += f", of {slow.labels['run']} {_short(slow.time())}: {times(factor.value)} times"
    parts = (f"{q.labels['run']} {_milliseconds(q.time())}" for q in found)
    caption = sentence("; ".join(parts)) + "."
    explanation = (
        "An epoch is the same arithmetic for all. In batches of "
        f"{slow.labels['batch_size']:,} an example costs "
        f"{scaled(slow.time().value / examples, 's')}, in batches of "
        f"{fast.labels['batch_size']:,} it costs {scaled(fast.time().value / examples, 's')}. "
        "What is left of an update when its examples are taken away is the same for all sizes: "
        "the framework's calls, the gradient's bookkeeping, the loader's next batch."
    )
    alt = f"Dot plot of milliseconds per epoch on a logarithmic axis. {title}. {caption}"
    return Words(title=title, caption=caption, explanation=explanation, alt=alt)


def ways(way: str, found: Sequence[Quantity], examples: int) -> Words:
    """Speak of two ways to do the same runs."""
    by_run: dict[str, dict[str, Quantity]] = {}
    for quantity in found:
        by_run.setdefault(str(quantity.labels["run"]), {})[str(quantity.labels[way])] = quantity
    names = list(dict.fromkeys(str(q.labels[way]) for q in found))
    ratios = {run: ratio_of_ways(pair, names) for run, pair in by_run.items()}
    known = {run: ratio for run, ratio in ratios.items() if ratio is not None}
    if way == "loader":
        return _loader(by_run, names, known, examples)
    slower = max(known, key=lambda run: known[run].value)
    ratio = known[slower]
    title = (
        f"The {names[1]} version takes {times(ratio.value)} times as long as {names[0]}"
        if ratio.excludes(1)
        else "The two versions take the same time, as far as this run can tell"
    )
    caption = "; ".join(
        f"{run}: "
        + ", ".join(f"{one} {_milliseconds(pair[one].time())}" for one in names if one in pair)
        + f"; ratio {digits(known[run].value)} ({_ends(known[run])})"
        for run, pair in by_run.items()
        if run in known
    )
    explanation = (
        "Both do the same arithmetic on the same batches. The framework's optimizer and layers "
        "bring their own bookkeeping for each update, the version from scratch only the calls "
        "that it needs."
    )
    alt = f"Dot plot of milliseconds per epoch by version. {title}. {caption}."
    return Words(title=title, caption=f"{sentence(caption)}.", explanation=explanation, alt=alt)


def _loader(
    by_run: Mapping[str, Mapping[str, Quantity]],
    names: Sequence[str],
    ratios: Mapping[str, Estimate],
    examples: int,
) -> Words:
    # Of the chapter's seconds, what is left once batches are cut from a tensor is not the loader's.
    shares = {run: 1 - ratio.value for run, ratio in ratios.items()}
    most = max(shares, key=lambda run: shares[run])
    least = min(shares, key=lambda run: shares[run])
    title = (
        f"The loader takes {percent(shares[most])} of an epoch of {most}, "
        f"{percent(shares[least])} of {least}"
    )
    caption = (
        "The data loader's share of the seconds per epoch: "
        + "; ".join(
            f"{run} {percent(shares[run])} ({_share_ends(ratio)})" for run, ratio in ratios.items()
        )
        + "."
    )
    order = {name: sorted(by_run, key=lambda run: by_run[run][name].time().value) for name in names}
    fastest = {name: order[name][0] for name in names}
    costs = {
        run: (pair[names[0]].time().value - pair[names[1]].time().value) / examples
        for run, pair in by_run.items()
        if run in ratios
    }
    dear, cheap = max(costs, key=_of(costs)), min(costs, key=_of(costs))
    explanation = (
        "The framework's loader fetches examples one by one in Python and stacks them into "
        f"batches. Beyond cutting the same batches from a tensor that takes "
        f"{scaled(costs[cheap], 's')} an example with {cheap} and {scaled(costs[dear], 's')} with "
        f"{dear}. "
    )
    if fastest[names[0]] == fastest[names[1]]:
        explanation += f"Either way {fastest[names[0]]} has the fastest epoch."
    else:
        explanation += (
            f"With the loader {fastest[names[0]]} has the fastest epoch; with batches cut from a "
            f"tensor it is {fastest[names[1]]}. The chapter's order of seconds per epoch is in "
            "part an order of loaders."
        )
    alt = f"Dot plot of milliseconds per epoch by run and loader. {title}. {caption}"
    return Words(title=title, caption=caption, explanation=explanation, alt=alt)


def _of(values: Mapping[str, float]) -> Callable[[str], float]:
    return lambda name: values[name]


def ratio_of_ways(pair: Mapping[str, Quantity], names: Sequence[str]) -> Estimate | None:
    """Return seconds of the second way over seconds of the first, or None if one is missing."""
    if len(names) < 2 or not all(name in pair for name in names[:2]):
        return None
    return statistics.paired_ratio(pair[names[1]].groups, pair[names[0]].groups)


def _share_ends(ratio: Estimate) -> str:
    if ratio.low is None or ratio.high is None:
        return "one sample, no interval"
    return f"95 % interval {percent(1 - ratio.high)} to {percent(1 - ratio.low)}"


def _ends(ratio: Estimate) -> str:
    if ratio.low is None:
        return "one sample, no interval"
    return f"95 % interval {digits(ratio.low)} to {digits(ratio.high)}"


def _milliseconds(time: Estimate) -> str:
    return in_words(time, MILLI, "ms")


def _short(time: Estimate) -> str:
    return scaled(time.value, "s")


def _tiny(value: float) -> str:
    return digits(value, 2) if value > 0 else "less than rounding"
