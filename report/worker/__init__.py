"""What runs in a framework's own interpreter: the standard library and one framework only."""
