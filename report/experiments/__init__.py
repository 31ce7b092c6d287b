"""One folder a kind of experiment. This module is the registry; it imports none of them.

Each kind has `measure.py` (what it runs, worker side), and on the parent's side `spec.py` (its
part of experiments.yaml), `quantities.py` (what was timed), `observations.py` (what claims can
be made of), `figures.py`, `comparisons.py`, `method.py` and `headline.py` (what the pages show
and say).
"""

from __future__ import annotations

from typing import Literal, get_args

Kind = Literal["matmul", "bandwidth", "overhead", "gradient", "training"]

KINDS: tuple[Kind, ...] = get_args(Kind)

WITH_DATA: frozenset[Kind] = frozenset({"gradient", "training"})
"""Kinds whose workers are handed the data set."""
