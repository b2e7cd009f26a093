"""Kubernetes: roles, bindings and what they let people run become grants and powers, one cluster at a time.

Every role, where it is bound, is a group: its holders are those whom the bindings name, its grants what its rules
allow. A service account is a group as well: whoever runs pods in its namespace can come to act as it.

Taken wider: whoever can run pods reaches the nodes, unless Pod Security forbids it; names of single objects count for
secrets, accounts and roles only; two rights that do something together (approving and asking for a certificate) count
as soon as one of them is there.
Not modelled: what controllers do with custom resources, admission webhooks and policies that forbid, network policies,
other authorizers (webhook, ABAC), exemptions from Pod Security, and who is root on the machines, which is a gap.
"""

from armslength.intake.kubernetes.documents import read_kubernetes
from armslength.intake.kubernetes.mapping import map_kubernetes

__all__ = ["map_kubernetes", "read_kubernetes"]
