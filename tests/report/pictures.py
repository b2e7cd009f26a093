"""Pictures made by hand, for tests of what is drawn from them; the estate that they speak of is invented."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from armslength.reach import Between, Beyond, Exact, Row, Step
from armslength.report import (
    Age,
    Cell,
    Chain,
    Change,
    ChokePoint,
    Column,
    FloorLine,
    GapLine,
    Picture,
    Plan,
    StateLine,
    rank,
)

BORROWED_HANDS = (
    Step(rule="compelled", fact=("acts", "person:ana"), tie="workplace", rows=(Row(file="people.csv", row=4),)),
    Step(rule="accomplice", fact=("acts", "person:bo")),
    Step(
        rule="member",
        fact=("in", "person:bo", "group:ops-emea"),
        needs=(("acts", "person:bo"),),
        rows=(Row(file="groups.csv", row=11), Row(file="groups.csv", row=30)),
    ),
    Step(
        rule="grant",
        fact=("over", "terminate", "class:meetings"),
        needs=(("acts", "person:bo"), ("in", "person:bo", "group:ops-emea")),
        rows=(Row(file="grants.csv", row=17),),
        by="standing",
        requester="person:bo",
    ),
    Step(
        rule="class",
        fact=("over", "terminate", "asset:meetings-us"),
        needs=(("over", "terminate", "class:meetings"),),
        rows=(Row(file="assets.csv", row=3),),
    ),
    Step(
        rule="has", fact=("can", "terminate", "asset:meetings-us"), needs=(("over", "terminate", "asset:meetings-us"),)
    ),
)
"""A compelled liaison has no access; one colleague abroad has."""

RESET_AND_QUORUM = (
    Step(rule="compelled", fact=("acts", "person:dee"), tie="employer", rows=(Row(file="people.csv", row=70),)),
    Step(
        rule="member",
        fact=("in", "person:dee", "group:help-desk"),
        needs=(("acts", "person:dee"),),
        rows=(Row(file="groups.csv", row=40),),
    ),
    Step(
        rule="grant",
        fact=("assumed", "person:eve"),
        needs=(("acts", "person:dee"), ("in", "person:dee", "group:help-desk")),
        rows=(Row(file="grants.csv", row=2),),
        by="standing",
        requester="person:dee",
    ),
    Step(rule="assumed", fact=("acts", "person:eve"), needs=(("assumed", "person:eve"),)),
    Step(
        rule="member",
        fact=("in", "person:eve", "group:ops"),
        needs=(("acts", "person:eve"),),
        rows=(Row(file="groups.csv", row=41),),
    ),
    *(
        step
        for k in range(3)
        for step in (
            Step(rule="accomplice", fact=("acts", f"person:trust-{k}")),
            Step(
                rule="member",
                fact=("in", f"person:trust-{k}", "group:trust"),
                needs=(("acts", f"person:trust-{k}"),),
                rows=(Row(file="groups.csv", row=50 + k),),
            ),
        )
    ),
    Step(
        rule="grant",
        fact=("over", "read", "asset:recordings"),
        needs=(
            ("acts", "person:eve"),
            ("in", "person:eve", "group:ops"),
            *(
                fact
                for k in range(3)
                for fact in (("acts", f"person:trust-{k}"), ("in", f"person:trust-{k}", "group:trust"))
            ),
        ),
        rows=(Row(file="grants.csv", row=8),),
        by="quorum",
        requester="person:eve",
        approvers=("person:trust-0", "person:trust-1", "person:trust-2"),
    ),
    Step(
        rule="within",
        fact=("over", "read", "asset:recordings-us"),
        needs=(("over", "read", "asset:recordings"),),
        rows=(Row(file="assets.csv", row=9),),
    ),
    Step(rule="has", fact=("can", "read", "asset:recordings-us"), needs=(("over", "read", "asset:recordings-us"),)),
)
"""A help desk resets an engineer, who asks; three reviewers approve."""

CUSTODY = (
    Step(rule="compelled", fact=("acts", "person:kim"), tie="sealed"),
    Step(
        rule="grant",
        fact=("over", "use", "asset:kms-sg"),
        needs=(("acts", "person:kim"),),
        rows=(Row(file="grants.csv", row=21),),
        by="standing",
        requester="person:kim",
    ),
    Step(rule="has", fact=("can", "use", "asset:kms-sg"), needs=(("over", "use", "asset:kms-sg"),)),
    Step(
        rule="custody",
        fact=("can", "export", "asset:archive-sg"),
        needs=(("can", "use", "asset:kms-sg"),),
        rows=(Row(file="assets.csv", row=12),),
    ),
)
"""The state hosts the disk and someone it can compel may use the key."""

ENROL = (
    Step(rule="compelled", fact=("acts", "person:lead"), tie="workplace", rows=(Row(file="people.csv", row=9),)),
    Step(
        rule="grant",
        fact=("enrolled", "group:trust"),
        needs=(("acts", "person:lead"),),
        rows=(Row(file="grants.csv", row=30),),
        by="standing",
        requester="person:lead",
    ),
    Step(
        rule="enrolled",
        fact=("in", "person:lead", "group:trust"),
        needs=(("acts", "person:lead"), ("enrolled", "group:trust")),
    ),
    Step(
        rule="permit",
        fact=("can", "read", "asset:recordings-us"),
        needs=(("acts", "person:lead"), ("in", "person:lead", "group:trust")),
        policy="trust-read",
        by="standing",
        requester="person:lead",
    ),
)
"""A team lead enrols herself in the reviewers' group, and a policy lets them read."""

_STATES = (
    ("CN", "China", 84),
    ("RU", "Russia", 31),
    ("HK", "Hong Kong", 12),
    ("SG", "Singapore", 44),
    ("IN", "India", 120),
    ("AE", "United Arab Emirates", 6),
    ("TR", "Türkiye", 9),
    ("BR", "Brazil", 14),
    ("DE", "Germany", 57),
    ("IE", "Ireland", 38),
    ("GB", "United Kingdom", 49),
    ("JP", "Japan", 17),
    ("NL", "Netherlands", 11),
    ("MT", "Malta", 2),
    ("EU", "European Union", 108),
)
_COLUMNS = (
    ("export", "class:archives", 6),
    ("read", "class:customer-content", 14),
    ("read", "class:metadata", 9),
    ("terminate", "class:meetings", 5),
    ("terminate", "asset:global-directory", 1),
)
_FLOORS = (2, 2, 1, 2, 3)
_LENGTHS = {
    "CN": "00112",
    "RU": "11›1›",
    "HK": "00112",
    "SG": "0›11›",
    "IN": "1121›",
    "AE": "2›222",
    "TR": "›2111",
    "BR": "››22›",
    "DE": "22122",
    "IE": "22122",
    "GB": "22122",
    "JP": "2›2››",
    "NL": "22122",
    "MT": "›››››",
    "EU": "12112",
}


def meridian() -> Picture:
    """Fifteen states, five columns, four chains, two gaps and a plan."""
    cells = []
    for i, (code, _, _) in enumerate(_STATES):
        for k, character in enumerate(_LENGTHS[code]):
            assets, floor = _COLUMNS[k][2], _FLOORS[k]
            length = Beyond(cap=3) if character == "›" else Exact(length=int(character))
            short = character != "›" and int(character) < floor
            cells.append(
                Cell(
                    state=i,
                    column=k,
                    length=length,
                    floor=floor,
                    pairs=assets,
                    broken=(assets + 1) // 2 if short else 0,
                    sure=(assets + 1) // 2 if short else 0,
                    spread=((4 if character == "›" else int(character), assets),),
                    chain={"0": 3 if k == 0 else 4, "1": 1, "2": 2}[character] if short else None,
                )
            )
    cells[5] = replace(cells[5], length=Between(at_least=1, at_most=2), unfinished=2)
    cells[56] = replace(cells[56], gap=1, broken=3)
    broken = {k: [c for c in cells if c.column == k and c.broken] for k in range(len(_COLUMNS))}
    floors = tuple(
        FloorLine(
            number=k,
            line=20 + 5 * k,
            action=action,
            target=target,
            length=_FLOORS[k],
            against="every state but home" if k else "every state but home and IE",
            pairs=len(_STATES) * assets,
            broken=sum(c.broken for c in broken[k]),
            states=tuple(_STATES[c.state][0] for c in broken[k]),
            worst=min(rank(c.length) for c in cells if c.column == k),
        )
        for k, (action, target, assets) in enumerate(_COLUMNS)
    )
    return Picture(
        estate="Meridian Meetings",
        at=dt.date(2026, 11, 22),
        cap=3,
        digest="9f2c41d07be85a36c1d4e2f7ab9035c18de64f20b7a95c3e8812d6f0a4b7c9e1",
        states=(
            *(StateLine(code=code, name=name, people=people, bloc=code == "EU") for code, name, people in _STATES),
            StateLine(code="US", name="United States", people=212, home=True),
        ),
        floors=floors,
        columns=tuple(Column(action=a, target=t, assets=n) for a, t, n in _COLUMNS),
        cells=tuple(cells),
        computed=525,
        protected=525,
        broken=sum(c.broken for c in cells),
        unfinished=2,
        chains=(
            chain(
                4,
                "CN",
                ("CN", "HK"),
                "read",
                "recordings-us",
                0,
                ENROL,
                11,
                (
                    "Compelled by CN: a team lead (workplace CN).",
                    "The team lead can enrol people in `group:trust` (grants.csv:32), and so enrols herself.",
                    "The team lead, now in `group:trust` by enrolment, may `read` on "
                    "`asset:recordings-us` alone by the policy `trust-read` (policy.cedar:41).",
                ),
            ),
            chain(
                3,
                "SG",
                ("CN", "HK", "SG"),
                "export",
                "archive-sg",
                0,
                CUSTODY,
                9,
                (
                    "Compelled by SG: a key custodian (by a sealed tie).",
                    "The key custodian may `use` on `asset:kms-sg` alone (grants.csv:23).",
                    "SG hosts `asset:archive-sg` and so has every action on it once it has the key (assets.csv:14).",
                ),
            ),
            chain(
                1,
                "CN",
                ("CN", "RU", "HK", "IN", "TR"),
                "terminate",
                "meetings-us",
                1,
                BORROWED_HANDS,
                24,
                (
                    "Compelled by CN: a liaison (workplace CN).",
                    "One person outside CN's reach would have to be deceived, bribed or persuaded: an "
                    "operations engineer (workplace DE).",
                    "The operations engineer is in `group:ops-emea` through `group:oncall` "
                    "(groups.csv:13, groups.csv:32), which may `terminate` on everything of class "
                    "`meetings` alone (grants.csv:19).",
                    "`asset:meetings-us` is of class `meetings` (assets.csv:5), so CN can terminate it.",
                ),
            ),
            chain(
                2,
                "TR",
                ("CN", "TR", "IE"),
                "read",
                "recordings-us",
                3,
                RESET_AND_QUORUM,
                4,
                (
                    "Compelled by TR: a help-desk agent (employed by a company of TR).",
                    "Three people outside TR's reach would have to be deceived, bribed or persuaded: "
                    "three trust reviewers.",
                    "The help-desk agent is in `group:help-desk` (groups.csv:42), which can reset the "
                    "credentials of an engineer (grants.csv:4), who then acts.",
                    "The engineer is in `group:ops` (groups.csv:43), which may `read` on "
                    "`asset:recordings` under the terms `two-apart` (grants.csv:10). Three trust "
                    "reviewers approve.",
                    "`asset:recordings-us` lies within `asset:recordings` (assets.csv:11).",
                ),
            ),
        ),
        looked_at=48,
        reasons=7,
        choke_points=(
            ChokePoint(
                kind="grant",
                what="group:ops-emea may terminate on class:meetings, standing access",
                place="grants.csv, line 19",
                pairs=24,
                states=5,
                least=1,
            ),
            ChokePoint(
                kind="power",
                what="person in the role team lead may enroll in group:trust, standing access",
                place="grants.csv, line 32",
                pairs=11,
                states=2,
                least=0,
            ),
            ChokePoint(
                kind="custody",
                what="archive-sg is hosted in SG; its key is kms-sg",
                place="assets.csv, line 14",
                pairs=9,
                states=3,
                least=0,
            ),
            ChokePoint(
                kind="membership",
                what="group:oncall is in group:ops-emea",
                place="groups.csv, line 32",
                pairs=6,
                states=4,
                least=1,
            ),
        ),
        plan=Plan(
            changes=(
                Change(
                    what="Put the terms two-apart on the grant of terminate on class:meetings to group:ops-emea",
                    place="grants.csv, line 19",
                    cost=1,
                    effect="18 people would need approval",
                ),
                Change(
                    what="Drop the grant of enroll on group:trust to a team lead",
                    place="grants.csv, line 32",
                    cost=2,
                    effect="1 person loses it",
                ),
                Change(
                    what="Drop the membership of group:oncall in group:ops-emea",
                    place="groups.csv, line 32",
                    cost=2,
                    effect="6 people lose it",
                ),
            ),
            total=3,
            cost=5,
            bound=5,
            proven=True,
        ),
        gaps=(
            GapLine(group="contractors-apac", note="agency does not disclose", pairs=14, broken=3, least=1),
            GapLine(group="alumni", note="", pairs=0, broken=0, least=None),
        ),
        ages=(Age(file="people.csv", rows=604, old=31, undated=12, oldest=dt.date(2026, 8, 2)),),
        warnings=(
            "grants.csv:88: the terms 'legal-pair' can be satisfied by nobody",
            "groups.csv:412: row repeats row 398",
        ),
    )


def chain(
    number: int,
    state: str,
    states: tuple[str, ...],
    action: str,
    asset: str,
    length: int,
    steps: tuple[Step, ...],
    pairs: int,
    sentences: tuple[str, ...],
) -> Chain:
    """A chain of this estate; people appear by their role."""
    roles = {
        "person:ana": "liaison",
        "person:bo": "operations engineer",
        "person:dee": "help-desk agent",
        "person:eve": "engineer",
        "person:kim": "key custodian",
        "person:lead": "team lead",
        **{f"person:trust-{k}": "trust reviewer" for k in range(3)},
    }
    return Chain(
        number=number,
        state=state,
        states=states,
        action=action,
        asset=asset,
        length=Exact(length=length),
        floor=2,
        broken=length < 2,
        pairs=pairs,
        sentences=sentences,
        steps=steps,
        people=roles,
    )


def quiet() -> Picture:
    """The same estate where every floor holds and nothing is odd."""
    full = meridian()
    cells = tuple(
        replace(c, length=Beyond(cap=3), broken=0, sure=0, chain=None, gap=None, unfinished=0) for c in full.cells
    )
    floors = tuple(replace(f, broken=0, states=(), worst=4) for f in full.floors)
    return replace(
        full,
        cells=cells,
        floors=floors,
        broken=0,
        unfinished=0,
        chains=(),
        looked_at=0,
        reasons=0,
        choke_points=(),
        plan=None,
        gaps=(),
        ages=(),
        warnings=(),
    )
