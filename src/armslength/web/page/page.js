// The page itself: reads what was chosen, verifies, and shows the verdict. Every text is set as text, never as markup.

const TITLES = {
  signatures: "The signatures: is this the state of the log, seen by your witnesses?",
  log: "The log: is its end complete?",
  map: "The map: how many records does the log say you have?",
  records: "Your records: are they those?",
  chain: "Their chain: does each follow on the one before?",
  customer: "Is the bundle yours?",
  saved: "What you saved: is it still there?",
  history: "The log since then: does it only grow?",
  openings: "What is told: is it what was recorded?",
  erasures: "What is erased: does an erasure say so?",
};
const WORDS = { holds: "Holds", fails: "Fails", unchecked: "Not checked" };
const CONCLUSIONS = {
  holds: (found) => [`It holds`, `You were shown all ${counted(totalOf(found), "record")} about ${isTheirs(found) ? "you" : "this handle"} in this log of ${numbered(found.size)} entries.`],
  fails: (found) => ["It does not hold", `${counted(found.checks.filter((each) => each.outcome === "fails").length, "check")} failed. Do not rely on this bundle, and keep it: it may be evidence.`],
  unchecked: () => ["Not checked", "Nothing failed, but this page cannot verify the signatures that your policy asks for. The command armslength verify can."],
};

const byId = (id) => document.getElementById(id);
let worthSaving = null;

function isTheirs(found) {
  return found.checks.some((each) => each.check === "customer" && each.outcome === "holds");
}

function totalOf(found) {
  return found.records.reduce((sum, each) => sum + each.records, 0);
}

function element(name, text = "", classes = "") {
  const made = document.createElement(name);
  made.textContent = text;
  made.className = classes;
  return made;
}

async function chosen(id) {
  const [file] = byId(id).files;
  return file === undefined ? null : new Uint8Array(await file.arrayBuffer());
}

async function given() {
  const pasted = byId("policy-text").value;
  const policy = (await chosen("policy")) ?? (pasted.trim() ? encoder.encode(pasted.endsWith("\n") ? pasted : `${pasted}\n`) : null);
  const bundle = await chosen("bundle");
  const missing = [];
  if (bundle === null) missing.push("Choose the bundle.");
  if (policy === null) missing.push("Choose the policy, or paste it.");
  if (missing.length) throw new NotReadable(missing);
  return { bundle, policy, saved: await chosen("saved") };
}

async function run() {
  byId("problems").replaceChildren();
  byId("result").hidden = true;
  byId("verify").disabled = true;
  byId("status").textContent = "Reading the files …";
  try {
    const files = await given();
    await new Promise((resume) => setTimeout(resume, 20));
    const handle = byId("handle").value.trim();
    show(await verify(files, handle === "" ? null : handle, Math.floor(Date.now() / 1000)));
  } catch (error) {
    byId("status").textContent = "";
    const problems = error instanceof NotReadable ? error.problems : [`the page failed: ${error.message}`];
    byId("problems").replaceChildren(...problems.map((each) => element("p", each, "problem")));
  } finally {
    byId("verify").disabled = false;
    byId("progress").hidden = true;
  }
}

work.draw = (done, total) => {
  const percent = Math.min(99, Math.floor((100 * done) / total));
  byId("progress").hidden = false;
  byId("progress").value = percent;
  // A screen reader would read out each change, so the words change in quarters only.
  byId("status").textContent = `Verifying … ${percent - (percent % 25)} %`;
};

function show(found) {
  const [head, said] = CONCLUSIONS[found.verdict](found);
  byId("verdict").textContent = head;
  byId("verdict").className = found.verdict;
  byId("verdict-said").textContent = said;
  byId("facts").replaceChildren(...[["Log", found.origin], ["Entries", numbered(found.size)], ["Your handle", found.customer]]
    .flatMap(([name, value]) => [element("dt", name), element("dd", value)]));
  byId("checks").replaceChildren(...found.checks.map(checkItem));
  byId("records").replaceChildren(recordsTable(found));
  byId("unshown").replaceChildren(...found.unshown.map((each) => element("li", each)));
  worthSaving = found.worthSaving;
  byId("keep").hidden = worthSaving === null;
  byId("result").hidden = false;
  byId("result").dataset.verdict = found.verdict;
  byId("status").textContent = `Done. ${head}.`;
  byId("verdict").focus();
}

function checkItem(check) {
  const item = element("li");
  item.dataset.check = check.check;
  item.dataset.outcome = check.outcome;
  const words = element("div");
  words.append(element("h4", TITLES[check.check]), ...check.said.map((each) => element("p", each)));
  item.append(element("span", WORDS[check.outcome], `badge ${check.outcome}`), words);
  return item;
}

function recordsTable(found) {
  if (found.records.length === 0) return element("p", "None.");
  const table = element("table");
  const head = table.createTHead().insertRow();
  for (const [name, classes] of [["Kind", ""], ["Records", "number"], ["First", ""], ["Last", ""]]) {
    const cell = element("th", name, classes);
    cell.scope = "col";
    head.append(cell);
  }
  const body = table.createTBody();
  for (const each of found.records) {
    const row = body.insertRow();
    const kind = element("th", each.kind);
    kind.scope = "row";
    row.append(kind, element("td", numbered(each.records), "number"), element("td", each.first), element("td", each.last));
  }
  return table;
}

function save() {
  const link = element("a");
  link.download = "armslength.saved.json";
  link.href = URL.createObjectURL(new Blob([formatSaved(worthSaving)], { type: "application/json" }));
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

byId("files").addEventListener("submit", (event) => {
  event.preventDefault();
  run();
});
byId("save").addEventListener("click", save);
