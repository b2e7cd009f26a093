"""Reach: exposure, derivation, length. Pure."""
