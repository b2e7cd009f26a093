"""What each lease's role has the server write into its log: settings that only a superuser changes, or who was given
the right to (`GRANT SET ON PARAMETER`)."""

from __future__ import annotations

from collections.abc import Mapping

LOGGING: Mapping[str, str] = {
    # Each statement before it runs, so that one which is cut off was seen; in the extended protocol at its execution.
    "log_statement": "all",
    # What is parsed or bound and never executed can run functions too, and is told by its duration alone.
    "log_min_duration_statement": "0",
    # A statement that cannot be parsed is logged by its error alone.
    "log_min_error_statement": "error",
    "log_min_messages": "warning",
    "log_error_verbosity": "default",
    "log_parameter_max_length": "-1",
    # The words before a statement, by which it is known, are translated.
    "lc_messages": "C",
    # By what the server shows as under way, the log is checked for what is missing in it.
    "track_activities": "on",
}


def settings_differ(settings: list[str] | None) -> str | None:
    """Which of these is not as it was set, of a role's `NAME=VALUE`s; None: all are."""
    found = dict(each.partition("=")[::2] for each in settings or ())
    return next((name for name, value in LOGGING.items() if found.get(name) != value), None)
