"""A small estate whose every length can be worked out by hand, and its answer from the real engine.

Four states are judged: CN (one person), IE (two), SG (one, and it hosts the archive) and RU (nobody but by a declared
tie). US is home. Nobody told who is in `agency`.

    terminate meetings   ops can: IE has one of them (0), the others need one (1); the floor is 2
    read meetings        reviewers can: RU has one by a declared tie (0); CN and SG need one, which meets the floor of
                         1, unless `agency` holds their people (0)
    read archive         SG hosts it without a key (0); CN has no way; the floor of 1 is against these two
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from armslength.estate import Estate, parse
from armslength.reach import Question, Reach, reach

DAY = dt.date(2026, 11, 22)

SMALL: Mapping[str, str] = {
    "people.csv": (
        "id,unit,role,workplace,name,as_of\n"
        "ana,legal,liaison,CN,Ana Example,2026-11-01\n"
        "bo,ops,operations engineer,US,Bo Example,2026-11-01\n"
        "cy,ops,operations engineer,IE,Cy Example,2026-08-01\n"
        "dee,desk,help desk agent,SG,Dee Example,\n"
        "eli,trust,reviewer,IE,Eli Example,2026-11-20\n"
    ),
    "declared.csv": "person,state\neli,RU\n",
    "groups.csv": "group,member\nops,person:bo\nops,person:cy\nreviewers,person:eli\n",
    "unknown.csv": "group,note\nagency,the agency does not tell\n",
    "assets.csv": (
        "id,class,within,hosted_in\n"
        "meetings-us,meetings,,US\n"
        "meetings-eu,meetings,,\n"
        "notes-us,,meetings-us,\n"
        "archive,,,SG\n"
    ),
    "grants.csv": (
        "holder,action,target,terms\n"
        "group:agency,read,class:meetings,\n"
        "group:reviewers,read,class:meetings,\n"
        "group:ops,terminate,class:meetings,\n"
    ),
    "estate.toml": (
        'name = "Small Meetings"\nhome = ["US"]\n'
        '[[floor]]\naction = "terminate"\ntarget = "class:meetings"\nlength = 2\n'
        '[[floor]]\naction = "read"\ntarget = "class:meetings"\nlength = 1\nexcept = ["IE"]\n'
        '[[floor]]\naction = "read"\ntarget = "asset:archive"\nlength = 1\nagainst = ["CN", "SG"]\n'
    ),
}


def estate(files: Mapping[str, str] = SMALL, **changed: str) -> Estate:
    """The estate of these tables; `changed` replaces some by their name before the dot."""
    named = {**files, **{f"{name}.{'toml' if name == 'estate' else 'csv'}": text for name, text in changed.items()}}
    return parse({name: text.encode() for name, text in named.items()}).estate


def answer(of: Estate | None = None, **asked: object) -> Reach:
    """What reach answers on the day of these tests."""
    return reach(estate() if of is None else of, Question(at=DAY, **asked))  # type: ignore[arg-type]
