// Bytes, base64 in its one spelling, and hashes. Everything below works on Uint8Array; hashes in bulk are one array of 32 bytes each.

const HASH = 32;
const BATCH = 4096;

class Malformed extends Error {}
class Unverified extends Error {}

const encoder = new TextEncoder();
const LONE_SURROGATE = /\p{Surrogate}/u;

function utf8(text) {
  if (LONE_SURROGATE.test(text)) throw new Malformed("a text with half a surrogate pair");
  return encoder.encode(text);
}

function joined(...parts) {
  return concatenated(parts);
}

function concatenated(parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function same(one, other) {
  return one.length === other.length && one.every((byte, i) => byte === other[i]);
}

function big64(number) {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(number));
  return bytes;
}

// base64url of 32 bytes without padding: 43 characters, the last of which has two bits that must be zero

const URL_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const URL_CODE = new Int8Array(128).fill(-1);
for (let i = 0; i < 64; i += 1) URL_CODE[URL_ALPHABET.charCodeAt(i)] = i;
const HASH_TEXT = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;

function hashOfText(text) {
  if (typeof text !== "string") throw new Malformed("expected a text");
  if (!HASH_TEXT.test(text)) throw new Malformed(`"${text.slice(0, 60)}" is not 32 bytes in base64url, unpadded`);
  const bytes = new Uint8Array(HASH);
  let at = 0;
  for (let i = 0; i < 40; i += 4) {
    const bits = (URL_CODE[text.charCodeAt(i)] << 18) | (URL_CODE[text.charCodeAt(i + 1)] << 12)
      | (URL_CODE[text.charCodeAt(i + 2)] << 6) | URL_CODE[text.charCodeAt(i + 3)];
    bytes[at] = bits >> 16;
    bytes[at + 1] = bits >> 8;
    bytes[at + 2] = bits;
    at += 3;
  }
  const rest = (URL_CODE[text.charCodeAt(40)] << 12) | (URL_CODE[text.charCodeAt(41)] << 6) | URL_CODE[text.charCodeAt(42)];
  bytes[30] = rest >> 10;
  bytes[31] = rest >> 2;
  return bytes;
}

function textOfHash(bytes, at = 0) {
  let text = "";
  for (let i = at; i < at + 30; i += 3) {
    const bits = (bytes[i] << 16) | (bytes[i + 1] << 8) | bytes[i + 2];
    text += URL_ALPHABET[bits >> 18] + URL_ALPHABET[(bits >> 12) & 63] + URL_ALPHABET[(bits >> 6) & 63] + URL_ALPHABET[bits & 63];
  }
  const rest = (bytes[at + 30] << 10) | (bytes[at + 31] << 2);
  return text + URL_ALPHABET[rest >> 12] + URL_ALPHABET[(rest >> 6) & 63] + URL_ALPHABET[rest & 63];
}

// base64 with padding, as signed notes have it

function bytesOfBase64(text, what, size) {
  let found = null;
  try {
    found = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  } catch {
    found = null;
  }
  if (found === null || base64OfBytes(found) !== text || (size !== undefined && found.length !== size)) {
    throw new Malformed(`${what} "${text.slice(0, 60)}" is not canonical base64`);
  }
  return found;
}

function base64OfBytes(bytes) {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

// hashes

async function sha256(bytes) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

// The hash of each of `count` messages, one after another in one array. Batches keep the page alive and memory bounded.
async function hashAll(count, message, hash = sha256) {
  const found = new Uint8Array(count * HASH);
  for (let start = 0; start < count; start += BATCH) {
    const end = Math.min(start + BATCH, count);
    const pending = [];
    for (let i = start; i < end; i += 1) pending.push(hash(message(i)));
    const hashes = await Promise.all(pending);
    hashes.forEach((each, i) => found.set(each, (start + i) * HASH));
    await work.did(end - start);
  }
  return found;
}

// How far the work is, for whoever waits: `total` steps are foreseen, and the page draws every now and then.
const work = {
  done: 0,
  total: 0,
  drawn: 0,
  draw: () => {},
  begin(total) {
    this.done = 0;
    this.total = total;
    this.drawn = 0;
  },
  async did(steps) {
    this.done += steps;
    const now = performance.now();
    if (now - this.drawn > 100) {
      this.drawn = now;
      this.draw(this.done, this.total);
      await new Promise((resume) => setTimeout(resume));
    }
  },
};
