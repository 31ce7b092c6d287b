"""One folder a kind of experiment. This module is the registry; it imports none of them.

Each kind has `spec.py` (its part of experiments.yaml, parent side), `measure.py` (what it
runs, worker side), and `figures.py` (its quantities, figures and tables, parent side).
"""

KINDS = ("matmul", "training")
