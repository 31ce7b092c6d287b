"""Results side by side: whether they can be compared, and what each row says. Pure."""
