"""Reports: pure renderers of what reach found. Each takes a value and gives text; none reads a clock or a network."""

from armslength.report.barriers import holds
from armslength.report.csv_rows import csv_rows
from armslength.report.document import document, steps_document
from armslength.report.markdown import markdown
from armslength.report.page import html
from armslength.report.picture import (
    STALE_DAYS,
    Age,
    Cell,
    Chain,
    Change,
    ChokePoint,
    Column,
    FloorLine,
    GapLine,
    Picture,
    Plan,
    StateLine,
    rank,
)
from armslength.report.sarif import sarif
from armslength.report.sentences import explain, headline
from armslength.report.survey import survey
from armslength.report.table import table

__all__ = [
    "STALE_DAYS",
    "Age",
    "Cell",
    "Chain",
    "Change",
    "ChokePoint",
    "Column",
    "FloorLine",
    "GapLine",
    "Picture",
    "Plan",
    "StateLine",
    "csv_rows",
    "document",
    "explain",
    "headline",
    "holds",
    "html",
    "markdown",
    "rank",
    "sarif",
    "steps_document",
    "survey",
    "table",
]
