"""Overhead: what a framework's call and a training step cost beside their arithmetic."""
