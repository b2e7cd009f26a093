"""The assets table: what sources tell of assets, and what the rules of linking.toml add by id, kind and trait."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import polars as pl

from armslength.intake.harvest import Matter
from armslength.intake.linking import Remark
from armslength.intake.linking_rules import SET, AssetRule
from armslength.intake.places import Places
from armslength.intake.tables import OURS


def asset_rows(frame: pl.DataFrame, rules: Sequence[AssetRule], places: Places) -> tuple[pl.DataFrame, list[Remark]]:
    """Each column that the source left empty has the value of the first rule that fits and sets it.

    A rule that fits nothing is remarked on: a slip in it would leave an asset out of every floor.
    """
    if not frame.height:
        return frame, [_idle(rule, "fits no asset") for rule in rules]
    frame, remarks = _once(frame)
    used: set[int] = set()
    cells: dict[str, list[str]] = {
        name: frame[name].to_list() if name in frame.columns else [""] * frame.height for name in SET
    }
    for row, (id, kind, traits) in enumerate(frame.select("id", "kind", "traits").iter_rows()):
        for number, rule in enumerate(rules):
            if rule.fits(id, kind, traits):
                used.add(number)
                for column, value in rule.sets.items():
                    if not cells[column][row] and not (column in ("within", "key") and value == id):
                        cells[column][row] = value
    made = frame.with_columns(pl.Series(name, values, dtype=pl.String) for name, values in cells.items()).drop("traits")
    remarks += [_idle(rule, "fits no asset") for number, rule in enumerate(rules) if number not in used]
    return made, remarks + _states(rules, places)


def _once(frame: pl.DataFrame) -> tuple[pl.DataFrame, list[Remark]]:
    """One row for each id. Two that differ are put together: where it is hosted adds up, other cells are the first
    that is not empty, and what then is not told is remarked on."""
    twice = frame.filter(pl.col("id").is_duplicated())
    if not twice.height:
        return frame, []
    remarks, rows = [], []
    for (id,), group in twice.group_by("id", maintain_order=True):
        row = {name: next((cell for cell in group[name].to_list() if cell), "") for name in frame.columns}
        row["hosted_in"] = " ".join(sorted({code for cell in group["hosted_in"].to_list() for code in cell.split()}))
        row["traits"] = " ".join(dict.fromkeys(word for cell in group["traits"].to_list() for word in cell.split()))
        rows.append(row)
        differ = [name for name in ("kind", "class", "within", "key") if len(set(group[name].to_list()) - {""}) > 1]
        if differ:
            reason = f"told with another {' and '.join(differ)} as well: the first counts"
            remarks.append(
                Remark(
                    source=row["source"].removeprefix(OURS),
                    matter=Matter.CONFLICT,
                    item=str(id),
                    reason=reason,
                    origin=row["origin"],
                )
            )
    return pl.concat([frame.filter(~pl.col("id").is_duplicated()), pl.DataFrame(rows, schema=frame.schema)]), remarks


def _idle(rule: AssetRule, reason: str) -> Remark:
    return Remark(source="", matter=Matter.UNMAPPED, item=rule.written, reason=reason, origin=rule.origin)


def _states(rules: Iterable[AssetRule], places: Places) -> list[Remark]:
    """States that a rule names and that are none; the estate would be refused with the row only."""
    return [
        _idle(rule, f"{column} names {code!r}, which is no state")
        for rule in rules
        for column in ("hosted_in", "shielded_from")
        for code in rule.sets.get(column, "").split()
        if places.state(code) != code
    ]
