"""Armslength: what any state could have by compelling the staff it can reach, and how to keep it beyond it."""

__version__ = "0.1.0"
