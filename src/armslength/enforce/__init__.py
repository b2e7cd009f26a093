"""Enforcement points: what asks the gate before an act happens, and lets nothing pass that it cannot check."""

__all__: list[str] = []
