"""The kinds of edges of BloodHound's own collectors, and what each does: the whole table.

Almost all are ways to take something over, and read "the start controls the end". Such ways compose: who controls a
computer acts as the computer, which has whatever the edges that leave it give, such as the sessions on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from armslength.intake.opengraph.meaning import Effect, Meaning

_MEMBER = "MemberOf MemberOfLocalGroup AZMemberOf AZHasRole HasSIDHistory SyncedToEntraUser SyncedToADUser"
_CONTROL = (
    "AdminTo GenericAll GenericWrite WriteDacl WriteOwner Owns ForceChangePassword AddMember AddSelf AllExtendedRights "
    "DCSync HasSession AllowedToAct AddAllowedToAct WriteAccountRestrictions ReadLAPSPassword SyncLAPSPassword "
    "ReadGMSAPassword DumpSMSAPassword AddKeyCredentialLink WriteAltSecurityIdentities WritePublicInformation GPLink "
    "WriteGPLink Contains PropagatesACEsTo DCFor HostsCAService ManageCA ManageCertificates WritePKIEnrollmentFlag "
    "WritePKINameFlag RootCAFor TrustedForNTAuth NTAuthStoreFor GoldenCert ADCSESC1 ADCSESC3 ADCSESC4 ADCSESC5 "
    "ADCSESC6a ADCSESC6b ADCSESC7 ADCSESC9a ADCSESC9b ADCSESC10a ADCSESC10b ADCSESC13 CoerceToTGT "
    "CoerceAndRelayNTLMToSMB CoerceAndRelayNTLMToADCS CoerceAndRelayNTLMToLDAP CoerceAndRelayNTLMToLDAPS "
    "SpoofSIDHistory AbuseTGTDelegation HasTrustKeys "
    "AZContains AZOwns AZOwner AZContributor AZVMContributor AZAvereContributor AZAutomationContributor "
    "AZKeyVaultContributor AZAKSContributor AZWebsiteContributor AZLogicAppContributor AZUserAccessAdministrator "
    "AZVMAdminLogin AZExecuteCommand AZAddSecret AZAddOwner AZAddMembers AZResetPassword AZGrant AZGrantSelf "
    "AZGlobalAdmin AZPrivilegedRoleAdmin AZCloudAppAdmin AZAppAdmin AZRunsAs AZManagedIdentity AZNodeResourceGroup "
    "AZMGAddMember AZMGAddOwner AZMGAddSecret AZMGGrantAppRoles AZMGGrantRole"
)
_CONTROL_WIDER = {
    "AllowedToDelegate": "delegation is to some services of the computer: taken for control of it",
    "WriteSPN": "gives a ticket whose password must be guessed: taken for control of the account",
    "SQLAdmin": "the computer's database, from which its service account can be had: taken for control of the computer",
    "ExecuteDCOM": "depends on the computer's settings: taken for control of it",
    "GetChangesAll": "needs GetChanges as well: taken for a full copy of the domain's secrets",
    "WriteOwnerRaw": "may be limited by the domain's settings: taken for WriteOwner",
    "OwnsRaw": "may be limited by the domain's settings: taken for Owns",
    "WriteOwnerLimitedRights": "some rights only: taken for control",
    "OwnsLimitedRights": "some rights only: taken for control",
    "TrustedBy": "what a trust allows depends on its filters: taken for control of the domain at its end",
    "EnrollOnBehalfOf": "needs a certificate of the first template: taken for control of the second",
    "AZPrivilegedAuthAdmin": "resets what administrators sign in with: taken for control of the tenant",
    "AZMGApplication_ReadWrite_All": "one permission of Microsoft Graph: taken for control of whatever it names",
    "AZMGAppRoleAssignment_ReadWrite_All": "one permission of Microsoft Graph: taken for control of whatever it names",
    "AZMGDirectory_ReadWrite_All": "one permission of Microsoft Graph: taken for control of whatever it names",
    "AZMGGroup_ReadWrite_All": "one permission of Microsoft Graph: taken for control of whatever it names",
    "AZMGGroupMember_ReadWrite_All": "one permission of Microsoft Graph: taken for control of whatever it names",
    "AZMGRoleManagement_ReadWrite_Directory": "one permission of Microsoft Graph: taken for control of what it names",
    "AZMGServicePrincipalEndpoint_ReadWrite_All": "one permission of Microsoft Graph: taken for control of what it "
    "names",
}
_BOTH_WAYS = {"SameForestTrust": "one forest is one boundary: each domain is taken to control the other"}
_MEMBER_WIDER = {
    "AZRoleEligible": "has to be activated first: taken for held",
    "ClaimSpecialIdentity": "how one signs in decides: taken for a membership",
    "OIDGroupLink": "needs a certificate with the policy: taken for a membership",
}
_GRANTS = {
    "CanRDP": "execute",
    "CanPSRemote": "execute",
    "RemoteInteractiveLogonRight": "execute",
    "Enroll": "use",
    "DelegatedEnrollmentAgent": "use",
    "GetChanges": "read",
    "GetChangesInFilteredSet": "read",
    "AZGetSecrets": "read",
    "AZGetCertificates": "read",
    "AZGetKeys": "use",
}
_COMPUTED = "what follows from it stands in the edges that BloodHound computes"
_NOTHING = {
    "CrossForestTrust": "what it allows stands as SpoofSIDHistory and AbuseTGTDelegation",
    "LocalToComputer": "what its members can do on the computer stands as AdminTo, CanRDP, …",
    "PublishedTo": _COMPUTED,
    "EnterpriseCAFor": _COMPUTED,
    "IssuedSignedBy": _COMPUTED,
    "ExtendedByPolicy": _COMPUTED,
    "ProtectAdminGroups": _COMPUTED,
    "AZScopedTo": _COMPUTED,
    "AZRoleApprover": "who approves an activation does not hold the role; that approval is needed does not narrow it",
}


def _table() -> Iterator[tuple[str, Meaning]]:
    for kind in _MEMBER.split():
        yield kind, Meaning(effect=Effect.MEMBER)
    for kind in _CONTROL.split():
        yield kind, Meaning(effect=Effect.CONTROL)
    for kind, wider in _MEMBER_WIDER.items():
        yield kind, Meaning(effect=Effect.MEMBER, wider=wider)
    for kind, wider in {**_CONTROL_WIDER, **_BOTH_WAYS}.items():
        yield kind, Meaning(effect=Effect.CONTROL, wider=wider)
    for kind, action in _GRANTS.items():
        yield kind, Meaning(effect=Effect.GRANT, action=action)
    for kind, told in _NOTHING.items():
        yield kind, Meaning(effect=Effect.NOTHING, told=told)


EDGE_KINDS: Mapping[str, Meaning] = dict(_table())
BOTH_WAYS = frozenset(_BOTH_WAYS)
CONTAINS = frozenset({"Contains", "AZContains"})
"""Edges that also say where an asset lies."""
