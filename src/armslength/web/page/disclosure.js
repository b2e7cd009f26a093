// That what is told of the records is what their leaves were made from, and that what is said to be erased was erased.

const FOLD = encoder.encode("armslength/fields/v1\0");

async function committer() {
  const key = await sha256(encoder.encode("armslength/commitment/v1"));
  const hmac = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return async (message) => new Uint8Array(await crypto.subtle.sign("HMAC", hmac, message));
}

// u32 length ‖ opening ‖ u32 length ‖ label ‖ u32 length ‖ value
function committed({ label, opening, value }) {
  const bytes = encoder.encode(value);
  const message = new Uint8Array(12 + HASH + label.length + bytes.length);
  const view = new DataView(message.buffer);
  view.setUint32(0, HASH);
  message.set(opening, 4);
  view.setUint32(36, label.length);
  for (let i = 0; i < label.length; i += 1) message[40 + i] = label.charCodeAt(i);
  view.setUint32(40 + label.length, bytes.length);
  message.set(bytes, 44 + label.length);
  return message;
}

async function foldings(opened) {
  const fields = opened.flatMap((each) => each.fields.filter((field) => field.disclosed));
  const made = await hashAll(fields.length, (i) => committed(fields[i]), await committer());
  let next = 0;
  const messages = opened.map(({ fields: all }) => {
    const message = new Uint8Array(all.reduce((size, { label }) => size + 1 + label.length + HASH, FOLD.length + 4));
    message.set(FOLD);
    new DataView(message.buffer).setUint32(FOLD.length, all.length);
    let at = FOLD.length + 4;
    for (const field of all) {
      message[at] = field.label.length;
      for (let i = 0; i < field.label.length; i += 1) message[at + 1 + i] = field.label.charCodeAt(i);
      at += 1 + field.label.length;
      message.set(field.disclosed ? made.subarray(next * HASH, (next + 1) * HASH) : field.commitment, at);
      at += HASH;
      if (field.disclosed) next += 1;
    }
    return message;
  });
  return hashAll(messages.length, (i) => messages[i]);
}

async function checkDisclosure(bundle, shown) {
  const faults = [];
  const matched = [];
  const count = { disclosed: 0, withheld: 0, erased: 0 };
  const folds = await foldings(bundle.opened);
  bundle.opened.forEach((opened, i) => {
    const record = shown.records[opened.sequence] ?? null;
    if (record === null) faults.push(`something is told of record ${opened.sequence}, which is not among yours`);
    else if (textOfHash(folds, i * HASH) !== record.commitment) faults.push(`what is told of record ${opened.sequence} is not what was recorded`);
    else {
      matched.push({ record, fields: opened.fields });
      for (const field of opened.fields) count[field.disclosed ? "disclosed" : field.erased ? "erased" : "withheld"] += 1;
    }
  });
  const erasures = erasuresOf(matched);
  const unexcused = matched.flatMap(({ record, fields }) => fields
    .filter((field) => field.erased && !erasures.excuse(record, field.label))
    .map((field) => `the field "${field.label}" of record ${record.sequence} is said to be erased, and no erasure of yours covers it`));
  const told = matched.length ? `${counted(count.disclosed, "field")} of ${counted(matched.length, "record")} told, exactly as recorded` : "nothing is told of any record";
  const toldErased = count.erased ? `${counted(count.erased, "field")} erased, covered by an erasure among your records` : "no field is said to be erased";
  const toldOf = new Set(bundle.opened.map((each) => each.sequence));
  const closed = shown.records.filter((_, place) => !toldOf.has(place));
  return {
    ...count,
    openings: checkOf("openings", faults, told),
    erasures: checkOf("erasures", [...erasures.faults, ...unexcused], toldErased),
    closed: closed.length,
    closedErased: closed.filter((record) => record !== null && erasures.whole(record)).length,
  };
}

// The erasures whose scope is told. One covers only earlier records of the same customer, and never another erasure.
function erasuresOf(matched) {
  const faults = [];
  const everything = [];
  const parts = new Map();
  for (const { record, fields } of matched) {
    const scope = record.kind === "erasure" ? fields.find((field) => field.disclosed && field.label === "scope") : undefined;
    if (scope === undefined) continue;
    const listed = parseScope(JSON.parse(scope.value));
    if (listed === null) faults.push(`the erasure in record ${record.sequence} says no scope`);
    else if (listed === "everything") everything.push(record);
    else {
      for (const { sequence, labels } of listed) {
        if (!parts.has(sequence)) parts.set(sequence, []);
        parts.get(sequence).push({ erasure: record, labels });
      }
    }
  }
  const precedes = (record, erasure) => record.kind !== "erasure" && erasure.customer === record.customer && record.sequence < erasure.sequence;
  const covering = (record) => [
    ...everything.slice(-1).map((erasure) => ({ erasure, labels: null })),
    ...(parts.get(record.sequence) ?? []),
  ].filter(({ erasure }) => precedes(record, erasure));
  return {
    faults,
    excuse: (record, label) => covering(record).some(({ labels }) => labels === null || labels.includes(label)),
    whole: (record) => covering(record).some(({ labels }) => labels === null),
  };
}

// "everything", or the records with the labels erased (null: all); null where it is neither.
function parseScope(value) {
  if (value === "everything") return value;
  if (!Array.isArray(value) || value.length === 0) return null;
  let before = -1;
  const found = [];
  for (const item of value) {
    if (!isObject(item) || !Object.keys(item).every((key) => key === "labels" || key === "sequence")) return null;
    if (!isWhole(item.sequence) || item.sequence <= before) return null;
    before = item.sequence;
    const labels = "labels" in item ? item.labels : null;
    if (labels !== null || "labels" in item) {
      if (!Array.isArray(labels) || labels.length === 0) return null;
      if (!labels.every((label, i) => typeof label === "string" && LABEL.test(label) && (i === 0 || labels[i - 1] < label))) return null;
    }
    found.push({ sequence: item.sequence, labels });
  }
  return found;
}
