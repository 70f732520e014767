"""Moves a Prefect 2 code base to Prefect 3: finds what breaks or changes in silence, and rewrites it."""

__version__ = "0.1.0"
