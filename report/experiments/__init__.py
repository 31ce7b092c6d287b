"""One folder a kind of experiment; `report.registry` lists them.

Each kind has `measure.py` (what it runs, worker side), and on the parent's side `kind.py` (its part
of experiments.yaml, and one object of all that it has), `quantities.py` (what was timed, and what
claims can be made of), `figures.py` (what the pages show), and what else it needs.
"""
