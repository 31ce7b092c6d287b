"""Statements about measured quantities, and whether a machine supports them."""
