"""The console: pages for people who ask, approve and look after the gate. No build step, one host."""

__all__: list[str] = []
