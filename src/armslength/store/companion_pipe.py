"""What goes over the pipe to a companion and back: one pickled value after another, arrays apart, as they are.

Both ends are this program.
"""

from __future__ import annotations

import pickle
import struct
from typing import IO

MARK = b"armslength/half\n"
"""Begins each value: what else was written, by a program that Python runs at its start, is no value."""


class Ended(Exception):
    """The other end is gone."""


class Garbled(Exception):
    """Something else was written to the pipe."""


def send(pipe: IO[bytes], value: object) -> None:
    """Write a value whole. Arrays are written from where they are, without a copy."""
    buffers: list[pickle.PickleBuffer] = []
    body = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
    raw = [buffer.raw() for buffer in buffers]
    sizes = [len(body), *(view.nbytes for view in raw)]
    pipe.write(MARK)
    pipe.write(struct.pack(f"<Q{len(sizes)}Q", len(sizes), *sizes))
    pipe.write(body)
    for view in raw:
        pipe.write(view)
    pipe.flush()


def receive(pipe: IO[bytes]) -> object:
    """The next value. Raises `Ended`, `Garbled`, and what unpickling raises."""
    if _read(pipe, len(MARK)) != MARK:
        raise Garbled("it began with something else")
    (count,) = struct.unpack("<Q", _read(pipe, 8))
    sizes = struct.unpack(f"<{count}Q", _read(pipe, 8 * count))
    body, *buffers = (_read(pipe, size) for size in sizes)
    return pickle.loads(body, buffers=buffers)


def _read(pipe: IO[bytes], size: int) -> bytearray:
    found = bytearray(size)
    view, done = memoryview(found), 0
    while done < size:
        got = pipe.readinto(view[done:])  # type: ignore[attr-defined]
        if not got:
            raise Ended
        done += got
    return found
