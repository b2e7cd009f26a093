"""Enforcement points: what asks the gate before an act happens, and lets nothing pass that it cannot check.

For programs: a point (point), ASGI middleware (middleware) and a decorator (guard) that ask the gate or check a lease
themselves, in which case its use is on the disk first (spool). For services behind nginx: its configuration (nginx).
"""

from armslength.enforce.act import Act, Allowed
from armslength.enforce.acting import Acting, acting, who_acts
from armslength.enforce.checker import Checker
from armslength.enforce.client import GateClient, Redeemed
from armslength.enforce.failure import EnforceError, NotAllowed, SpoolFailed, Unreachable
from armslength.enforce.guard import guarded, still_allowed
from armslength.enforce.middleware import Enforced
from armslength.enforce.nginx import ClientCertificate, NginxSite, TrustedVariable, nginx_secrets, nginx_site
from armslength.enforce.point import Point, PointHealth
from armslength.enforce.sentences import SENTENCES
from armslength.enforce.settings import PointSettings
from armslength.enforce.spool import Batch, Spool, SpooledUse

__all__ = [
    "SENTENCES",
    "Act",
    "Acting",
    "Allowed",
    "Batch",
    "Checker",
    "ClientCertificate",
    "EnforceError",
    "Enforced",
    "GateClient",
    "NginxSite",
    "NotAllowed",
    "Point",
    "PointHealth",
    "PointSettings",
    "Redeemed",
    "Spool",
    "SpoolFailed",
    "SpooledUse",
    "TrustedVariable",
    "Unreachable",
    "acting",
    "guarded",
    "nginx_secrets",
    "nginx_site",
    "still_allowed",
    "who_acts",
]
