"""The estate: one frozen, cross-checked value."""

from armslength.estate.model import Estate

__all__ = ["Estate"]
