"""Okta: users, groups, administrators and, if given, who is assigned to which application, as Okta's API answers.

Mapped: users that are not deprovisioned as people; groups; administrators of all standard roles, by what they can do to
others: reset how somebody signs in, edit groups, run applications. That nobody but a super administrator resets a super
administrator counts.
Taken wider: roles whose targets were not given, and custom roles, as holding for everybody and every group; protection
of groups that have an administrator's role.
Not modelled: sign-on policies, group rules, API tokens, what an application lets its users do.
"""

from armslength.intake.okta.directory import map_okta

__all__ = ["map_okta"]
