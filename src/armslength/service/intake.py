"""Taking a source in: its harvest is kept beside the estate, and the tables are put together from all of them.

Nothing is written before the whole was put together and read back as an estate. What is wrong with rows of a source
refuses the run; what is wrong with what people wrote (a floor over a class that no asset has yet) is told, and the
source comes in.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from armslength.estate import FILES, EstateError, Problem, digest, parse
from armslength.intake import (
    LINKING,
    LINKING_STARTER,
    SETTINGS,
    STARTER,
    Assembled,
    Harvest,
    IntakeError,
    Kept,
    Problems,
    assemble,
    harvest_files,
    kept,
    read_harvest,
    read_linking,
)
from armslength.store import SOURCE_NAME, UNFINISHED, IntakeFolder, find

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenIn:
    """What came of it. `open`: what keeps the estate from being read, in files that people write; `digest`: the
    estate's, where it can be read. `sources`: the names of all that the estate has now."""

    assembled: Assembled
    sources: tuple[str, ...]
    open: tuple[Problem, ...]
    digest: str | None


def kept_files(estate: Path, name: str) -> Mapping[str, bytes]:
    """What a source keeps beside its rows, as its last run left it; nothing at the first. Raises `StoreError`."""
    if not (estate / "intake").is_dir():
        return {}
    with IntakeFolder(estate, writing=False) as folder:
        return folder.files(name, without=".csv")


def intake_sources(estate: Path) -> tuple[Kept, ...]:
    """Every source of an estate. Raises `IntakeError`, also where nothing was ever taken in, or `StoreError`."""
    with _existing(estate, writing=False) as folder:
        return _harvests(folder)


def take_in(
    estate: Path, harvest: Harvest, *, as_of: dt.date, inputs: tuple[str, ...], keep: Mapping[str, bytes], tell: Tell
) -> TakenIn:
    """The source in place of what it gave before. The folder is made where there is none.

    Raises `IntakeError` with every problem, `StoreError`; then nothing was written.
    """
    if SOURCE_NAME.fullmatch(harvest.name) is None:
        raise IntakeError(
            [Problem(file=harvest.name, message="is no name of a source: expected a to z, 0 to 9, '.', '_', '-'")]
        )
    new = kept(harvest, as_of=as_of, inputs=inputs)
    with IntakeFolder(estate) as folder:
        harvests = (*_harvests(folder, but=new.name), new)
        sources = tuple(sorted(source.name for source in harvests))
        made = _assembled(estate, folder, harvests, tell)
        # On the disk and out of the memory, before the tables are read back.
        folder.stage(new.name, {**keep, **harvest_files(new)})
        del harvests, new
        problems, found = _read_back(estate, made, tell)
        tell("writing")
        folder.commit(made.files, gone=made.gone)
    return TakenIn(assembled=made, sources=sources, open=problems, digest=found)


def link_again(estate: Path, tell: Tell) -> TakenIn:
    """The tables from what is kept, after linking.toml or an own table changed. Raises as `take_in`."""
    with _existing(estate) as folder:
        made = _assembled(estate, folder, _harvests(folder), tell)
        problems, found = _read_back(estate, made, tell)
        tell("writing")
        folder.commit(made.files, gone=made.gone)
        return TakenIn(assembled=made, sources=folder.names(), open=problems, digest=found)


def drop_source(estate: Path, name: str, tell: Tell) -> TakenIn:
    """The estate without a source. Raises as `take_in`, also where there is no such source."""
    with _existing(estate) as folder:
        if name not in folder.names():
            names = ", ".join(folder.names()) or "none"
            raise IntakeError([Problem(file=f"{estate}/intake", message=f"has no source {name!r}: it has {names}")])
        made = _assembled(estate, folder, _harvests(folder, but=name), tell)
        problems, found = _read_back(estate, made, tell)
        tell("writing")
        folder.commit(made.files, gone=made.gone, drop=name)
        return TakenIn(assembled=made, sources=folder.names(), open=problems, digest=found)


def _existing(estate: Path, *, writing: bool = True) -> IntakeFolder:
    if not (estate / "intake").is_dir():
        raise IntakeError([Problem(file=str(estate), message="no source was taken in here: armslength intake --help")])
    return IntakeFolder(estate, writing=writing)


def _harvests(folder: IntakeFolder, but: str | None = None) -> tuple[Kept, ...]:
    problems = Problems()
    found = [read_harvest(name, folder.files(name), problems) for name in folder.names() if name != but]
    problems.stop()
    return tuple(harvest for harvest in found if harvest is not None)


def _assembled(estate: Path, folder: IntakeFolder, harvests: tuple[Kept, ...], tell: Tell) -> Assembled:
    problems = Problems()
    written = folder.extra(LINKING)
    rules = read_linking(written, problems)
    problems.stop()
    made = assemble(harvests, rules, _own_files(estate), problems, tell, edited=folder.edited())
    return made if written is not None else replace(made, files={**made.files, LINKING: LINKING_STARTER.encode()})


def _own_files(estate: Path) -> dict[str, bytes]:
    source = find(str(estate))
    if lost := [problem for problem in source.lost if problem.file != f"intake/{UNFINISHED}"]:
        raise IntakeError(lost)
    name = json.dumps(estate.resolve().name)
    return {SETTINGS: STARTER.format(name=name).encode()} | dict(source.files)


def _read_back(estate: Path, made: Assembled, tell: Tell) -> tuple[tuple[Problem, ...], str | None]:
    """What keeps the new files from being an estate, and the digest if nothing does. Raises `IntakeError` if that is
    something which a source gave."""
    tell("reading it back")
    # The old tables of intake are not read again: at a million rows they are half a gigabyte.
    left = FILES - made.files.keys() - made.gone
    files = {name: data for name, data in _own_files(estate).items() if name in left}
    files |= {name: data for name, data in made.files.items() if name in FILES}
    try:
        parsed = parse(files)
    except EstateError as error:
        return _open(made, error.problems), None
    return (), digest(parsed.estate)


def _open(made: Assembled, problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
    """The problems, if all are about what people wrote. Raises `IntakeError` with those of a source's rows, each with
    the place in the source."""
    tables = {table.file: table for table in made.tables}
    ours = []
    for problem in problems:
        table = tables.get(problem.file)
        if table is None or problem.line is None:
            continue
        if problem.line == 1 and table.own < table.frame.height:
            ours.append(problem)
        elif (origin := table.origin(problem.line)) is not None:
            ours.append(Problem(file=origin, column=problem.column, message=problem.message))
    if ours:
        raise IntakeError(ours)
    return problems
