"""What an action of AWS does, in the few words of an estate."""

from __future__ import annotations

from functools import lru_cache

from armslength.intake.aws.pattern import covers, overlap, wild

READS = (
    "get",
    "list",
    "describe",
    "batchget",
    "query",
    "scan",
    "select",
    "search",
    "view",
    "lookup",
    "head",
    "download",
)

_TABLE: dict[str, dict[str, str]] = {
    "s3": {
        "operate": "putbucketpolicy deletebucketpolicy putbucketacl putobjectacl putaccesspointpolicy "
        "putobjectversionacl createaccessgrant createaccessgrantslocation putaccessgrantsinstanceresourcepolicy "
        "putaccesspointpolicyforobjectlambda putbucketownershipcontrols putreplicationconfiguration "
        "putmultiregionaccesspointpolicy",
        "read": "getobject getobjectversion getobjecttorrent listbucket",
        "write": "putobject deleteobject deleteobjectversion replicateobject restoreobject",
    },
    "dynamodb": {
        "operate": "putresourcepolicy deleteresourcepolicy",
        "read": "getitem batchgetitem query scan getrecords partiqlselect exporttabletopointintime createbackup "
        "restoretablefrombackup restoretabletopointintime conditioncheckitem",
        "write": "putitem updateitem deleteitem batchwriteitem partiqlinsert partiqlupdate partiqldelete deletetable",
    },
    "rds": {
        # A new master password, or a snapshot given to another account, is everything in the database.
        "operate": "modifydbinstance modifydbcluster modifydbsnapshotattribute modifydbclustersnapshotattribute "
        "restoredbinstancefromdbsnapshot restoredbclusterfromsnapshot restoredbinstancetopointintime "
        "restoredbclustertopointintime",
        "read": "downloadcompletedblogfile downloaddblogfileportion startexporttask copydbsnapshot createdbsnapshot",
    },
    "rds-data": {"read": "executestatement batchexecutestatement executesql",
                 "write": "executestatement batchexecutestatement executesql"},
    "rds-db": {"operate": "connect"},
    "kms": {
        "operate": "putkeypolicy",
        "use": "decrypt encrypt reencryptfrom reencryptto generatedatakey generatedatakeywithoutplaintext "
        "generatedatakeypair generatedatakeypairwithoutplaintext sign verify generatemac verifymac "
        "derivesharedsecret creategrant",
    },
    "secretsmanager": {
        "operate": "putresourcepolicy deleteresourcepolicy",
        "read": "getsecretvalue batchgetsecretvalue replicatesecrettoregions",
    },
    "ssm": {
        "operate": "putresourcepolicy",
        "read": "getparameter getparameters getparametersbypath getparameterhistory getcommandinvocation",
        "execute": "sendcommand startsession resumesession startautomationexecution createassociation "
        "updateassociation",
    },
    "sqs": {
        "operate": "setqueueattributes addpermission removepermission",
        "read": "receivemessage",
        "write": "sendmessage deletemessage purgequeue deletequeue changemessagevisibility",
    },
    "sns": {
        "operate": "addpermission settopicattributes removepermission putdataprotectionpolicy",
        "read": "subscribe",
        "write": "publish",
    },
    "logs": {
        "operate": "putresourcepolicy",
        "read": "filterlogevents startlivetail startquery unmask putsubscriptionfilter createexporttask "
        "createdelivery putdestination",
    },
    "ec2": {
        # A snapshot or an image given to another account, or made into a disk of one's own, is all that is on it.
        "read": "createsnapshot createsnapshots copysnapshot createvolume createimage copyimage getconsoleoutput "
        "getconsolescreenshot getpassworddata modifysnapshotattribute modifyimageattribute attachvolume "
        "createtrafficmirrorsession createinstanceexporttask exportimage",
        "write": "attachvolume",
        "operate": "modifyinstanceattribute createreplacerootvolumetask putresourcepolicy",
    },
    "ebs": {"read": "getsnapshotblock listsnapshotblocks listchangedblocks",
            "write": "putsnapshotblock startsnapshot completesnapshot"},
    "ecr": {
        "operate": "setrepositorypolicy deleterepositorypolicy putregistrypolicy deleteregistrypolicy",
        "read": "batchgetimage getdownloadurlforlayer",
        "write": "putimage uploadlayerpart completelayerupload batchdeleteimage",
    },
    "redshift": {
        "operate": "modifycluster getclustercredentials getclustercredentialswithiam joingroup createclusteruser "
        "authorizesnapshotaccess authorizedatashare authorizeendpointaccess modifyclusteriamroles "
        "restorefromclustersnapshot putresourcepolicy",
    },
    "redshift-data": {"read": "executestatement batchexecutestatement",
                      "write": "executestatement batchexecutestatement"},
    "athena": {"read": "startqueryexecution", "write": "startqueryexecution"},
    "glue": {"operate": "putresourcepolicy", "execute": "startjobrun startcrawler runstatement",
             "deploy": "updatejob createjob updatedevendpoint createdevendpoint createsession"},
    "lambda": {
        "operate": "addpermission addlayerversionpermission",
        "deploy": "updatefunctioncode updatefunctionconfiguration createfunction publishversion updatealias "
        "createeventsourcemapping updateeventsourcemapping",
        "execute": "invokefunction invokeasync invokefunctionurl",
    },
    # Their Get… gives a credential, not a description.
    "elasticmapreduce": {"operate": "getclustersessioncredentials getonclusterappuipresignedurl"},
    "emr-containers": {"operate": "getmanagedendpointsessioncredentials"},
    "lightsail": {"operate": "getinstanceaccessdetails downloaddefaultkeypair getrelationaldatabasemasteruserpassword"},
    "iam": {"read": "generatecredentialreport simulateprincipalpolicy simulatecustompolicy"},
    "sts": {"use": "assumerole assumerolewithsaml assumerolewithwebidentity assumeroot getfederationtoken "
            "getsessiontoken tagsession setsourceidentity setcontext"},
}  # fmt: skip
"""Services whose actions are known one by one: verb, then actions. Others go by the beginning of the name."""

NAMED: dict[str, dict[str, tuple[str, ...]]] = {}
for _service, _verbs in _TABLE.items():
    _found: dict[str, tuple[str, ...]] = {}
    for _verb, _actions in _verbs.items():
        for _action in _actions.split():
            _found[_action] = (*_found.get(_action, ()), _verb)
    NAMED[_service] = _found

ELSEWHERE = {
    "rds-data": "rds", "redshift-data": "redshift", "ebs": "ec2", "ec2-instance-connect": "ec2",
    "s3-object-lambda": "s3",
}  # fmt: skip
"""Services whose actions are on what another service keeps."""


def service_of(action: str) -> str:
    """The service whose things the action is on; `*` where it could be any."""
    service = action.partition(":")[0]
    return "*" if wild(service) else ELSEWHERE.get(service, service)


@lru_cache(maxsize=1 << 14)
def parts(action: str) -> tuple[tuple[str, str], ...]:
    """What a pattern of actions may stand for: patterns with the verb of each, which together are all of it."""
    service, _, name = action.partition(":")
    if wild(service) or not name:
        if any(covers(f"*:{read}*", action) for read in READS):
            return ((action, "read"),)
        return ((action, "operate"),)
    named = NAMED.get(service, {})
    if not wild(name):
        verbs = named.get(name) or (("read",) if name.startswith(READS) else ("write",))
        return tuple((action, verb) for verb in verbs)
    found = [(f"{service}:{known}", verb) for known, verbs in named.items() if covers(name, known) for verb in verbs]
    inside = [read for read in READS if covers(f"{read}*", name)]
    found += [(f"{service}:{read}*", "read") for read in READS if not inside and overlap(f"{read}*", name)]
    found.append((action, "read" if inside else "write"))
    return tuple(found)
