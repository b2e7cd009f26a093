// A bundle and a saved file, read from their text (docs/formats/bundle.md) with every problem told and none repaired.

const BUNDLE_FORMAT = "armslength.bundle/v1";
const SAVED_FORMAT = "armslength.saved/v1";
const MOST_BYTES = 500_000_000;
const MOST_SAVED_BYTES = 4_000_000;
const MOST_PROBLEMS = 50;
const LABEL = /^[a-z][a-z0-9_]{0,63}$/;

class NotReadable extends Error {
  constructor(problems) {
    const more = problems.length - MOST_PROBLEMS;
    const told = problems.slice(0, MOST_PROBLEMS).concat(more > 0 ? [`and ${more} problems more`] : []);
    super(told.join("\n"));
    this.problems = told;
  }
}

function textOf(bytes, most) {
  if (bytes.length > most) throw new NotReadable([`${bytes.length} bytes, expected at most ${most}`]);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new NotReadable(["not UTF-8"]);
  }
}

function documentOf(bytes, most) {
  try {
    return readJson(textOf(bytes, most));
  } catch (error) {
    if (error instanceof Malformed) throw new NotReadable([error.message]);
    throw error;
  }
}

class Reading {
  problems = [];

  problem(where, message) {
    this.problems.push(`${where}: ${message}`);
  }

  tried(where, make) {
    try {
      return make();
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      this.problem(where, error.message);
      return null;
    }
  }

  members(value, where, keys, optional = []) {
    if (!isObject(value)) {
      this.problem(where, `expected an object with ${keys.join(", ")}`);
      return null;
    }
    const has = Object.keys(value);
    const missing = keys.filter((key) => !has.includes(key));
    const unknown = has.filter((key) => !keys.includes(key) && !optional.includes(key));
    if (missing.length) this.problem(where, `has no ${missing.join(", ")}`);
    if (unknown.length) this.problem(where, `has the unknown key ${unknown.slice(0, 10).map((key) => key.slice(0, 40)).join(", ")}`);
    return missing.length || unknown.length ? null : value;
  }

  items(value, where) {
    if (Array.isArray(value)) return value;
    this.problem(where, "expected an array");
    return [];
  }

  text(value, where) {
    if (typeof value === "string") return value;
    this.problem(where, "expected a text");
    return null;
  }

  whole(value, where, least = 0, most = SAFE) {
    if (isWhole(value, least, most)) return value;
    this.problem(where, `expected a whole number from ${least} to ${most}`);
    return null;
  }

  hash(value, where) {
    return this.tried(where, () => hashOfText(value));
  }

  hashes(value, where) {
    return this.items(value, where).map((each, i) => this.hash(each, `${where}[${i}]`));
  }

  entries(value, where) {
    const items = this.items(value, where);
    items.forEach((each, i) => {
      if (typeof each !== "string" || LONE_SURROGATE.test(each)) this.problem(`${where}[${i}]`, "expected the text of an entry");
    });
    return items;
  }

  note(value, where) {
    const text = this.text(value, where);
    const note = text === null ? null : this.tried(where, () => parseNote(text));
    const checkpoint = note === null ? null : this.tried(where, () => parseCheckpoint(note.text));
    return checkpoint === null ? null : { note, checkpoint };
  }

  form(value, expected) {
    if (value !== expected) this.problem("format", `expected "${expected}"`);
  }
}

function parseBundle(bytes) {
  const reading = new Reading();
  const keys = ["format", "origin", "customer", "checkpoint", "map", "before", "tail", "leaves", "opened"];
  const given = reading.members(documentOf(bytes, MOST_BYTES), "the bundle", keys, ["consistency"]);
  if (given === null) throw new NotReadable(reading.problems);
  reading.form(given.format, BUNDLE_FORMAT);
  const bundle = {
    origin: reading.text(given.origin, "origin"),
    customer: reading.hash(given.customer, "customer"),
    signed: reading.note(given.checkpoint, "checkpoint"),
    map: given.map === null ? null : mapOf(reading, given.map),
    before: reading.hashes(given.before, "before"),
    tail: reading.entries(given.tail, "tail"),
    leaves: reading.entries(given.leaves, "leaves"),
    opened: openedOf(reading, reading.items(given.opened, "opened")),
    consistency: consistencyOf(reading, reading.items("consistency" in given ? given.consistency : [], "consistency")),
  };
  if (reading.problems.length) throw new NotReadable(reading.problems);
  return { ...bundle, ...bundle.signed, handle: given.customer };
}

function mapOf(reading, value) {
  const given = reading.members(value, "map", ["index", "proof"]);
  if (given === null) return null;
  const index = reading.whole(given.index, "map.index");
  const proof = reading.members(given.proof, "map.proof", ["steps", "leaf"]);
  if (proof === null) return null;
  const steps = reading.items(proof.steps, "map.proof.steps");
  if (steps.length > 256) reading.problem("map.proof.steps", "expected at most 256");
  const found = steps.map((step, i) => {
    const where = `map.proof.steps[${i}]`;
    if (!Array.isArray(step) || step.length !== 2) {
      reading.problem(where, "expected a bit and a hash");
      return null;
    }
    return [reading.whole(step[0], `${where}[0]`, 0, 255), reading.hash(step[1], `${where}[1]`)];
  });
  return { index, proof: { steps: found, leaf: proof.leaf === null ? null : mapLeafOf(reading, proof.leaf) } };
}

function mapLeafOf(reading, value) {
  const where = "map.proof.leaf";
  const given = reading.members(value, where, ["customer", "size", "root"]);
  if (given === null) return null;
  return {
    customer: reading.hash(given.customer, `${where}.customer`),
    size: reading.whole(given.size, `${where}.size`, 1),
    root: reading.hash(given.root, `${where}.root`),
  };
}

function openedOf(reading, items) {
  let before = -1;
  return items.map((item, i) => {
    const where = `opened[${i}]`;
    const given = reading.members(item, where, ["sequence", "fields"]);
    if (given === null) return null;
    const sequence = reading.whole(given.sequence, `${where}.sequence`);
    if (sequence === null) return null;
    if (sequence <= before) reading.problem(`${where}.sequence`, `${sequence} comes after ${before}, expected ascending numbers`);
    before = sequence;
    return { sequence, fields: fieldsOf(reading, reading.items(given.fields, `${where}.fields`), `${where}.fields`) };
  });
}

// {label, opening, value} for a disclosed field, value being its canonical text; {label, commitment, erased} for a closed one.
function fieldsOf(reading, items, where) {
  let before = "";
  return items.map((item, k) => {
    const at = `${where}[${k}]`;
    if (!Array.isArray(item) || item.length < 2 || item.length > 3) {
      reading.problem(at, 'expected [label, opening, value] or [label, {"withheld" or "erased": …}]');
      return null;
    }
    const label = item[0];
    if (typeof label !== "string" || !LABEL.test(label)) {
      reading.problem(`${at}[0]`, "expected a label: [a-z][a-z0-9_]*, at most 64 characters");
      return null;
    }
    if (label <= before) reading.problem(`${at}[0]`, `"${label}" comes after "${before}", expected ascending labels`);
    before = label;
    if (item.length === 3) {
      return { label, opening: reading.hash(item[1], `${at}[1]`), value: reading.tried(`${at}[2]`, () => canonical(item[2])), disclosed: true };
    }
    const closed = isObject(item[1]) ? Object.keys(item[1]) : [];
    if (closed.length !== 1 || !["withheld", "erased"].includes(closed[0])) {
      reading.problem(`${at}[1]`, 'expected {"withheld": commitment} or {"erased": commitment}');
      return null;
    }
    return { label, commitment: reading.hash(item[1][closed[0]], `${at}[1]`), disclosed: false, erased: closed[0] === "erased" };
  });
}

function consistencyOf(reading, items) {
  if (items.length > 10_000) {
    reading.problem("consistency", "expected at most 10,000 proofs");
    return [];
  }
  let before = 0;
  return items.map((item, i) => {
    const where = `consistency[${i}]`;
    const given = reading.members(item, where, ["from", "proof"]);
    if (given === null) return null;
    const size = reading.whole(given.from, `${where}.from`, 1);
    const proof = reading.hashes(given.proof, `${where}.proof`);
    if (size !== null && size <= before) reading.problem(`${where}.from`, `${size} comes after ${before}, expected ascending sizes`);
    before = size ?? before;
    return { size, proof };
  });
}

function parseSaved(bytes) {
  const reading = new Reading();
  const given = reading.members(documentOf(bytes, MOST_SAVED_BYTES), "the file", ["format", "origin", "customer", "checkpoint", "records", "root"]);
  if (given === null) throw new NotReadable(reading.problems);
  reading.form(given.format, SAVED_FORMAT);
  const signed = reading.note(given.checkpoint, "checkpoint");
  const saved = {
    origin: reading.text(given.origin, "origin"),
    customer: reading.hash(given.customer, "customer"),
    records: reading.whole(given.records, "records"),
    root: reading.hash(given.root, "root"),
  };
  if (reading.problems.length) throw new NotReadable(reading.problems);
  return { ...saved, ...signed, handle: given.customer };
}

// The text of what the customer is to save; `indent` as the other verifier writes it.
function formatSaved(saved) {
  return `${JSON.stringify({ format: SAVED_FORMAT, ...saved }, null, 1)}\n`;
}
