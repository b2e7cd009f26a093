// Trees (RFC 6962): leaf hashes, the edge by which a tree grows, and proofs that one tree is the beginning of another.

function leafHashes(entries) {
  return hashAll(entries.length, (i) => encoder.encode(`\0${entries[i]}`));
}

async function nodeHash(left, right) {
  return sha256(joined(Uint8Array.of(1), left, right));
}

function parents(row) {
  return hashAll(Math.floor(row.length / HASH / 2), (i) => joined(Uint8Array.of(1), row.subarray(i * 2 * HASH, (i + 1) * 2 * HASH)));
}

// How many perfect subtrees a tree of this size ends in: the binary digits 1 of the size.
function digits(size) {
  return BigInt(size).toString(2).replaceAll("0", "").length;
}

// The edge after the leaf hashes in `row` are appended: {size, hashes}, one hash for each perfect subtree, the largest first.
async function extended(edge, row) {
  let size = edge.size;
  const hashes = [...edge.hashes];
  const fresh = [];
  let level = row;
  while (level.length) {
    if (size % 2 === 1) level = joined(hashes.pop(), level);
    if ((level.length / HASH) % 2 === 1) fresh.push(level.slice(level.length - HASH));
    level = await parents(level);
    size = Math.floor(size / 2);
  }
  return { size: edge.size + row.length / HASH, hashes: [...hashes, ...fresh.reverse()] };
}

async function rootOf(edge) {
  const rest = [...edge.hashes];
  if (rest.length === 0) return sha256(new Uint8Array(0));
  let root = rest.pop();
  while (rest.length) root = await nodeHash(rest.pop(), root);
  return root;
}

// The roots of the trees over the first hashes of `row`, for each size that there are enough for.
async function rootsOf(row, sizes) {
  const found = new Map([[0, await sha256(new Uint8Array(0))]]);
  let edge = { size: 0, hashes: [] };
  for (const size of [...sizes].sort((one, other) => one - other)) {
    if (size > edge.size && size <= row.length / HASH) {
      edge = await extended(edge, row.subarray(edge.size * HASH, size * HASH));
      found.set(size, await rootOf(edge));
    }
  }
  return found;
}

// RFC 9162, 2.1.4.2, for 0 < old < fresh. Throws Unverified.
async function verifyConsistency(old, fresh, oldRoot, freshRoot, proof) {
  const path = [...proof];
  if ((old & (old - 1n)) === 0n) path.unshift(oldRoot);
  if (path.length === 0) throw new Unverified("the proof is empty");
  let first = old - 1n;
  let last = fresh - 1n;
  while (first & 1n) {
    first >>= 1n;
    last >>= 1n;
  }
  let oldFound = path[0];
  let freshFound = path[0];
  for (const other of path.slice(1)) {
    if (last === 0n) throw new Unverified("the proof is too long");
    if ((first & 1n) === 1n || first === last) {
      oldFound = await nodeHash(other, oldFound);
      freshFound = await nodeHash(other, freshFound);
      while ((first & 1n) === 0n && first !== 0n) {
        first >>= 1n;
        last >>= 1n;
      }
    } else freshFound = await nodeHash(freshFound, other);
    first >>= 1n;
    last >>= 1n;
  }
  if (last !== 0n) throw new Unverified("the proof is too short");
  if (!same(oldFound, oldRoot) || !same(freshFound, freshRoot)) throw new Unverified("the proof does not lead to both roots");
}

// What the map with this root says of a handle: {size, root} or null, proven absent. Throws Unverified (docs/formats/map.md).
async function verifyMap(root, handle, proof) {
  const leaf = proof.leaf;
  if (leaf === null) {
    if (proof.steps.length || !same(root, await sha256(new Uint8Array(0)))) throw new Unverified("the proof says that the map is empty, and the map's root that it is not");
    return null;
  }
  const bitOf = (bytes, bit) => (bytes[bit >> 3] >> (7 - (bit & 7))) & 1;
  let node = await sha256(joined(new Uint8Array(1), leaf.customer, big64(leaf.size), leaf.root));
  let below = 256;
  for (const [bit, other] of [...proof.steps].reverse()) {
    if (bit >= below) throw new Unverified("the steps of the proof are not bits in ascending order");
    below = bit;
    const side = bitOf(handle, bit);
    if (bitOf(leaf.customer, bit) !== side) throw new Unverified(`the leaf of the proof stands on the side where bit ${bit} of its handle is not`);
    const head = Uint8Array.of(1, bit >> 8, bit & 255);
    node = await sha256(side ? joined(head, other, node) : joined(head, node, other));
  }
  if (!same(node, root)) throw new Unverified("the proof does not lead to the map's root");
  return same(leaf.customer, handle) ? leaf : null;
}
