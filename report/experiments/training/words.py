"""Sentences about training runs, made of a run's numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from report import statistics
from report.experiments.training import curves
from report.figures import Words, in_words
from report.numerals import count, digits, percent, scaled, scientific, sentence, times

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from report.experiments.training.curves import Line
    from report.quantities import Quantity
    from report.results import Result
    from report.statistics import Estimate

MILLI = 1e-3

SAME = 5e-5
"""Losses that differ by less look the same with the four decimals that are shown."""

CLOSE = 1e-3
"""Losses that differ by less are on the same path: rounding does not add up to more."""

HUGE = 1e5
"""Losses of diverged runs beyond this are written with a power of ten."""


def by_epoch(result: Result, lines: Sequence[Line]) -> Words:
    """Speak of loss against epochs."""
    caption = f"{_spread(lines)} {_at_the_end(lines)}"
    title = _first_epoch(lines)
    explanation = _equality(lines) + _gradient_descent(result, lines)
    alt = f"Curves of loss against epochs, one for each run. {title}. {caption}"
    return Words(title=title, caption=caption, explanation=explanation, alt=alt)


def _first_epoch(lines: Sequence[Line]) -> str:
    first = {line.name: line.loss[at] for line in lines if (at := curves.after_one(line))}
    if not first:
        return "No run gets through an epoch"
    best = min(first, key=lambda name: first[name])
    worst = max(first, key=lambda name: first[name])
    if first[worst] - first[best] >= SAME:
        return (
            f"After one epoch {best} is at a loss of {loss(first[best])}, "
            f"{worst} at {loss(first[worst])}"
        )
    if len(first) == 1:
        return f"After one epoch {best} is at a loss of {loss(first[best])}"
    every = "both" if len(first) == 2 else "all"
    if _one_path(lines):
        return (
            f"{sentence(every)} follow the same path, to a loss of {loss(first[best])} after one "
            "epoch"
        )
    return f"After one epoch {every} are at a loss of {loss(first[best])}"


def _one_path(lines: Sequence[Line]) -> bool:
    """Return whether the curves are the same at each of their points, as they are printed."""
    one, *others = lines
    return all(
        other.epochs == one.epochs
        and max(abs(a - b) for a, b in zip(one.loss, other.loss, strict=True)) < SAME
        for other in others
    )


def _spread(lines: Sequence[Line]) -> str:
    seeds = len(lines[0].run.seeds)
    if seeds == 1:
        return "A single seed."
    return f"Median over {count(seeds, 'seed')}; the band spans all of them."


def _at_the_end(lines: Sequence[Line]) -> str:
    ends = "; ".join(f"{line.name}: {loss(line.loss[-1])}" for line in lines)
    return f"Losses at the end: {ends}."


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
    keeps = "keeps within" if gap < CLOSE else "departs by up to"
    said = (
        f"Full-batch gradient descent {keeps} {scientific(gap)} "
        f"{'of' if gap < CLOSE else 'from'} its exact path, computed "
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
                f"direction each step overshoots a little further{_turn(line, lowest_at)}. "
            )
    return said


def _turn(line: Line, lowest_at: int) -> str:
    """Say where a loss that must rise in the end begins to."""
    if lowest_at == len(line.loss) - 1:
        return ", which so few epochs do not show yet"
    if lowest_at == 0:
        return ", so that the loss rises from the start"
    return (
        f", so that the loss is lowest after epoch {line.epochs[lowest_at]:.0f} "
        f"({loss(line.loss[lowest_at])}) and rises from there"
    )


def by_time(result: Result, lines: Sequence[Line]) -> Words:
    """Speak of loss against time, the chapter's comparison."""
    target = curves.target(result)
    if target is None:
        title = "Loss against time"
        caption = (
            f"{_at_the_end(lines)} The data's moments are not in the result file, so that the "
            "lowest possible loss is not known."
        )
        alt = f"Curves of loss against training time. {caption}"
        return Words(title=title, caption=caption, explanation="", alt=alt)
    fared = {line.name: curves.towards(line.run, target) for line in lines}
    timed = {name: one.time for name, one in fared.items() if one.time is not None}
    parts = []
    for name, one in fared.items():
        if one.time is not None:
            parts.append(f"{name} after {_milliseconds(one.time)}")
        else:
            parts.append(f"{name} in {one.reached} of {one.seeds} seeds")
    caption = f"A loss of {target:g} is reached by: " + "; ".join(parts) + "."
    if not timed:
        title = f"No run reaches a loss of {target:g} with all its seeds"
        return Words(title=title, caption=caption, explanation="", alt=f"{title}. {caption}")
    first = min(timed, key=lambda name: timed[name].value)
    last = max(timed, key=lambda name: timed[name].value)
    factor = timed[last].value / timed[first].value
    title = f"{sentence(first)} comes to a loss of {target:g} after {_short(timed[first])}"
    if first != last:
        title = (
            f"{sentence(first)} is first at a loss of {target:g}, after {_short(timed[first])}; "
            f"{last} takes {times(factor)} times as long"
        )
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
    after = scaled(line.elapsed_s[-1], "s")
    title = f"{sentence(best)} ends {tiny(ends[best])} above the optimum after {after}"
    if len(lines) > 1:
        title = (
            f"{sentence(best)} ends nearest to the optimum: {tiny(ends[best])} above, in {after}"
        )
    caption = (
        f"Loss above the lowest possible, {loss(lowest)}, at the end of each run: "
        + "; ".join(f"{name}: {tiny(value)}" for name, value in ends.items())
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
    title = f"An epoch takes {_short(fast.time())} with {fast.labels['run']}"
    if fast is not slow:
        title += (
            f", {_short(slow.time())} with {slow.labels['run']}: {times(factor.value)} times as "
            "long"
        )
    parts = (f"{q.labels['run']}: {_milliseconds(q.time())}" for q in found)
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


def both_ways(
    way: str, found: Sequence[Quantity]
) -> tuple[tuple[str, str], dict[str, dict[str, Quantity]]]:
    """Return the names of two ways, and each run that was done in both, by way."""
    names = ("dataloader", "sliced") if way == "loader" else ("scratch", "concise")
    by_run: dict[str, dict[str, Quantity]] = {}
    for quantity in found:
        by_run.setdefault(str(quantity.labels["run"]), {})[str(quantity.labels[way])] = quantity
    return names, {run: pair for run, pair in by_run.items() if set(names) <= pair.keys()}


def ways(way: str, found: Sequence[Quantity], examples: int) -> Words:
    """Speak of two ways to do the same runs; at least one run was done in both."""
    names, by_run = both_ways(way, found)
    known = {run: ratio_of_ways(pair, names) for run, pair in by_run.items()}
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
        + ", ".join(f"{one} {_milliseconds(pair[one].time())}" for one in names)
        + f"; ratio {digits(known[run].value)} ({_ends(known[run])})"
        for run, pair in by_run.items()
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
    title = f"The loader takes {percent(shares[most])} of an epoch of {most}"
    if least != most:
        title += f", {percent(shares[least])} of {least}"
    caption = (
        "The data loader's share of the seconds per epoch: "
        + "; ".join(
            f"{run}: {percent(shares[run])} ({_share_ends(ratio)})" for run, ratio in ratios.items()
        )
        + "."
    )
    order = {name: sorted(by_run, key=lambda run: by_run[run][name].time().value) for name in names}
    fastest = {name: order[name][0] for name in names}
    costs = {
        run: (pair[names[0]].time().value - pair[names[1]].time().value) / examples
        for run, pair in by_run.items()
    }
    dear, cheap = max(costs, key=_of(costs)), min(costs, key=_of(costs))
    explanation = (
        "The framework's loader fetches examples one by one in Python and stacks them into "
        f"batches. Beyond cutting the same batches from a tensor that takes "
        f"{scaled(costs[cheap], 's')} an example with {cheap}"
    )
    explanation += f" and {scaled(costs[dear], 's')} with {dear}. " if dear != cheap else ". "
    if fastest[names[0]] == fastest[names[1]]:
        if len(by_run) > 1:
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


def ratio_of_ways(pair: Mapping[str, Quantity], names: Sequence[str]) -> Estimate:
    """Return seconds of the second way over seconds of the first."""
    return statistics.paired_ratio(pair[names[1]].groups, pair[names[0]].groups)


def _share_ends(ratio: Estimate) -> str:
    if ratio.low is None or ratio.high is None:
        return "too few samples for an interval"
    return f"95 % interval {percent(1 - ratio.high)} to {percent(1 - ratio.low)}"


def _ends(ratio: Estimate) -> str:
    if ratio.low is None:
        return "too few samples for an interval"
    return f"95 % interval {digits(ratio.low)} to {digits(ratio.high)}"


def _milliseconds(time: Estimate) -> str:
    return in_words(time, MILLI, "ms")


def _short(time: Estimate) -> str:
    return scaled(time.value, "s")


def tiny(value: float) -> str:
    """Write how far a loss lies above the lowest one."""
    if value <= 0:
        return "less than rounding"
    return digits(value, 2) if value < HUGE else scientific(value)


def loss(value: float) -> str:
    """Write a loss with the four decimals in which runs differ."""
    return f"{value:.4f}" if value < HUGE else scientific(value)
