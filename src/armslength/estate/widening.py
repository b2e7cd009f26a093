"""One state or action more than an estate names. Both stay sorted by their text, so the indexes after the new one
move up."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import replace

from armslength.estate.lookup import freeze
from armslength.estate.model import Estate, Ints, State


def with_action(estate: Estate, action: str) -> Estate:
    """The estate itself if it has the action already."""
    if action in estate.actions:
        return estate
    place = bisect_left(estate.actions, action)
    grants = replace(estate.grants, action=_moved(estate.grants.action, place))
    return replace(estate, actions=(*estate.actions[:place], action, *estate.actions[place:]), grants=grants)


def with_state(estate: Estate, code: str) -> Estate:
    """The estate itself if it has the state already; a new state is compelled by no other."""
    if code in estate.states:
        return estate
    place = bisect_left(estate.states, code)

    def up(state: int) -> int:
        return state + (state >= place)

    def ups(states: frozenset[int]) -> frozenset[int]:
        return frozenset(map(up, states))

    def all_ups(cells: tuple[frozenset[int], ...]) -> tuple[frozenset[int], ...]:
        done: dict[frozenset[int], frozenset[int]] = {}
        return tuple(done.get(cell) or done.setdefault(cell, ups(cell)) for cell in cells)

    people, settings, assets = estate.people, estate.settings, estate.assets
    upward = all_ups(settings.upward)
    return replace(
        estate,
        states=(*estate.states[:place], State(code), *estate.states[place:]),
        people=replace(people, workplace=_moved(people.workplace, place), residence=_moved(people.residence, place)),
        entities=replace(estate.entities, state=_moved(estate.entities.state, place)),
        travel=tuple(replace(journey, state=up(journey.state)) for journey in estate.travel),
        declared=tuple(replace(tie, state=up(tie.state)) for tie in estate.declared),
        assets=replace(
            assets,
            hosted_in=all_ups(assets.hosted_in),
            shielded_from=all_ups(assets.shielded_from),
            hosts=all_ups(assets.hosts),
        ),
        settings=replace(
            settings,
            home=ups(settings.home),
            upward=(*upward[:place], frozenset({place}), *upward[place:]),
            floors=tuple(
                replace(
                    floor,
                    against=None if floor.against is None else ups(floor.against),
                    exempt=None if floor.exempt is None else ups(floor.exempt),
                )
                for floor in settings.floors
            ),
        ),
    )


def _moved(states: Ints, place: int) -> Ints:
    return freeze(states + (states >= place).astype(states.dtype))
