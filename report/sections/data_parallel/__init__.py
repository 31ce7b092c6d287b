"""Data parallelism: what more workers would bring, by a cost model fed with this machine's figures.

Named a model and not a measurement wherever it is shown: there is one machine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from report.sections.data_parallel.drawing import figure
from report.sections.data_parallel.inputs import (
    BETWEEN_LATENCY_S,
    DEVICES,
    FAST_GBIT,
    RESNET_FLOP,
    RESNET_PARAMETERS,
    SERVERS,
    SLOW_GBIT,
    WITHIN_LATENCY_S,
    inputs,
)
from report.sections.data_parallel.scenarios import scenarios
from report.text.numerals import digits, percent

if TYPE_CHECKING:
    from report.figures.figure import Figure
    from report.results.result import Result

TITLE = "Many workers: a model, not a measurement"


def figures(result: Result) -> list[Figure]:
    """Draw the predicted speed-up of each scenario for each backend that measured its inputs."""
    examples = result.config["examples"]
    return [
        figure(f"data-parallel-{given.backend}-{scenario.question}", scenario, examples)
        for given in inputs(result)
        for scenario in scenarios(given)
    ]


def experiments(result: Result) -> list[str]:
    """Return the names of the experiments that feed the model."""
    used = {name for given in inputs(result) for name in given.experiments}
    return [name for name in result.config["experiments"] if name in used]


def sentences(_: Result) -> list[str]:
    """Say nothing at the top of the page: what it stands on does."""
    return []


def method(result: Result) -> list[str]:
    """Describe the model, what of it was measured, and what is assumed."""
    found = inputs(result)
    if not found:
        return []
    measured = "; ".join(
        f"an update takes {digits(given.step.fixed_s * 1e6)} µs plus "
        f"{digits(given.step.per_example_s * 1e9)} ns for each example (a line fitted to the "
        f"measured updates, off by up to {percent(given.step.deviation)}), and memory gives "
        f"{digits(given.memory.estimate.value / 1e9)} GB/s"
        for given in found
    )
    sentences = [
        (
            "This is a model and not a measurement. A step of p workers takes fixed + per example "
            "times b / p (rounded up) + communication; the speed-up is one worker's time for the "
            "whole minibatch of b examples divided by that."
        ),
        f"Measured here: {measured}.",
        (
            "Communication is an all-reduce of the gradient, by a binomial tree or a ring, "
            "whichever takes less time; a message of n bytes takes latency + n / bandwidth. The "
            "formulas are those of Thakur, Rabenseifner and Gropp, “Optimization of Collective "
            "Communication Operations in MPICH” (2005), without the cost of the additions. It does "
            "not overlap with computing."
        ),
        (
            f"Assumed, not measured: {DEVICES} devices a server and {SERVERS} servers, as in the "
            f"chapter; {WITHIN_LATENCY_S * 1e6:g} µs a message and the measured memory "
            f"bandwidth within a server, {BETWEEN_LATENCY_S * 1e6:g} µs and {SLOW_GBIT} or "
            f"{FAST_GBIT} Gbit/s between servers; every worker as fast as this machine."
        ),
        (
            "Values come from the line through the medians of all processes; for the intervals the "
            "line is fitted in each process, and the model computed from it. How far "
            "the assumptions hold is not in them."
        ),
    ]
    if any(given.peak is not None for given in found):
        sentences.append(
            f"For orientation, a ResNet-50: {digits(RESNET_PARAMETERS / 1e6)} million parameters, "
            f"{digits(RESNET_FLOP / 1e9)} billion operations for each image (3.8 billion "
            "multiply-adds forward, after He et al., 2016, and twice as many backward), computed "
            "at the measured float32 peak, which a real network does not reach. Its fixed cost is "
            "that of the small model's update, a lower bound."
        )
    return sentences
