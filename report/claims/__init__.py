"""Statements about measured quantities, and whether a machine supports them.

`report.config.claims` is how a person writes them; `evidence.py` finds in a result what they speak
of, `judge.py` decides, `verdicts.py` does so for a whole result, `wording.py` says it.
"""
