// The views of frameworks, of one, and of one of its requirements.

function frameworksView({ model }) {
  if (!model.frameworks.length)
    return {
      title: "Frameworks",
      parts: [element("p", {}, "Frameworks are known of the project's own packs only; others were asked here.")],
    };
  return {
    title: "Frameworks",
    parts: [
      table(
        "Frameworks and the states of their requirements",
        ["Framework", { text: "Requirements", class: "drawn" }, ...STATUSES.map((text) => ({ text, class: "figure" }))],
        model.frameworks.map((framework) => {
          const counts = statusCounts(framework);
          return [
            [
              link(address(["framework", framework.id]), told(framework.title)),
              " ",
              element("span", { class: "quiet" }, told(framework.version)),
            ],
            picture(counts),
            ...STATUSES.map((status) =>
              counts.get(status)
                ? link(address(["framework", framework.id], { state: status }), number(counts.get(status)))
                : element("span", { class: "quiet" }, "0"),
            ),
          ];
        }),
        { name: "counts" },
      ),
      element(
        "p",
        { class: "quiet" },
        "A requirement is as good as the worst verdict of the controls that serve it. Nothing to judge: no resource here is of a kind that they judge.",
      ),
    ],
  };
}

function statusCounts(framework) {
  const counts = new Map(STATUSES.map((status) => [status, 0]));
  for (const each of framework.requirements) counts.set(statusOf(each), counts.get(statusOf(each)) + 1);
  return counts;
}

function frameworkView(context) {
  const { model, path, query, go } = context;
  const framework = model.frameworks.find((each) => each.id === path[1]);
  if (!framework) return missing("framework", path[1]);
  if (path.length > 2) return requirementView(context, framework);
  const filters = filterForm({
    states: STATUSES,
    text: "Text",
    onChange: (next, typing) => go(address(["framework", framework.id], next), typing),
    clear: address(["framework", framework.id]),
  });
  const status = element("p", { role: "status", class: "status" });
  const results = element("div", { class: "wide" });

  function update(asked) {
    const statuses = chosenStates(asked);
    const words = wordsOf(asked);
    const found = framework.requirements.filter(
      (each) =>
        (!statuses.size || statuses.has(statusOf(each))) &&
        words.every((word) => contains([word], each.id, each.name, each.not_covered, ...each.controls.map((control) => control.id))),
    );
    filters.show(asked, statusCounts(framework));
    status.textContent = `${number(found.length)} of ${several(framework.requirements.length, "requirement")}`;
    results.replaceChildren(
      table(
        "Requirements",
        [
          { text: "Requirement", class: "subject" },
          { text: "State", class: "state" },
          { text: "Controls", class: "figure" },
          ...FIGURE_COLUMNS,
        ],
        found.map((each) => [
          [link(address(["framework", framework.id, each.id]), told(each.id)), " ", told(each.name, 300)],
          mark(statusOf(each)),
          each.controls.length ? number(each.controls.length) : "",
          ...(each.controls.some((control) => control.verdicts.length)
            ? figures(counted(verdictsServing([each])), { framework: framework.id, requirement: each.id })
            : [insteadOfFigures(told(each.not_covered, 1000))]),
        ]),
        { hideCaption: true, name: "counts requirements" },
      ),
    );
  }
  update(query);
  return {
    title: framework.title,
    crumbs: [[address(["frameworks"]), "Frameworks"]],
    parts: [facts(["Version", told(framework.version)], ["Published at", outward(framework.source)]), filters.form, status, results],
    update,
  };
}

function requirementView({ model, history, path }, framework) {
  const requirement = framework.requirements.find((each) => each.id === path[2]);
  if (!requirement) return missing(`requirement of ${framework.title}`, path[2]);
  const verdicts = verdictsServing([requirement]);
  const query = { framework: framework.id, requirement: requirement.id };
  return {
    title: `${requirement.id} ${requirement.name}`,
    crumbs: [
      [address(["frameworks"]), "Frameworks"],
      [address(["framework", framework.id]), framework.title],
    ],
    parts: [
      facts(
        ["State", mark(statusOf(requirement))],
        requirement.not_covered && ["Why no control serves it", told(requirement.not_covered, 2000)],
      ),
      verdicts.length
        ? element(
            "div",
            { class: "answer" },
            tally(counted(verdicts), (state) => ({ ...query, state })),
            ...answerOf(verdicts, model, history),
          )
        : null,
      requirement.controls.length ? section("Controls", ...judgingFirst(requirement.controls)) : null,
      verdicts.length ? section("Resources", verdictTable(verdicts, { caption: "Verdicts by control", history })) : null,
    ],
  };
}
