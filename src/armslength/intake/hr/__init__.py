"""HR: who works here, for whom and where, from the table that any HR system can save.

Mapped: people, by the columns that a mapping names; it is asked for once and kept. Ids stay bare: `person:E123`.
Taken wider: somebody whose last day is to come, or who has not begun yet, counts as here.
Not modelled: history, salary, and whatever no column is mapped to. A column named like nationality, ancestry, faith or
birth is never read, whatever a mapping says.
"""

from armslength.intake.csv_document import Sheet, csv_sheet
from armslength.intake.hr.columns import (
    FIELDS,
    FILE,
    Columns,
    check_columns,
    columns_toml,
    field_problem,
    proposed,
    read_columns,
)
from armslength.intake.hr.people import map_hr, not_read, statuses

__all__ = [
    "FIELDS",
    "FILE",
    "Columns",
    "Sheet",
    "check_columns",
    "columns_toml",
    "csv_sheet",
    "field_problem",
    "map_hr",
    "not_read",
    "proposed",
    "read_columns",
    "statuses",
]
