"""The worked example: a Matrix homeserver behind nginx, guarded by the gate, and case K1 played on it (README.md)."""
