"""Statements about measured quantities, and whether a machine supports them.

`spec.py` is their part of experiments.yaml, `evidence.py` finds in a result what they speak of,
`judge.py` decides, `verdicts.py` does so for a whole result.
"""
