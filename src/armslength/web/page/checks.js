// The checks, each as docs/formats/bundle.md names it. Every one is made, whatever the others say.

const MOST_FAULTS = 10;

function numbered(count) {
  return Number(count).toLocaleString("en-US");
}

function counted(count, noun) {
  return `${numbered(count)} ${noun}${Number(count) === 1 ? "" : "s"}`;
}

// A check that fails with its faults, or holds with what it found.
function checkOf(name, faults, holds) {
  if (faults.length === 0) return { check: name, outcome: "holds", said: [holds] };
  const more = faults.length - MOST_FAULTS;
  return { check: name, outcome: "fails", said: faults.slice(0, MOST_FAULTS).concat(more > 0 ? [`and ${numbered(more)} faults more`] : []) };
}

function uncheckedOf(name, said) {
  return { check: name, outcome: "unchecked", said: [said].flat() };
}

function algorithmOf(key) {
  return key.algorithm === COSIGNATURE_ML_DSA_44 ? "ML-DSA-44" : "Ed25519";
}

function when(time) {
  const seconds = Number(time);
  return seconds > 0 && seconds < 253402300800 ? `${new Date(seconds * 1000).toISOString().slice(0, 16)}Z` : "no time stated";
}

async function checkSignatures(bundle, policy, now) {
  const name = "signatures";
  if (bundle.origin !== bundle.checkpoint.origin) {
    return checkOf(name, [`the bundle is of "${bundle.origin}", its checkpoint of "${bundle.checkpoint.origin}"`]);
  }
  let found;
  try {
    found = await assess(policy, bundle.note, bundle.origin, now);
  } catch (error) {
    if (error instanceof Unverified) return checkOf(name, [error.message]);
    throw error;
  }
  const valid = found.witnesses.map((each) => each.name);
  const perhaps = valid.concat(found.witnessesUnchecked.map((each) => each.name));
  const ahead = found.ahead.length ? `; from the future, and so not counted: ${found.ahead.join(", ")}` : "";
  const faults = [];
  if (found.logs.length + found.logsUnchecked.length === 0) faults.push(`no key that your policy lists for the log "${bundle.origin}" signed the checkpoint${ahead}`);
  if (!quorumMet(policy, perhaps)) faults.push(`your quorum of witnesses "${octetsAsText(policy.quorum, false)}" is not met${ahead}`);
  if (faults.length) return checkOf(name, faults);
  const said = [];
  if (found.logs.length) said.push(`the log "${bundle.origin}" signed its checkpoint of ${numbered(bundle.checkpoint.size)} entries (Ed25519)`);
  else said.push(`whether the log "${bundle.origin}" signed: this page cannot verify the ${algorithmOf(found.logsUnchecked[0])} signature that is there`);
  const by = found.witnesses.map((each) => `${octetsAsText(each.name, false)} (Ed25519, ${when(each.time)})`).join(", ");
  const met = quorumMet(policy, valid);
  if (!met) said.push(`whether your quorum "${octetsAsText(policy.quorum, false)}" is met: it takes cosignatures that this page cannot verify${by ? `, beside those by ${by}` : ""}`);
  else said.push(by ? `cosigned by ${by}; your quorum "${octetsAsText(policy.quorum, false)}" is met` : "no witness cosigned, and your policy asks for none");
  return found.logs.length && met ? { check: name, outcome: "holds", said } : uncheckedOf(name, said);
}

async function readTail(bundle) {
  const start = bundle.map === null ? 0 : bundle.map.index;
  const faults = [];
  const entries = bundle.tail.map((entry, i) => {
    try {
      return parseEntry(entry);
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      faults.push(`entry ${start + i} of the log cannot be read, so it could be a record of yours: ${error.message}`);
      return null;
    }
  });
  return { start, entries, hashes: await leafHashes(bundle.tail), faults };
}

async function checkLog(bundle, tail) {
  const faults = [...tail.faults];
  const { size, root } = bundle.checkpoint;
  if (digits(tail.start) !== bundle.before.length) faults.push(`the hashes before the tail are not those of ${numbered(tail.start)} entries`);
  else {
    const edge = await extended({ size: tail.start, hashes: bundle.before }, tail.hashes);
    if (BigInt(edge.size) !== size) faults.push(`the tail ends at entry ${numbered(edge.size)}, and the signed checkpoint at ${numbered(size)}`);
    else if (!same(await rootOf(edge), root)) faults.push("the entries shown are not those of the signed checkpoint: their root is another");
  }
  const last = bundle.tail.length === 1 ? "the last" : `the last ${numbered(bundle.tail.length)}`;
  let given = `${last} of the log's ${numbered(size)} entries, none left out, as they were signed`;
  if (bundle.map === null) given = `the whole log, ${numbered(size)} entries, as it was signed`;
  return checkOf("log", faults, `you were given ${given}`);
}

async function checkMap(bundle, tail) {
  const name = "map";
  if (bundle.map === null) return checkOf(name, [], "not needed: you were given the whole log, so your records are found by reading it");
  const head = tail.entries.length ? tail.entries[0] : null;
  if (head === null || head.record) return checkOf(name, [`entry ${numbered(tail.start)} of the log is not a map head`]);
  if (head.size !== tail.start) return checkOf(name, [`the map head at entry ${numbered(tail.start)} covers ${numbered(head.size)} entries, expected all before it`]);
  try {
    const found = await verifyMap(hashOfText(head.root), bundle.customer, bundle.map.proof);
    return checkOf(name, [], `the log's map of entry ${numbered(tail.start)} says that you had ${counted(found === null ? 0 : found.size, "record")} by then`);
  } catch (error) {
    if (!(error instanceof Unverified)) throw error;
    return checkOf(name, [`what the bundle says of you is not what the log's map says: ${error.message}`]);
  }
}

// The records that the map covers and, after them, those of the customer in the tail.
async function readRecords(bundle, tail, saved) {
  const faults = [];
  const records = bundle.leaves.map((leaf, place) => {
    try {
      return parseRecord(leaf);
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      faults.push(`record ${place} cannot be read: ${error.message}`);
      return null;
    }
  });
  const parts = [await leafHashes(bundle.leaves)];
  const covered = records.length;
  tail.entries.forEach((entry, i) => {
    if (entry !== null && entry.record && entry.customer === bundle.handle) {
      records.push(entry);
      parts.push(tail.hashes.subarray(i * HASH, (i + 1) * HASH));
    }
  });
  const hashes = concatenated(parts);
  let last = NO_RECORD;
  records.forEach((record, place) => {
    if (record !== null) {
      if (record.customer !== bundle.handle) faults.push(`record ${place} is of another customer, ${record.customer}`);
      if (record.sequence !== place) faults.push(`the record in place ${place} has the sequence number ${record.sequence}`);
      if (record.previous !== last) faults.push(`record ${place} does not follow on the one before it: the record it names as previous is another`);
    }
    last = textOfHash(hashes, place * HASH);
  });
  return { records, covered, faults, roots: await rootsOf(hashes, [covered, records.length, saved]) };
}

function checkRecords(bundle, shown) {
  const name = "records";
  const leaf = bundle.map === null ? null : bundle.map.proof.leaf;
  if (leaf === null || !same(leaf.customer, bundle.customer)) {
    const faults = shown.covered ? [`${counted(shown.covered, "record")} shown, and the map counts none of yours`] : [];
    return checkOf(name, faults, "none is to be shown besides those at the end of the log");
  }
  if (shown.covered !== leaf.size) return checkOf(name, [`${counted(shown.covered, "record")} shown, and the map counts ${numbered(leaf.size)}`]);
  if (!same(shown.roots.get(leaf.size), leaf.root)) return checkOf(name, ["the records shown are not those that the map counts: their root is another"]);
  return checkOf(name, [], `${counted(leaf.size, "record")} shown, exactly those that the map counts`);
}

function checkChain(shown) {
  const total = shown.records.length;
  let told = total === 0 ? "you have no records yet" : "your record is the first";
  if (total > 1) told = `your ${numbered(total)} records, numbered 0 to ${numbered(total - 1)}, each name the one before; none is missing between`;
  return checkOf("chain", shown.faults, told);
}

const NONE_SAVED = "you gave nothing saved from an earlier verification; save this one, and the next will be held to it";

function checkCustomer(bundle, saved, handle) {
  const given = [...new Set([handle, saved === null ? null : saved.handle].filter((each) => each !== null))];
  if (given.length === 0) return uncheckedOf("customer", `whether ${bundle.handle} is you: compare it with the handle you were given, or enter that above`);
  const faults = given.filter((each) => each !== bundle.handle).map((each) => `the bundle is of ${bundle.handle}, and you are ${each}`);
  return checkOf("customer", faults, `the bundle is yours, of the handle ${bundle.handle}`);
}

function checkSaved(bundle, shown, saved) {
  const name = "saved";
  if (saved === null) return uncheckedOf(name, NONE_SAVED);
  if (saved.origin !== bundle.origin || saved.handle !== bundle.handle) return checkOf(name, ["what you saved is of another log or another customer"]);
  if (saved.records > shown.records.length) {
    return checkOf(name, [`you saved ${numbered(saved.records)} records, and are now shown ${numbered(shown.records.length)}: records are gone, or the bundle is old`]);
  }
  if (!same(shown.roots.get(saved.records), saved.root)) return checkOf(name, [`the first ${numbered(saved.records)} records are not those you saved: their root is another`]);
  return checkOf(name, [], `the ${numbered(saved.records)} records you saved are the first of these, unchanged`);
}

async function checkHistory(bundle, tail, saved) {
  const name = "history";
  if (saved === null) return uncheckedOf(name, NONE_SAVED);
  const old = saved.checkpoint;
  const fresh = bundle.checkpoint;
  if (old.origin !== fresh.origin) return checkOf(name, [`you saved a checkpoint of "${old.origin}", another log`]);
  if (old.size > fresh.size) {
    return checkOf(name, [`you saved a checkpoint of ${numbered(old.size)} entries, and this one has ${numbered(fresh.size)}: the log went back, or the bundle is old`]);
  }
  const split = `the log you saved at ${numbered(old.size)} entries is not the beginning of this one: you were shown two logs`;
  const told = `the log you saved at ${numbered(old.size)} entries is the beginning of this one`;
  const judged = (root) => checkOf(name, same(root, old.root) ? [] : [split], told);
  if (old.size === fresh.size) return judged(fresh.root);
  if (old.size === 0n) return judged(await sha256(new Uint8Array(0)));
  if (old.size >= BigInt(tail.start) && BigInt(tail.start + bundle.tail.length) === fresh.size) {
    if (digits(tail.start) !== bundle.before.length) return checkOf(name, ["the hashes before the tail are not those of a log"]);
    const more = Number(old.size) - tail.start;
    return judged(await rootOf(await extended({ size: tail.start, hashes: bundle.before }, tail.hashes.subarray(0, more * HASH))));
  }
  const found = bundle.consistency.find((each) => BigInt(each.size) === old.size);
  if (found === undefined) {
    // Who made the bundle must not be the one to choose whether this is checked.
    return checkOf(name, [`the bundle holds no proof from ${numbered(old.size)} entries, where you saved the log: ask for a bundle with one`]);
  }
  try {
    await verifyConsistency(old.size, fresh.size, old.root, fresh.root, found.proof);
  } catch (error) {
    if (!(error instanceof Unverified)) throw error;
    return checkOf(name, [`${split}, or the proof is wrong: ${error.message}`]);
  }
  return checkOf(name, [], told);
}
