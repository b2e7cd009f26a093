"""The verbs: gather what is asked, ask the core, and give what is to be shown. Nothing here prints or ends a run.

Those of the ledger are loaded when first asked for: the commands on an estate need none of them.
"""

from importlib import import_module
from typing import TYPE_CHECKING

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
from armslength.service.witness import LogStatus, Signed, Unable, Witness, create_witness

if TYPE_CHECKING:
    from armslength.service.act import Act
    from armslength.service.evidence import EvidenceVerdict, check_evidence
    from armslength.service.gate import Gate, open_gate
    from armslength.service.gate_asking import Asked, AskOutcome
    from armslength.service.gate_ceremony import Ceremony, CeremonyRoom, ceremony_record, recorded_again
    from armslength.service.gate_ceremony_script import SCRIPTS, Script, Step, checklist_html, checklist_markdown
    from armslength.service.gate_ceremony_transcript import read_transcript, transcript_digest
    from armslength.service.gate_change import Proposed
    from armslength.service.gate_check import GateCheck, GateFinding, check_gate
    from armslength.service.gate_creation import create_gate
    from armslength.service.gate_delivery import Delivery
    from armslength.service.gate_directory import (
        Directories,
        DirectoryHealth,
        DirectoryMissing,
        DirectoryStale,
        DirectoryTwice,
    )
    from armslength.service.gate_directory_said import (
        DIRECTORY_ATTRIBUTES,
        DIRECTORY_GROUP_ATTRIBUTES,
        ENTERPRISE_ATTRIBUTES,
        DirectorySaid,
        kept_addresses,
    )
    from armslength.service.gate_drill import Drills, DrillStanding, LastDrill
    from armslength.service.gate_drill_desk import DrillDesk, protocols
    from armslength.service.gate_drill_plan import DrillPlan, DrillWanted, KnownGate, known_gate, plan_drill
    from armslength.service.gate_drill_protocol import (
        DrillRecord,
        DrillReview,
        protocol_digest,
        protocol_document,
        protocol_text,
        read_drills,
    )
    from armslength.service.gate_failure import Unavailable, Unfounded
    from armslength.service.gate_filing import FILED_BY, caller_of, filed, is_filed_by
    from armslength.service.gate_health import GateHealth
    from armslength.service.gate_notice import NoticeKind
    from armslength.service.gate_office import HOST
    from armslength.service.gate_opening import Recovered
    from armslength.service.gate_pending import Invitation, PendingKey
    from armslength.service.gate_revoking import KeysRevoked
    from armslength.service.gate_simulation import ActLeft, Loss, LossAnswer, SeenByKeepers, simulate_gate
    from armslength.service.gate_ssh import SshAuthority
    from armslength.service.gate_statements import StatementAnswer, StatementBatch
    from armslength.service.gate_using import OfflineAnswer, OfflineUse, Redeemed
    from armslength.service.intake import TakenIn, drop_source, intake_sources, kept_files, link_again, take_in
    from armslength.service.ledger import Ledger, LedgerHealth, open_ledger, prove_entry
    from armslength.service.ledger_bundle import Whose, customer_bundle, export_sublog
    from armslength.service.ledger_creation import create_ledger
    from armslength.service.ledger_failure import AppendError, Full, Stopped, Unsettled
    from armslength.service.ledger_fsck import LedgerCheck, LedgerFinding, check_ledger
    from armslength.service.ledger_input import read_acts, receipt_document
    from armslength.service.ledger_moving import move_ledger
    from armslength.service.ledger_records import LedgerRecord, read_records
    from armslength.service.ledger_restoring import Adopted, adopt_keys
    from armslength.service.ledger_rotation import add_keys, retire_keys
    from armslength.service.ledger_standing import LedgerStatus, ledger_status
    from armslength.service.monitor import Monitor, MonitorSettings, Round, open_monitor
    from armslength.service.monitor_finding import FindingKind, MonitorFinding, Severity
    from armslength.service.monitor_metrics import round_figures
    from armslength.service.oidc_sign_in import Arrival, OidcSignIn, Returned
    from armslength.service.publisher import PublisherHealth
    from armslength.service.soft_key import SoftKey, SoftRegistration, assertion_document
    from armslength.service.witnesses import WitnessAnswer
    from armslength.service.writer import WriterHealth

_LATE = {
    "intake": ("TakenIn", "drop_source", "intake_sources", "kept_files", "link_again", "take_in"),
    "act": ("Act",),
    "evidence": ("EvidenceVerdict", "check_evidence"),
    "gate": ("Gate", "open_gate"),
    "gate_asking": ("AskOutcome", "Asked"),
    "gate_ceremony": ("Ceremony", "CeremonyRoom", "ceremony_record", "recorded_again"),
    "gate_ceremony_script": ("SCRIPTS", "Script", "Step", "checklist_html", "checklist_markdown"),
    "gate_ceremony_transcript": ("read_transcript", "transcript_digest"),
    "gate_change": ("Proposed",),
    "gate_check": ("GateCheck", "GateFinding", "check_gate"),
    "gate_creation": ("create_gate",),
    "gate_delivery": ("Delivery",),
    "gate_directory": ("Directories", "DirectoryHealth", "DirectoryMissing", "DirectoryStale", "DirectoryTwice"),
    "gate_directory_said": (
        "DIRECTORY_ATTRIBUTES",
        "DIRECTORY_GROUP_ATTRIBUTES",
        "ENTERPRISE_ATTRIBUTES",
        "DirectorySaid",
        "kept_addresses",
    ),
    "gate_drill": ("DrillStanding", "Drills", "LastDrill"),
    "gate_drill_desk": ("DrillDesk", "protocols"),
    "gate_drill_plan": ("DrillPlan", "DrillWanted", "KnownGate", "known_gate", "plan_drill"),
    "gate_drill_protocol": (
        "DrillRecord",
        "DrillReview",
        "protocol_digest",
        "protocol_document",
        "protocol_text",
        "read_drills",
    ),
    "gate_pending": ("Invitation", "PendingKey"),
    "gate_failure": ("Unavailable", "Unfounded"),
    "gate_filing": ("FILED_BY", "caller_of", "filed", "is_filed_by"),
    "gate_health": ("GateHealth",),
    "gate_notice": ("NoticeKind",),
    "gate_office": ("HOST",),
    "gate_opening": ("Recovered",),
    "gate_revoking": ("KeysRevoked",),
    "gate_simulation": ("ActLeft", "Loss", "LossAnswer", "SeenByKeepers", "simulate_gate"),
    "gate_ssh": ("SshAuthority",),
    "gate_statements": ("StatementAnswer", "StatementBatch"),
    "gate_using": ("OfflineAnswer", "OfflineUse", "Redeemed"),
    "ledger": ("Ledger", "LedgerHealth", "open_ledger", "prove_entry"),
    "ledger_bundle": ("Whose", "customer_bundle", "export_sublog"),
    "ledger_creation": ("create_ledger",),
    "ledger_failure": ("AppendError", "Full", "Stopped", "Unsettled"),
    "ledger_fsck": ("LedgerCheck", "LedgerFinding", "check_ledger"),
    "ledger_input": ("read_acts", "receipt_document"),
    "ledger_records": ("LedgerRecord", "read_records"),
    "ledger_moving": ("move_ledger",),
    "ledger_restoring": ("Adopted", "adopt_keys"),
    "ledger_rotation": ("add_keys", "retire_keys"),
    "ledger_standing": ("LedgerStatus", "ledger_status"),
    "monitor": ("Monitor", "MonitorSettings", "Round", "open_monitor"),
    "monitor_finding": ("FindingKind", "MonitorFinding", "Severity"),
    "monitor_metrics": ("round_figures",),
    "oidc_sign_in": ("Arrival", "OidcSignIn", "Returned"),
    "publisher": ("PublisherHealth",),
    "soft_key": ("SoftKey", "SoftRegistration", "assertion_document"),
    "witnesses": ("WitnessAnswer",),
    "writer": ("WriterHealth",),
}
_MODULE = {name: module for module, names in _LATE.items() for name in names}

__all__ = [
    "DIRECTORY_ATTRIBUTES",
    "DIRECTORY_GROUP_ATTRIBUTES",
    "ENTERPRISE_ATTRIBUTES",
    "FILED_BY",
    "HOST",
    "SCRIPTS",
    "Act",
    "ActLeft",
    "Adopted",
    "AppendError",
    "Arrival",
    "AskOutcome",
    "Asked",
    "Ceremony",
    "CeremonyRoom",
    "Comparison",
    "Delivery",
    "Directories",
    "DirectoryHealth",
    "DirectoryMissing",
    "DirectorySaid",
    "DirectoryStale",
    "DirectoryTwice",
    "DrillDesk",
    "DrillPlan",
    "DrillRecord",
    "DrillReview",
    "DrillStanding",
    "DrillWanted",
    "Drills",
    "DropGrant",
    "DropMembership",
    "Edit",
    "EvidenceVerdict",
    "Explanation",
    "FindingKind",
    "Full",
    "Gate",
    "GateCheck",
    "GateFinding",
    "GateHealth",
    "Granted",
    "Invitation",
    "Join",
    "KeysRevoked",
    "KnownGate",
    "LastDrill",
    "Leaver",
    "Ledger",
    "LedgerCheck",
    "LedgerFinding",
    "LedgerHealth",
    "LedgerRecord",
    "LedgerStatus",
    "LogStatus",
    "Loss",
    "LossAnswer",
    "Mended",
    "Monitor",
    "MonitorFinding",
    "MonitorSettings",
    "NewTerms",
    "NoticeKind",
    "OfflineAnswer",
    "OfflineUse",
    "OidcSignIn",
    "PendingKey",
    "Proposed",
    "PublisherHealth",
    "Recovered",
    "Redeemed",
    "Refusal",
    "Returned",
    "Round",
    "Script",
    "SeenByKeepers",
    "Severity",
    "Signed",
    "SoftKey",
    "SoftRegistration",
    "SshAuthority",
    "StatementAnswer",
    "StatementBatch",
    "Step",
    "Stopped",
    "TakenIn",
    "Travel",
    "Unable",
    "Unavailable",
    "Unfounded",
    "Unsettled",
    "Verification",
    "Wanted",
    "Whose",
    "Witness",
    "WitnessAnswer",
    "WriterHealth",
    "add_keys",
    "adopt_keys",
    "assertion_document",
    "caller_of",
    "ceremony_record",
    "check_evidence",
    "check_gate",
    "check_ledger",
    "checklist_html",
    "checklist_markdown",
    "create_gate",
    "create_ledger",
    "create_witness",
    "csv_pieces",
    "customer_bundle",
    "drop_source",
    "edit_document",
    "edited",
    "explanation",
    "export_sublog",
    "filed",
    "intake_sources",
    "is_filed_by",
    "json_pieces",
    "kept_files",
    "kept_addresses",
    "known_gate",
    "ledger_status",
    "link_again",
    "markdown_text",
    "mended",
    "move_ledger",
    "open_gate",
    "open_ledger",
    "open_monitor",
    "overview",
    "page",
    "patched_folder",
    "plan_drill",
    "protocol_digest",
    "protocol_document",
    "protocol_text",
    "protocols",
    "prove_entry",
    "question",
    "read_acts",
    "read_drills",
    "read_records",
    "read_transcript",
    "receipt_document",
    "recorded_again",
    "remarks",
    "retire_keys",
    "round_figures",
    "sarif_text",
    "side",
    "simulate_gate",
    "take_in",
    "transcript_digest",
    "unknown",
    "verification",
    "write_file",
]


def __getattr__(name: str) -> object:
    module = _MODULE.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{module}"), name)
