// The verdict on a bundle: every check, the records by kind, and what no check can show.

const NEVER_LOGGED = "an act that was never logged: no log can show one; data planted so that you would notice its use, a canary, can";

// `files` are bytes: {bundle, policy, saved or null}; `handle` the customer's own or null; `now` POSIX seconds.
// Throws NotReadable, with the file's name before each problem.
async function verify(files, handle, now) {
  const policy = await named("policy", () => parsePolicy(files.policy));
  const saved = files.saved === null ? null : await named("saved file", () => parseSaved(files.saved));
  if (handle !== null) await named("handle", () => hashOfText(handle));
  const bundle = await named("bundle", () => parseBundle(files.bundle));
  const fields = bundle.opened.reduce((sum, each) => sum + each.fields.length, 0);
  work.begin(2 * (bundle.tail.length + bundle.leaves.length) + fields + bundle.opened.length);
  const tail = await readTail(bundle);
  const shown = await readRecords(bundle, tail, saved === null ? 0 : saved.records);
  const disclosure = await checkDisclosure(bundle, shown);
  const checks = [
    await checkSignatures(bundle, policy, now),
    await checkLog(bundle, tail),
    await checkMap(bundle, tail),
    checkRecords(bundle, shown),
    checkChain(shown),
    checkCustomer(bundle, saved, handle),
    checkSaved(bundle, shown, saved),
    await checkHistory(bundle, tail, saved),
    disclosure.openings,
    disclosure.erasures,
  ];
  const outcome = (name) => checks.find((each) => each.check === name).outcome;
  const fails = checks.some((each) => each.outcome === "fails");
  const verdict = fails ? "fails" : outcome("signatures") === "unchecked" ? "unchecked" : "holds";
  const linked = saved === null || (outcome("saved") === "holds" && outcome("history") === "holds");
  const total = shown.records.length;
  return {
    verdict,
    origin: bundle.origin,
    customer: bundle.handle,
    size: String(bundle.checkpoint.size),
    checks,
    records: kindsOf(shown.records),
    unshown: unshownOf(bundle, policy, tail, shown, disclosure),
    worthSaving: verdict === "holds" && linked
      ? { origin: bundle.origin, customer: bundle.handle, checkpoint: bundle.note.whole, records: total, root: textOfHash(shown.roots.get(total)) }
      : null,
  };
}

async function named(name, make) {
  try {
    return await make();
  } catch (error) {
    if (!(error instanceof Malformed || error instanceof NotReadable)) throw error;
    throw new NotReadable(error.message.split("\n").map((line) => `the ${name}: ${line}`));
  }
}

function kindsOf(records) {
  const found = new Map();
  for (const record of records) {
    if (record === null) continue;
    const kind = found.get(record.kind) ?? { kind: record.kind, records: 0, first: record.time, last: record.time };
    kind.records += 1;
    if (record.time < kind.first) kind.first = record.time;
    if (record.time > kind.last) kind.last = record.time;
    found.set(record.kind, kind);
  }
  return KINDS.filter((kind) => found.has(kind)).map((kind) => found.get(kind));
}

function unshownOf(bundle, policy, tail, shown, disclosure) {
  const found = [NEVER_LOGGED];
  const newest = tail.entries.reduce((last, entry) => (entry !== null && entry.time > last ? entry.time : last), "");
  if (newest) found.push(`what was logged after ${newest}, the time of the newest entry: ask for a bundle again`);
  if (bundle.map !== null) {
    found.push("that the log's map counts every record of yours: monitors check that, by making it again from the whole log, which is public; "
      + "given the whole log in place of the map, this verifier checks it itself");
  }
  if (policy.quorum === "none") found.push("that others are shown the same log: your policy asks for no witness");
  const post = [...policy.logs, ...policy.witnesses.map((each) => each.key)].filter((key) => key.algorithm === COSIGNATURE_ML_DSA_44
    && bundle.note.signatures.some((each) => each.name === key.name && same(each.id, key.id)));
  if (post.length) found.push(`that ${counted(post.length, "ML-DSA-44 signature")} of the checkpoint by keys of your policy hold: no browser can verify those yet; the command armslength verify does`);
  if (disclosure.withheld) found.push(`what ${counted(disclosure.withheld, "withheld field")} say; that they exist is certain`);
  if (disclosure.closed) {
    const erased = disclosure.closedErased ? `, ${numbered(disclosure.closedErased)} of them erased` : "";
    found.push(`what ${numbered(disclosure.closed)} of your ${numbered(shown.records.length)} records say: nothing of them is told${erased}`);
  }
  if (disclosure.erased) found.push(`what ${counted(disclosure.erased, "erased field")} said: nobody can show that any more`);
  return found;
}
