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
    estate's, where it can be read. `sources`: all that the estate has now."""

    assembled: Assembled
    sources: tuple[Kept, ...]
    open: tuple[Problem, ...]
    digest: str | None


def kept_files(estate: Path, name: str) -> Mapping[str, bytes]:
    """What a source keeps beside its rows, as its last run left it; nothing at the first. Raises `StoreError`."""
    if not (estate / "intake").is_dir():
        return {}
    with IntakeFolder(estate, writing=False) as folder:
        return folder.files(name, ".toml")


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
        others = _harvests(folder, but=new.name)
        made, problems, found = _assembled(estate, folder, (*others, new), tell)
        tell("writing")
        folder.commit(made.files, gone=made.gone, source=(new.name, {**keep, **harvest_files(new)}))
    return TakenIn(assembled=made, sources=(*others, new), open=problems, digest=found)


def link_again(estate: Path, tell: Tell) -> TakenIn:
    """The tables from what is kept, after linking.toml or an own table changed. Raises as `take_in`."""
    with _existing(estate) as folder:
        harvests = _harvests(folder)
        made, problems, found = _assembled(estate, folder, harvests, tell)
        tell("writing")
        folder.commit(made.files, gone=made.gone)
    return TakenIn(assembled=made, sources=harvests, open=problems, digest=found)


def drop_source(estate: Path, name: str, tell: Tell) -> TakenIn:
    """The estate without a source. Raises as `take_in`, also where there is no such source."""
    with _existing(estate) as folder:
        if name not in folder.names():
            names = ", ".join(folder.names()) or "none"
            raise IntakeError([Problem(file=f"{estate}/intake", message=f"has no source {name!r}: it has {names}")])
        harvests = _harvests(folder, but=name)
        made, problems, found = _assembled(estate, folder, harvests, tell)
        tell("writing")
        folder.commit(made.files, gone=made.gone, drop=name)
    return TakenIn(assembled=made, sources=harvests, open=problems, digest=found)


def _existing(estate: Path, *, writing: bool = True) -> IntakeFolder:
    if not (estate / "intake").is_dir():
        raise IntakeError([Problem(file=str(estate), message="no source was taken in here: armslength intake --help")])
    return IntakeFolder(estate, writing=writing)


def _harvests(folder: IntakeFolder, but: str | None = None) -> tuple[Kept, ...]:
    problems = Problems()
    found = [read_harvest(name, folder.files(name), problems) for name in folder.names() if name != but]
    problems.stop()
    return tuple(harvest for harvest in found if harvest is not None)


def _assembled(
    estate: Path, folder: IntakeFolder, harvests: tuple[Kept, ...], tell: Tell
) -> tuple[Assembled, tuple[Problem, ...], str | None]:
    source = find(str(estate))
    if lost := [problem for problem in source.lost if problem.file != f"intake/{UNFINISHED}"]:
        raise IntakeError(lost)
    problems = Problems()
    written = folder.extra(LINKING)
    rules = read_linking(written, problems)
    problems.stop()
    name = estate.resolve().name
    files = {SETTINGS: STARTER.format(name=json.dumps(name)).encode()} | dict(source.files)
    made = assemble(harvests, rules, files, problems, tell, edited=folder.edited())
    if written is None:
        made = replace(made, files={**made.files, LINKING: LINKING_STARTER.encode()})
    tell("reading it back")
    try:
        files |= made.files
        parsed = parse({name: data for name, data in files.items() if name in FILES and name not in made.gone})
    except EstateError as error:
        return made, _open(made, error.problems), None
    return made, (), digest(parsed.estate)


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
