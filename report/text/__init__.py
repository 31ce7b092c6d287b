"""Numbers, units and names as a reader wants them."""
