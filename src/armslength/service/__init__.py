"""The verbs: gather what is asked, ask the core, and give what is to be shown. Nothing here prints or ends a run."""

from armslength.service.answer import csv_pieces, json_pieces, markdown_text, overview, page, sarif_text
from armslength.service.explanation import Explanation, explanation
from armslength.service.file import write_file
from armslength.service.question import Refusal, Wanted, question, unknown

__all__ = [
    "Explanation",
    "Refusal",
    "Wanted",
    "csv_pieces",
    "explanation",
    "json_pieces",
    "markdown_text",
    "overview",
    "page",
    "question",
    "sarif_text",
    "unknown",
    "write_file",
]
