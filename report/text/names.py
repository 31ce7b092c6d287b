"""Says quantities, brands and frameworks as people do: "24 GiB", "Intel Xeon", "PyTorch"."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any

from report.registry import BACKENDS
from report.text.numerals import count

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from report.worker.records import Labels

DEVICES = ("auto", "cpu", "cuda", "cuda:1", "mps", "xpu")
"""What a person may ask for; a number tells one of several."""

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


def title(backend: str) -> str:
    """Return what its makers call a framework; a newer version may know more of them."""
    return BACKENDS[backend].title if backend in BACKENDS else backend


def size(value_bytes: int) -> str:
    """Say a size in the largest unit that leaves at least one of it: "48 KiB", "23.5 GiB"."""
    value, unit = float(value_bytes), 0
    while round(value, 1) >= 1024 and unit < len(_UNITS) - 1:
        value, unit = value / 1024, unit + 1
    return f"{value:.1f}".removesuffix(".0") + f" {_UNITS[unit]}"


def memory_as_sold(memory_bytes: int) -> str:
    """Say how much memory a machine was sold with: "24 GiB", of what its system sees.

    Firmware, kernel and graphics keep some for themselves, so that a machine of 24 GiB shows
    23.5. Memory is sold in powers of two and half as much again; up to 8 % below such a size it
    is taken to be meant.
    """
    unit, name = (2**30, "GiB") if memory_bytes >= 0.9 * 2**30 else (2**20, "MiB")
    seen = memory_bytes / unit
    sizes = sorted(base * 2**power // 2 for power in range(1, 32) for base in (2, 3))
    sold = next((size for size in sizes if size >= seen), 0)
    return f"{sold if sold <= 1.08 * seen else round(seen)} {name}"


def hertz(value_hz: float) -> str:
    """Say a clock: "2.6 GHz", "980 MHz"."""
    if value_hz >= 1e9:
        return f"{value_hz / 1e9:.2f}".rstrip("0").rstrip(".") + " GHz"
    return f"{value_hz / 1e6:.0f} MHz"


def brand(model: str) -> str:
    """Take out of a brand what nobody says: "Intel(R) Xeon(R) Processor" is "Intel Xeon"."""
    noise = (
        r"\((?:R|TM|C)\)",  # trade marks
        r"\s+w(?:/|ith)\s.*Graphics.*",  # what else is on the chip
        r"\s*@.*",  # the nominal clock, which is a fact of its own
        r"\b\d+(?:st|nd|rd|th) Gen\b",  # the model's number says it again
        r"\b(?:\w+|\d+)-Core\b",  # counted elsewhere
        r"\bProcessor\b",
        r"\bCPU\s*$",
    )
    words = model
    for pattern in noise:
        words = re.sub(pattern, " ", words, flags=re.IGNORECASE).strip()
    return " ".join(words.split())


def chip(accelerator: str) -> str:
    """Say which accelerator it is in little room: "NVIDIA A100-SXM4-40GB" is "A100"."""
    words = re.sub(r"^(?:NVIDIA|AMD|Intel\(R\)|Apple)\s+", "", accelerator)
    # A slice of a board is another device than the board.
    part = re.search(r" MIG \S+", words)
    return (re.split(r"[ -](?:SXM|PCI|NVL|MIG|\d+ ?GB)", words)[0] or accelerator) + (
        part[0] if part else ""
    )


WORDED: dict[str, Callable[[Any], str]] = {
    "size": "n = {:,}".format,
    "batch_size": "batch {:,}".format,
    "message_bytes": size,
    "world": lambda number: count(number, "process"),
    "block_width": "width {:,}".format,
    "threads": "threads {:,}".format,
    "working_set_bytes": size,
    "tf32": lambda allowed: "TF32" if allowed else "no TF32",
}
"""What values of labels are called that do not go by themselves."""


def series_name(labels: Labels, names: Sequence[str]) -> str:
    """Name a series by some of its labels: those that tell it from others of its experiment."""
    if "run" in names:
        # A run's label stands for its batch size, learning rate and epochs.
        names = [name for name in ("run", "loader", "implementation", "variant") if name in names]
    return ", ".join(
        WORDED.get(name, str)(labels[name]) for name in names if labels[name] is not None
    )


def either(words: Sequence[str]) -> str:
    """Join at least two words: "auto, cpu or cuda"."""
    return f"{', '.join(words[:-1])} or {words[-1]}"


def instead(wrong: str, known: Sequence[str]) -> str:
    """Return what the person may have meant, or else what there is, as a sentence."""
    close = difflib.get_close_matches(wrong, known, n=1)
    if close:
        return f" Did you mean {close[0]!r}?"
    return f" There are: {', '.join(known)}." if known else ""
