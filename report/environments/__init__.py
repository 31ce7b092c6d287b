"""An interpreter for each framework, and the process that measures in it."""
