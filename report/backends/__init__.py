"""One folder a framework, on the worker's side; `report.registry` lists them."""
