// Signed notes, checkpoints and keys (c2sp.org/signed-note, tlog-checkpoint, tlog-cosignature): one spelling each.

const ED25519 = 0x01;
const COSIGNATURE_ED25519 = 0x04;
const COSIGNATURE_ML_DSA_44 = 0x06;
const PUBLIC_SIZE = { [ED25519]: 32, [COSIGNATURE_ED25519]: 32, [COSIGNATURE_ML_DSA_44]: 1312 };
const SIGNATURE_SIZE = { [ED25519]: 64, [COSIGNATURE_ED25519]: 64, [COSIGNATURE_ML_DSA_44]: 2420 };
const LARGEST = 2n ** 63n - 1n;
const LARGEST_NOTE = 1 << 20;
const MOST_SIGNATURES = 64;
const CONTROL = /[\u0000-\u0009\u000b-\u001f]/;
const SPACE = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;

function decimal(text, what) {
  const found = /^(?:0|[1-9][0-9]{0,18})$/.test(text) ? BigInt(text) : LARGEST + 1n;
  if (found > LARGEST) throw new Malformed(`${what} "${text.slice(0, 60)}" is not a decimal from 0 to 2^63-1 without sign, space or leading zero`);
  return found;
}

function checkCharacters(text, what) {
  if (CONTROL.test(text)) throw new Malformed(`${what} has a control character; only newline is allowed`);
  if (LONE_SURROGATE.test(text)) throw new Malformed(`${what} is not valid UTF-8`);
}

function checkKeyName(name) {
  if (name === "" || name.includes("+") || SPACE.test(name)) throw new Malformed(`key name "${name.slice(0, 60)}" has to be non-empty, without spaces and plus signs`);
  checkCharacters(name, "key name");
}

function parseNote(whole) {
  checkCharacters(whole, "note");
  if (utf8(whole).length > LARGEST_NOTE) throw new Malformed(`the note has more than ${LARGEST_NOTE} bytes`);
  const blank = whole.lastIndexOf("\n\n");
  if (blank === -1) throw new Malformed("a note has an empty line between its text and its signatures; this has none");
  const lines = whole.slice(blank + 2).split("\n");
  if (lines.pop() !== "" || lines.length === 0) throw new Malformed("signature lines each end in a newline, and there is at least one");
  if (lines.length > MOST_SIGNATURES) throw new Malformed(`${lines.length} signature lines; at most ${MOST_SIGNATURES} are read`);
  return { whole, text: whole.slice(0, blank + 1), signatures: lines.map(parseSignature) };
}

function parseSignature(line) {
  const space = line.indexOf(" ", 2);
  if (!line.startsWith("— ") || space === -1) throw new Malformed(`"${line.slice(0, 60)}" is not a signature line, which is: em dash, key name, base64`);
  const name = line.slice(2, space);
  const data = bytesOfBase64(line.slice(space + 1), "signature");
  checkKeyName(name);
  if (data.length < 5) throw new Malformed("a signature has four bytes of key id and at least one more");
  return { name, id: data.slice(0, 4), blob: data.slice(4) };
}

function parseCheckpoint(text) {
  const lines = text.split("\n");
  if (lines.pop() !== "") throw new Malformed("a checkpoint ends in a newline");
  if (lines.length < 3 || lines.includes("")) throw new Malformed("a checkpoint has at least three lines, origin, size and root hash, none of them empty");
  checkCharacters(lines.join("\n"), "checkpoint");
  return { origin: lines[0], size: decimal(lines[1], "tree size"), root: bytesOfBase64(lines[2], "root hash", HASH) };
}

async function parseKey(text) {
  if (text.startsWith("PRIVATE+KEY+")) throw new Malformed("a private key stands where a verifier key is expected; treat it as disclosed");
  const first = text.indexOf("+");
  const second = text.indexOf("+", first + 1);
  if (first === -1 || second === -1) throw new Malformed("a verifier key is <name>+<id>+<key>, three parts divided by plus signs");
  const name = text.slice(0, first);
  checkKeyName(name);
  const data = bytesOfBase64(text.slice(second + 1), "key");
  const algorithm = data[0];
  if (!(algorithm in PUBLIC_SIZE)) throw new Malformed(`the key of "${name.slice(0, 60)}" has a type other than 0x01, 0x04, 0x06`);
  if (data.length !== 1 + PUBLIC_SIZE[algorithm]) throw new Malformed(`a public key of type 0x0${algorithm} has ${PUBLIC_SIZE[algorithm]} bytes, not ${data.length - 1}`);
  const id = (await sha256(joined(utf8(`${name}\n`), data))).slice(0, 4);
  const hex = Array.from(id, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (hex !== text.slice(first + 1, second)) throw new Malformed(`the key of "${name.slice(0, 60)}" does not have the id that its bytes give`);
  return { name, algorithm, id, public: data.slice(1), label: `${name}+${hex}` };
}

// What a key says of a note: "absent", "valid", or "unchecked" where the browser cannot tell, with the time signed.
// Throws Unverified where the first signature that claims to be by the key is not.
async function signatureBy(note, key) {
  const signature = note.signatures.find((each) => each.name === key.name && same(each.id, key.id));
  if (signature === undefined) return { state: "absent", time: null };
  const stamped = key.algorithm === ED25519 ? 0 : 8;
  if (signature.blob.length !== stamped + SIGNATURE_SIZE[key.algorithm]) throw new Unverified(`the signature by ${key.label} is not laid out as its type asks`);
  const time = stamped ? new DataView(signature.blob.buffer, signature.blob.byteOffset).getBigUint64(0) : null;
  if (time !== null && time > LARGEST) throw new Unverified(`the signature by ${key.label} is not laid out as its type asks`);
  if (key.algorithm === COSIGNATURE_ML_DSA_44) return { state: "unchecked", time };
  const message = utf8(stamped ? `cosignature/v1\ntime ${time}\n${note.text}` : note.text);
  const handle = await ed25519(key.public);
  if (handle === null) return { state: "unchecked", time };
  const valid = await crypto.subtle.verify("Ed25519", handle, signature.blob.slice(stamped), message);
  if (!valid) throw new Unverified(`the signature by ${key.label} does not verify`);
  return { state: "valid", time };
}

// The key for WebCrypto; null in a browser without Ed25519.
async function ed25519(bytes) {
  try {
    return await crypto.subtle.importKey("raw", bytes, "Ed25519", false, ["verify"]);
  } catch (error) {
    if (error.name === "NotSupportedError") return null;
    throw new Unverified("a key of the policy is no Ed25519 key");
  }
}
