"""Enforcement points: what asks the gate before an act happens, and lets nothing pass that it cannot check.

For programs: a point (point), ASGI middleware (middleware) and a decorator (guard) that ask the gate or check a lease
themselves, in which case its use is on the disk first (spool). For services behind nginx or Envoy: their configuration
(nginx, envoy). For servers that people log in to: what sshd asks (ssh_point), and what ends sessions (ssh_guard).
"""

from armslength.enforce.act import Act, Allowed
from armslength.enforce.acting import Acting, acting, who_acts
from armslength.enforce.checker import Checker
from armslength.enforce.client import GateClient, Redeemed
from armslength.enforce.envoy import EnvoySite, SignedToken, envoy_secrets
from armslength.enforce.envoy_config import envoy_bootstrap
from armslength.enforce.failure import EnforceError, NotAllowed, SpoolFailed, Unreachable
from armslength.enforce.guard import guarded, still_allowed
from armslength.enforce.middleware import Enforced
from armslength.enforce.nginx import ClientCertificate, NginxSite, TrustedVariable, nginx_secrets, nginx_site
from armslength.enforce.point import Point, PointHealth
from armslength.enforce.postgresql_app import PostgresqlApp
from armslength.enforce.postgresql_ask import DatabaseAccess, open_database
from armslength.enforce.postgresql_checks import postgresql_problems
from armslength.enforce.postgresql_keeper import Keeper, keep_watch
from armslength.enforce.postgresql_point import Opened, PostgresqlHealth, PostgresqlPoint
from armslength.enforce.postgresql_server import Connect
from armslength.enforce.postgresql_settings import DatabaseGrant, PostgresqlPointSettings, read_postgresql_settings
from armslength.enforce.postgresql_setup import setup_sql
from armslength.enforce.sentences import SENTENCES
from armslength.enforce.settings import PointSettings
from armslength.enforce.spool import Batch, Spool, SpooledUse
from armslength.enforce.ssh_asking import GivenCertificate, ask_certificate, ask_status, put_certificate
from armslength.enforce.ssh_point import SshPoint
from armslength.enforce.ssh_settings import SshAccount, SshPointSettings, read_ssh_settings
from armslength.enforce.ssh_sshd import put_helper, sshd_config
from armslength.enforce.ssh_table import SshSession
from armslength.enforce.ssh_watch import Watcher, watch

__all__ = [
    "SENTENCES",
    "Act",
    "Acting",
    "Allowed",
    "Batch",
    "Checker",
    "ClientCertificate",
    "Connect",
    "DatabaseAccess",
    "DatabaseGrant",
    "EnforceError",
    "Enforced",
    "EnvoySite",
    "GateClient",
    "GivenCertificate",
    "Keeper",
    "NginxSite",
    "NotAllowed",
    "Opened",
    "Point",
    "PointHealth",
    "PointSettings",
    "PostgresqlApp",
    "PostgresqlHealth",
    "PostgresqlPoint",
    "PostgresqlPointSettings",
    "Redeemed",
    "SignedToken",
    "Spool",
    "SpoolFailed",
    "SpooledUse",
    "SshAccount",
    "SshPoint",
    "SshPointSettings",
    "SshSession",
    "TrustedVariable",
    "Unreachable",
    "Watcher",
    "acting",
    "ask_certificate",
    "ask_status",
    "envoy_bootstrap",
    "envoy_secrets",
    "guarded",
    "keep_watch",
    "nginx_secrets",
    "nginx_site",
    "open_database",
    "postgresql_problems",
    "put_certificate",
    "put_helper",
    "read_postgresql_settings",
    "read_ssh_settings",
    "setup_sql",
    "sshd_config",
    "still_allowed",
    "watch",
    "who_acts",
]
