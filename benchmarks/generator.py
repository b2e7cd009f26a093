"""A seeded generator of large estates: `python benchmarks/generator.py FOLDER --people 100000`.

It writes the tables as Parquet (or CSV), `estate.toml` and `policy.cedar`. The same size and seed give the same estate.
Nothing in it is real: states are drawn by weight, people are numbers.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.firm import DAY, Firm, Size, firm
from benchmarks.places import EU, HOME, HOSTS, STATES
from benchmarks.policies import ORDINARY_CLASSES, policies
from benchmarks.vaults import CLASSES, GATE, KEYS, Controls, controls

__all__ = ["DAY", "Generated", "Size", "generate", "write"]

_ACTIONS = ("read", "list", "write", "export", "delete", "terminate", "deploy", "use")
_OFTEN = (0.42, 0.2, 0.18, 0.05, 0.05, 0.02, 0.04, 0.04)
_ASSET_COLUMNS = ("id", "kind", "class", "within", "hosted_in", "key", "subjects", "shielded_from")
_GRANT_COLUMNS = ("holder", "action", "target", "terms")
_HABITS = """
[terms.peer-review]
approvals = 1
approvers = "everyone"
apart = 0

[terms.site-review]
approvals = 1
approvers = "group:staff"
apart = 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Generated:
    """An estate as text and tables, by the name of the file without its ending. `policy` is empty without Cedar."""

    size: Size
    tables: dict[str, pl.DataFrame]
    settings: str
    policy: str


def generate(size: Size, seed: int, *, cedar: bool = True, unknown: bool = False) -> Generated:
    """Draw an estate. `cedar`: with forty policies. `unknown`: with three groups whose members nobody told."""
    rng = np.random.default_rng(seed)
    people = firm(size, rng)
    built = controls(people, rng, unknown=unknown)
    assets = _assets(size, built, rng)
    tables = {
        "people": people.people,
        "entities": people.entities,
        "travel": people.travel,
        "declared": people.declared,
        "groups": people.roll.table(people.ids),
        "assets": assets,
        "grants": _grants(people, built, assets, rng),
    }
    if unknown:
        names = ["unknown-standing", "unknown-holders", "unknown-approvers"]
        tables["unknown"] = pl.DataFrame({"group": names, "note": ["the source gave no members"] * len(names)})
    policy = policies(people, built, rng) if cedar else ""
    return Generated(size=size, tables=tables, settings=_settings(built), policy=policy)


def write(made: Generated, folder: Path, *, csv: bool = False) -> None:
    """Write an estate's files into a folder, which is made if it does not exist."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in made.tables.items():
        if csv:
            table.write_csv(folder / f"{name}.csv")
        else:
            table.write_parquet(folder / f"{name}.parquet")
    (folder / "estate.toml").write_text(made.settings, encoding="utf-8")
    if made.policy:
        (folder / "policy.cedar").write_text(made.policy, encoding="utf-8")


def _assets(size: Size, built: Controls, rng: np.random.Generator) -> pl.DataFrame:
    """The vaults' assets and the ordinary ones: some within others, some hosted abroad, some with a key."""
    count = max(len(ORDINARY_CLASSES), size.assets - len(built.assets))
    ids = pl.Series([f"asset-{number:05d}" for number in range(count)])
    blank = pl.repeat("", count, eager=True)
    outer = max(1, count // 10)
    # What lies within another comes after it, so there is no cycle.
    within = rng.integers(np.minimum(np.maximum(np.arange(count), 1), outer))
    nested = (rng.random(count) < 0.3) & (np.arange(count) > 0)
    hosts = pl.Series([*HOSTS, "US IE", "DE SG", ""])
    keys = max(1, count // 50)
    locked = (rng.random(count) < 0.1) & (np.arange(count) >= keys)
    ordinary = pl.DataFrame(
        {
            "id": ids,
            "kind": pl.Series(["database", "bucket", "repository", "host", "service"]).gather(
                rng.integers(5, size=count)
            ),
            "class": pl.Series(ORDINARY_CLASSES).gather(np.arange(count) % len(ORDINARY_CLASSES)),
            "within": _where(nested, ids.gather(within), blank),
            "hosted_in": hosts.gather(np.where(rng.random(count) < 0.4, rng.integers(10, size=count), 10)),
            "key": _where(locked, ids.gather(rng.integers(keys, size=count)), blank),
            "subjects": pl.Series(rng.integers(0, 1_000, size=count)).cast(pl.String),
            "shielded_from": _where(rng.random(count) < 0.05, pl.repeat("CN RU", count, eager=True), blank),
        }
    )
    kept = pl.DataFrame(built.assets, schema=dict.fromkeys(_ASSET_COLUMNS, pl.String), orient="row")
    return pl.concat([kept, ordinary])


def _where(mask: npt.NDArray[np.bool_], yes: pl.Series, no: pl.Series) -> pl.Series:
    chosen: pl.Series = yes.zip_with(pl.Series(mask), no)
    return chosen


def _grants(people: Firm, built: Controls, assets: pl.DataFrame, rng: np.random.Generator) -> pl.DataFrame:
    """The vaults' grants and, up to the size asked for, ordinary ones: none of these touches a vault."""
    _ordinary_powers(people, built, rng)
    ids = assets["id"].slice(len(built.assets))
    rest = max(0, people.size.grants - len(built.grants))
    groups = [name for name in people.roll.names if name.split("-")[0] in _ORDINARY_GROUPS]
    holders = pl.concat([
        "person:" + people.ids, pl.Series([f"group:{name}" for name in groups]), pl.Series(["everyone"]),
    ])  # fmt: skip
    targets = pl.concat(["asset:" + ids, pl.Series([f"class:{name}" for name in ORDINARY_CLASSES])])
    drawn = round(rest * 1.2)
    by_group = rng.random(drawn) < 0.37
    holder = np.where(
        by_group,
        len(people.ids) + np.floor(len(groups) * rng.random(drawn) ** 1.6).astype(np.int64),
        rng.integers(len(people.ids), size=drawn),
    )
    holder[rng.random(drawn) < 20 / max(drawn, 20)] = len(holders) - 1
    target = np.floor(len(ids) * rng.random(drawn) ** 1.5).astype(np.int64)
    by_class = by_group & (rng.random(drawn) < 0.03)
    target = np.where(by_class, len(ids) + rng.integers(len(ORDINARY_CLASSES), size=drawn), target)
    action = rng.choice(len(_ACTIONS), size=drawn, p=_OFTEN)
    _, first = np.unique((holder * len(targets) + target) * len(_ACTIONS) + action, return_index=True)
    first = np.sort(first)[:rest]
    holder, target, action = holder[first], target[first], action[first]
    # One ordinary group in twenty needs a second person for what it does.
    careful = (holder >= len(people.ids)) & (holder < len(holders) - 1) & (holder % 20 == 7)
    habit = np.where(careful, 1 + (holder // 20) % 2, 0)
    ordinary = pl.DataFrame(
        {
            "holder": holders.gather(holder),
            "action": pl.Series(_ACTIONS).gather(action),
            "target": targets.gather(target),
            "terms": pl.Series(["", "peer-review", "site-review"]).gather(habit),
        }
    )
    kept = pl.DataFrame(built.grants, schema=dict.fromkeys(_GRANT_COLUMNS, pl.String), orient="row")
    return pl.concat([kept.unique(maintain_order=True), ordinary])


_ORDINARY_GROUPS = frozenset({"project", "unit", "department", "division", "site"})


def _ordinary_powers(people: Firm, built: Controls, rng: np.random.Generator) -> None:
    """Owners let people into their projects; platform teams run ordinary classes."""
    for name in people.projects:
        if rng.random() < 0.4:
            built.grant(f"person:{people.ids[int(rng.integers(len(people.ids)))]}", "enroll", f"group:{name}")
    for name in ORDINARY_CLASSES:
        team = people.projects[int(rng.integers(len(people.projects)))]
        built.grant(f"group:{team}", "operate", f"class:{name}")


def _settings(built: Controls) -> str:
    states = {code: ["EU"] for code in STATES if code in EU} | {"HK": ["CN"]}
    lines = [f'name = "Invented estate"\ngate = "{GATE}"\nhome = ["{HOME}"]\n\n[states]']
    lines += [f"{code} = {json.dumps(blocs)}" for code, blocs in states.items()]
    lines.append(_HABITS)
    lines += [terms.toml() for terms in built.terms]
    content, recordings, identity, payment, code = (f"class:{name}" for name in CLASSES)
    floors: Sequence[tuple[str, str, int, str]] = (
        ("read", content, 2, ""),
        ("export", content, 3, ""),
        ("export", recordings, 2, ""),
        ("read", recordings, 1, 'against = ["CN", "RU", "IN"]'),
        ("read", identity, 2, 'except = ["IE"]'),
        ("delete", payment, 1, ""),
        ("write", code, 2, ""),
        ("*", f"class:{KEYS}", 2, ""),
        ("write", f"asset:{built.vaults[0]}", 3, ""),
    )
    for action, target, length, scope in floors:
        lines.append(f'[[floor]]\naction = "{action}"\ntarget = "{target}"\nlength = {length}\n{scope}')
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--people", type=int, default=100_000, help="grants are ten times as many")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--csv", action="store_true", help="write CSV instead of Parquet")
    parser.add_argument("--no-cedar", action="store_true", help="leave out policy.cedar")
    parser.add_argument("--unknown", action="store_true", help="with three groups whose members are not known")
    asked = parser.parse_args()
    made = generate(Size.of_people(asked.people), asked.seed, cedar=not asked.no_cedar, unknown=asked.unknown)
    write(made, asked.folder, csv=asked.csv)
    print(", ".join(f"{name} {len(table)}" for name, table in made.tables.items()))


if __name__ == "__main__":
    main()
