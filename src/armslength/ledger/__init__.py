"""The ledger: what is recorded of acts on customers, and how a stranger checks that nothing of it is hidden or changed.

Pure: keys, times and chance are passed in. Leaves hold no personal data; what a record says is sealed under keys that
can be destroyed, and every proof still verifies. The formats are in docs/formats: record, commitment, map, bundle.
"""

from armslength.ledger.audit import Audit, Audited, AuditState, Problem, Rule
from armslength.ledger.bundle import (
    SUFFIX,
    Bundle,
    Disclosed,
    Earlier,
    Erased,
    MapClaim,
    Opened,
    Withheld,
    build_bundle,
    format_bundle,
    open_record,
)
from armslength.ledger.bundle_text import parse_bundle
from armslength.ledger.chain import Chain, check_next
from armslength.ledger.check import BundleVerdict, Check, CheckName, KindCount, Outcome, counted
from armslength.ledger.commitment import Opening, check_label, commit, fold
from armslength.ledger.document_reading import NotReadable
from armslength.ledger.entry import Entry, parse_entry
from armslength.ledger.erasure import SCOPE, Everything, Records, Scope, excuses, format_scope, parse_scope
from armslength.ledger.evidence import (
    BrokenRule,
    Claim,
    Evidence,
    Fork,
    OtherHistory,
    Proof,
    Rollback,
    conflict,
    other_history,
    stamps,
    verify_evidence,
)
from armslength.ledger.evidence_text import format_evidence, parse_evidence
from armslength.ledger.journal import MINUTE, Batch, Draft, Journal, Placed
from armslength.ledger.map_head import MapHead
from armslength.ledger.map_proof import EMPTY_MAP, MapLeaf, MapProof, verify_map
from armslength.ledger.minute import format_minute, parse_minute
from armslength.ledger.openings import (
    ErasedField,
    Field,
    OpenField,
    check_fields,
    format_openings,
    parse_openings,
)
from armslength.ledger.prefix_map import PrefixMap
from armslength.ledger.record import FIRM, NO_RECORD, Kind, Record, parse_record
from armslength.ledger.run import Run, make_run, run_root
from armslength.ledger.saved import Saved, format_saved, parse_saved
from armslength.ledger.sealing import Chance, Sealed, reseal, seal, seal_values, unseal
from armslength.ledger.verification import verify_bundle
from armslength.tlog import Json, canonical, format_base64url, parse_base64url, parse_canonical

__all__ = [
    "EMPTY_MAP",
    "FIRM",
    "MINUTE",
    "NO_RECORD",
    "SCOPE",
    "SUFFIX",
    "Audit",
    "AuditState",
    "Audited",
    "Batch",
    "BrokenRule",
    "Bundle",
    "BundleVerdict",
    "Chain",
    "Chance",
    "Check",
    "CheckName",
    "Claim",
    "Disclosed",
    "Draft",
    "Earlier",
    "Entry",
    "Erased",
    "ErasedField",
    "Everything",
    "Evidence",
    "Field",
    "Fork",
    "Journal",
    "Json",
    "Kind",
    "KindCount",
    "MapClaim",
    "MapHead",
    "MapLeaf",
    "MapProof",
    "NotReadable",
    "OpenField",
    "Opened",
    "Opening",
    "OtherHistory",
    "Outcome",
    "Placed",
    "PrefixMap",
    "Problem",
    "Proof",
    "Record",
    "Records",
    "Rollback",
    "Rule",
    "Run",
    "Saved",
    "Scope",
    "Sealed",
    "Withheld",
    "build_bundle",
    "canonical",
    "check_fields",
    "check_label",
    "check_next",
    "commit",
    "counted",
    "conflict",
    "excuses",
    "fold",
    "format_base64url",
    "format_bundle",
    "format_evidence",
    "format_minute",
    "format_openings",
    "format_saved",
    "format_scope",
    "make_run",
    "open_record",
    "other_history",
    "parse_base64url",
    "parse_bundle",
    "parse_canonical",
    "parse_entry",
    "parse_evidence",
    "parse_minute",
    "parse_openings",
    "parse_record",
    "parse_saved",
    "parse_scope",
    "reseal",
    "run_root",
    "seal",
    "seal_values",
    "stamps",
    "unseal",
    "verify_bundle",
    "verify_evidence",
    "verify_map",
]
