"""One folder a kind of experiment. This module is the registry; it imports none of them.

Each kind has `measure.py` (what it runs, worker side), and on the parent's side `spec.py` (its
part of experiments.yaml), `quantities.py` (what was measured), `figures.py`, `comparisons.py`,
`method.py` and `headline.py` (what the pages show and say).
"""

KINDS = ("matmul", "training")
