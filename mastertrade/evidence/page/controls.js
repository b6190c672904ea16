// The views of controls, and of one.

function controlsView({ model, query, go }) {
  const states = [...STATES, "nothing to judge"];
  const statesOf = (control) =>
    control.verdicts.length ? new Set(control.verdicts.map((each) => each.state)) : new Set(["nothing to judge"]);
  const filters = filterForm({
    states,
    legend: "Has verdicts that are",
    text: "Text",
    fields: [
      { key: "pack", label: "Pack", options: namesOf(model.packs.map((each) => each.name)) },
      { key: "framework", label: "Framework", options: model.frameworks.map((each) => [each.id, each.title]) },
      { key: "severity", label: "Severity", options: namesOf(SEVERITIES) },
      { key: "enforcement", label: "Enforcement", options: namesOf(["mandatory", "advisory", "disabled"]) },
    ],
    onChange: (next, typing) => go(address(["controls"], next), typing),
    clear: address(["controls"]),
  });
  const status = element("p", { role: "status", class: "status" });
  const results = element("div");

  function update(asked) {
    const chosen = chosenStates(asked);
    const words = wordsOf(asked);
    const alike = selectedControls(model, asked).filter((each) => contains(words, each.id, each.title, ...each.types));
    const found = alike.filter((each) => !chosen.size || !chosen.isDisjointFrom(statesOf(each)));
    filters.show(asked, new Map(states.map((state) => [state, alike.filter((each) => statesOf(each).has(state)).length])));
    status.textContent = `${number(found.length)} of ${several(model.controls.length, "control")}`;
    results.replaceChildren(controlsTable(found));
  }
  update(query);
  return { title: "Controls", parts: [filters.form, status, results], update };
}

function controlView({ model, history, path }) {
  const control = model.controlById.get(path[1]);
  if (!control) return missing("control", path[1]);
  return {
    title: control.title,
    crumbs: [[address(["controls"], { pack: control.pack }), `Controls of ${control.pack}`]],
    parts: [
      facts(
        ["Control", code(control.id)],
        ["Strictness", strictness(control)],
        control.rationale && ["Why", told(control.rationale, 2000)],
        control.remediation && ["How to mend it", told(control.remediation, 2000)],
        control.types.length && ["Judges", list(control.types.map((each) => code(each)))],
        control.requirements.length && ["Serves", servedList(control)],
        control.references.length && ["Read", list(control.references.map(outward))],
      ),
      control.verdicts.length
        ? element("div", { class: "answer" }, tally(counted(control.verdicts)), ...answerOf(control.verdicts, model, history))
        : element(
            "p",
            {},
            mark("nothing to judge"),
            control.enforcement === "disabled" ? ": it is disabled." : ": no resource of this stack is of a kind that it judges.",
          ),
      control.verdicts.length
        ? section("Resources", verdictTable(control.verdicts, { caption: "Resources that it judges", history, grouped: false }))
        : null,
    ],
  };
}

/** Controls that judged something; the others are folded away. */
function judgingFirst(controls) {
  const [judging, idle] = [controls.filter((each) => each.verdicts.length), controls.filter((each) => !each.verdicts.length)];
  return [
    judging.length ? controlsTable(judging) : null,
    idle.length
      ? element("details", {}, element("summary", {}, `${several(idle.length, "control")} with nothing to judge here`), controlsTable(idle))
      : null,
  ];
}

function controlsTable(controls) {
  return element(
    "div",
    { class: "wide" },
    table(
      "Controls",
      [{ text: "Control", class: "subject" }, { text: "Strictness", class: "short" }, ...FIGURE_COLUMNS],
      controls.map((each) => [
        [controlLink(each), " ", told(each.title)],
        strictness(each),
        ...(each.verdicts.length ? figures(counted(each.verdicts), null) : [insteadOfFigures(mark("nothing to judge"))]),
      ]),
      { hideCaption: true, name: "counts controls" },
    ),
  );
}

const list = (items) =>
  element(
    "ul",
    { class: "inline" },
    items.map((each) => element("li", {}, each)),
  );

function servedList(control) {
  const byFramework = Map.groupBy(control.requirements, (each) => each.framework);
  return element(
    "ul",
    {},
    [...byFramework].map(([framework, served]) =>
      element(
        "li",
        {},
        told(framework.title),
        ": ",
        served.flatMap(({ requirement }, index) => [
          index ? ", " : "",
          link(address(["framework", framework.id, requirement.id]), told(requirement.id)),
        ]),
      ),
    ),
  );
}
