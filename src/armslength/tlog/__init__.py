"""Transparency logs as the C2SP documents have them: hashing, proofs, tiles, notes, checkpoints, witnesses, policies.

Pure: values in, values out. What is written here has one spelling, and what is read is that or refused: Malformed for
bytes outside a format, Unverified for a signature, a proof or a quorum that does not hold. docs/formats/tlog.md says
which documents are followed and what was chosen where they leave a choice."""

from armslength.tlog.base64url import format_base64url, parse_base64url
from armslength.tlog.canonical import Json, canonical, parse_canonical
from armslength.tlog.checkpoint import Checkpoint
from armslength.tlog.cosignature import cosigned_message
from armslength.tlog.endorsement import Assessment, Cosigned, Endorsed
from armslength.tlog.failure import Malformed, TlogError, Unverified
from armslength.tlog.fsck import Finding, fsck
from armslength.tlog.key import Algorithm, SigningKey, VerifierKey, check_key_name
from armslength.tlog.merkle import EMPTY, Edge, leaf_hash, node_hash, tree_root
from armslength.tlog.note import (
    LARGEST_NOTE,
    MOST_SIGNATURES,
    Note,
    Signature,
    Verified,
    format_signatures,
    parse_signatures,
    sign_note,
    verify_signature,
)
from armslength.tlog.policy import TOLERANCE, Policy
from armslength.tlog.policy_text import Group, LogKey, Witness
from armslength.tlog.proof import (
    consistency_proof,
    edge_at,
    inclusion_proof,
    root_at,
    verify_consistency,
    verify_inclusion,
)
from armslength.tlog.receipt import Receipt
from armslength.tlog.subtree import (
    Node,
    subtree_consistency_proof,
    subtree_inclusion_proof,
    verify_subtree_consistency,
    verify_subtree_inclusion,
)
from armslength.tlog.tile import (
    WIDTH,
    Entries,
    Tile,
    entries_of,
    format_entries,
    new_entries,
    new_tiles,
    parse_entries,
    parse_tile,
    tile_bytes,
    tile_nodes,
    tiles_of,
)
from armslength.tlog.tiling import Tiling
from armslength.tlog.tlog_proof import TlogProof
from armslength.tlog.witnessing import LARGEST_REQUEST, AddCheckpoint, Cosign, Declined, Seen, judge, origin_hash

__all__ = [
    "EMPTY",
    "LARGEST_NOTE",
    "LARGEST_REQUEST",
    "MOST_SIGNATURES",
    "TOLERANCE",
    "WIDTH",
    "AddCheckpoint",
    "Algorithm",
    "Assessment",
    "Checkpoint",
    "Cosign",
    "Cosigned",
    "Declined",
    "Edge",
    "Endorsed",
    "Entries",
    "Finding",
    "Group",
    "Json",
    "LogKey",
    "Malformed",
    "Node",
    "Note",
    "Policy",
    "Receipt",
    "Seen",
    "Signature",
    "SigningKey",
    "Tile",
    "Tiling",
    "TlogError",
    "TlogProof",
    "Unverified",
    "Verified",
    "VerifierKey",
    "Witness",
    "canonical",
    "check_key_name",
    "consistency_proof",
    "cosigned_message",
    "edge_at",
    "entries_of",
    "format_base64url",
    "format_entries",
    "format_signatures",
    "fsck",
    "inclusion_proof",
    "judge",
    "leaf_hash",
    "new_entries",
    "new_tiles",
    "node_hash",
    "origin_hash",
    "parse_base64url",
    "parse_canonical",
    "parse_entries",
    "parse_signatures",
    "parse_tile",
    "root_at",
    "sign_note",
    "subtree_consistency_proof",
    "subtree_inclusion_proof",
    "tile_bytes",
    "tile_nodes",
    "tiles_of",
    "tree_root",
    "verify_consistency",
    "verify_inclusion",
    "verify_signature",
    "verify_subtree_consistency",
    "verify_subtree_inclusion",
]
