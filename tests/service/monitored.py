"""A firm with a ledger that is served over HTTP, honest or not, and monitors that watch it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry

from armslength.service import (
    FindingKind,
    Monitor,
    MonitorFinding,
    MonitorSettings,
    Round,
    Witness,
    create_ledger,
    create_witness,
)
from armslength.store import LedgerSettings, LogDatabase, LogSource, read_ledger_folder
from armslength.tlog import (
    Algorithm,
    Checkpoint,
    Note,
    Policy,
    SigningKey,
    fsck,
    leaf_hash,
    sign_note,
    tree_root,
)
from armslength.web import ReadMetrics, WitnessMetrics, read_path_app, running, witness_app
from tests.service.ledgers import ORIGIN, Chance, Clock, act, opened
from tests.service.logs import NOW
from tests.tlog.trees import files


class Firm:
    """A ledger, its clock, and what its operator could do."""

    def __init__(self, path: Path, *, witnesses: str = "", now: float = NOW) -> None:
        self.path, self.clock = path, Clock(now)
        # Heartbeats do not come by themselves, and map heads only when it is closed.
        settings = LedgerSettings(origin=ORIGIN, heartbeat=0.0, epoch=1e6)
        chance = Chance(f"making {path.name}")
        create_ledger(path, settings=settings, witnesses=witnesses, clock=self.clock, chance=chance)
        self.folder = read_ledger_folder(path)
        self.public = self.folder.public
        self._acts = 0

    @property
    def policy(self) -> Policy:
        return self.folder.policy

    def record(self, number: int, *, customers: int = 3, name: str = "act") -> int:
        """Record so many acts with the real writer, and publish. Gives the log's size; the last entry is a map head."""
        acts = [act(f"{name} {self._acts + n}", f"customer {n % customers}") for n in range(number)]
        self._acts += number
        self.clock.now += 60
        with opened(self.path, clock=self.clock) as ledger:
            for future in [ledger.append(each) for each in acts]:
                future.result()
            health = ledger.publish()
            assert health.problem is None, health
        return len(self.leaves())

    def leaves(self) -> tuple[bytes, ...]:
        with LogDatabase(self.folder.log) as log:
            return log.leaves(0, log.state().edge.size)

    def note(self) -> Note:
        """What stands published."""
        return Note.parse((self.public / "checkpoint").read_bytes())

    def sign(self, leaves: Sequence[bytes], *, time: float | None = None) -> Note:
        """A checkpoint over any entries, signed with the log's own keys."""
        checkpoint = Checkpoint(
            origin=self.folder.settings.origin, size=len(leaves), root=tree_root(map(leaf_hash, leaves))
        )
        return sign(checkpoint, self.folder.signers, time=int(self.clock.now if time is None else time))

    def show(self, leaves: Sequence[bytes], note: Note | None = None) -> Note:
        """Publish any entries with a checkpoint over them, as a hostile operator can. Gives the checkpoint."""
        note = note or self.sign(leaves)
        write_tree(self.public, leaves, note)
        return note


def sign(checkpoint: Checkpoint, keys: Sequence[SigningKey], *, time: int) -> Note:
    text = checkpoint.format()
    return Note(
        text=text,
        signatures=tuple(sign_note(text, key, timestamp=time if key.algorithm.timestamped else None) for key in keys),
    )


def write_tree(public: Path, leaves: Sequence[bytes], note: Note) -> None:
    """The tree of these entries, and the checkpoint, in place of what is there."""
    shutil.rmtree(public, ignore_errors=True)
    for name, data in files(leaves).items():
        (public / name).parent.mkdir(parents=True, exist_ok=True)
        (public / name).write_bytes(data)
    public.mkdir(exist_ok=True)
    (public / "checkpoint").write_text(note.format())


@contextmanager
def served(public: Path) -> Iterator[str]:
    """The URL at which a folder is served, by the server that ledgers are served with."""
    with running(read_path_app(public, ReadMetrics(CollectorRegistry()))) as url:
        yield url


@contextmanager
def watching(
    place: str | Path,
    policy: Policy,
    folder: Path,
    clock: Callable[[], float],
    *,
    also: Sequence[str | Path] = (),
    settings: MonitorSettings | None = None,
    step: Callable[[str], None] = lambda name: None,
) -> Iterator[Monitor]:
    """A monitor that is closed in the end."""
    settings = settings or MonitorSettings(timeout=5)
    with ExitStack() as stack:
        source, *others = (
            stack.enter_context(LogSource(str(each), timeout=settings.timeout)) for each in (place, *also)
        )
        monitor = Monitor(source, policy, folder, also=others, settings=settings, clock=clock, step=step)
        stack.callback(monitor.close)
        yield monitor


@contextmanager
def witnessing(path: Path, clock: Clock) -> Iterator[tuple[Witness, str]]:
    """A real witness that trusts no log yet, and its URL. It is called after its folder."""
    create_witness(str(path), f"witness.example/{path.name}", Chance(f"witness {path.name}"))
    made = Witness(str(path), lambda: int(clock()))
    with running(witness_app(made, WitnessMetrics(CollectorRegistry()))) as url:
        yield made, url
    made.close()


def policy_of(made: Witness, url: str, *, quorum: str = "all") -> str:
    """The policy's lines for one witness with its two keys."""
    names = [f"{made.name}/{key.algorithm.name.lower()}" for key in made.keys]
    lines = [f"witness {name} {key.text} {url}" for name, key in zip(names, made.keys, strict=True)]
    return "\n".join([*lines, f"group both {quorum} {' '.join(names)}", "quorum both"]) + "\n"


def trusting(made: Witness, firm: Firm) -> None:
    made.trust([log.key.text for log in firm.policy.logs])


def kinds(found: Round) -> list[FindingKind]:
    return [finding.kind for finding in found.findings]


def only(found: Round, kind: FindingKind) -> MonitorFinding:
    """The one finding of a round, which is of this kind."""
    assert kinds(found) == [kind], found.findings
    return found.findings[0]


def is_whole(mirror: Path) -> None:
    """The mirror's files are those of its checkpoint, every one."""
    checkpoint = Checkpoint.parse(Note.parse((mirror / "checkpoint").read_bytes()).text)

    def read(name: str) -> bytes | None:
        path = mirror / name
        return path.read_bytes() if path.is_file() else None

    assert fsck(read, checkpoint) == ()


def ed25519(keys: Sequence[SigningKey]) -> list[SigningKey]:
    """Those that sign no time."""
    return [key for key in keys if key.algorithm is Algorithm.ED25519]
