"""Writes the pages that are derived from data: `python -m tools.generate [--check]`."""
