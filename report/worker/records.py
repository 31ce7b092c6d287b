"""What a worker measured, as plain dataclasses.

The same classes are what a result file keeps: the parent validates them with pydantic and
derives the published JSON Schema from them, so there is one definition and no translation.

Stored values are SI and unrounded; a name carries its unit. Failure is data: whatever can
fail has a `status` and a `reason`.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Literal

Scalar = str | int | float | bool | None
Labels = dict[str, Scalar]
Status = Literal["ok", "skipped", "failed"]
Stopped = Literal["narrow", "repeats", "budget"]


class Strict:
    """What pydantic takes with its own fields alone, and with finite numbers."""

    # It reads this from a plain dataclass; nothing is imported for it here.
    __pydantic_config__ = {"extra": "forbid", "allow_inf_nan": False}  # noqa: RUF012


class Unavailable(Exception):  # noqa: N818 (it is an outcome, not an error)
    """Something that this framework or device cannot do; the message says why."""


def reason_of(error: BaseException) -> str:
    """Say what went wrong in the error's own words: its name, and the first line of its message.

    MXNet's messages begin with where it went wrong, and end with what.
    """
    name, lines = type(error).__name__, str(error).strip().splitlines()
    if not lines:
        return name
    said = lines[-1] if lines[0].startswith("Traceback") else lines[0]
    return f"{name}: {said.strip().removeprefix(f'{name}: ')}"


class Unmeant(Exception):  # noqa: N818 (it is an outcome, not an error)
    """What would be timed is not what was meant; the message says how it differs."""


@dataclass(frozen=True, kw_only=True)
class BoardReading(Strict):
    """What an accelerator's sensors read at one moment; null is what it has no sensor for.

    Attributes:
        clock_hz: Of its processors.
        temperature_c: Of the chip, in degrees Celsius.
        power_w: That it draws.
        memory_bytes: Taken by all programs.
        limits: What holds its clock down ("power limit", "heat", "slowdown", "power brake").
    """

    clock_hz: int | None = None
    temperature_c: int | None = None
    power_w: float | None = None
    memory_bytes: int | None = None
    limits: list[str] | None = None


@dataclass(frozen=True, kw_only=True)
class Energy(Strict):
    """What the same work, done over and over for a while, took from a counter of energy.

    Attributes:
        joules: In all.
        elapsed_s: In how long.
        calls: How often it was done.
    """

    joules: float
    elapsed_s: float
    calls: int

    def __post_init__(self) -> None:
        """Refuse what no counter can have shown; logarithms are taken of these."""
        if self.joules <= 0 or self.elapsed_s <= 0 or self.calls < 1:
            raise ValueError("work takes energy and time")


@dataclass(frozen=True, kw_only=True)
class Timing(Strict):
    """The raw samples of one series in one process.

    Attributes:
        warmups: Calls made before measuring.
        warmup_s: Seconds of the first few of them, the cold one first.
        inner_loops: Calls in one sample, chosen so that a sample is long against the clock.
        samples: Samples taken.
        elapsed_s: Seconds of each sample (of `inner_loops` calls), in the order taken; the
            first so many if there were too many to keep.
        stopped: Why no more were taken: the interval was narrow, the most repeats were
            reached, or the time was up.
        median_s: Median seconds of one call.
        low_s: Lower end of the median's 95 % interval within this process (order
            statistics); null below six samples, where there is none.
        high_s: Upper end.
        device_s: Seconds of each sample by the device's own clock, from the first call's beginning
            to the last one's end; empty where it has none.
        board: What the accelerator's sensors read after the first sample and after the last one.
    """

    warmups: int
    warmup_s: list[float]
    inner_loops: int
    samples: int
    elapsed_s: list[float]
    stopped: Stopped
    median_s: float
    low_s: float | None
    high_s: float | None
    device_s: list[float] = field(default_factory=list)
    board: list[BoardReading] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Refuse what no clock can have shown; logarithms are taken of these."""
        times = [*self.elapsed_s, *self.device_s]
        if self.inner_loops < 1 or not self.elapsed_s or min(times) <= 0:
            raise ValueError("a timing needs samples, and samples take time")


@dataclass(frozen=True, kw_only=True)
class Series(Strict):
    """One thing measured: its labels say which, its timing how long a call takes.

    Attributes:
        labels: What distinguishes it within the experiment (strategy, size, dtype, ...).
        status: ok, skipped (cannot be done here) or failed.
        reason: Why not ok, in words.
        flops: Floating point operations of one call, exactly; null where not counted.
        bytes_moved: Bytes that one call reads and writes, each counted once, whether they lie in
            a cache or in memory; null where not counted.
        examples: Training examples of one call, where its own code says so.
        timing: The samples; null unless ok.
        cold: The same calls, each with the accelerator's second cache emptied before it, by the
            device's own clock; null where not asked for.
        energy: What calls took; null where not asked for, or not readable.
    """

    labels: Labels
    status: Status = "ok"
    reason: str | None = None
    flops: int | None = None
    bytes_moved: int | None = None
    examples: int | None = None
    timing: Timing | None = None
    cold: Timing | None = None
    energy: Energy | None = None


@dataclass(frozen=True, kw_only=True)
class AsPrinted(Strict):
    """A product timed the chapter's own way: once, cold, with `time.time`.

    Attributes:
        strategy: element, column, full or block.
        elapsed_s: What the chapter's timer shows.
        gflops: What the chapter prints: 0.03 divided by that; null if the timer showed 0.
    """

    strategy: str
    elapsed_s: float
    gflops: float | None


@dataclass(frozen=True, kw_only=True)
class TrainingRun(Strict):
    """One training run with one seed, repeated for its times; its losses do not vary.

    Attributes:
        labels: run (its label), batch_size, lr, epochs, loader, implementation, loss.
        seed: Index of the initial weights and permutations that it got.
        examples: Examples processed at each point of the curve, 0 first.
        epoch_ends: Indices into `examples` where an epoch ended.
        loss: Loss on all examples (squared error / 2, mean) at each point.
        repeats: How often it was run and timed.
        elapsed_s: For each repeat that is kept, seconds of training up to each point, with
            evaluation outside the timer.
        diverged: The loss became infinite or NaN (the curve is cut there), or ended above
            where it began.
        memory_bytes: The most memory that the process held while it ran, the framework included;
            null where the system does not say.
        device_memory_bytes: The most that the framework held of the accelerator's memory; null
            where it does not say.
        energy: What runs took, a call being an epoch; null where not asked for, or not readable.
    """

    labels: Labels
    seed: int
    examples: list[int]
    epoch_ends: list[int]
    loss: list[float]
    repeats: int
    elapsed_s: list[list[float]]
    diverged: bool = False
    memory_bytes: int | None = None
    device_memory_bytes: int | None = None
    energy: Energy | None = None

    def __post_init__(self) -> None:
        """Refuse curves whose parts do not fit together."""
        points = len(self.loss)
        lengths = {len(self.examples), *map(len, self.elapsed_s)}
        if not points or not self.elapsed_s or lengths != {points}:
            raise ValueError("a curve needs examples, loss and seconds at each of its points")
        ends = [0, *self.epoch_ends]
        if not all(0 <= a < b < points for a, b in itertools.pairwise(ends)):
            raise ValueError("the ends of epochs must be later and later points of the curve")
        if any(s[a] >= s[b] for s in self.elapsed_s for a, b in itertools.pairwise(ends)):
            raise ValueError("every epoch must take time")


@dataclass(frozen=True, kw_only=True)
class PrintedRun(Strict):
    """A training run timed the chapter's own way: once, with the chapter's timer.

    Attributes:
        run: Its label.
        turn: 0 in a fresh process, all runs in the order of the configuration; 1 for the same
            again in the same process, where nothing happens for the first time.
        epoch_s: What it prints as "sec/epoch".
        loss: What it prints as "loss"; null where that is not finite.
        collected_s: What of `epoch_s` Python's garbage collector took.
    """

    run: str
    turn: int
    epoch_s: float
    loss: float | None
    collected_s: float


@dataclass(frozen=True, kw_only=True)
class GradientNoise(Strict):
    """How far minibatch gradients lie from the full one, at one point and batch size.

    Attributes:
        labels: point, batch_size, sampling.
        draws: Minibatches drawn.
        mean_square: Mean over the draws of |g_B - g|^2, the squared Euclidean distance between
            the minibatch gradient and the gradient over all examples.
        population: Mean over all examples of |g_i - g|^2, exactly: what theory starts from.
        gradient: |g|, the length of the gradient over all examples.
        mean_deviation: |mean over the draws of g_B - g|^2: how far the mean of the minibatch
            gradients lies from the full one; null where it was not recorded. With n draws and no
            bias, 1/n of `mean_square` is to be expected.
    """

    labels: Labels
    draws: int
    mean_square: float
    population: float
    gradient: float
    mean_deviation: float | None = None

    def __post_init__(self) -> None:
        """Refuse what no draws can have given."""
        if self.draws < 1 or self.mean_square < 0 or self.population < 0 or self.gradient < 0:
            raise ValueError("squares and lengths are not negative, and need draws")


@dataclass(frozen=True, kw_only=True)
class Outcome(Strict):
    """What `measure.py` of a kind returns for one job: any of these, as the kind has them.

    `energy` says how it was read, or why it was not; null where nobody asked.
    """

    series: list[Series] = field(default_factory=list)
    runs: list[TrainingRun] = field(default_factory=list)
    noise: list[GradientNoise] = field(default_factory=list)
    as_printed: list[AsPrinted] = field(default_factory=list)
    printed_runs: list[PrintedRun] = field(default_factory=list)
    energy: str | None = None


@dataclass(frozen=True, kw_only=True)
class Probe(Strict):
    """A short computation that is the same each time, to see whether the machine still is.

    Attributes:
        name: Which: "hash" (SHA-256 of a megabyte), "vector" (small products), "copy" (of memory
            beyond a core's own caches), "interpreter" (a loop of Python), each on one thread;
            "device-product" and "device-memory" on an accelerator.
        seconds: Of each repetition, in the order made; where not all were kept, of the fastest.
    """

    name: str
    seconds: list[float]

    def __post_init__(self) -> None:
        """Refuse what no clock can have shown; ratios are made of these."""
        if not self.seconds or min(self.seconds) <= 0:
            raise ValueError("a probe needs times, and takes time")


@dataclass(frozen=True, kw_only=True)
class Answer(Strict):
    """What a worker answers when a job is done.

    Attributes:
        outcome: What was measured.
        measured_s: Seconds that this took, without importing the framework.
        import_s: Seconds that importing it took; null where an earlier job had done so.
        probes_before: Fixed computations on an accelerator before.
        probes_after: The same computations afterwards.
    """

    outcome: Outcome
    measured_s: float
    import_s: float | None = None
    probes_before: list[Probe] = field(default_factory=list)
    probes_after: list[Probe] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Accelerator(Strict):
    """A device beside the CPU, as its framework and its driver describe it.

    Attributes:
        device: The framework's name for it ("cuda:0", "mps", "xpu:0").
        name: The product's name.
        memory_bytes: Its memory.
        l2_bytes: Its second cache, which all of its processors share.
        works: A small product on it gave the right answer.
        reason: Why it does not work.
        compute_capability: NVIDIA's architecture number ("9.0").
        driver: Version of its driver.
        clock_hz: Highest clock of its processors.
        memory_clock_hz: Highest clock of its memory.
        power_limit_w: The power that it may draw.
        integrated: It shares the CPU's memory.
        flop_per_s: What a product of two float32 matrices reached when it was looked at, by which
            one of several devices is chosen; no measurement of the report.
    """

    device: str
    name: str | None = None
    memory_bytes: int | None = None
    l2_bytes: int | None = None
    works: bool = False
    reason: str | None = None
    compute_capability: str | None = None
    driver: str | None = None
    clock_hz: int | None = None
    memory_clock_hz: int | None = None
    power_limit_w: float | None = None
    integrated: bool | None = None
    flop_per_s: float | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class Environment(Strict):
    """A framework in its interpreter, as the worker finds it.

    Attributes:
        backend: Name in the registry.
        status: ok, or skipped where the framework is not installed.
        reason: Why not ok.
        python: Version of the interpreter.
        versions: Of the framework and what it stands on.
        blas: The library behind the products, with its version.
        threads: How many threads the framework takes if nobody says.
        simd: The instruction set that the framework chose.
        pools: Thread pools loaded ("openmp: libgomp, 2 threads").
        accelerators: Devices beside the CPU that the framework sees.
        dtypes: For each device that works, the dtypes that can be multiplied on it.
        steering: The variables that steer libraries or choose devices, as the worker saw them,
            with private paths replaced; null where they were not recorded.
        places: The variables that find programs, folders and the network, in the same way. What
            differs in them alone is the same environment.
        packages: All that is installed in the interpreter, versions by name; null where that was
            not recorded.
    """

    backend: str
    status: Status = "ok"
    reason: str | None = None
    python: str | None = None
    versions: dict[str, str] = field(default_factory=dict)
    blas: str | None = None
    threads: int | None = None
    simd: str | None = None
    pools: list[str] = field(default_factory=list)
    accelerators: list[Accelerator] = field(default_factory=list)
    dtypes: dict[str, list[str]] = field(default_factory=dict)
    steering: dict[str, str] | None = None
    places: dict[str, str] | None = field(default=None, compare=False)
    packages: dict[str, str] | None = None
