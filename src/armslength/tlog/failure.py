"""What can be wrong with what a log says. The split is by who must act:

    TlogError
    ├── Malformed     the bytes are not in the format, whoever made them: ask for the thing again, or from elsewhere
    └── Unverified    well-formed, but a signature, a proof or a quorum does not hold: keep it, it may be evidence

A message says in words what was seen and what was expected, so it can be shown as it is."""


class TlogError(Exception):
    """Something of a transparency log cannot be relied on; `str()` says what."""


class Malformed(TlogError):
    """Bytes or text outside the format, a second spelling of something within it included."""


class Unverified(TlogError):
    """A signature, proof or quorum that does not hold, or that could hold for no tree (an index beyond its size)."""
