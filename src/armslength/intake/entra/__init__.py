"""Microsoft Entra ID: users, groups and directory roles, as Microsoft Graph or the portal gives them.

Mapped: enabled users as people; groups, nested ones, owners and whoever may join; directory roles and what they can do
to others: reset how somebody signs in, edit groups, assign roles, add a secret to an application. That a User
Administrator cannot reset a Global Administrator counts, where it holds whatever is configured.
Taken wider: eligible roles as active ones; roles limited to an administrative unit as roles for all; custom roles;
roles that can change how a domain signs in as a reset of everybody.
Not modelled: conditional access, permissions of applications, what other roles do within Exchange, Intune and so on.
"""

from armslength.intake.entra.tenant import map_entra

__all__ = ["map_entra"]
