// JSON (RFC 8259) read strictly, since JSON.parse takes the last of two equal keys; and its canonical form (RFC 8785).

const DEEPEST = 32;
const SAFE = Number.MAX_SAFE_INTEGER;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?/y;
const SPECIAL = /[\\\u0000-\u001f]/;

function readJson(text) {
  let at = 0;
  let depth = 0;

  function fail(message) {
    throw new Malformed(`not JSON: ${message} at character ${at}`);
  }

  function space() {
    for (;;) {
      const code = text.charCodeAt(at);
      if (code !== 32 && code !== 10 && code !== 13 && code !== 9) return;
      at += 1;
    }
  }

  function string() {
    let end = text.indexOf('"', at + 1);
    while (end !== -1) {
      let slashes = 0;
      while (text.charCodeAt(end - 1 - slashes) === 92) slashes += 1;
      if (slashes % 2 === 0) break;
      end = text.indexOf('"', end + 1);
    }
    if (end === -1) fail("a text without an end");
    const inside = text.slice(at + 1, end);
    let found = inside;
    if (SPECIAL.test(inside)) {
      try {
        found = JSON.parse(text.slice(at, end + 1));
      } catch {
        fail("a text with an escape or control character that is none");
      }
    }
    at = end + 1;
    return found;
  }

  function number() {
    NUMBER.lastIndex = at;
    const found = NUMBER.exec(text);
    if (found === null) fail("something that is no value");
    at += found[0].length;
    return Number(found[0]);
  }

  function literal(word, value) {
    if (!text.startsWith(word, at)) fail("something that is no value");
    at += word.length;
    return value;
  }

  function inside() {
    depth += 1;
    if (depth > DEEPEST) throw new Malformed(`nested too deeply: expected at most ${DEEPEST} objects and arrays in one another`);
    at += 1;
    space();
  }

  function array() {
    inside();
    const found = [];
    if (text[at] === "]") at += 1;
    else {
      for (;;) {
        found.push(value());
        space();
        const next = text[at];
        if (next !== "," && next !== "]") fail("an array that neither goes on nor ends");
        at += 1;
        if (next === "]") break;
        space();
      }
    }
    depth -= 1;
    return found;
  }

  function object() {
    inside();
    const found = Object.create(null);
    if (text[at] === "}") at += 1;
    else {
      for (;;) {
        if (text[at] !== '"') fail("an object without a key where one is expected");
        const key = string();
        if (key in found) throw new Malformed(`the key "${key.slice(0, 80)}" comes twice in one object`);
        space();
        if (text[at] !== ":") fail("a key without a value");
        at += 1;
        space();
        found[key] = value();
        space();
        const next = text[at];
        if (next !== "," && next !== "}") fail("an object that neither goes on nor ends");
        at += 1;
        if (next === "}") break;
        space();
      }
    }
    depth -= 1;
    return found;
  }

  function value() {
    switch (text[at]) {
      case '"': return string();
      case "{": return object();
      case "[": return array();
      case "t": return literal("true", true);
      case "f": return literal("false", false);
      case "n": return literal("null", null);
      default: return number();
    }
  }

  space();
  const found = value();
  space();
  if (at !== text.length) fail("more after the value");
  return found;
}

// The RFC 8785 text of a value. JSON.stringify writes texts and numbers as it asks; only the keys have to be sorted.
function canonical(value) {
  if (typeof value === "string") {
    if (LONE_SURROGATE.test(value)) throw new Malformed("a text with half a surrogate pair");
    return JSON.stringify(value);
  }
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw new Malformed("a number that a double cannot hold");
    return JSON.stringify(value);
  }
  if (value === null || typeof value === "boolean") return String(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  return `{${Object.keys(value).sort().map((key) => `${canonical(key)}:${canonical(value[key])}`).join(",")}}`;
}

function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isWhole(value, least = 0, most = SAFE) {
  return typeof value === "number" && Number.isInteger(value) && value >= least && value <= most;
}
