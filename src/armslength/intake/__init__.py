"""Intake: what a source says becomes rows of an estate, with where each stood, or every problem at once.

Pure: documents in, a `Harvest` out; then all harvests, and what `linking.toml` says, make the tables. Nothing is
guessed: what cannot be mapped is listed with its reason, who holds an account that nobody was found for is unknown, and
people are never matched by name. Each source has a room of its own below this one: `armslength.intake.aws`, ….
"""

from armslength.intake.assembly import REVIEW, SETTINGS, Assembled, assemble
from armslength.intake.harvest import FIELDS, Harvest, Mark, Matter
from armslength.intake.harvest_form import Kept, csv_bytes, harvest_files, kept, read_harvest
from armslength.intake.json_document import json_node
from armslength.intake.linking import Remark
from armslength.intake.linking_rules import FILE as LINKING
from armslength.intake.linking_rules import Linking, read_linking
from armslength.intake.node import Node, spelled
from armslength.intake.places import Places
from armslength.intake.problem import IntakeError, Problems
from armslength.intake.settings_text import LINKING_STARTER, STARTER
from armslength.intake.toml_document import toml_node
from armslength.intake.yaml_document import yaml_nodes

__all__ = [
    "FIELDS",
    "LINKING",
    "LINKING_STARTER",
    "REVIEW",
    "SETTINGS",
    "STARTER",
    "Assembled",
    "Harvest",
    "IntakeError",
    "Kept",
    "Linking",
    "Mark",
    "Matter",
    "Node",
    "Places",
    "Problems",
    "Remark",
    "assemble",
    "csv_bytes",
    "harvest_files",
    "json_node",
    "kept",
    "read_harvest",
    "read_linking",
    "spelled",
    "toml_node",
    "yaml_nodes",
]
