"""The verbs: gather what is asked, ask the core, and give what is to be shown. Nothing here prints or ends a run."""

from armslength.service.answer import csv_pieces, json_pieces, markdown_text, overview, page, sarif_text
from armslength.service.comparison import Comparison, side
from armslength.service.edits import (
    DropGrant,
    DropMembership,
    Edit,
    Granted,
    Join,
    Leaver,
    NewTerms,
    Travel,
    edit_document,
    edited,
    remarks,
)
from armslength.service.explanation import Explanation, explanation
from armslength.service.file import write_file
from armslength.service.mending import Mended, mended
from armslength.service.place import patched_folder
from armslength.service.question import Refusal, Wanted, question, unknown
from armslength.service.verification import Verification, verification

__all__ = [
    "Comparison",
    "DropGrant",
    "DropMembership",
    "Edit",
    "Explanation",
    "Granted",
    "Join",
    "Leaver",
    "Mended",
    "NewTerms",
    "Refusal",
    "Travel",
    "Verification",
    "Wanted",
    "csv_pieces",
    "edit_document",
    "edited",
    "explanation",
    "json_pieces",
    "markdown_text",
    "mended",
    "overview",
    "page",
    "patched_folder",
    "question",
    "remarks",
    "sarif_text",
    "side",
    "unknown",
    "verification",
    "write_file",
]
