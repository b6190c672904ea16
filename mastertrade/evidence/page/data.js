"use strict";

// The evidence that stands in the page, unpacked into objects that know one another.
//
//   control   what evidence.json says of it, with `verdicts` and `requirements` ({framework, requirement})
//   resource  urn, type, name, region, source, and `verdicts`
//   verdict   control, resource, state, message, findings, waiver (or null)

const STATES = ["fail", "unknown", "waived", "pass", "not applicable"]; // what needs a reader comes first
const SEVERITIES = ["critical", "high", "medium", "low"];

function embedded(id) {
  return JSON.parse(document.getElementById(id).textContent);
}

/** Verdicts, controls and resources of a packed document: all of what `packing.py` wrote, or its states alone. */
function unpackedVerdicts(packed) {
  const text = (number) => packed.strings[number];
  const byUrn = new Map();
  const resources = packed.resources.map(([stem, type, name, region, source, whole]) => {
    const urn = whole === undefined ? `${text(stem)}${text(type)}::${text(name)}` : text(whole);
    const resource = { urn, type: text(type), name: text(name), region: text(region), source: text(source), verdicts: [] };
    return byUrn.get(urn) ?? (byUrn.set(urn, resource), resource);
  });
  const controls = packed.controls.map((each) => ({ ...each, verdicts: [], requirements: [] }));
  const columns = packed.verdicts;
  const verdicts = columns.control.map((number, index) => {
    const control = controls[number];
    const resource = resources[columns.resource[index]];
    const verdict = { control, resource, state: packed.states[columns.state[index]], message: "", findings: [], waiver: null };
    control.verdicts.push(verdict);
    resource.verdicts.push(verdict);
    return verdict;
  });
  return { controls, resources: [...byUrn.values()], verdicts };
}

function unpacked(packed) {
  const text = (number) => packed.strings[number];
  const { controls, resources, verdicts } = unpackedVerdicts(packed);
  packed.verdicts.message.forEach((number, index) => (verdicts[index].message = text(number)));
  for (const [index, property, found, wanted] of packed.findings) {
    verdicts[index].findings.push({ property: text(property), found: text(found), wanted: text(wanted) });
  }
  const waivers = packed.waivers.map((row) => {
    const [resource, owner, reason, ticket, accepted, expires] = row.map(text);
    return { resource, owner, reason, ticket, accepted, expires };
  });
  for (const [index, number] of packed.waived) verdicts[index].waiver = waivers[number];
  const controlById = new Map(controls.map((each) => [each.id, each]));
  const frameworks = packed.frameworks.map((framework) => ({
    ...framework,
    requirements: framework.requirements.map((each) => ({
      ...each,
      controls: each.controls.map((id) => controlById.get(id)).filter(Boolean),
    })),
  }));
  for (const framework of frameworks) {
    for (const requirement of framework.requirements) {
      for (const control of requirement.controls) control.requirements.push({ framework, requirement });
    }
  }
  return {
    project: packed.project,
    stack: packed.stack,
    mode: packed.mode,
    commit: packed.commit,
    compliant: packed.compliant,
    packs: packed.packs,
    unjudged: Object.entries(packed.unjudged),
    controls,
    controlById,
    frameworks,
    resources,
    resourceByUrn: new Map(resources.map((each) => [each.urn, each])),
    verdicts,
    regions: [...new Set(resources.map((each) => each.region))].sort(),
  };
}

/** How many verdicts have each state, in the order of STATES. */
function counted(verdicts) {
  const counts = new Map(STATES.map((state) => [state, 0]));
  for (const { state } of verdicts) counts.set(state, counts.get(state) + 1);
  return counts;
}

/** Verdicts in groups, each state counted. `keyOf` gives a group of a verdict, or several. */
function countedBy(verdicts, keys, keyOf) {
  const groups = new Map(keys.map((key) => [key, counted([])]));
  for (const verdict of verdicts) {
    for (const key of [keyOf(verdict)].flat()) {
      const counts = groups.get(key);
      counts?.set(verdict.state, counts.get(verdict.state) + 1);
    }
  }
  return groups;
}

/** Verdicts of the controls that serve a requirement or a whole framework, each once. */
function verdictsServing(requirements) {
  return [...new Set(requirements.flatMap((each) => each.controls))].flatMap((control) => control.verdicts);
}

/** A requirement is as good as the worst of what is said under it. */
function statusOf(requirement) {
  if (!requirement.controls.length) return "not covered";
  const states = new Set(requirement.controls.flatMap((control) => control.verdicts.map((each) => each.state)));
  return STATES.find((state) => states.has(state)) ?? "nothing to judge";
}
const STATUSES = [...STATES, "nothing to judge", "not covered"];

/** What keeps the stack from compliance. */
function failuresOf(model) {
  return model.verdicts.filter((each) => (each.state === "fail" || each.state === "unknown") && each.control.enforcement === "mandatory");
}

/** Each waiver once for each control that it is about: {control, waiver, verdicts}, the one that ends first before others. */
function waiversOf(verdicts) {
  const found = new Map();
  for (const verdict of verdicts) {
    if (!verdict.waiver) continue;
    const key = JSON.stringify([verdict.control.id, verdict.waiver]);
    if (!found.has(key)) found.set(key, { control: verdict.control, waiver: verdict.waiver, verdicts: [] });
    found.get(key).verdicts.push(verdict);
  }
  return [...found.values()].sort((one, other) => (one.waiver.expires < other.waiver.expires ? -1 : 1));
}

/** Whole days until a waiver is over: 0 on its last day, negative afterwards. NaN if the date is none. */
function daysLeft(expires, today = new Date()) {
  const midnight = Date.UTC(today.getFullYear(), today.getMonth(), today.getDate());
  return Math.round((Date.parse(`${expires}T00:00:00Z`) - midnight) / 86400000);
}
