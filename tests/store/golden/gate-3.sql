-- A gate's database as version 3 made and filled it. Never edited: every later version has to read it.
CREATE TABLE away (person TEXT NOT NULL PRIMARY KEY, start INTEGER NOT NULL, ends INTEGER,
           "by" TEXT NOT NULL) STRICT;
INSERT INTO "away" VALUES('dee',1799990000,NULL,'dee');
CREATE TABLE ceremonies (digest BLOB NOT NULL PRIMARY KEY CHECK (length(digest) = 32), kind TEXT NOT NULL,
           person TEXT, doc BLOB NOT NULL, ends INTEGER NOT NULL) STRICT;
INSERT INTO "ceremonies" VALUES(X'3333333333333333333333333333333333333333333333333333333333333333','enrol','cy',X'7B7D',1800000300);
CREATE TABLE evidence (digest BLOB NOT NULL PRIMARY KEY CHECK (length(digest) = 32), media_type TEXT NOT NULL,
           data BLOB NOT NULL, made INTEGER NOT NULL, kept INTEGER NOT NULL CHECK (kept IN (0, 1))) STRICT;
INSERT INTO "evidence" VALUES(X'2BE23C585F15E5FD3279D0663036DD9F6E634F4225EF326FC83FB874DBB81A0F','text/plain',X'776879',1800000000,1);
CREATE TABLE gate (one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1), origin TEXT NOT NULL) STRICT;
INSERT INTO "gate" VALUES(1,'gate.example.com/acts');
CREATE TABLE idempotency (caller TEXT NOT NULL, key TEXT NOT NULL, body BLOB NOT NULL CHECK (length(body) = 32),
           answer TEXT NOT NULL, ends INTEGER NOT NULL, PRIMARY KEY (caller, key)) STRICT;
INSERT INTO "idempotency" VALUES('web-1','key',X'3131313131313131313131313131313131313131313131313131313131313131','req_1',1800086400);
CREATE TABLE opened (request TEXT NOT NULL, person TEXT NOT NULL,
           digest BLOB NOT NULL REFERENCES evidence (digest) ON DELETE CASCADE, at INTEGER NOT NULL,
           PRIMARY KEY (request, person, digest)) STRICT;
INSERT INTO "opened" VALUES('req_1','bo',X'2BE23C585F15E5FD3279D0663036DD9F6E634F4225EF326FC83FB874DBB81A0F',1800000002);
CREATE TABLE outbox (number INTEGER NOT NULL PRIMARY KEY, mark TEXT NOT NULL, kind TEXT NOT NULL, person TEXT,
           body BLOB NOT NULL, made INTEGER NOT NULL, due INTEGER, tries INTEGER NOT NULL, problem TEXT, sent INTEGER, seal BLOB) STRICT;
INSERT INTO "outbox" VALUES(1,'lease_1','lease','bo',X'7B7D',1800000000,1800000060,1,'no answer',NULL,NULL);
CREATE TABLE rows (kind TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL CHECK (version > 0),
           doc BLOB NOT NULL, person TEXT, status TEXT, due INTEGER, act BLOB CHECK (length(act) = 16), claimed INTEGER,
           PRIMARY KEY (kind, id), CHECK ((act IS NULL) = (claimed IS NULL))) STRICT;
INSERT INTO "rows" VALUES('lease','lease_1',3,X'7B7D','ana','live',1800003600,NULL,NULL);
INSERT INTO "rows" VALUES('request','req_1',1,X'7B7D','ana','waiting',1800000000,X'61616161616161616161616161616161',1800000001);
CREATE TABLE sessions (digest BLOB NOT NULL PRIMARY KEY CHECK (length(digest) = 32), person TEXT NOT NULL,
           made INTEGER NOT NULL, seen INTEGER NOT NULL, idle INTEGER NOT NULL, ends INTEGER NOT NULL) STRICT;
INSERT INTO "sessions" VALUES(X'3232323232323232323232323232323232323232323232323232323232323232','bo',1800000000,1800000005,1800,1800043200);
CREATE TABLE snapshot (one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1), position INTEGER NOT NULL,
           mac BLOB NOT NULL, state BLOB NOT NULL) STRICT;
INSERT INTO "snapshot" VALUES(1,7,X'6D6163',X'7374617465');
CREATE TABLE versions (version INTEGER NOT NULL PRIMARY KEY) STRICT;
INSERT INTO "versions" VALUES(1);
INSERT INTO "versions" VALUES(2);
CREATE INDEX rows_by_person ON rows (kind, person, status);
CREATE INDEX rows_by_due ON rows (kind, due);
CREATE INDEX opened_by_digest ON opened (digest);
CREATE INDEX idempotency_by_ends ON idempotency (ends);
CREATE INDEX sessions_by_person ON sessions (person);
CREATE INDEX sessions_by_ends ON sessions (ends);
CREATE INDEX ceremonies_by_ends ON ceremonies (ends);
CREATE UNIQUE INDEX outbox_by_mark ON outbox (mark);
CREATE INDEX outbox_by_due ON outbox (due);
CREATE INDEX outbox_by_person ON outbox (person, number);
PRAGMA application_id=1098018124;
CREATE TABLE directory (directory TEXT NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,
           external TEXT NOT NULL, stamp INTEGER NOT NULL, doc BLOB NOT NULL, mac BLOB NOT NULL,
           PRIMARY KEY (directory, id)) STRICT;
CREATE INDEX directory_by_kind ON directory (directory, kind, id);
CREATE INDEX directory_by_name ON directory (directory, kind, name);
CREATE INDEX directory_by_external ON directory (directory, kind, external);
CREATE INDEX directory_by_stamp ON directory (directory, stamp);
INSERT INTO "directory" VALUES('okta','u1','user','bo@example.com','bo',1799990000,X'7B7D',X'6D6163');
INSERT INTO "versions" VALUES(3);
