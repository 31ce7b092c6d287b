"""Memory: bytes per second by working set, and the price of reading out of order."""
