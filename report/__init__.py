"""Minibatch Report: the chapter's measurements, on your machine, with their doubt."""

__version__ = "0.1.0"
