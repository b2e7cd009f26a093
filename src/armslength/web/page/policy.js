// Whom the customer trusts (c2sp.org/tlog-policy): the log's keys, the witnesses, and the quorum of them.

const LARGEST_POLICY = 1 << 20;
const TOLERANCE = 300n;

// The policy of a file's bytes. Names are opaque octets, so the file is read as one character an octet. Throws Malformed with every problem.
async function parsePolicy(bytes) {
  if (bytes.length > LARGEST_POLICY) throw new Malformed(`the policy has ${bytes.length} bytes; at most ${LARGEST_POLICY} are read`);
  const octets = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  const policy = { logs: [], witnesses: [], groups: [], quorum: null };
  const names = new Set(["none"]);
  const members = new Set();
  const publics = new Set();
  const labels = new Map();
  const problems = [];
  let quorums = 0;

  async function keyOf(kind, text, types) {
    const key = await parseKey(octetsAsText(text));
    if (!types.includes(key.algorithm)) throw new Malformed(`the key of a ${kind} has type ${types.map((type) => `0x0${type}`).join(" or ")}, not 0x0${key.algorithm}`);
    const bytesText = base64OfBytes(key.public);
    if (publics.has(bytesText)) throw new Malformed("another line has the same public key"); // of a log and a witness too
    publics.add(bytesText);
    if ((labels.get(key.label) ?? bytesText) !== bytesText) throw new Malformed(`another key has the same name and id, "${key.label}"`);
    labels.set(key.label, bytesText);
    return key;
  }

  function define(name) {
    if (names.has(name)) throw new Malformed(name === "none" ? 'the name "none" is reserved' : `the name "${name}" is already defined`);
    names.add(name);
  }

  function group(name, threshold, listed) {
    const wrong = [];
    for (const member of listed) {
      if (member === "none" || !names.has(member)) wrong.push(`"${member}" is not defined on a line before`);
      else if (members.has(member)) wrong.push(`"${member}" is already a member of a group`);
      members.add(member);
    }
    let least = threshold === "all" ? listed.length : threshold === "any" ? 1 : 0;
    if (least === 0) {
      least = /^(?:0|[1-9][0-9]{0,8})$/.test(threshold) ? Number(threshold) : 0;
      if (least < 1 || least > listed.length) wrong.push(`threshold "${threshold}" is neither all, any nor within 1 to ${listed.length}`);
    }
    try {
      define(name);
    } catch (error) {
      wrong.push(error.message);
    }
    if (wrong.length) throw new Malformed(wrong.join("; "));
    policy.groups.push({ name, least, members: listed });
  }

  async function line(words) {
    const [word, ...rest] = words;
    if (word === "log" && (rest.length === 1 || rest.length === 2)) policy.logs.push(await keyOf("log", rest[0], [ED25519, COSIGNATURE_ML_DSA_44]));
    else if (word === "witness" && (rest.length === 2 || rest.length === 3)) {
      define(rest[0]);
      policy.witnesses.push({ name: rest[0], key: await keyOf("witness", rest[1], [COSIGNATURE_ED25519, COSIGNATURE_ML_DSA_44]) });
    } else if (word === "group" && rest.length >= 3) group(rest[0], rest[1], rest.slice(2));
    else if (word === "quorum") {
      quorums += 1;
      if (rest.length !== 1) throw new Malformed("expected: quorum <name>, or quorum none");
      if (quorums > 1) throw new Malformed("the quorum is already given");
      if (!names.has(rest[0])) throw new Malformed(`"${rest[0]}" is not defined on a line before`);
      policy.quorum = rest[0];
    } else throw new Malformed(`"${octetsAsText(word, false)}" is not a line of a policy: log, witness, group, quorum or #`);
  }

  const lines = octets.split("\n");
  if (lines.pop() !== "") problems.push("the last line has to end in a newline; the file may be cut short");
  for (const [number, text] of lines.entries()) {
    const words = text.split(/[ \t]+/).filter((word) => word !== "");
    try {
      if (/[\x00-\x08\x0b-\x1f\x7f]/.test(text)) throw new Malformed("has a control character; only tab is allowed");
      if (words.length && !words[0].startsWith("#")) await line(words);
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      problems.push(`line ${number + 1}: ${error.message}`);
    }
  }
  if (quorums === 0) problems.push('there is no quorum line; "quorum none" asks for no cosignature');
  if (problems.length) throw new Malformed(problems.join("\n"));
  return policy;
}

function octetsAsText(octets, strict = true) {
  const bytes = Uint8Array.from(octets, (char) => char.charCodeAt(0));
  try {
    return new TextDecoder("utf-8", { fatal: strict, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Malformed("a key's name is not UTF-8");
  }
}

function quorumMet(policy, cosigned) {
  const standing = new Set([...cosigned, "none"]);
  for (const each of policy.groups) {
    if (each.members.filter((member) => standing.has(member)).length >= each.least) standing.add(each.name);
  }
  return standing.has(policy.quorum);
}

// Who signed the note. Throws Unverified where a listed key's signature is wrong.
async function assess(policy, note, origin, now) {
  const found = { logs: [], logsUnchecked: [], witnesses: [], witnessesUnchecked: [], ahead: [] };
  const limit = BigInt(now) + TOLERANCE;
  for (const key of policy.logs) {
    const { state, time } = await signatureBy(note, key);
    if (state === "absent" || key.name !== origin) continue;
    if (time !== null && time > limit) found.ahead.push(key.label);
    else (state === "valid" ? found.logs : found.logsUnchecked).push(key);
  }
  for (const { name, key } of policy.witnesses) {
    const { state, time } = await signatureBy(note, key);
    if (state === "absent") continue;
    if (time > limit) found.ahead.push(octetsAsText(name, false));
    else (state === "valid" ? found.witnesses : found.witnessesUnchecked).push({ name, time });
  }
  return found;
}
