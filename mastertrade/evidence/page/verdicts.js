// The views of verdicts and of one resource.

function verdictsView({ model, history, query, go }) {
  const filters = filterForm({
    states: STATES,
    fields: [
      { key: "pack", label: "Pack", options: namesOf(model.packs.map((each) => each.name)) },
      { key: "framework", label: "Framework", options: model.frameworks.map((each) => [each.id, each.title]) },
      { key: "region", label: "Region", options: model.regions.map((each) => [each || NO_REGION, each || "no region"]) },
      { key: "severity", label: "Severity", options: namesOf(SEVERITIES) },
    ],
    onChange: (next, typing) => go(address(["verdicts"], next), typing),
    clear: address(["verdicts"]),
  });
  const status = element("p", { role: "status", class: "status" });
  const answer = element("div", { class: "answer" });
  const results = element("div");

  function update(asked) {
    const states = chosenStates(asked);
    const alike = selected(model, asked);
    const found = states.size ? alike.filter((each) => states.has(each.state)) : alike;
    filters.show(asked, counted(alike));
    const words = asked.get("q") ? ` for “${visible(asked.get("q"), 80)}”` : "";
    const requirement = asked.get("requirement") ? ` under ${visible(asked.get("requirement"), 80)}` : "";
    status.textContent = `${number(found.length)} of ${several(model.verdicts.length, "verdict")}${words}${requirement}`;
    answer.replaceChildren(...(found.length ? [tally(counted(found)), ...answerOf(found, model, history)] : []));
    results.replaceChildren(
      found.length
        ? verdictTable(found, { caption: "Verdicts by control", history })
        : element("p", {}, "No verdict is like that. ", link(address(["verdicts"]), "Clear filters"), " shows all."),
    );
  }
  update(query);
  return { title: "Verdicts", parts: [filters.form, status, answer, results], update };
}

function resourceView({ model, history, path }) {
  const resource = model.resourceByUrn.get(path[1] ?? "");
  if (!resource) return missing("judged resource", path[1] ?? "");
  return {
    title: resource.urn ? resource.name : "The stack as a whole",
    crumbs: [[address(["verdicts"], { q: resource.type }), resource.type]].filter(([, type]) => type),
    parts: [
      facts(
        resource.type && ["Type", code(resource.type)],
        ["Region", regionName(resource.region)],
        resource.source && ["Declared at", code(resource.source)],
        resource.urn && [
          "URN",
          element("div", { class: "whole", tabindex: "0", role: "group", "aria-label": "URN" }, code(resource.urn, Infinity)),
        ],
      ),
      element("div", { class: "answer" }, tally(counted(resource.verdicts)), ...answerOf(resource.verdicts, model, history)),
      section(
        "Controls",
        verdictTable(resource.verdicts, { caption: "What controls say of it", history, subject: "control", grouped: false }),
      ),
    ],
  };
}
