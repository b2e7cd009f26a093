"""Google Workspace: users, groups and administrators, as the Directory API answers or as GAM prints them.

Mapped: users that are neither suspended nor archived as people; groups with their owners and managers, and with whoever
may join them, if their settings are given; administrators, by what they can do to others. That nobody but a super
administrator resets an administrator counts.
Taken wider: roles for one organisational unit as roles for all; delegated administrators whose roles were not given.
Not modelled: domain-wide delegation, applications' own settings, roles of Google Cloud.
"""

from armslength.intake.google.directory import map_google

__all__ = ["map_google"]
