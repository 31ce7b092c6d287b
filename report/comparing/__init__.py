"""Results side by side: whether they may be compared, and what each row says. Pure."""
