"""Plan -> workers -> records on disk."""
