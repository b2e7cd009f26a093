"""Known ways from one permission of AWS to more than it says. Sources: AWS's own service authorization reference and
public work on privilege escalation in IAM. Names are lower case, as actions are compared."""

from __future__ import annotations

REWRITE = frozenset(
    "iam:attachuserpolicy iam:attachgrouppolicy iam:attachrolepolicy iam:putuserpolicy iam:putgrouppolicy "
    "iam:putrolepolicy".split()
)
"""Gives an identity whatever one likes."""

VERSION = frozenset(["iam:createpolicyversion", "iam:setdefaultpolicyversion"])
"""Gives whoever has the policy whatever one likes."""

UNBOUND_USER = frozenset(["iam:deleteuserpermissionsboundary", "iam:putuserpermissionsboundary"])
UNBOUND_ROLE = frozenset(["iam:deleterolepermissionsboundary", "iam:putrolepermissionsboundary"])

BE_USER = frozenset(
    "iam:createaccesskey iam:createloginprofile iam:updateloginprofile iam:createservicespecificcredential "
    "iam:resetservicespecificcredential iam:uploadsshpublickey iam:uploadsigningcertificate".split()
)
"""A credential of another user. DeactivateMFADevice alone gives none; and no condition on MFA counts as a limit."""

JOIN_GROUP = frozenset(["iam:addusertogroup"])
BE_ROLE = frozenset(["iam:updateassumerolepolicy"])
ASSUME = "sts:assumerole"
PASS = "iam:passrole"

PASSED: dict[str, frozenset[str]] = {
    service: frozenset(actions.split())
    for service, actions in {
        "lambda": "lambda:createfunction lambda:updatefunctionconfiguration",
        "edgelambda": "lambda:createfunction lambda:updatefunctionconfiguration",
        "ec2": "ec2:runinstances ec2:associateiaminstanceprofile ec2:replaceiaminstanceprofileassociation "
        "iam:addroletoinstanceprofile "
        "ec2:requestspotinstances ec2:requestspotfleet ec2:createfleet ec2:createlaunchtemplate "
        "ec2:createlaunchtemplateversion autoscaling:createautoscalinggroup autoscaling:createlaunchconfiguration",
        "glue": "glue:createjob glue:updatejob glue:createdevendpoint glue:updatedevendpoint glue:createsession "
        "glue:createcrawler glue:updatecrawler glue:startjobrun",
        "cloudformation": "cloudformation:createstack cloudformation:updatestack cloudformation:createchangeset "
        "cloudformation:createstackset cloudformation:updatestackset cloudformation:createstackinstances "
        "cloudformation:deletestack",
        "datapipeline": "datapipeline:createpipeline datapipeline:putpipelinedefinition",
        "sagemaker": "sagemaker:createnotebookinstance sagemaker:updatenotebookinstance sagemaker:createtrainingjob "
        "sagemaker:createprocessingjob sagemaker:createautomljob sagemaker:createautomljobv2 sagemaker:createmodel "
        "sagemaker:createpipeline sagemaker:startpipelineexecution sagemaker:createdomain sagemaker:updatedomain "
        "sagemaker:createuserprofile sagemaker:updateuserprofile sagemaker:createspace sagemaker:createapp "
        "sagemaker:createhyperparametertuningjob sagemaker:createlabelingjob sagemaker:createtransformjob "
        "sagemaker:createcluster",
        "ecs-tasks": "ecs:runtask ecs:starttask ecs:registertaskdefinition ecs:createservice ecs:updateservice",
        "codebuild": "codebuild:createproject codebuild:updateproject codebuild:startbuild codebuild:startbuildbatch",
        "states": "states:createstatemachine states:updatestatemachine",
    }.items()
}
"""Services whose roles need one of these beside iam:PassRole; for others PassRole alone is taken as enough."""

RUNNING: dict[str, frozenset[str]] = {
    service: frozenset(actions.split())
    for service, actions in {
        "ec2": "ssm:sendcommand ssm:startsession ssm:resumesession ssm:startautomationexecution ssm:createassociation "
        "ssm:updateassociation ssm:createassociationbatch ec2-instance-connect:sendsshpublickey "
        "ec2-instance-connect:sendserialconsolesshpublickey ec2:modifyinstanceattribute "
        "ec2:createreplacerootvolumetask",
        "ssm": "ssm:sendcommand ssm:startsession ssm:resumesession ssm:startautomationexecution ssm:createassociation "
        "ssm:updateassociation",
        "lambda": "lambda:updatefunctioncode lambda:updatefunctionconfiguration",
        "edgelambda": "lambda:updatefunctioncode lambda:updatefunctionconfiguration",
        "glue": "glue:updatejob glue:startjobrun glue:updatedevendpoint glue:runstatement",
        "cloudformation": "cloudformation:updatestack cloudformation:createchangeset cloudformation:updatestackset",
        "datapipeline": "datapipeline:putpipelinedefinition",
        "sagemaker": "sagemaker:createpresignednotebookinstanceurl sagemaker:createpresigneddomainurl "
        "sagemaker:updatenotebookinstance sagemaker:updatenotebookinstancelifecycleconfig",
        "ecs-tasks": "ecs:executecommand",
        "codebuild": "codebuild:startbuild codebuild:startbuildbatch codebuild:updateproject",
        "states": "states:updatestatemachine",
        "federated": "iam:updatesamlprovider iam:createsamlprovider iam:createopenidconnectprovider "
        "iam:addclientidtoopenidconnectprovider iam:updateopenidconnectproviderthumbprint",
    }.items()
}
"""What lets one act as the role of something that runs already: which it has is not told, so any of the service."""

ORGANIZATION = frozenset(
    "organizations:attachpolicy organizations:detachpolicy organizations:updatepolicy organizations:deletepolicy "
    "organizations:disablepolicytype organizations:moveaccount organizations:removeaccountfromorganization "
    "organizations:putresourcepolicy organizations:registerdelegatedadministrator".split()
)
"""Lifts what the organization forbids."""

LEAVING = frozenset({"organizations:leaveorganization"})
"""Lifts it for the account in which it is allowed."""

CENTER = frozenset(
    "sso:createaccountassignment sso:putinlinepolicytopermissionset sso:attachmanagedpolicytopermissionset "
    "sso:attachcustomermanagedpolicyreferencetopermissionset sso:provisionpermissionset "
    "sso:updateinstanceaccesscontrolattributeconfiguration sso:createpermissionset "
    "sso:putpermissionsboundarytopermissionset sso:deletepermissionsboundaryfrompermissionset".split()
)
"""Gives access to every account that Identity Center gives access to."""

DIRECTORY = frozenset(
    "identitystore:creategroupmembership identitystore:createuser identitystore:updateuser "
    "sso-directory:addmembertogroup "
    "sso-directory:updatepassword sso-directory:createuser sso-directory:updateuser sso-directory:createbearertoken "
    "sso-directory:verifyemail "
    "sso-directory:enableexternalidpconfigurationfordirectory "
    "sso-directory:createexternalidpconfigurationfordirectory sso-directory:updateexternalidpconfigurationfordirectory"
    .split()
)  # fmt: skip
"""Makes one a user or a group's member of Identity Center."""

ALL = (
    REWRITE | VERSION | UNBOUND_USER | UNBOUND_ROLE | BE_USER | JOIN_GROUP | BE_ROLE | {ASSUME, PASS}
    | ORGANIZATION | LEAVING | CENTER | DIRECTORY
).union(*PASSED.values(), *RUNNING.values())  # fmt: skip

BY_SERVICE: dict[str, tuple[str, ...]] = {}
for _action in sorted(ALL):
    _service = _action.partition(":")[0]
    BY_SERVICE[_service] = (*BY_SERVICE.get(_service, ()), _action)
