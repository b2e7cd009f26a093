"""SCIM 2.0 (RFC 7643): the users and groups of a directory, as its service answers or as it was saved.

Mapped: active users as people, with the enterprise extension; groups and nested groups.
Taken wider: a group with members that the lists do not have may hold anybody else.
Not modelled: who administers the directory, which SCIM does not tell; roles and entitlements, which mean what the
service makes of them.
"""

from armslength.intake.scim.directory import map_scim

__all__ = ["map_scim"]
