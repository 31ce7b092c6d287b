"""Frameworks that do not fit into one environment: an interpreter for each.

`places.py` finds the interpreter that measures a framework, `create.py` makes environments from
the pinned requirements in `requirements/`.
"""
