"""A small firm for the console's tests: a liaison who can be compelled, colleagues abroad, approvers, keepers."""

from __future__ import annotations

PEOPLE = """id,name,unit,role,workplace,manager
liu,Liu Wen,Shanghai,liaison,CN,
ana,Ana Ruiz,Operations,operator,US,
bo,Bo Berg,Dublin,trust reviewer,IE,
cy,Cy Tan,Singapore,trust reviewer,SG,
di,Di Roy,Ottawa,counsel,CA,
eve,Eve Moe,Oslo,keeper,NO,
fay,Fay Sun,Lisbon,keeper,PT,
gus,Gus Lind,Tallinn,keeper,EE,
hal,Hal Orn,Quito,operator,EC,
"""
GROUPS = """group,member
liaison,person:liu
ops,person:ana
trust,person:bo
trust,person:cy
trust,person:di
keepers,person:eve
keepers,person:fay
keepers,person:gus
staff,group:liaison
staff,group:ops
staff,group:trust
staff,group:keepers
staff,person:hal
"""
ASSETS = """id,kind,class,hosted_in
meetings-us,service,service,US
recordings-us,store,content,US
access-gate,service,gate,US
"""
GRANTS = """holder,action,target,terms
group:ops,end-meeting,asset:meetings-us,two-apart
group:ops,export,asset:recordings-us,asked
group:ops,suspend,asset:meetings-us,glass
group:keepers,operate,asset:access-gate,gate-change
group:keepers,assume,group:staff,
"""
TOML = """name = "Meridian Meetings"
gate = "access-gate"
home = ["US"]

[terms.two-apart]
approvals = 2
approvers = "group:trust"
apart = 2
distinct = ["unit"]
minutes = 30

[terms.asked]
approvals = 1
approvers = "group:trust"
apart = 1
customer = "approve"

[terms.glass]
approvals = 1
approvers = "group:trust"
apart = 1
minutes = 10

[terms.gate-change]
approvals = 2
approvers = "group:keepers"
apart = 2
distinct = ["unit"]

[[floor]]
action = "end-meeting"
target = "asset:meetings-us"
length = 2
"""
FILES = {
    "people.csv": PEOPLE.encode(),
    "groups.csv": GROUPS.encode(),
    "assets.csv": ASSETS.encode(),
    "grants.csv": GRANTS.encode(),
    "estate.toml": TOML.encode(),
}
FOUNDED = ("liu", "ana", "bo", "cy", "di", "eve", "fay", "gus")
"""Who holds a passkey from the start; Hal does not."""
