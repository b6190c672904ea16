// What the address says: which view, and which verdicts are selected.

const NO_REGION = "none"; // in the address, of what belongs to no region

/** `#/control/enc-x?state=fail` is {path: ["control", "enc-x"], query}. The last part of a path may hold slashes: URNs do. */
function parsedAddress(hash) {
  const [, path = "", query = ""] = /^#?\/?([^?]*)\??(.*)$/s.exec(hash);
  const slash = path.indexOf("/");
  const view = slash < 0 ? path : path.slice(0, slash);
  const rest = slash < 0 ? [] : view === "framework" ? path.slice(slash + 1).split("/") : [path.slice(slash + 1)];
  return { path: [view, ...rest].map(decoded), query: new URLSearchParams(query) };
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part; // typed by hand, with a per cent sign that means itself
  }
}

/** The address of a view. Slashes and colons stay readable in the last part of a path. */
function address(path, query = {}) {
  const parts = path.map((part, index) =>
    path[0] !== "framework" && index ? encodeURI(part).replace(/[?#]/g, encodeURIComponent) : encodeURIComponent(part),
  );
  const asked = new URLSearchParams();
  for (const [key, value] of query instanceof URLSearchParams ? query : Object.entries(query)) if (value) asked.set(key, value);
  const said = asked.toString().replaceAll("%2C", ",");
  return `#/${parts.join("/")}${said ? `?${said}` : ""}`;
}

function wordsOf(query) {
  return (query.get("q") ?? "").toLowerCase().split(/\s+/).filter(Boolean);
}

const contains = (words, ...texts) => words.every((word) => texts.some((text) => text.toLowerCase().includes(word)));

/** Verdicts for which every filter of the address holds but that of states. Each word may stand in the control, the resource or what was found. */
function selected(model, query) {
  const region = query.get("region");
  const allowed = new Set(selectedControls(model, query));
  const words = wordsOf(query);
  // a word is looked for once in each control and resource, not in each verdict
  const ofControl = words.map((word) => new Set(model.controls.filter((each) => contains([word], each.id, each.title))));
  const ofResource = words.map(
    (word) => new Set(model.resources.filter((each) => contains([word], each.name, each.type, each.region, each.source))),
  );
  return model.verdicts.filter(
    (each) =>
      (!region || (region === NO_REGION ? "" : region) === each.resource.region) &&
      allowed.has(each.control) &&
      words.every(
        (word, index) =>
          ofControl[index].has(each.control) || ofResource[index].has(each.resource) || each.message.toLowerCase().includes(word),
      ),
  );
}

function chosenStates(query) {
  return new Set((query.get("state") ?? "").split(",").filter(Boolean));
}

/** Controls for which the filters about controls hold: pack, severity, enforcement, framework and requirement. */
function selectedControls(model, query) {
  const framework = query.get("framework");
  const requirement = query.get("requirement");
  return model.controls.filter(
    (each) =>
      ["pack", "severity", "enforcement"].every((key) => !query.get(key) || query.get(key) === each[key]) &&
      (!framework ||
        each.requirements.some((served) => served.framework.id === framework && (!requirement || served.requirement.id === requirement))),
  );
}
