"""AWS: identities of accounts and what their policies let them do become groups, assets, grants and powers.

A user is an account, a role a group of those who may act as it; what an identity may do is its policies within its
boundary and the policies of the organization. Ways from one permission to more (passing a role, changing a policy,
making a credential, running commands on a machine) are powers.

Taken wider: conditions of an Allow are not counted, and a Deny counts only without one and where it covers all of what
an Allow gives; objects count as their bucket; NotAction and NotResource as all that is left; rewriting any policy in
use, or lifting a boundary, as administering the account.
Not modelled: sessions and their policies, resource control policies, what is forbidden by policies of resources, the
delegated administration of an organization, resources whose policies were not given, and services' own permissions
(Lake Formation, OpenSearch's users, databases').
"""

from armslength.intake.aws.mapping import map_aws

__all__ = ["map_aws"]
