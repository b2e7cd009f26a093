"""Key ceremonies as scripts: what is done in which order, what is read aloud, and who has to be in the room.

A script is the same on paper and in the terminal. Each step is confirmed by two people before the next one begins; the
step that makes or ends a key is the `act`, and everything before it can be broken off without a trace in the keys.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

ActName = Literal["found", "ledger-keys", "retire-ledger-keys", "lease-keys", "retire-lease-keys", "row-key", "spare"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line of a script. `read`: what was made, or is there, is read aloud and compared; `act`: the program does it
    now, and nobody else."""

    id: str
    title: str
    says: str
    read: bool = False
    act: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """`people`: how many it is about (least, most). `stopped`: the gate must not run meanwhile."""

    kind: ActName
    title: str
    why: str
    stopped: bool
    people: tuple[int, int]
    steps: tuple[Step, ...]


_ROOM = Step(
    id="room",
    title="The room",
    says="Two people or more are here, none of whom the same state can compel as all the others. No telephone records,"
    " nobody else sees the screen, and the two who confirm know each other by sight.",
)
_PAPER = Step(
    id="paper",
    title="The paper",
    says="The printed checklist is here (--print). Each of the two writes the ceremony's name, the date and their own"
    " name on it, and initials each step by hand.",
)
_HOST = Step(
    id="host",
    title="The host",
    says="It is the gate's own host, reached at its console and not over somebody else's machine. The clock is"
    " right. The"
    " disk has room. A backup of the gate's folder was made today.",
)
_STOPPED = Step(
    id="stopped",
    title="The gate is stopped",
    says="On this host, and on each other host of the same gate. People were told for how long.",
)
_BEFORE = Step(
    id="before",
    title="What is there",
    says="Read the fingerprints aloud. They are those on the paper of the ceremony before.",
    read=True,
)
_COPY = Step(
    id="copy",
    title="The offline copies",
    says="Copy the file to two media that are new, each sealed in its own bag, and write the bag's number and the"
    " fingerprint on the paper. They go to two places that no one state can search. If the gate has other hosts,"
    " carry the"
    " file to each of them in the hand, mode 0600. Copies of the old file go when nothing needs them any more.",
)
_START = Step(
    id="start",
    title="The gate runs again",
    says="Start it. /readyz says that it is fit to decide, and nobody's passkey stopped counting.",
)


def _over(what: str) -> Step:
    return Step(
        id="over",
        title="The end",
        says=f"{what} Each of the two signs the paper. It is kept with the transcript, whose SHA-256 is read aloud next"
        " and stands in the ledger.",
    )


SCRIPTS: Mapping[str, Script] = MappingProxyType(
    {
        script.kind: script
        for script in (
            Script(
                kind="found",
                title="Founding the gate: the first passkeys",
                why="Founding keys are the only ones without a voucher. Whoever puts them in operates the gate.",
                stopped=True,
                people=(2, 50),
                steps=(
                    _ROOM,
                    _PAPER,
                    _HOST,
                    Step(
                        id="origin",
                        title="The gate's name",
                        says="Read the gate's origin and address aloud. They stand in everything that will be"
                        " signed, and"
                        " never change.",
                        read=True,
                    ),
                    Step(
                        id="devices",
                        title="The devices",
                        says="Each founder has their own device at hand, which they alone unlock, and a second one as a"
                        " spare for later.",
                    ),
                    Step(
                        id="act",
                        title="The passkeys",
                        says="Each founder opens their own link and makes a passkey. Their fingerprint is compared"
                        " letter by"
                        " letter before it counts.",
                        act=True,
                    ),
                    Step(
                        id="after",
                        title="What counts now",
                        says="Read the fingerprint of each founder's passkey aloud, and write it on the paper.",
                        read=True,
                    ),
                    _over("The founding ends with the first request: make one soon, and enrol spares by voucher."),
                ),
            ),
            Script(
                kind="ledger-keys",
                title="New signing keys for the ledger",
                why="Every checkpoint is signed with them. Old and new ones sign side by side until witnesses and"
                " customers have the new ones.",
                stopped=True,
                people=(0, 0),
                steps=(
                    _ROOM,
                    _PAPER,
                    _HOST,
                    _STOPPED,
                    _BEFORE,
                    Step(
                        id="act",
                        title="The new keys",
                        says="The program makes them, puts them into the log's policy, records them, and signs with old"
                        " and new ones.",
                        act=True,
                    ),
                    Step(id="after", title="The new keys, aloud", says="Read them aloud; write them down.", read=True),
                    _COPY,
                    _START,
                    Step(
                        id="tell",
                        title="Witnesses and customers",
                        says="Send them the new verifier keys, on a way that they can trust; the old ones go, by a"
                        " ceremony"
                        " of its own, when they have them.",
                    ),
                    _over("Old keys still sign."),
                ),
            ),
            Script(
                kind="retire-ledger-keys",
                title="The end of old signing keys of the ledger",
                why="A key that no longer signs cannot be used by whoever finds a copy of it, once nobody believes it.",
                stopped=True,
                people=(1, 20),
                steps=(
                    _ROOM,
                    _PAPER,
                    _HOST,
                    _STOPPED,
                    _BEFORE,
                    Step(
                        id="agreed",
                        title="Who has the new keys",
                        says="Each witness, and each customer who checks, said that the new keys are in their"
                        " policy. Their"
                        " answers are in the room.",
                    ),
                    Step(id="act", title="The end", says="The program takes the named keys out.", act=True),
                    Step(id="after", title="What signs now", says="Read aloud what is left.", read=True),
                    Step(
                        id="destroy",
                        title="The copies",
                        says="Offline copies of the old keys are destroyed now, both, by two people; their bags'"
                        " numbers are"
                        " on the paper.",
                    ),
                    _START,
                    _over("Old checkpoints and proofs verify as before."),
                ),
            ),
            Script(
                kind="lease-keys",
                title="A new key that signs leases",
                why="Whoever has it makes leases that enforcement points believe without asking.",
                stopped=True,
                people=(0, 0),
                steps=(
                    _ROOM,
                    _PAPER,
                    _HOST,
                    _STOPPED,
                    _BEFORE,
                    Step(
                        id="act",
                        title="The new key",
                        says="The program makes it and puts it first: it signs from the next start on, and the old ones"
                        " verify what they signed.",
                        act=True,
                    ),
                    Step(id="after", title="The new key, aloud", says="Read it aloud; write it down.", read=True),
                    _COPY,
                    _START,
                    _over("Retire the old key when the last lease that it signed is over: at most 366 days."),
                ),
            ),
            Script(
                kind="retire-lease-keys",
                title="The end of old keys that signed leases",
                why="What they signed is no longer believed where leases are checked without asking.",
                stopped=True,
                people=(0, 0),
                steps=(
                    _ROOM,
                    _PAPER,
                    _HOST,
                    _STOPPED,
                    _BEFORE,
                    Step(
                        id="agreed",
                        title="What ends by it",
                        says="The last lease of an old key is over, or its end by this is meant.",
                    ),
                    Step(id="act", title="The end", says="The program keeps the newest key alone.", act=True),
                    Step(id="after", title="What signs now", says="Read aloud what is left.", read=True),
                    Step(
                        id="destroy",
                        title="The copies",
                        says="Offline copies of the old keys are destroyed now, both, by two people.",
                    ),
                    _START,
                    _over("Points take up the new list of keys by themselves."),
                ),
            ),
            Script(
                kind="row-key",
                title="Another row key",
                why="Sessions, links and seals are made of it. Whoever has it and the database can end a customer's"
                " time to"
                " say no.",
                stopped=True,
                people=(0, 0),
                steps=(
                    _ROOM,
                    _PAPER,
                    _HOST,
                    _STOPPED,
                    _BEFORE,
                    Step(
                        id="agreed",
                        title="What ends by it",
                        says="Everybody signs in again, pending passkeys and customers' links end, customers whose"
                        " time to say"
                        " no runs are told again, and the next start reads the whole ledger once.",
                    ),
                    Step(id="act", title="The new key", says="The program puts it in the old one's place.", act=True),
                    Step(
                        id="after",
                        title="Its check value, aloud",
                        says="Read it aloud; write it down. It tells nothing of the key.",
                        read=True,
                    ),
                    _COPY,
                    _START,
                    _over("The old key is of no use to anybody."),
                ),
            ),
            Script(
                kind="spare",
                title="A spare passkey for an approver",
                why="Who holds one passkey alone is one lost device away from no quorum.",
                stopped=False,
                people=(1, 1),
                steps=(
                    _ROOM,
                    _PAPER,
                    Step(
                        id="before",
                        title="What counts now",
                        says="Read aloud the fingerprints of their passkeys. Each is on a device that they have seen"
                        " today.",
                        read=True,
                    ),
                    Step(
                        id="device",
                        title="The device",
                        says="It is new or was wiped, has a PIN that its owner alone knows, and will be kept apart"
                        " from the"
                        " first one: another place, another bag.",
                    ),
                    Step(
                        id="act",
                        title="The passkey",
                        says="Under their own name in the console they make a link and a passkey. A voucher compares"
                        " the"
                        " fingerprint and vouches with their own passkey. The program waits until it counts.",
                        act=True,
                    ),
                    Step(
                        id="after",
                        title="The spare, aloud",
                        says="Read its fingerprint aloud; write it down.",
                        read=True,
                    ),
                    Step(
                        id="try",
                        title="It works",
                        says="They sign out, and in again with the spare alone.",
                    ),
                    _over("The spare goes to its place."),
                ),
            ),
        )
    }
)
INTERRUPTED = (
    "Broken off at any point, even by a power failure: nobody leaves with a key. Write the last line of the"
    " transcript on"
    " the paper. Going on (--resume) shows it again, and it has to be the same; the step that was under way is done"
    " whole,"
    " or was. Giving up (--abandon) leaves the keys as they were before, or as they are after; never half."
)
ROOM_RULE = "Two people confirm each step. They are not within reach of one state; nobody confirms for another."


# On paper


def checklist_markdown(script: Script, *, gate: str) -> str:
    """One page, to be printed and filled in by hand."""
    return "".join(f"{line}\n" for line in _markdown(script, gate))


def checklist_html(script: Script, *, gate: str) -> str:
    """The same as a page without scripts or anything from elsewhere."""
    rows = "".join(
        f"<tr><td>{number}</td><th scope=row>{_text(step.title)}</th><td>{_text(step.says)}"
        + ("<p class=read>Read aloud: <span></span></p>" if step.read else "")
        + "</td><td class=box></td><td class=box></td></tr>"
        for number, step in enumerate(script.steps, 1)
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{_text(script.title)}</title><style>{_STYLE}</style></head><body>"
        f"<h1>{_text(script.title)}</h1><p>{_text(script.why)}</p><p>{_text(ROOM_RULE)}</p>"
        f"<p class=fill>Gate <b>{_text(gate)}</b> · Ceremony <span></span> · Date <span></span></p>"
        "<p class=fill>First <span></span> · Second <span></span> · Others <span></span></p>"
        "<table><thead><tr><th scope=col>#</th><th scope=col>Step</th><th scope=col>What is done</th><th"
        " scope=col>1st</th>"
        f"<th scope=col>2nd</th></tr></thead><tbody>{rows}</tbody></table><p>{_text(INTERRUPTED)}</p>"
        "<p class=fill>Last line of the transcript <span></span></p>"
        "<p class=fill>SHA-256 of the transcript <span></span></p>"
        "<p class=fill>Signatures <span></span> · <span></span></p></body></html>\n"
    )


_STYLE = (
    "@page{size:A4;margin:11mm}body{font:9.5pt/1.3 serif;color:#000;background:#fff;max-width:19cm;margin:0 auto}"
    "h1{font-size:14pt;margin:0}p{margin:.25em 0}table{border-collapse:collapse;width:100%}"
    "td,th{border:1px solid #000;padding:2px 4px;vertical-align:top;text-align:left}"
    ".box{width:1.5cm}.read,.fill{display:flex;flex-wrap:wrap;gap:.4em}"
    ".read span,.fill span{flex:1;min-width:4cm;border-bottom:1px solid #000}"
)


def _markdown(script: Script, gate: str) -> Iterator[str]:
    yield f"# {script.title}"
    yield ""
    yield script.why
    yield ""
    yield ROOM_RULE
    yield ""
    yield f"Gate: {gate}    Ceremony: ________________    Date: ____________"
    yield ""
    yield "First: ________________    Second: ________________    Others: ________________"
    yield ""
    yield "| # | step | what is done | 1st | 2nd |"
    yield "|---|---|---|---|---|"
    for number, step in enumerate(script.steps, 1):
        aloud = " Read aloud: ____________________" if step.read else ""
        yield f"| {number} | {step.title} | {step.says}{aloud} |  |  |"
    yield ""
    yield INTERRUPTED
    yield ""
    yield "Last line of the transcript: ________________________"
    yield ""
    yield "SHA-256 of the transcript: ________________________"
    yield ""
    yield "Signatures: ________________    ________________"


def _text(text: str) -> str:
    return html.escape(text)


def script_of(kind: str, people: Sequence[str]) -> Script | str:
    """The script, or what is wrong with what was asked for."""
    script = SCRIPTS.get(kind)
    if script is None:
        return f"the ceremony {kind[:40]!r}: expected one of {', '.join(SCRIPTS)}"
    least, most = script.people
    if not least <= len(people) <= most or len(set(people)) < len(people):
        expected = "nobody" if most == 0 else str(least) if least == most else f"{least} to {most}"
        what = "keys" if kind == "retire-ledger-keys" else "people"
        return f"{kind} names {len(people)} {what}: expected {expected}, each once"
    return script
