"""Reports: pure renderers of what reach found. Each takes a value and gives text; none reads a clock or a network."""

from armslength.report.barriers import holds
from armslength.report.cause_words import Lines, Sides
from armslength.report.csv_rows import csv_rows
from armslength.report.difference import Finding, Findings, findings
from armslength.report.difference_document import difference_document
from armslength.report.difference_markdown import difference_markdown
from armslength.report.difference_sarif import difference_sarif
from armslength.report.difference_table import difference_table
from armslength.report.document import document, steps_document
from armslength.report.markdown import markdown
from armslength.report.opengraph import ReachEdge, opengraph, opengraph_types
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
from armslength.report.plain import counted, listed, visible
from armslength.report.repair_document import repair_document
from armslength.report.repair_table import repair_table
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
    "Finding",
    "Findings",
    "FloorLine",
    "GapLine",
    "Lines",
    "Picture",
    "Plan",
    "ReachEdge",
    "Sides",
    "StateLine",
    "counted",
    "csv_rows",
    "difference_document",
    "difference_markdown",
    "difference_sarif",
    "difference_table",
    "document",
    "explain",
    "findings",
    "headline",
    "holds",
    "html",
    "listed",
    "markdown",
    "opengraph",
    "opengraph_types",
    "rank",
    "repair_document",
    "repair_table",
    "sarif",
    "steps_document",
    "survey",
    "table",
    "visible",
]
