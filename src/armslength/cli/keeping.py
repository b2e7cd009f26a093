"""Keeping: a search makes values that nearly all stay, so Python looks for some to free more seldom meanwhile."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from armslength.store import SELDOM


@contextmanager
def keeping() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(*SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*before)
