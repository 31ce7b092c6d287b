"""Scaling: several processes that train one model together, and the messages between them."""
