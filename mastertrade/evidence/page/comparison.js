// What changed since earlier evidence, and since when each verdict has been as it is.
//
//   snapshot  commit (or null), label, controls (ID to control), verdicts (key to {control, resource, state})

const keyOf = (verdict) => (verdict.key ??= JSON.stringify([verdict.control.id, verdict.resource.urn]));

function snapshotOf(packed) {
  const { controls, verdicts } = unpackedVerdicts(packed);
  return {
    commit: packed.commit,
    label: packed.commit ? packed.commit.id : "no commit",
    controls: new Map(controls.map((each) => [each.id, each])),
    verdicts: new Map(verdicts.map((each) => [keyOf(each), each])),
  };
}

/** The snapshot of an evidence.json that the reader chose. Throws an Error whose text is for the reader. */
function snapshotOfFile(text, model) {
  const evidence = parsedEvidence(text);
  if (evidence.project !== model.project || evidence.stack !== model.stack) {
    throw new Error(
      `is of ${evidence.project} ${evidence.stack}; allowed: evidence of ${model.project} ${model.stack}, which this page is about`,
    );
  }
  const controls = new Map(evidence.controls.map((each) => [each.id, each]));
  const verdicts = new Map();
  for (const each of evidence.verdicts) {
    const { urn, type, name, region, source } = each;
    const verdict = { control: controls.get(each.control), resource: { urn, type, name, region, source }, state: each.state };
    verdicts.set(keyOf(verdict), verdict);
  }
  return { commit: evidence.commit, label: evidence.commit ? evidence.commit.id : "no commit", controls, verdicts };
}

function parsedEvidence(text) {
  let evidence;
  try {
    evidence = JSON.parse(text);
  } catch {
    throw new Error("is no whole JSON document; allowed: an evidence.json that `mastertrade audit --out` wrote");
  }
  const isText = (value) => typeof value === "string";
  const ids = new Set(Array.isArray(evidence?.controls) ? evidence.controls.map((each) => each?.id) : []);
  const commit = evidence?.commit;
  const isEvidence =
    evidence?.format === 1 &&
    isText(evidence.project) &&
    isText(evidence.stack) &&
    (commit === null || (isText(commit?.id) && isText(commit.date))) &&
    Array.isArray(evidence.controls) &&
    evidence.controls.every((each) => ["id", "title", "pack", "severity", "enforcement"].every((key) => isText(each?.[key]))) &&
    Array.isArray(evidence.verdicts) &&
    evidence.verdicts.every(
      (each) =>
        ["urn", "type", "name", "region", "source"].every((key) => isText(each?.[key])) &&
        ids.has(each.control) &&
        STATES.includes(each.state),
    );
  if (!isEvidence) throw new Error("is no evidence of format 1; allowed: an evidence.json that `mastertrade audit --out` wrote");
  return evidence;
}

/** The newest first, as far as dates are known. */
function inOrder(snapshots) {
  const when = (snapshot) => Date.parse(snapshot.commit?.date ?? "") || 0;
  return [...snapshots].sort((one, other) => when(other) - when(one));
}

/** The oldest snapshot since which, without a break, a verdict has been as it is; null if the newest already says otherwise. */
function unchangedSince(verdict, history) {
  let since = null;
  for (const snapshot of history) {
    if (snapshot.verdicts.get(keyOf(verdict))?.state !== verdict.state) break;
    since = snapshot;
  }
  return since;
}

const RANK = { pass: 0, "not applicable": 0, waived: 1, unknown: 2, fail: 3 };
const KINDS = ["worse", "better", "other", "new", "gone"];

/** Verdicts that differ: {kind, before, after, control, resource}; a state is null where there was or is no verdict. */
function changesSince(snapshot, model) {
  const changes = [];
  const present = new Set();
  for (const verdict of model.verdicts) {
    const key = keyOf(verdict);
    present.add(key);
    const before = snapshot.verdicts.get(key)?.state ?? null;
    if (before === verdict.state) continue;
    const step = before && RANK[verdict.state] - RANK[before];
    const kind = before === null ? "new" : step > 0 ? "worse" : step < 0 ? "better" : "other";
    changes.push({ kind, before, after: verdict.state, control: verdict.control, resource: verdict.resource, verdict });
  }
  for (const [key, { control, resource, state }] of snapshot.verdicts) {
    if (!present.has(key)) changes.push({ kind: "gone", before: state, after: null, control, resource, verdict: null });
  }
  return changes;
}

/** Controls that came, went, or are enforced otherwise: {control, before, after}, each `enforcement` or null. */
function controlChangesSince(snapshot, model) {
  const changes = [];
  for (const control of model.controls) {
    const before = snapshot.controls.get(control.id)?.enforcement ?? null;
    if (before !== control.enforcement) changes.push({ control, before, after: control.enforcement });
  }
  for (const [id, control] of snapshot.controls) {
    if (!model.controlById.has(id)) changes.push({ control, before: control.enforcement, after: null });
  }
  return changes;
}
