"""`python -m report` is the command `report`."""

from report.cli import main

main()
