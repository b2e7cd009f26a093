// The entries of the main log: records and map heads, each to the byte (docs/formats/record.md).

const KINDS = ["request", "approval", "refusal", "lease", "use", "lease-end", "revocation", "policy-change", "estate-change",
  "people-change", "demand", "demand-decision", "finding", "disposition", "erasure", "key-change", "heartbeat"];
const NO_RECORD = "A".repeat(43);
const H32 = "([A-Za-z0-9_-]{42}[AEIMQUYcgkosw048])";
const RECORD = new RegExp(`^\\{"act":"[A-Za-z0-9_-]{21}[AQgw]","commitment":"${H32}","customer":"${H32}","kind":"([a-z-]+)"`
  + `,"previous":"${H32}","sequence":(0|[1-9][0-9]{0,15}),"time":"([0-9T:Z-]{17})","version":1\\}$`);
const HEAD = new RegExp(`^\\{"customers":(0|[1-9][0-9]{0,15}),"kind":"map","map":"${H32}"`
  + `,"size":(0|[1-9][0-9]{0,15}),"time":"([0-9T:Z-]{17})","version":1\\}$`);

const knownMinutes = new Map();

function isMinute(text) {
  let known = knownMinutes.get(text);
  if (known === undefined) {
    const shape = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}Z$/.test(text) && text >= "1970";
    const moment = shape ? new Date(`${text.slice(0, 16)}:00Z`) : null;
    known = moment !== null && !Number.isNaN(moment.getTime()) && `${moment.toISOString().slice(0, 16)}Z` === text;
    knownMinutes.set(text, known);
  }
  return known;
}

function shortened(text) {
  return `"${text.slice(0, 120)}"`;
}

// Hashes stay text here: most are only compared.
function parseRecord(leaf) {
  const found = RECORD.exec(leaf);
  if (found === null) throw new Malformed(`not the leaf of a record, version 1: ${shortened(leaf)}`);
  const [, commitment, customer, kind, previous, sequence, time] = found;
  if (!KINDS.includes(kind)) throw new Malformed(`unknown kind "${kind}"`);
  if (!isMinute(time)) throw new Malformed(`the time "${time}" is not a minute of the years 1970 to 9999`);
  if (Number(sequence) > SAFE) throw new Malformed(`the sequence number ${sequence} is not between 0 and 2^53 - 1`);
  return { record: true, commitment, customer, kind, previous, sequence: Number(sequence), time };
}

function parseHead(leaf) {
  const found = HEAD.exec(leaf);
  if (found === null) throw new Malformed(`not the leaf of a map head, version 1: ${shortened(leaf)}`);
  const [, customers, root, size, time] = found;
  if (!isMinute(time)) throw new Malformed(`the time "${time}" is not a minute of the years 1970 to 9999`);
  if (Number(customers) > SAFE || Number(size) > SAFE || Number(customers) > Number(size)) throw new Malformed("numbers that no map head can have");
  return { record: false, root, size: Number(size), time };
}

function parseEntry(leaf) {
  return leaf.startsWith('{"customers"') ? parseHead(leaf) : parseRecord(leaf);
}
