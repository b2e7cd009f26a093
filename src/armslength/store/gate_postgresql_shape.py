"""What `postgresql_shape` says of the tables of the newest version: REWRITE=1 with the tests writes it anew."""

from __future__ import annotations

SHAPE = frozenset(
    """
column own.gate.one: bigint not null
column own.gate.origin: text C not null
column own.rows.act: bytea
column own.rows.claimed: bigint
column own.rows.doc: bytea not null
column own.rows.due: bigint
column own.rows.id: text C not null
column own.rows.kind: text C not null
column own.rows.person: text C
column own.rows.status: text C
column own.rows.version: bigint not null
column own.snapshot.mac: bytea not null
column own.snapshot.one: bigint not null
column own.snapshot.position: bigint not null
column own.snapshot.state: bytea not null
column own.versions.version: bigint not null
column shared.away.by: text C not null
column shared.away.ends: bigint
column shared.away.person: text C not null
column shared.away.start: bigint not null
column shared.ceremonies.digest: bytea not null
column shared.ceremonies.doc: bytea not null
column shared.ceremonies.ends: bigint not null
column shared.ceremonies.kind: text C not null
column shared.ceremonies.person: text C
column shared.directory.directory: text C not null
column shared.directory.doc: bytea not null
column shared.directory.external: text C not null
column shared.directory.id: text C not null
column shared.directory.kind: text C not null
column shared.directory.mac: bytea not null
column shared.directory.name: text C not null
column shared.directory.stamp: bigint not null
column shared.estates.at: bigint not null
column shared.estates.digest: text C not null
column shared.estates.files: bytea not null
column shared.estates.mac: bytea not null
column shared.evidence.data: bytea not null
column shared.evidence.digest: bytea not null
column shared.evidence.kept: bigint not null
column shared.evidence.made: bigint not null
column shared.evidence.media_type: text C not null
column shared.gate.one: bigint not null
column shared.gate.origin: text C not null
column shared.gate.url: text C
column shared.idempotency.answer: text C not null
column shared.idempotency.body: bytea not null
column shared.idempotency.caller: text C not null
column shared.idempotency.ends: bigint not null
column shared.idempotency.key: text C not null
column shared.opened.at: bigint not null
column shared.opened.digest: bytea not null
column shared.opened.person: text C not null
column shared.opened.request: text C not null
column shared.outbox.body: bytea not null
column shared.outbox.due: bigint
column shared.outbox.kind: text C not null
column shared.outbox.made: bigint not null
column shared.outbox.mark: text C not null
column shared.outbox.number: bigint not null a
column shared.outbox.person: text C
column shared.outbox.problem: text C
column shared.outbox.seal: bytea
column shared.outbox.sent: bigint
column shared.outbox.tries: bigint not null
column shared.sessions.digest: bytea not null
column shared.sessions.ends: bigint not null
column shared.sessions.idle: bigint not null
column shared.sessions.made: bigint not null
column shared.sessions.person: text C not null
column shared.sessions.seen: bigint not null
column shared.shared_rows.act: bytea
column shared.shared_rows.claimed: bigint
column shared.shared_rows.doc: bytea not null
column shared.shared_rows.due: bigint
column shared.shared_rows.id: text C not null
column shared.shared_rows.kind: text C not null
column shared.shared_rows.person: text C
column shared.shared_rows.status: text C
column shared.shared_rows.version: bigint not null
column shared.versions.version: bigint not null
constraint own.gate.gate_one_check: CHECK ((one = 1))
constraint own.gate.gate_pkey: PRIMARY KEY (one)
constraint own.rows.rows_act_check: CHECK ((octet_length(act) = 16))
constraint own.rows.rows_check: CHECK (((act IS NULL) = (claimed IS NULL)))
constraint own.rows.rows_pkey: PRIMARY KEY (kind, id)
constraint own.rows.rows_version_check: CHECK ((version > 0))
constraint own.snapshot.snapshot_one_check: CHECK ((one = 1))
constraint own.snapshot.snapshot_pkey: PRIMARY KEY (one)
constraint own.versions.versions_pkey: PRIMARY KEY (version)
constraint shared.away.away_pkey: PRIMARY KEY (person)
constraint shared.ceremonies.ceremonies_digest_check: CHECK ((octet_length(digest) = 32))
constraint shared.ceremonies.ceremonies_pkey: PRIMARY KEY (digest)
constraint shared.directory.directory_pkey: PRIMARY KEY (directory, id)
constraint shared.estates.estates_pkey: PRIMARY KEY (digest)
constraint shared.evidence.evidence_digest_check: CHECK ((octet_length(digest) = 32))
constraint shared.evidence.evidence_kept_check: CHECK ((kept = ANY (ARRAY[(0)::bigint, (1)::bigint])))
constraint shared.evidence.evidence_pkey: PRIMARY KEY (digest)
constraint shared.gate.gate_one_check: CHECK ((one = 1))
constraint shared.gate.gate_pkey: PRIMARY KEY (one)
constraint shared.idempotency.idempotency_body_check: CHECK ((octet_length(body) = 32))
constraint shared.idempotency.idempotency_pkey: PRIMARY KEY (caller, key)
constraint shared.opened.opened_digest_fkey: FOREIGN KEY (digest) REFERENCES evidence(digest) ON DELETE CASCADE
constraint shared.opened.opened_pkey: PRIMARY KEY (request, person, digest)
constraint shared.outbox.outbox_pkey: PRIMARY KEY (number)
constraint shared.sessions.sessions_digest_check: CHECK ((octet_length(digest) = 32))
constraint shared.sessions.sessions_pkey: PRIMARY KEY (digest)
constraint shared.shared_rows.shared_rows_act_check: CHECK ((octet_length(act) = 16))
constraint shared.shared_rows.shared_rows_check: CHECK (((act IS NULL) = (claimed IS NULL)))
constraint shared.shared_rows.shared_rows_pkey: PRIMARY KEY (kind, id)
constraint shared.shared_rows.shared_rows_version_check: CHECK ((version > 0))
constraint shared.versions.versions_pkey: PRIMARY KEY (version)
index own.gate.gate_pkey: unique USING btree (one)
index own.rows.rows_by_due: USING btree (kind, due)
index own.rows.rows_by_person: USING btree (kind, person, status)
index own.rows.rows_pkey: unique USING btree (kind, id)
index own.snapshot.snapshot_pkey: unique USING btree (one)
index own.versions.versions_pkey: unique USING btree (version)
index shared.away.away_pkey: unique USING btree (person)
index shared.ceremonies.ceremonies_by_ends: USING btree (ends)
index shared.ceremonies.ceremonies_pkey: unique USING btree (digest)
index shared.directory.directory_by_external: USING btree (directory, kind, external)
index shared.directory.directory_by_kind: USING btree (directory, kind, id)
index shared.directory.directory_by_name: USING btree (directory, kind, name)
index shared.directory.directory_by_stamp: USING btree (directory, stamp)
index shared.directory.directory_pkey: unique USING btree (directory, id)
index shared.estates.estates_pkey: unique USING btree (digest)
index shared.evidence.evidence_pkey: unique USING btree (digest)
index shared.gate.gate_pkey: unique USING btree (one)
index shared.idempotency.idempotency_by_ends: USING btree (ends)
index shared.idempotency.idempotency_pkey: unique USING btree (caller, key)
index shared.opened.opened_by_digest: USING btree (digest)
index shared.opened.opened_pkey: unique USING btree (request, person, digest)
index shared.outbox.outbox_by_due: USING btree (due)
index shared.outbox.outbox_by_mark: unique USING btree (mark)
index shared.outbox.outbox_by_person: USING btree (person, number)
index shared.outbox.outbox_pkey: unique USING btree (number)
index shared.sessions.sessions_by_ends: USING btree (ends)
index shared.sessions.sessions_by_person: USING btree (person)
index shared.sessions.sessions_pkey: unique USING btree (digest)
index shared.shared_rows.shared_rows_pkey: unique USING btree (kind, id)
index shared.versions.versions_pkey: unique USING btree (version)
table own.gate: r p heap
table own.rows: r p heap
table own.snapshot: r p heap
table own.versions: r p heap
table shared.away: r p heap
table shared.ceremonies: r p heap
table shared.directory: r p heap
table shared.estates: r p heap
table shared.evidence: r p heap
table shared.gate: r p heap
table shared.idempotency: r p heap
table shared.opened: r p heap
table shared.outbox: r p heap
table shared.outbox_number_seq: S p
table shared.sessions: r p heap
table shared.shared_rows: r p heap
table shared.versions: r p heap
""".strip().splitlines()
)
