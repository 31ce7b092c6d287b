"""What machine this is, and what else it does while something is timed."""
