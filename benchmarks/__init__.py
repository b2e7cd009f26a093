"""Benchmarks: how fast reach and repair are, on estates that a seeded generator makes."""
