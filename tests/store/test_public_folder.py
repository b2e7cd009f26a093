"""The published folder: a checkpoint never stands there without the tiles that it needs."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from armslength.store import LogDatabase, PublicFolder, StorageFailed
from armslength.tlog import Checkpoint, Edge, Note, fsck
from tests.store.stores import ADA, BEN, Growth, log_state
from tests.tlog.trees import files


@pytest.fixture
def log(tmp_path: Path) -> Iterator[LogDatabase]:
    with LogDatabase(tmp_path / "log.db", writing=True, create=True) as made:
        made.create(log_state(Edge.empty()))
        yield made


@pytest.fixture
def public(tmp_path: Path) -> PublicFolder:
    return PublicFolder(tmp_path / "public")


def there(public: PublicFolder) -> dict[str, bytes]:
    return {
        str(path.relative_to(public.path)): path.read_bytes() for path in public.path.rglob("*") if not path.is_dir()
    }


def published(public: PublicFolder, log: LogDatabase, old: int) -> int:
    """A round of a publisher; gives the size that stands there then."""
    state = log.state()
    public.export(log, old=old, new=state.size)
    public.publish(Note.parse(state.note))
    public.prune(old=old, new=state.size)
    return state.size


def test_what_is_published_is_the_tree_of_the_log(public: PublicFolder, log: LogDatabase) -> None:
    """Anyone's tools have to be able to read it."""
    growth, size = Growth(), 0
    for count in (3, 1, 300, 210, 300):
        log.write(growth.next([ADA, BEN] * (count // 2) + [ADA] * (count % 2)))
        size = published(public, log, size)
    found = there(public)
    checkpoint = found.pop("checkpoint").decode()
    assert checkpoint == log.state().note
    assert fsck(public.read, Checkpoint.parse(Note.parse(checkpoint).text)) == ()
    whole = files(growth.leaves)
    assert {name: found[name] for name in whole} == whole
    # Partial ones of sizes published before stay until they are full: somebody may still read by an older checkpoint.
    older = {name for name in found if name not in whole}
    assert older == {"tile/1/000.p/1", "tile/1/000.p/2"}


@pytest.mark.parametrize(("old", "new"), [(0, 0), (0, 1), (3, 260), (256, 512), (255, 256), (300, 300)])
def test_only_what_is_new_is_written(public: PublicFolder, log: LogDatabase, old: int, new: int) -> None:
    """A large log would write its every tile once a second."""
    growth = Growth()
    log.write(growth.next([ADA] * 512))
    count = public.export(log, old=old, new=new)
    expected = {
        name: data for name, data in files(growth.leaves[:new]).items() if name not in files(growth.leaves[:old])
    }
    assert (there(public) if new else {}) == expected
    assert count == len(expected)


@settings(max_examples=settings().max_examples // 5)
@given(stops=st.lists(st.integers(1, 700), min_size=1, max_size=5).map(sorted))
def test_partial_tiles_go_when_they_are_full_and_not_before(
    tmp_path_factory: pytest.TempPathFactory, stops: list[int]
) -> None:
    """A folder that keeps every partial tile fills the disk; one that drops them too early breaks readers."""
    folder = tmp_path_factory.mktemp("partials")
    growth, size = Growth(), 0
    public = PublicFolder(folder / "public")
    with LogDatabase(folder / "log.db", writing=True, create=True) as log:
        log.create(log_state(Edge.empty()))
        wanted: dict[str, bytes] = {}
        for stop in stops:
            if stop > size:
                log.write(growth.next([ADA] * (stop - size)))
            wanted |= files(growth.leaves)
            size = published(public, log, size)
        full = {name for name in wanted if ".p/" not in name}
        kept = {name: data for name, data in wanted.items() if name.rsplit(".p/", 1)[0] not in full or name in full}
        assert {name: data for name, data in there(public).items() if name != "checkpoint"} == kept


def test_nothing_readable_is_no_checkpoint(public: PublicFolder, log: LogDatabase) -> None:
    """A folder that somebody emptied, or wrote rubbish into, is published afresh."""
    assert public.published() is None
    assert public.read("checkpoint") is None
    published(public, log, 0)
    assert public.published() == Note.parse(log.state().note)
    (public.path / "checkpoint").write_bytes(b"rubbish")
    assert public.published() is None
    assert public.read("checkpoint") == b"rubbish"


def test_what_cannot_be_read_or_written_is_told_by_its_name(public: PublicFolder, log: LogDatabase) -> None:
    """Taken for not there, it would be published over."""
    log.write(Growth().next([ADA]))
    (public.path / "checkpoint").mkdir(parents=True)
    words = f"{public.path / 'checkpoint'}: {os.strerror(errno.EISDIR)}"
    for call in (
        public.published,
        lambda: public.read("checkpoint"),
        lambda: public.publish(Note.parse(log.state().note)),
    ):
        with pytest.raises(StorageFailed) as failed:
            call()
        assert str(failed.value) == words
    (public.path / "tile").write_bytes(b"in the way")
    with pytest.raises(StorageFailed, match=str(public.path / "tile")):
        public.export(log, old=0, new=1)


def test_a_folder_that_cannot_be_made_is_told_by_its_name(tmp_path: Path, log: LogDatabase) -> None:
    """An operator has to learn which path of the settings is wrong."""
    (tmp_path / "file").touch()
    public = PublicFolder(tmp_path / "file" / "public")
    for call in (lambda: public.put("policy", b""), lambda: public.publish(Note.parse(log.state().note))):
        with pytest.raises(StorageFailed, match=str(tmp_path / "file")):
            call()


def test_what_is_published_anyone_may_read(public: PublicFolder, log: LogDatabase) -> None:
    """A web server under another account would answer 403."""
    umask = os.umask(0o027)
    try:
        log.write(Growth().next([ADA] * 3))
        published(public, log, 0)
        public.put("policy", b"quorum none\n")
    finally:
        os.umask(umask)
    closed = [
        str(each.relative_to(public.path))
        for each in [public.path, *public.path.rglob("*")]
        if each.stat().st_mode & (0o005 if each.is_dir() else 0o004) != (0o005 if each.is_dir() else 0o004)
    ]
    assert closed == []
